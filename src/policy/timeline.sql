-- Of what the command that is ending altered, the relations that are protected, audited or the extension's own,
-- with partitions and what inherits. Of GRANT, which tells of no object: $1 tables, and all of the schemas $2.
-- Read as the extension's owner.
WITH RECURSIVE touched(identity, oid) AS (
  SELECT d.object_identity, CASE WHEN d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
                                 THEN (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = d.objid)
                                 ELSE d.objid END
  FROM pg_catalog.pg_event_trigger_ddl_commands() d
  WHERE NOT $3 AND NOT d.in_extension
    AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass)
  UNION
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE $3 AND c.oid = ANY ($1) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  UNION
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  WHERE $3 AND n.nspname = ANY ($2) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
),
above(start, oid) AS (
  SELECT t.oid, t.oid FROM touched t
  UNION
  SELECT a.start, i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('identity', t.identity) ORDER BY t.identity)::pg_catalog.text
FROM touched t
JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relpersistence <> 't'
WHERE c.relnamespace = 'tenant_guard'::pg_catalog.regnamespace
   OR EXISTS (SELECT FROM above a WHERE a.start = c.oid AND EXISTS (SELECT FROM tenant_guard.protection_of(a.oid)))
   OR EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid
              WHERE g.tgrelid = c.oid AND f.pronamespace = 'tenant_guard'::pg_catalog.regnamespace AND f.proname LIKE 'audit%')
