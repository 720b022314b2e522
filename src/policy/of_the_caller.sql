-- What is registered of the caller's tables: row-level security shows each role its own.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('table', t.oid::pg_catalog.int8, 'options', p.options))::pg_catalog.text
FROM tenant_guard.protection p
CROSS JOIN LATERAL (SELECT tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner)) t(oid)
JOIN pg_catalog.pg_class c ON c.oid = t.oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
