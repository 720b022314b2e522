-- Everything that is registered, by table.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('table', t.oid::pg_catalog.int8, 'options', p.options))::pg_catalog.text
FROM tenant_guard.protection p
CROSS JOIN LATERAL (SELECT tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner)) t(oid)
WHERE t.oid IS NOT NULL
