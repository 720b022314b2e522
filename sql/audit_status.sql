-- What the triggers of each table are, and whether they log all that happens to it.
CREATE FUNCTION tenant_guard.audit_status(
  OUT table_schema text, OUT table_name text, OUT covered boolean, OUT problems text[], OUT tenant_column text, OUT options jsonb,
  OUT triggers jsonb, OUT changed_by text, OUT changed_at timestamptz,
  OUT audited_since timestamptz, OUT sealing_lag interval, OUT events_estimated bigint, OUT size_estimated bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH RECURSIVE up(start, oid) AS (
    SELECT c.oid, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> ALL ('{pg_catalog,information_schema,tenant_guard}')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND pg_has_role(c.relowner, 'USAGE')
    UNION
    SELECT u.start, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
  ),
  families AS (
    SELECT c.oid, EXISTS (SELECT FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid WHERE i.inhparent = c.oid AND NOT k.relispartition)
                  OR (NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
                  OR EXISTS (SELECT FROM pg_partition_tree(pg_partition_root(c.oid)) p JOIN pg_attribute g ON g.attrelid = p.relid AND g.attgenerated = 's') AS row_by_row
    FROM pg_class c WHERE c.oid IN (SELECT u.start FROM up u)
  ),
  there AS (
    SELECT t.tgrelid, t.tgname, t.tgenabled, convert_from(substr(t.tgargs, 1, greatest(length(t.tgargs) - 1, 0)), 'UTF8') AS argument
    -- As enable_audit makes them: one of that name that does something else, or only sometimes, is none.
    FROM pg_trigger t
    JOIN (VALUES ('row', 'audit_row', 29), ('insert', 'audit_statement', 4), ('update', 'audit_statement', 16),
                 ('delete', 'audit_statement', 8), ('truncate', 'audit_truncate', 34)) w(name, function, type)
      ON t.tgname = 'tenant_guard_audit_' || w.name AND t.tgtype = w.type
    JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = 'tenant_guard'::regnamespace AND p.proname = w.function
    WHERE t.tgqual IS NULL AND t.tgattr = ''
  ),
  wanted AS (
    SELECT f.oid, 'tenant_guard_audit_' || w.name AS name, w.state
    FROM families f CROSS JOIN LATERAL (
      SELECT x.name, x.state FROM (VALUES ('row', 'A'), ('truncate', 'A')) x(name, state) WHERE f.row_by_row
      UNION ALL
      SELECT x.name, x.state FROM (VALUES ('insert', 'O'), ('update', 'O'), ('delete', 'O'), ('row', 'R'), ('truncate', 'A')) x(name, state)
      WHERE NOT f.row_by_row) w
  ),
  judged AS (
    SELECT f.oid,
      EXISTS (SELECT FROM up u JOIN there t ON t.tgrelid = u.oid WHERE u.start = f.oid) AS meant,
      ARRAY(SELECT CASE WHEN t.tgname IS NULL THEN format('trigger %s is missing', w.name)
                        WHEN t.tgenabled = 'D' THEN format('trigger %s is disabled', w.name)
                        ELSE format('trigger %s fires only %s', w.name, CASE t.tgenabled WHEN 'R' THEN 'for replication' ELSE 'outside of replication' END) END
            FROM wanted w LEFT JOIN there t ON t.tgrelid = f.oid AND t.tgname = w.name
            WHERE w.oid = f.oid AND (t.tgname IS NULL OR (t.tgenabled::text <> w.state AND t.tgenabled <> 'A'))
            ORDER BY w.name) AS problems,
      (SELECT t.argument FROM there t WHERE t.tgrelid = f.oid AND t.argument <> '' LIMIT 1) AS argument,
      (SELECT jsonb_object_agg(t.tgname, CASE t.tgenabled WHEN 'A' THEN 'always' WHEN 'O' THEN 'enabled' WHEN 'R' THEN 'replica' ELSE 'disabled' END)
       FROM there t WHERE t.tgrelid = f.oid) AS triggers
    FROM families f
  )
  SELECT n.nspname::text, c.relname::text, j.meant AND j.problems = '{}',
         CASE WHEN j.meant THEN j.problems ELSE '{}' END,
         CASE WHEN j.argument LIKE '{%' THEN j.argument::jsonb ->> 'tenant' END,
         CASE WHEN j.argument LIKE '{%' THEN j.argument::jsonb - 'tenant' END,
         j.triggers, e.role, e.at,
         o.audited_since, CASE WHEN o.unsealed_since IS NOT NULL THEN greatest(clock_timestamp() - o.unsealed_since, '0') END, o.events_estimated, o.size_estimated
  FROM judged j
  JOIN pg_class c ON c.oid = j.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL tenant_guard.audit_changed_by(CASE WHEN j.meant AND j.problems <> '{}' THEN c.oid::regclass END) e ON true
  LEFT JOIN tenant_guard.audit_logged() o ON o."table" = c.oid
  ORDER BY 1, 2;
END;
COMMENT ON FUNCTION tenant_guard.audit_status() IS
  'Every table and partition that is the caller''s: whether all that happens to it is logged (covered), what is missing where it is audited (problems), the options and the triggers; who last disabled or dropped one; since when the log has events of it, how long the oldest that is not sealed has waited (sealing_lag, NULL where all are), and what the log holds of it, events and bytes, as the planner estimates them. A partition''s events are its table''s. What is not sealed yet is read for it. Returns a row for each; raises nothing.
Example: SELECT * FROM tenant_guard.audit_status() WHERE problems <> ''{}'';';
