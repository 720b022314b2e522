-- Removes what is registered for the table $3, and what a restored copy has under its name ($1, $2) for a
-- table that is gone.
DELETE FROM tenant_guard.protection p
WHERE (p.origin = tenant_guard.origin() AND p.table_oid = $3)
   OR (p.origin <> tenant_guard.origin() AND p.table_schema = $1 AND p.table_name = $2)
