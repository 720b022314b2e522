-- Removes what is registered for column number $4 of table $3, and what goes by its name ($1, $2, $5) for lack of a
-- table of that OID.
DELETE FROM tenant_guard.column_class k
WHERE (k.origin = tenant_guard.origin() AND k.table_oid = $3 AND k.attribute = $4)
   OR (k.table_schema = $1 AND k.table_name = $2 AND k.column_name = $5
       AND (k.origin <> tenant_guard.origin() OR NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = k.table_oid)))
