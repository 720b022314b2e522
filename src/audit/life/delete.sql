-- Deletes the events of a tree, and counts them.
WITH gone AS (
  DELETE FROM tenant_guard.audit_event e
  WHERE e.id BETWEEN $1 AND $2 AND e.organization IS NOT DISTINCT FROM $3
    AND e.transaction_id >= $4 AND (e.transaction_id, e.id) >= ($4, $5)
    AND e.transaction_id <= $6 AND (e.transaction_id, e.id) < ($6, $7)
    AND e.layout IN (SELECT l.id FROM tenant_guard.audit_layout l WHERE l.origin = $8)
  RETURNING 1
)
SELECT pg_catalog.count(*) FROM gone
