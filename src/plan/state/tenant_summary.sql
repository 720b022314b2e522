-- $1 schema, $2 table of the summary
SELECT pg_catalog.format('%s of %s by %s (%s)', s.query, s.table_owner, s.tenant_column, s.key)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN tenant_guard.tenant_summary s
  ON CASE WHEN s.origin = tenant_guard.origin() THEN s.table_oid = c.oid ELSE s.table_schema = n.nspname AND s.table_name = c.relname END
WHERE n.nspname = $1 AND c.relname = $2 AND $3 IS NOT NULL
ORDER BY s.origin = tenant_guard.origin() DESC LIMIT 1
