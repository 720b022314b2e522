-- Runs over many tenants: what is run, and what became of each tenant. The record of a tenant is written in the
-- transaction of its work, so that neither is ever there without the other.
CREATE TABLE tenant_guard.tenant_run (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sql text NOT NULL,
  -- Only this role goes on with it: the statements were chosen by it, and run with the caller's rights.
  run_as text NOT NULL,
  tenants int NOT NULL,
  on_error text NOT NULL,
  canary int NOT NULL,
  lock_timeout text,
  retries int NOT NULL,
  shared text[] NOT NULL,
  trust_owners boolean NOT NULL,
  -- open, stopped (a tenant failed, the rest is waiting), finished, cancelled
  state text NOT NULL DEFAULT 'open',
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz
);
COMMENT ON TABLE tenant_guard.tenant_run IS
  'Runs of run_for_tenants. Read it through tenant_guard.tenant_runs.';

CREATE TABLE tenant_guard.tenant_run_result (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id bigint NOT NULL REFERENCES tenant_guard.tenant_run (id) ON DELETE CASCADE,
  position int NOT NULL,
  slug text NOT NULL,
  -- waiting, done, failed
  state text NOT NULL DEFAULT 'waiting',
  attempts int NOT NULL DEFAULT 0,
  -- Another attempt is made then, and not before.
  not_before timestamptz,
  finished_at timestamptz,
  duration interval,
  sqlstate text,
  error text,
  detail text,
  hint text,
  UNIQUE (run_id, position),
  UNIQUE (run_id, slug)
);
COMMENT ON TABLE tenant_guard.tenant_run_result IS
  'What became of each tenant of a run. Read it through tenant_guard.tenant_run_results.';
-- The next tenant is found among those that are left, however many are done.
CREATE INDEX idx_tenant_run_result_waiting ON tenant_guard.tenant_run_result (run_id, position) WHERE state = 'waiting';

ALTER TABLE tenant_guard.tenant_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY runners_read ON tenant_guard.tenant_run FOR SELECT USING (
  EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = run_as AND pg_catalog.pg_has_role(r.oid, 'USAGE')));
ALTER TABLE tenant_guard.tenant_run_result ENABLE ROW LEVEL SECURITY;
CREATE POLICY runners_read ON tenant_guard.tenant_run_result FOR SELECT USING (
  run_id IN (SELECT r.id FROM tenant_guard.tenant_run r));

-- Whoever works on a tenant holds a lock on the number of its record, which is how others see it before the
-- transaction is over.
CREATE VIEW tenant_guard.tenant_run_results WITH (security_invoker = true) AS
SELECT t.run_id, t.position, t.slug,
       CASE WHEN t.state = 'waiting' AND l.pid IS NOT NULL THEN 'running' ELSE t.state END AS state,
       t.attempts, t.duration, t.finished_at, t.sqlstate, t.error, t.detail, t.hint,
       CASE WHEN t.state = 'waiting' THEN l.pid END AS pid
FROM tenant_guard.tenant_run_result t
LEFT JOIN (SELECT k.objid, min(k.pid) AS pid
           FROM pg_catalog.pg_locks k
           WHERE k.locktype = 'object' AND k.granted AND k.objsubid = 1
             AND k.classid = 'tenant_guard.tenant_run_result'::pg_catalog.regclass
             AND k.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
           GROUP BY k.objid) l ON l.objid = (t.id & 4294967295)::pg_catalog.oid;
COMMENT ON VIEW tenant_guard.tenant_run_results IS
  'Each tenant of the runs of your roles: waiting, running (and by which process), done or failed; attempts, duration of the last, and what the last error said.
Example: SELECT slug, sqlstate, error FROM tenant_guard.tenant_run_results WHERE run_id = 1 AND state = ''failed'' ORDER BY position;';

CREATE VIEW tenant_guard.tenant_runs WITH (security_invoker = true) AS
SELECT r.id AS run_id, r.state, r.tenants,
       (SELECT count(*) FROM tenant_guard.tenant_run_result t WHERE t.run_id = r.id AND t.state = 'done') AS done,
       (SELECT count(*) FROM tenant_guard.tenant_run_result t WHERE t.run_id = r.id AND t.state = 'failed') AS failed,
       (SELECT count(*) FROM tenant_guard.tenant_run_results t WHERE t.run_id = r.id AND t.state = 'waiting') AS waiting,
       (SELECT count(*) FROM tenant_guard.tenant_run_results t WHERE t.run_id = r.id AND t.state = 'running') AS running,
       r.run_as, r.on_error, r.canary, r.retries, r.lock_timeout, r.started_at, r.finished_at, r.sql
FROM tenant_guard.tenant_run r;
COMMENT ON VIEW tenant_guard.tenant_runs IS
  'The runs of your roles over tenants, and how far they are, also while they go on: state is open, stopped (a tenant failed; the rest waits to be resumed), finished or cancelled.
Example: SELECT run_id, state, done, failed, waiting, running FROM tenant_guard.tenant_runs ORDER BY run_id DESC LIMIT 1;';

-- Each tenant in a transaction of its own, which only a procedure without settings of its own can do. So whatever is
-- named here is named with its schema, and there are no operators.
CREATE PROCEDURE tenant_guard.resume_tenant_run(run_id bigint, retry_failed boolean DEFAULT false, parallel integer DEFAULT 1)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  pause pg_catalog.float8;
BEGIN
  PERFORM tenant_guard.reopen_tenant_run(run_id, retry_failed, parallel);
  COMMIT;
  PERFORM tenant_guard.start_run_helpers(run_id, parallel);
  LOOP
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    pause := tenant_guard.run_next_tenant(run_id);
    COMMIT;
    EXIT WHEN pause IS NULL;
    PERFORM pg_catalog.pg_sleep(pause);
  END LOOP;
  PERFORM tenant_guard.report_tenant_run(run_id);
END
$$;
COMMENT ON PROCEDURE tenant_guard.resume_tenant_run(bigint, boolean, integer) IS
  'Goes on with a run exactly where it stopped: tenants that are done stay done, those that failed are run again only with retry_failed. Several sessions may call it for one run; they share the tenants. Only the role that started it may. Not inside a transaction block. Raises 22004, 22023, 25001, 42501, 42704, 55000, and as run_for_tenants does.
Example: CALL tenant_guard.resume_tenant_run(1, retry_failed => true);';

CREATE PROCEDURE tenant_guard.run_for_tenants(
  sql text, filter text DEFAULT NULL, parallel integer DEFAULT 1, on_error text DEFAULT 'stop', canary integer DEFAULT 0,
  lock_timeout text DEFAULT NULL, retries integer DEFAULT 3, slugs text[] DEFAULT NULL, template name DEFAULT NULL,
  shared name[] DEFAULT '{}', trust_owners boolean DEFAULT false, INOUT run_id bigint DEFAULT NULL)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN
  run_id := tenant_guard.begin_tenant_run(sql, filter, parallel, on_error, canary, lock_timeout, retries, slugs, template,
    shared, trust_owners);
  COMMIT;
  CALL tenant_guard.resume_tenant_run(run_id, false, parallel);
END
$$;
COMMENT ON PROCEDURE tenant_guard.run_for_tenants(text, text, integer, text, integer, text, integer, text[], name, name[], boolean, bigint) IS
  'Runs SQL once for each tenant schema that you own or work in, with your rights, each tenant in a transaction of its own and with the search_path set to its schema and the shared ones. Which: filter, a LIKE pattern or, after a ~, a regular expression; slugs; template; all of them where none is given, by name. What became of each is recorded in its own transaction, so that resume_tenant_run goes on where a crash, an error or a cancel stopped it. on_error: stop, or continue with the rest. canary: so many tenants first; one of them failing stops the run. parallel: so many at a time, by background workers. retries: further attempts after a deadlock, a serialization failure or a lock that was not to be had. Gives the run''s number back. Not inside a transaction block. Raises 22004, 22023, 25001, 2D000, 42501, 42601, 3F000, 55000, and with on_error => ''stop'' the first tenant''s error.
Example: CALL tenant_guard.run_for_tenants(''ALTER TABLE tickets ADD COLUMN priority int'', filter => ''eu%'', canary => 3, lock_timeout => ''2s'');';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_run', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_run_result', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_run_result_id_seq', '');
