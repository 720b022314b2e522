-- $1 schema, $2 table, $3 column
SELECT max(h.class)
FROM pg_catalog.pg_class c
JOIN tenant_guard.column_class_here h ON h.relation = c.oid
WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND c.relname = $2 AND h.column_name = $3
