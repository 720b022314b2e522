-- How far a run ($1) with so many canaries ($2) is: its counts; how many of the waiting somebody works on; the seconds
-- until the first attempt that is put off; and the last tenant that failed.
SELECT pg_catalog.json_build_object(
  'done', count(*) FILTER (WHERE t.state = 'done'),
  'failed', count(*) FILTER (WHERE t.state = 'failed'),
  'waiting', count(*) FILTER (WHERE t.state = 'waiting'),
  'running', count(l.objid) FILTER (WHERE t.state = 'waiting'),
  'canary_failed', coalesce(bool_or(t.state = 'failed' AND t.position <= $2), false),
  'due', extract(epoch FROM min(t.not_before) FILTER (WHERE t.state = 'waiting') - pg_catalog.clock_timestamp()),
  'failure', (SELECT pg_catalog.json_build_object('slug', f.slug, 'sqlstate', f.sqlstate, 'error', f.error, 'detail', f.detail)
              FROM tenant_guard.tenant_run_result f WHERE f.run_id = $1 AND f.state = 'failed'
              ORDER BY f.finished_at DESC, f.position LIMIT 1))::pg_catalog.text
FROM tenant_guard.tenant_run_result t
LEFT JOIN (SELECT DISTINCT k.objid
           FROM pg_catalog.pg_locks k
           WHERE k.locktype = 'object' AND k.granted AND k.objsubid = 1
             AND k.classid = 'tenant_guard.tenant_run_result'::pg_catalog.regclass
             AND k.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) l
  ON l.objid = (t.id & 4294967295)::pg_catalog.oid
WHERE t.run_id = $1
