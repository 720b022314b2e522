-- create_table: a new table with features, in the order of the conventions.
CREATE SCHEMA made AUTHORIZATION app_owner;
SET ROLE app_owner;
CREATE TABLE made.organizations (id uuid PRIMARY KEY);
CREATE TABLE made.projects (id uuid PRIMARY KEY, organization_id uuid NOT NULL, UNIQUE (organization_id, id));
SELECT step, action, sql, undo FROM tenant_guard.create_table('made.leads', E'name text NOT NULL, -- a comment\n  CHECK (name <> '''')', '{dual_id,tenant,project,timestamps,actors,version,"status:new,won,lost",access}', dry_run => true);
SELECT to_regclass('made.leads') AS nothing;
SELECT step, action, undo FROM tenant_guard.create_table('made.leads', 'name text NOT NULL', '{dual_id,tenant,project,timestamps,actors,version,"status:new,won,lost",access}');
SELECT attname, format_type(atttypid, atttypmod), attnotnull, attidentity FROM pg_attribute WHERE attrelid = 'made.leads'::regclass AND attnum > 0 ORDER BY attnum;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'made.leads'::regclass AND contype <> 'n' ORDER BY 1;
SELECT indexname FROM pg_indexes WHERE schemaname = 'made' AND tablename = 'leads' ORDER BY 1;
SELECT polname FROM pg_policy WHERE polrelid = 'made.leads'::regclass ORDER BY 1;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'made.leads'::regclass;
-- What add_feature would add, is there.
SELECT count(*) AS more FROM tenant_guard.add_feature('made.leads', 'dual_id', 'tenant', 'project', 'timestamps', 'actors', 'version', 'status:new,won,lost', 'access');
INSERT INTO made.organizations VALUES ('aaaaaaaa-0000-4000-8000-000000000001');
BEGIN;
SELECT identity('{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT * FROM refused($$INSERT INTO made.leads (organization_id, name) VALUES ('bbbbbbbb-0000-4000-8000-000000000001', 'x')$$);
ROLLBACK;
-- Undo drops it while it has no row.
SELECT step, action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change WHERE operation = 'create_table'));
SELECT to_regclass('made.leads') AS gone, to_regtype('made.leads_status') AS "gone too";

-- Names: of the path, quoted, mixed; without features; without columns; with soft_delete.
SET search_path = made, public;
SELECT sql FROM tenant_guard.create_table('"Odd ""Name"', '"or der" int', '{}') ;
SELECT sql FROM tenant_guard.create_table('Folded', '', '{timestamps}') WHERE step = 1;
RESET search_path;
SET client_min_messages = notice;
SELECT step, action FROM tenant_guard.create_table('made.bin', 'code text UNIQUE', '{dual_id,soft_delete,audit}');
RESET client_min_messages;
SELECT step, action FROM tenant_guard.add_feature('made.bin', 'soft_delete');
SELECT step, action FROM tenant_guard.create_table('made.open', 'a int', '{tenant}', protect => false);
SELECT relrowsecurity FROM pg_class WHERE oid = 'made.open'::regclass;

-- A fragment cannot reach past its parentheses.
SELECT f, r.* FROM unnest(ARRAY[
  'a int); DROP TABLE made.organizations; --',
  'a int); DROP TABLE made.organizations; SELECT (1',
  'a int) PARTITION BY LIST (a',
  'a int) INHERITS (made.organizations',
  'a int) WITH (fillfactor = 10',
  'a int /* ',
  'a int, a text',
  'created_at date',
  'a int,',
  'a int); CREATE TABLE made.evil (b int',
  'nonsense']) f, refused(format('SELECT * FROM tenant_guard.create_table(''made.bad'', %L, ''{timestamps}'', dry_run => true)', f)) r;
SELECT f, r.* FROM unnest(ARRAY[
  'a int); DROP TABLE made.organizations; SELECT (1',
  'a int) PARTITION BY LIST (a',
  'a int) INHERITS (made.organizations',
  'a int) WITH (fillfactor = 10',
  'a int); --']) f, refused(format('SELECT * FROM tenant_guard.create_table(''made.bad'', %L, ''{}'')', f)) r;
SELECT to_regclass('made.bad') AS nothing, to_regclass('made.organizations') AS something;

-- Wrong calls.
SELECT n, r.* FROM unnest(ARRAY['', '  ', 'a.b.c', 'a..b', '"', 'nowhere.t', 'made.organizations', 'tenant_guard.t']) n, refused(format('SELECT * FROM tenant_guard.create_table(%L, ''a int'', ''{}'')', n)) r;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table(NULL, '', '{}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', NULL, '{}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', '', NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', '', '{NULL}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', '', '{}', NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', '', '{stamps}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', '', '{status}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('public.t', '', '{tenant}')$$);
SET ROLE nobody;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_table('made.t', '', '{timestamps}')$$);
RESET ROLE;
