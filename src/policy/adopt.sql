-- What a restored copy has registered goes by OID from now on, before the command takes the name away.
UPDATE tenant_guard.protection p
SET origin = tenant_guard.origin(), table_oid = c.oid
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.origin <> tenant_guard.origin()
  AND n.nspname = p.table_schema AND c.relname = p.table_name AND pg_catalog.pg_get_userbyid(c.relowner) = p.table_owner
  AND NOT EXISTS (SELECT FROM tenant_guard.protection o WHERE o.origin = tenant_guard.origin() AND o.table_oid = c.oid)
