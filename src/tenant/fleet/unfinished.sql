-- A run of the same statements ($1) by the same role ($2) that is not over and has one of these tenants ($3).
SELECT max(r.id)
FROM tenant_guard.tenant_run r
WHERE r.sql = $1 AND r.run_as = $2 AND r.state IN ('open', 'stopped')
  AND EXISTS (SELECT FROM tenant_guard.tenant_run_result t WHERE t.run_id = r.id AND t.slug = ANY ($3))
