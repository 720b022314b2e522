-- Runs over tenants: which, in which order, under which settings; every wrong call.
CREATE SCHEMA fleet;
CREATE TABLE fleet.ledger (slug text, path text, who text);
CREATE ROLE fleet_worker;
CREATE SCHEMA fleet_template;
CREATE TABLE fleet_template.items (id int PRIMARY KEY, parent int REFERENCES fleet_template.items DEFERRABLE INITIALLY DEFERRED);
SELECT count(DISTINCT change_id) AS tenants FROM (VALUES ('zeta'), ('eu_one'), ('eu_two'), ('usa')) AS t (slug),
  LATERAL tenant_guard.create_tenant_schema(t.slug, 'fleet_template', tenant_role => 'fleet_worker');
CREATE VIEW fleet.last_run AS
SELECT r.slug, r.state, r.attempts, r.sqlstate, r.error FROM tenant_guard.tenant_run_results r
WHERE r.run_id = (SELECT max(run_id) FROM tenant_guard.tenant_runs) ORDER BY r.position;

-- In the order of slugs, each under its own path, and nothing that is SET stays.
CALL tenant_guard.run_for_tenants('INSERT INTO fleet.ledger VALUES (current_schema, current_setting(''search_path''), current_user);
  SET search_path = fleet; SET ROLE fleet_worker', template => 'fleet_template');
SELECT * FROM fleet.ledger;
SELECT current_user = session_user AS "the same role", current_setting('search_path') AS path;

-- Of them a pattern, an expression, a list; a shared schema behind the tenant's.
CALL tenant_guard.run_for_tenants('SELECT 1', filter => 'eu\_%');
SELECT slug, state FROM fleet.last_run;
CALL tenant_guard.run_for_tenants('SELECT 2', filter => '~^(eu|us)', template => 'fleet_template');
SELECT slug, state FROM fleet.last_run;
CALL tenant_guard.run_for_tenants('TRUNCATE ledger; INSERT INTO ledger VALUES (current_schema, current_setting(''search_path''))', slugs => '{usa,zeta}', shared => '{fleet}');
SELECT slug, path FROM fleet.ledger;

-- What is put off to the commit is the tenant's own failure, and takes what it did along.
CALL tenant_guard.run_for_tenants('INSERT INTO items VALUES (1, CASE WHEN current_schema = ''usa'' THEN 7 END)', on_error => 'continue', template => 'fleet_template');
SELECT * FROM fleet.last_run;
SELECT (SELECT count(*) FROM zeta.items) AS zeta, (SELECT count(*) FROM usa.items) AS usa;

-- A run that stopped is gone on with, with what failed or without; what is over is over.
INSERT INTO usa.items VALUES (2);
CALL tenant_guard.run_for_tenants('INSERT INTO items VALUES (2)', template => 'fleet_template');
SELECT slug, state, sqlstate FROM fleet.last_run;
SELECT max(run_id) AS run FROM tenant_guard.tenant_runs \gset
CALL tenant_guard.resume_tenant_run(:run);
SELECT slug, state, sqlstate FROM fleet.last_run;
DELETE FROM usa.items WHERE id = 2;
CALL tenant_guard.resume_tenant_run(:run, retry_failed => true);
SELECT slug, state, attempts FROM fleet.last_run;
CALL tenant_guard.resume_tenant_run(:run);
SELECT run_id = :run AS this, state, tenants, done, failed, waiting, running FROM tenant_guard.tenant_runs ORDER BY run_id DESC LIMIT 1;

-- A schema that somebody dropped by hand is a failure of that tenant.
SELECT tenant_guard.begin_tenant_run('SELECT 3', slugs => '{usa,zeta}') AS run \gset
DROP SCHEMA usa CASCADE;
CALL tenant_guard.resume_tenant_run(:run);
SELECT slug, state, sqlstate, error FROM fleet.last_run;
SELECT tenant_guard.cancel_tenant_run(:run);
CALL tenant_guard.resume_tenant_run(:run);

-- Wrong calls.
CALL tenant_guard.run_for_tenants(NULL);
CALL tenant_guard.run_for_tenants('');
CALL tenant_guard.run_for_tenants(' ; -- nothing');
CALL tenant_guard.run_for_tenants('SELEC 1');
CALL tenant_guard.run_for_tenants('SELECT 1; COMMIT');
CALL tenant_guard.run_for_tenants('SAVEPOINT a');
CALL tenant_guard.run_for_tenants('COPY items FROM STDIN');
CALL tenant_guard.run_for_tenants('SELECT 1', on_error => 'ignore');
CALL tenant_guard.run_for_tenants('SELECT 1', parallel => 0);
CALL tenant_guard.run_for_tenants('SELECT 1', parallel => 33);
CALL tenant_guard.run_for_tenants('SELECT 1', retries => -1);
CALL tenant_guard.run_for_tenants('SELECT 1', canary => -1);
CALL tenant_guard.run_for_tenants('SELECT 1', lock_timeout => 'soon');
CALL tenant_guard.run_for_tenants('SELECT 1', filter => 'nobody%');
CALL tenant_guard.run_for_tenants('SELECT 1', filter => '~(');
CALL tenant_guard.run_for_tenants('SELECT 1', slugs => '{zeta,nobody}');
CALL tenant_guard.run_for_tenants('SELECT 1', slugs => '{}');
CALL tenant_guard.run_for_tenants('SELECT 1', shared => '{nowhere}');
CALL tenant_guard.resume_tenant_run(NULL);
CALL tenant_guard.resume_tenant_run(-1);
BEGIN;
CALL tenant_guard.run_for_tenants('SELECT 1');
ROLLBACK;
CALL tenant_guard.run_for_tenants('DO ''BEGIN COMMIT; END''', slugs => '{zeta}');
CALL tenant_guard.run_for_tenants('SELECT tenant_guard.run_next_tenant(1)', slugs => '{zeta}');
CALL tenant_guard.run_for_tenants('CREATE INDEX CONCURRENTLY ON items (parent)', slugs => '{zeta}', on_error => 'continue');
SELECT slug, state, sqlstate FROM fleet.last_run;
CALL tenant_guard.run_for_tenants('DO ''BEGIN RAISE SQLSTATE ''''AB123'''' USING MESSAGE = ''''own''''; END''', slugs => '{zeta}');
SELECT slug, state, sqlstate, error FROM fleet.last_run;
SET ROLE nobody;
CALL tenant_guard.run_for_tenants('SELECT 1');
SELECT count(*) FROM tenant_guard.tenant_runs;
RESET ROLE;
SELECT count(*) > 0 AS dropped FROM tenant_guard.drop_tenant_schema('usa', 'usa');
-- Rows, schemas or databases: by what is needed, and what is measured.
SELECT strategy, verdict FROM tenant_guard.recommend_strategy(tenants => 5000, template => 'fleet_template');
SELECT strategy, verdict FROM tenant_guard.recommend_strategy(compliance => '{"customized": true, "own_backup": true}');
SELECT strategy, score, verdict, reasons FROM tenant_guard.recommend_strategy(tenants => 500000, template => 'fleet_template', compliance => '{"physical_isolation": true}') WHERE verdict = 'unsuited' ORDER BY strategy;
SELECT bool_and(cardinality(limits) > 0) AS "each has limits" FROM tenant_guard.recommend_strategy();
SELECT * FROM tenant_guard.recommend_strategy(tenants => 0);
SELECT * FROM tenant_guard.recommend_strategy(template => 'nowhere');
SELECT * FROM tenant_guard.recommend_strategy(compliance => '{"gdpr": true}');
SELECT * FROM tenant_guard.recommend_strategy(compliance => '[]');

SELECT count(DISTINCT change_id) AS dropped FROM (VALUES ('zeta'), ('eu_one'), ('eu_two')) AS t (slug),
  LATERAL tenant_guard.drop_tenant_schema(t.slug, t.slug);
DROP SCHEMA fleet_template, fleet CASCADE;
DROP ROLE fleet_worker;
