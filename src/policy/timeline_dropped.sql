-- Of what was dropped: tables that had a policy or a trigger of ours, which went with them; else policies of
-- tables that are protected or audited, and our triggers. Read as the extension's owner.
WITH RECURSIVE gone AS (
  SELECT d.object_type AS object, d.object_identity AS identity, d.address_names AS names
  FROM pg_catalog.pg_event_trigger_dropped_objects() d
  WHERE d.object_type IN ('table', 'policy', 'trigger') AND NOT d.is_temporary
),
below AS (
  SELECT g.*, EXISTS (SELECT FROM gone t WHERE t.object = 'table' AND t.names = g.names[1:2]) AS with_table
  FROM gone g
),
-- Tables that stay, and what they hang under.
above(start, oid) AS (
  SELECT c.oid, c.oid
  FROM below b
  JOIN pg_catalog.pg_namespace n ON n.nspname = b.names[1]
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = b.names[2]
  WHERE b.object = 'policy' AND NOT b.with_table
  UNION
  SELECT a.start, i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('object', b.object, 'identity', b.identity) ORDER BY b.identity)::pg_catalog.text
FROM below b
WHERE CASE b.object
  WHEN 'table' THEN
    EXISTS (SELECT FROM gone g WHERE g.object <> 'table' AND g.names[1:2] = b.names AND g.names[3] LIKE 'tenant\_guard\_%')
  WHEN 'trigger' THEN NOT b.with_table AND b.names[3] LIKE 'tenant\_guard\_%'
  ELSE NOT b.with_table AND (
    b.names[3] LIKE 'tenant\_guard\_%'
    OR EXISTS (
      SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = b.names[1] AND c.relname = b.names[2]
        AND (EXISTS (SELECT FROM above a WHERE a.start = c.oid AND EXISTS (SELECT FROM tenant_guard.protection_of(a.oid)))
             OR EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid
                        WHERE g.tgrelid = c.oid AND f.pronamespace = 'tenant_guard'::pg_catalog.regnamespace AND f.proname LIKE 'audit%'))))
END
