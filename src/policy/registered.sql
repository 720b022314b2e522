-- Everything that is registered for the tables of the schema $1, by table.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('table', c.oid::pg_catalog.int8, 'options', p.options))::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL tenant_guard.protection_of(c.oid) p
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
