-- The tenant of every row is its branch, an integer. Nothing here needs a membership table: the
-- gateway's claim says which branch a request is for.
\set ON_ERROR_STOP on

BEGIN;
SELECT * FROM tenant_guard.protect_table('pgbench_branches', tenant_column => 'bid');
SELECT * FROM tenant_guard.protect_table('pgbench_tellers',  tenant_column => 'bid');
SELECT * FROM tenant_guard.protect_table('pgbench_accounts', tenant_column => 'bid');
SELECT * FROM tenant_guard.protect_table('pgbench_history',  tenant_column => 'bid');
COMMIT;
