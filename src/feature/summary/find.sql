-- The registered query of table $1, which is $2.$3 now: by the OID where it was registered in this
-- database, else, in a restored copy, by the name.
SELECT pg_catalog.json_build_object('owner', s.table_owner, 'query', s.query, 'tenant_column', s.tenant_column, 'key', s.key)::pg_catalog.text
FROM tenant_guard.tenant_summary s
WHERE CASE WHEN s.origin = tenant_guard.origin() THEN s.table_oid = $1 ELSE s.table_schema = $2 AND s.table_name = $3 END
ORDER BY s.origin = tenant_guard.origin() DESC
LIMIT 1
