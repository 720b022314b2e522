-- As collect.sql, of all that is not sealed yet.
SELECT e.layout, min(e.occurred_at)
FROM tenant_guard.audit_event e
WHERE e.transaction_id >= $1 AND (e.transaction_id > $1 OR e.id >= $2) AND e.id >= $3 AND e.layout = ANY ($4)
GROUP BY e.layout
