-- $1 schema, $2 table
SELECT p.options::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL tenant_guard.protection_of(c.oid) p
WHERE n.nspname = $1 AND c.relname = $2 AND $3 IS NOT NULL
