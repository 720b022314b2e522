-- Audited tables at the top, under which the command that is ending has a table that lacks a trigger that it would
-- have if enable_audit were called now. Read as the extension's owner.
WITH RECURSIVE touched AS (
  SELECT DISTINCT d.objid AS oid
  FROM pg_catalog.pg_event_trigger_ddl_commands() d
  WHERE NOT d.in_extension AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
),
above(oid) AS (
  SELECT t.oid FROM touched t
  UNION
  SELECT i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid
),
audited AS (
  SELECT DISTINCT ON (t.tgrelid) t.tgrelid AS oid, pg_catalog.convert_from(pg_catalog.substr(t.tgargs, 1, pg_catalog.length(t.tgargs) - 1), 'UTF8') AS argument
  FROM above a JOIN pg_catalog.pg_trigger t ON t.tgrelid = a.oid
  WHERE t.tgname = 'tenant_guard_audit_row' AND NOT t.tgisinternal AND t.tgparentid = 0 AND pg_catalog.length(t.tgargs) > 0
    -- Whoever has a trigger of his own under that name is audited for it as little as he may attach ours.
    AND t.tgfoid = 'tenant_guard.audit_row()'::pg_catalog.regprocedure
),
-- A partition that was detached has the statement's triggers still, and lost its parent's row trigger. What hangs under
-- another, or has others that inherit from it, was none: it is only not given its row trigger yet, by a migration.
detached AS (
  SELECT t.tgrelid AS oid, pg_catalog.convert_from(pg_catalog.substr(t.tgargs, 1, pg_catalog.length(t.tgargs) - 1), 'UTF8') AS argument
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  WHERE EXISTS (SELECT FROM audited) AND t.tgname = 'tenant_guard_audit_truncate' AND NOT c.relispartition AND pg_catalog.length(t.tgargs) > 0
    AND t.tgfoid = 'tenant_guard.audit_truncate()'::pg_catalog.regprocedure
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger r WHERE r.tgrelid = t.tgrelid AND r.tgname = 'tenant_guard_audit_row')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid OR (i.inhparent = c.oid AND c.relkind = 'r'))
),
below(root, oid) AS (
  SELECT a.oid, a.oid FROM audited a
  UNION
  SELECT b.root, i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
),
families AS (
  SELECT b.root, pg_catalog.bool_or((NOT c.relispartition AND b.oid <> b.root)
                                    OR (r.relkind = 'p' AND EXISTS (SELECT FROM pg_catalog.pg_attribute g WHERE g.attrelid = c.oid AND g.attgenerated = 's'))) AS row_by_row
  FROM below b JOIN pg_catalog.pg_class r ON r.oid = b.root JOIN pg_catalog.pg_class c ON c.oid = b.oid GROUP BY b.root
),
lacking AS (
  SELECT DISTINCT b.root
  FROM below b JOIN families f ON f.root = b.root JOIN pg_catalog.pg_class c ON c.oid = b.oid AND c.relkind IN ('r', 'p')
  CROSS JOIN LATERAL pg_catalog.unnest(CASE WHEN f.row_by_row THEN ARRAY['row', 'truncate'] ELSE ARRAY['insert', 'update', 'delete', 'truncate'] END) wanted
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = b.oid AND t.tgname = 'tenant_guard_audit_' || wanted)
     OR (f.row_by_row AND EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = b.oid AND t.tgname = 'tenant_guard_audit_insert'))
  UNION
  SELECT d.oid FROM detached d
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'argument', a.argument))::pg_catalog.text
FROM lacking l
JOIN (SELECT * FROM audited UNION SELECT * FROM detached) a ON a.oid = l.root
JOIN pg_catalog.pg_class c ON c.oid = l.root
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
