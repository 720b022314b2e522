-- How many events there are in each step of a range of transactions.
SELECT (e.transaction_id - $1) / $5, pg_catalog.count(*)
FROM tenant_guard.audit_event e
WHERE e.transaction_id >= $1 AND e.transaction_id < $2 AND e.id >= $3 AND e.layout = ANY ($4)
GROUP BY 1 ORDER BY 1
