-- $1 the table, as a security event names it.
SELECT s.db_role, s.occurred_at FROM tenant_guard.security_event s
WHERE s.source = 'tenant_guard' AND s.kind IN ('trigger_disabled', 'trigger_dropped') AND s.subject = $1
ORDER BY s.id DESC LIMIT 1
