-- The log's partitions with their first day, in days since 2000-01-01.
SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([0-9-]+)')::date - date '2000-01-01', c.oid
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'tenant_guard.audit_event'::regclass AND NOT i.inhdetachpending AND c.relpartbound IS NOT NULL
ORDER BY 1
