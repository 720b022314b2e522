-- $1 schema, $2 table
SELECT p.options::pg_catalog.text
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL tenant_guard.protection_of(c.oid) p
WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND c.relname = $2 AND $3 IS NOT NULL
