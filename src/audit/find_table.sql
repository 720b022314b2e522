-- The table under its OID; else one of this name and owner that is no more, or was in another database.
SELECT l.table_key FROM tenant_guard.audit_layout l
WHERE (l.origin = $1 AND l.table_oid = $2)
   OR (l.table_schema = $3 AND l.table_name = $4 AND l.table_owner = $5
       AND (l.origin <> $1 OR NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.table_oid)))
ORDER BY (l.origin = $1 AND l.table_oid = $2) DESC, l.id DESC LIMIT 1
