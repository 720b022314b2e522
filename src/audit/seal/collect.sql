-- The events of a block to be. The columns that the index of page ranges knows come first.
SELECT e.organization, e.id, e.hash, e.transaction_id, e.occurred_at, e.month - date '2000-01-01'
FROM tenant_guard.audit_event e
WHERE e.transaction_id >= $1 AND e.transaction_id < $2 AND e.id >= $3 AND e.layout = ANY ($4)
  AND (e.transaction_id > $1 OR e.id >= $5)
