-- The events under a row's number before one of them, the latest first; of tables that the layout is of.
SELECT e.id, e.transaction_id, e.layout, e.operation, e.organization, e.image
FROM tenant_guard.audit_event e
JOIN tenant_guard.audit_layout l ON l.id = e.layout
WHERE e.row_key = $1 AND e.id < $2 AND e.operation IN ('I', 'U', 'D', 't', 'K')
  AND l.table_key = (SELECT o.table_key FROM tenant_guard.audit_layout o WHERE o.id = $3)
ORDER BY e.id DESC LIMIT 100
