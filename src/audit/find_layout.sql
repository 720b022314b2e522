SELECT l.id FROM tenant_guard.audit_layout l
WHERE l.origin = $1 AND l.table_oid = $2 AND l.hash = $3
ORDER BY l.id DESC LIMIT 1
