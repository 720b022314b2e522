-- What a question about membership or permission costs when a policy asks it for each row, unwrapped:
-- ours beside the SQL functions that people write, over 100,000 rows of 100 organizations, of which
-- the user belongs to 50. Variants take turns, 11 rounds; medians.
\pset footer off
\set VERBOSITY terse
CREATE EXTENSION tenant_guard;

CREATE SCHEMA crm;
CREATE TABLE crm.memberships (user_id uuid, organization_id uuid, role text, PRIMARY KEY (user_id, organization_id));
INSERT INTO crm.memberships
SELECT ('00000000-0000-4000-8000-' || lpad(u::text, 12, '0'))::uuid, ('aaaaaaaa-0000-4000-8000-' || lpad(o::text, 12, '0'))::uuid, 'admin'
FROM generate_series(1, 1000) u, generate_series(1, 50) o;
CREATE TABLE crm.role_permissions (role text, permission text, PRIMARY KEY (role, permission));
INSERT INTO crm.role_permissions VALUES ('admin', 'leads:read'), ('admin', 'leads:write'), ('member', 'leads:read');
CREATE TABLE crm.leads (id int PRIMARY KEY, organization_id uuid NOT NULL, body text NOT NULL);
INSERT INTO crm.leads
SELECT n, ('aaaaaaaa-0000-4000-8000-' || lpad((n % 100 + 1)::text, 12, '0'))::uuid, repeat('x', 60) FROM generate_series(1, 100000) n;
VACUUM (FREEZE, ANALYZE) crm.leads, crm.memberships;
SELECT count(*) FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role') \g /dev/null
SELECT count(*) FROM tenant_guard.set_role_permissions('admin', '{leads:*}') \g /dev/null

-- As the usual guides write them.
CREATE SCHEMA private;
CREATE FUNCTION private.is_member(org uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT EXISTS (SELECT FROM crm.memberships m WHERE m.organization_id = org
                 AND m.user_id = (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid)
$$;
CREATE FUNCTION private.has_permission(wanted text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT EXISTS (SELECT FROM crm.memberships m JOIN crm.role_permissions p ON p.role = m.role
                 WHERE m.organization_id = (current_setting('request.jwt.claims', true)::jsonb ->> 'org_id')::uuid
                 AND m.user_id = (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid AND p.permission = wanted)
$$;

CREATE TABLE variants (position int PRIMARY KEY, variant text, condition text, passes bigint);
INSERT INTO variants VALUES
  (1, 'true', 'true', 100000),
  (2, 'tenant_guard.org_id() IS NOT NULL', 'tenant_guard.org_id() IS NOT NULL', 100000),
  (3, 'tenant_guard.is_member(organization_id)', 'tenant_guard.is_member(organization_id)', 50000),
  (4, 'private.is_member(organization_id)', 'private.is_member(organization_id)', 50000),
  (5, $$tenant_guard.has_permission('leads:read')$$, $$tenant_guard.has_permission('leads:read')$$, 100000),
  (6, $$private.has_permission('leads:read')$$, $$private.has_permission('leads:read')$$, 100000),
  (7, $$(SELECT tenant_guard.has_permission('leads:read'))$$, $$(SELECT tenant_guard.has_permission('leads:read'))$$, 100000);
CREATE TABLE timings (position int, round int, ms float8);
ALTER TABLE crm.leads ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON crm.leads USING (true);
CREATE ROLE reader;
GRANT USAGE ON SCHEMA crm, private TO reader;
GRANT SELECT ON crm.leads TO reader;

CREATE PROCEDURE measure(rounds int) LANGUAGE plpgsql AS $$
DECLARE
  v record; started timestamptz; seen bigint;
BEGIN
  PERFORM set_config('request.jwt.claims',
    rpad('{"sub":"00000000-0000-4000-8000-000000000007","role":"authenticated","org_id":"aaaaaaaa-0000-4000-8000-000000000001","pad":"', 748, 'x') || '"}', false);
  FOR round IN 0..rounds LOOP  -- round 0 warms up
    FOR v IN SELECT * FROM variants ORDER BY position LOOP
      EXECUTE format('ALTER POLICY p ON crm.leads USING (%s)', v.condition);
      COMMIT;
      SET ROLE reader;
      started := clock_timestamp();
      EXECUTE 'SELECT count(*) FROM crm.leads' INTO seen;
      RESET ROLE;
      ASSERT seen = v.passes, v.variant || ' let pass ' || seen;
      INSERT INTO timings VALUES (v.position, round, extract(epoch FROM clock_timestamp() - started) * 1000);
    END LOOP;
  END LOOP;
  DELETE FROM timings WHERE timings.round = 0;
END $$;
SET max_parallel_workers_per_gather = 0;
CALL measure(11);

WITH medians AS (
  SELECT position, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM timings GROUP BY position
)
SELECT v.variant AS "policy", round(m.ms::numeric, 2) AS "median ms",
       round(((m.ms - (SELECT ms FROM medians WHERE position = 1)) * 1000 / 100000)::numeric, 3) AS "us a row over true"
FROM medians m JOIN variants v USING (position) ORDER BY position;
