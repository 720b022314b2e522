-- $1 schema, $2 table
SELECT pg_catalog.format('enabled %s forced %s', c.relrowsecurity, c.relforcerowsecurity)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND $3 IS NOT NULL
