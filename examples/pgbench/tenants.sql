-- pgbench's bank with its branches as tenants: run after `pgbench -i -s <branches>`, as a superuser.
-- The benchmark then logs in as pgbench_tenant, an ordinary role that gets its rights, and later its
-- policies, by being a member of `authenticated`.
\set ON_ERROR_STOP on

BEGIN;

DO $$
BEGIN
  IF to_regrole('authenticated') IS NULL THEN
    CREATE ROLE authenticated NOLOGIN NOINHERIT;
  END IF;
  IF to_regrole('pgbench_tenant') IS NULL THEN
    CREATE ROLE pgbench_tenant LOGIN INHERIT IN ROLE authenticated;
  END IF;
END
$$;

-- pgbench leaves these nullable; a row without a branch would be nobody's.
ALTER TABLE pgbench_accounts ALTER COLUMN bid SET NOT NULL;
ALTER TABLE pgbench_tellers  ALTER COLUMN bid SET NOT NULL;
ALTER TABLE pgbench_history  ALTER COLUMN bid SET NOT NULL;

GRANT SELECT, UPDATE ON pgbench_accounts, pgbench_tellers, pgbench_branches TO authenticated;
GRANT SELECT, INSERT ON pgbench_history TO authenticated;

COMMIT;

-- The people of the bank are no members of the CRM's organizations, so for them the token counts.
ALTER ROLE pgbench_tenant SET tenant_guard.org_check = 'claim';
