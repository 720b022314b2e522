-- Every wrong call: a clear error with SQLSTATE, DETAIL and HINT, and nothing changed.
SET ROLE app_owner;
CREATE SCHEMA bad;
CREATE TABLE bad.t (organization_id uuid, at timestamptz, arr uuid[]);
CREATE VIEW bad.v AS SELECT * FROM bad.t;
CREATE MATERIALIZED VIEW bad.m AS SELECT * FROM bad.t;
CREATE SEQUENCE bad.s;
CREATE TYPE bad.c AS (x int);
CREATE INDEX i ON bad.t (at);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE bad.f (organization_id uuid) SERVER nowhere;
SET ROLE app_owner;
CREATE TEMP TABLE temporary (organization_id uuid);

SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.missing')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table(999999999)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table(NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', 'org_id')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', 'at')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', 'arr')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', 'ctid')$$);
SELECT regexp_replace(x.answer, 'pg_temp_\d+', 'pg_temp') AS answer FROM unnest(ARRAY['bad.v', 'bad.m', 'bad.f', 'bad.s', 'bad.c', 'bad.i', 'pg_class', 'temporary', 'tenant_guard.change']) r CROSS JOIN LATERAL refused(format('SELECT * FROM tenant_guard.protect_table(%L)', r)) x;
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', scope => 'mine')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', scope => NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', existing => 'drop')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', index => 'gin')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', roles => '{}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.t', roles => '{authenticated,no_such_role}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.unprotect_table('bad.v')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.unprotect_table(NULL)$$);
SELECT regexp_replace(x.answer, 'pg_temp_\d+', 'pg_temp') AS answer FROM unnest(ARRAY['bad.v', 'bad.m', 'bad.f', 'temporary', 'tenant_guard.audit_event']) r CROSS JOIN LATERAL refused(format('SELECT * FROM tenant_guard.enable_audit(%L)', r)) x;
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('bad.t', tenant_column => 'no_such')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit(NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.disable_audit('bad.v')$$);

-- Somebody else's table, whole or in part.
SET ROLE other_owner;
SELECT x.* FROM unnest(ARRAY['protect_table', 'unprotect_table', 'enable_audit', 'disable_audit']) f
CROSS JOIN LATERAL refused(format('SELECT * FROM tenant_guard.%s(%s)', f, (SELECT c.oid FROM pg_class c WHERE c.relname = 't' AND c.relnamespace = 'bad'::regnamespace))) x;
SET ROLE app_owner;
CREATE TABLE bad.parent (organization_id uuid) PARTITION BY LIST (organization_id);
CREATE TABLE bad.part PARTITION OF bad.parent DEFAULT;
RESET ROLE;
ALTER TABLE bad.part OWNER TO other_owner;
SET ROLE app_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.parent')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('bad.parent', dry_run => true)$$);
RESET ROLE;

SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('bad.v', 'organization_id', 'organization_id')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('bad.t', 'no_such', 'organization_id')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('bad.t', 'organization_id', 'at')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('bad.t', 'organization_id', 'organization_id', 'no_such')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership(NULL, 'organization_id', 'organization_id')$$);
SELECT * FROM refused($$SELECT tenant_guard.register_membership('{"table_schema": "bad", "table_name": "missing", "user_column": "a", "org_column": "b"}')$$);

SELECT * FROM refused($$SELECT tenant_guard.register_membership('{"table_schema": "bad", "column": "a"}')$$);
SELECT count(*) AS changes FROM tenant_guard.change WHERE target LIKE 'bad.%';
SELECT count(*) AS policies FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'bad'::regnamespace;
