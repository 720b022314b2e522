-- The hashes of a part of an organization's tree in a block.
SELECT e.hash
FROM tenant_guard.audit_event e
JOIN tenant_guard.audit_layout l ON l.id = e.layout
WHERE e.id BETWEEN $1 AND $2 AND e.organization IS NOT DISTINCT FROM $3
  AND e.transaction_id >= $4 AND (e.transaction_id, e.id) >= ($4, $5)
  AND e.transaction_id <= $6 AND (e.transaction_id, e.id) < ($6, $7)
  AND l.origin = $8
ORDER BY e.id
