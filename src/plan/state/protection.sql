-- $1 schema, $2 table
SELECT p.options::pg_catalog.text
FROM tenant_guard.protection p
WHERE tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner) = (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2)
  AND $3 IS NOT NULL
