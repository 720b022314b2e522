-- Removes what is registered for the table $3, and what a restored copy has under its name ($1, $2) for a
-- table that is gone.
DELETE FROM tenant_guard.protection p
WHERE tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner) = $3
   OR (p.table_schema = $1 AND p.table_name = $2
       AND tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner) IS NULL)
