-- Every registration that could be taken for one of table $1, which is $2.$3 now; and those of tables that
-- were dropped by hand, before another table gets the OID.
DELETE FROM tenant_guard.tenant_summary s
WHERE CASE WHEN s.origin = tenant_guard.origin()
           THEN s.table_oid = $1 OR NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = s.table_oid)
           ELSE s.table_schema = $2 AND s.table_name = $3 END
