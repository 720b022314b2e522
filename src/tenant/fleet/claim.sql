-- The next tenant of a run ($1) that nobody works on, in the run's order; behind the canaries ($2 of them) only once all
-- of those are done.
SELECT pg_catalog.json_build_object('id', t.id, 'position', t.position, 'slug', t.slug, 'attempts', t.attempts)::pg_catalog.text
FROM tenant_guard.tenant_run_result t
WHERE t.run_id = $1 AND t.state = 'waiting'
  AND (t.not_before IS NULL OR t.not_before <= pg_catalog.clock_timestamp())
  AND (t.position <= $2
       OR NOT EXISTS (SELECT FROM tenant_guard.tenant_run_result c
                      WHERE c.run_id = $1 AND c.position <= $2 AND c.state <> 'done'))
ORDER BY t.position
LIMIT 1
FOR UPDATE OF t SKIP LOCKED
