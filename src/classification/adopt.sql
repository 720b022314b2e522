-- What is registered by name goes by OID and number from now on, before the command takes the name away.
UPDATE tenant_guard.column_class k
SET origin = tenant_guard.origin(), table_oid = c.oid, attribute = a.attnum
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE (k.origin <> tenant_guard.origin() OR NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = k.table_oid))
  AND n.nspname = k.table_schema AND c.relname = k.table_name AND pg_catalog.pg_get_userbyid(c.relowner) = k.table_owner
  AND a.attname = k.column_name
  AND NOT EXISTS (SELECT FROM tenant_guard.column_class o
                  WHERE o.origin = tenant_guard.origin() AND o.table_oid = c.oid AND o.attribute = a.attnum)
