-- What the command that is ending made or altered, where that is somebody's business: relations in schemas
-- that enforce watches, and those above or under a protected table. Read as the extension's owner.
WITH RECURSIVE touched AS (
  SELECT max(d.command_tag) AS tag, CASE WHEN d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
                       THEN (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = d.objid)
                       WHEN d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                       THEN (SELECT w.ev_class FROM pg_catalog.pg_rewrite w WHERE w.oid = d.objid)
                       ELSE d.objid END AS oid
  FROM pg_catalog.pg_event_trigger_ddl_commands() d
  WHERE NOT d.in_extension AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
                                        'pg_catalog.pg_rewrite'::pg_catalog.regclass)
  GROUP BY 2
),
-- Tables under what was touched, itself included, and tables above it.
below(start, oid) AS (
  SELECT t.oid, t.oid FROM touched t
  UNION
  SELECT b.start, i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
),
above(start, oid) AS (
  SELECT t.oid, t.oid FROM touched t
  UNION
  SELECT a.start, i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid
),
registered AS (
  SELECT t.oid
  FROM (SELECT a.oid FROM above a UNION SELECT b.oid FROM below b) t
  WHERE EXISTS (SELECT FROM tenant_guard.protection_of(t.oid))
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'tag', t.tag,
  'mode', e.mode,
  'options', e.options,
  -- Relations without row-level security, or without its floor, that hang under a registered table.
  'open', CASE WHEN c.relkind IN ('r', 'p', 'f') AND EXISTS (SELECT FROM above a JOIN registered r ON r.oid = a.oid WHERE a.start = c.oid)
               THEN (SELECT pg_catalog.json_agg(bc.oid::pg_catalog.int8 ORDER BY bc.oid)
                     FROM below b JOIN pg_catalog.pg_class bc ON bc.oid = b.oid
                     WHERE b.start = c.oid AND bc.relkind IN ('r', 'p', 'f')
                       -- The table above decides: what is registered for one under it ends.
                       AND CASE WHEN bc.oid NOT IN (SELECT r.oid FROM registered r)
                                THEN NOT (bc.relrowsecurity AND bc.relforcerowsecurity
                                          AND EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = bc.oid AND p.polname = 'tenant_guard_tenant'))
                                ELSE bc.oid <> c.oid OR EXISTS (SELECT FROM above a JOIN registered r ON r.oid = a.oid WHERE a.start = c.oid AND a.oid <> c.oid)
                           END)
          END) ORDER BY c.oid)::pg_catalog.text
FROM touched t
JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN tenant_guard.enforcement e ON e.schema_name = n.nspname
WHERE n.nspname <> 'tenant_guard'
  AND (e.mode IS NOT NULL OR EXISTS (SELECT FROM above a JOIN registered r ON r.oid = a.oid WHERE a.start = c.oid))
