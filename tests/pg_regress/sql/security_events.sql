-- log_event and security_event: who notes what, who reads it, what is told by itself, and how much.
\pset null '(null)'
SELECT coalesce(max(id), 0) AS before FROM tenant_guard.security_event \gset
SET request.jwt.claims = '';
CREATE ROLE auditors NOLOGIN;

-- Anybody notes; what is noted says who and where.
SET ROLE authenticated;
SET application_name = 'crm';
BEGIN;
SELECT identity('{"sub":"ada","org_id":"AAAAAAAA-0000-4000-8000-000000000001","project_id":"p"}');
SET LOCAL request.headers = '{"x-request-id":"req-7","authorization":"Bearer secret"}';
SET LOCAL tenant_guard.request_id = 'not this one';
SELECT tenant_guard.log_event('export.started', 'notice', '{"table":"leads","rows":1e3}') IS NOT NULL AS noted;
COMMIT;
BEGIN;
SELECT identity('{"sub":"bob","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
SET LOCAL tenant_guard.request_id = 'req-8';
SELECT tenant_guard.log_event('login') IS NOT NULL AS noted;
COMMIT;
SELECT tenant_guard.log_event('nobody''s', 'critical') IS NOT NULL AS noted;
BEGIN; SELECT tenant_guard.log_event('undone') IS NOT NULL AS noted; ROLLBACK;
RESET ROLE;
\x on
SELECT source, kind, severity, message, subject, details, user_id, organization_id, project_id, db_role, session_role = session_user AS session,
       application_name, client_address IS NULL AS "by the socket", request_id, transaction_id IS NOT NULL AS transaction,
       occurred_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS lately
FROM tenant_guard.security_event WHERE id > :before ORDER BY id;
\x off

-- Nobody reads without a grant; with it an organization reads its own, whoever asks for more.
SET ROLE authenticated;
SELECT * FROM refused('SELECT * FROM tenant_guard.security_event') LIMIT 1;
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_guard.security_event TO authenticated, auditors, app_owner;
SET ROLE authenticated;
SELECT count(*) AS "nobody's" FROM tenant_guard.security_event;
BEGIN;
SELECT identity('{"sub":"amy","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT kind, user_id, organization_id FROM tenant_guard.security_event;
SELECT identity('{"sub":"amy","org_id":["aaaaaaaa-0000-4000-8000-000000000001","bbbbbbbb-0000-4000-8000-000000000002"]}');
SELECT count(*) AS "none is active" FROM tenant_guard.security_event;
SELECT tenant_guard.set_org('bbbbbbbb-0000-4000-8000-000000000002');
SELECT kind, user_id, organization_id FROM tenant_guard.security_event;
ROLLBACK;
-- A grant of everything still lets nobody write.
SELECT * FROM refused($$INSERT INTO tenant_guard.security_event (occurred_at, source, kind, severity, db_role, session_role) VALUES (now(), 'tenant_guard', 'key_added', 'info', 'x', 'x')$$) LIMIT 1;
BEGIN;
SELECT identity('{"sub":"amy","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
UPDATE tenant_guard.security_event SET user_id = 'eve';
DELETE FROM tenant_guard.security_event;
SELECT kind, user_id FROM tenant_guard.security_event;
ROLLBACK;
RESET ROLE;

-- Where roles have permissions, it takes audit.read.
BEGIN;
SELECT count(*) FROM tenant_guard.set_role_permissions('security officer', '{audit.read}');
SET LOCAL ROLE authenticated;
SELECT identity('{"sub":"amy","org_id":"aaaaaaaa-0000-4000-8000-000000000001","app_metadata":{"roles":["member"]}}');
SELECT tenant_guard.may_read_events(), count(*) FROM tenant_guard.security_event;
SELECT identity('{"sub":"amy","org_id":"aaaaaaaa-0000-4000-8000-000000000001","app_metadata":{"roles":["security officer"]}}');
SELECT tenant_guard.may_read_events(), count(*) FROM tenant_guard.security_event;
ROLLBACK;

-- Auditors read all, and nobody makes himself one.
SET ROLE auditors;
SELECT count(*) FROM tenant_guard.security_event;
SELECT * FROM refused('SELECT tenant_guard.auditor()') LIMIT 1;
RESET ROLE;
GRANT EXECUTE ON FUNCTION tenant_guard.auditor() TO auditors;
SET ROLE auditors;
SELECT tenant_guard.auditor(), array_agg(DISTINCT organization_id) AS organizations FROM tenant_guard.security_event WHERE id > :before;
UPDATE tenant_guard.security_event SET user_id = 'eve';
RESET ROLE;
-- Not even the owner of the table alters it.
SELECT * FROM refused('UPDATE tenant_guard.security_event SET kind = kind') LIMIT 1;
SELECT * FROM refused('DELETE FROM tenant_guard.security_event') LIMIT 1;
SELECT * FROM refused('TRUNCATE tenant_guard.security_event') LIMIT 1;
SET session_replication_role = replica;
SELECT * FROM refused('DELETE FROM tenant_guard.security_event') LIMIT 1;
RESET session_replication_role;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'tenant_guard.security_event'::regclass;

-- What is refused.
SET ROLE authenticated;
SELECT * FROM refused($$SELECT tenant_guard.log_event('key_added')$$);
SELECT * FROM refused($$SELECT tenant_guard.log_event(' Organization_Refused ')$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_event('')$$);
SELECT * FROM refused($$SELECT tenant_guard.log_event(repeat('x', 64))$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_event('a', 'fatal')$$);
SELECT * FROM refused($$SELECT tenant_guard.log_event('a', 'info', to_jsonb(repeat('x', 8191)))$$);
SELECT tenant_guard.log_event('a', 'info', to_jsonb(repeat('x', 8190))) IS NOT NULL AS "8,192 bytes";
SELECT * FROM refused($$SELECT tenant_guard.log_event('a', 'info', repeat('[', 4000)::jsonb)$$) LIMIT 1;
SELECT tenant_guard.log_event('deep', 'info', (repeat('[', 4000) || repeat(']', 4000))::jsonb) IS NOT NULL AS "deep, and short";
SELECT * FROM refused($$SELECT tenant_guard.log_event(NULL)$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_event('a', NULL)$$) LIMIT 1;
BEGIN READ ONLY;
SELECT tenant_guard.log_event('a');
ROLLBACK;
SELECT * FROM refused('SET tenant_guard.durable_security_events = on') LIMIT 1;
SELECT * FROM refused('SET tenant_guard.max_events_per_second = 1000000') LIMIT 1;
SELECT * FROM refused('SET tenant_guard.max_refusals_per_second = 0') LIMIT 1;
SELECT * FROM refused('SET tenant_guard.max_security_event_size = ''1TB''') LIMIT 1;
RESET ROLE;

-- Long values are cut; an id that decides who reads is not, for cut it could be another's.
BEGIN;
SELECT identity(json_build_object('sub', repeat('u', 300), 'org_id', repeat('o', 300)));
SELECT set_config('tenant_guard.request_id', repeat('r', 300), true) IS NOT NULL AS set;
CREATE TEMP TABLE seen AS SELECT tenant_guard.log_event('long') AS id;
SELECT length(user_id) AS user, organization_id, length(request_id) AS request FROM tenant_guard.security_event JOIN seen USING (id);
ROLLBACK;
-- What is in the headers may be anything.
BEGIN;
SET LOCAL request.headers = '{"x-request-id":7}';
SET LOCAL tenant_guard.request_id = 'fallback';
CREATE TEMP TABLE seen AS SELECT tenant_guard.log_event('headers') AS id;
SET LOCAL request.headers = '[broken';
INSERT INTO seen SELECT tenant_guard.log_event('headers');
SELECT request_id FROM tenant_guard.security_event JOIN seen USING (id);
ROLLBACK;

-- More than a second may have is counted, and told of with the next.
SELECT max(id) AS before FROM tenant_guard.security_event \gset
SET tenant_guard.max_events_per_second = 0;
SELECT tenant_guard.log_event('much') FROM generate_series(1, 3);
RESET tenant_guard.max_events_per_second;
SELECT tenant_guard.log_event('next') IS NOT NULL AS noted;
-- While the table is full, nothing is noted; what the extension records of owners is.
SET tenant_guard.max_security_event_size = 0;
SELECT tenant_guard.log_event('full'), tenant_guard.log_event('full', 'critical');
BEGIN;
SELECT tenant_guard.add_key('of the full table', 'HS256', 'a secret of at least 32 bytes, kept well');
SELECT source, kind, severity, details, subject FROM tenant_guard.security_event WHERE id > :before ORDER BY id;
ROLLBACK;
RESET tenant_guard.max_security_event_size;

-- A refused switch stays where that is asked for, although it is rolled back, with all it says.
SELECT max(id) AS before FROM tenant_guard.security_event \gset
SELECT identity('{"sub":"ada","org_id":"o"}'), tenant_guard.set_org_text('other');
SET tenant_guard.durable_security_events = on;
BEGIN;
SELECT identity('{"sub":"ada","org_id":"o"}');
SELECT tenant_guard.set_org_text('other');
ROLLBACK;
SET tenant_guard.trust = verified;
SELECT tenant_guard.authenticate('no token');
RESET tenant_guard.trust;
BEGIN READ ONLY;
SELECT identity('{"sub":"ada"}');
SELECT tenant_guard.pre_request();
SET LOCAL request.jwt.claims = '{"sub":"eve"}';
SELECT tenant_guard.uid_text();
COMMIT;
BEGIN;
SET LOCAL request.jwt.claims = '{"sub":';
SELECT tenant_guard.uid_text();
ROLLBACK;
RESET tenant_guard.durable_security_events;
DO $$ BEGIN
  FOR i IN 1..200 LOOP
    EXIT WHEN (SELECT count(*) FROM tenant_guard.security_event WHERE kind ~ '_(refused|failed|seal|invalid)$' AND id > (SELECT max(id) FROM tenant_guard.security_event WHERE kind = 'next')) = 4;
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$;
SELECT kind, severity, subject, details, user_id, organization_id, transaction_id FROM tenant_guard.security_event WHERE id > :before ORDER BY id;
-- Its own organization reads it, and not the one that was asked for.
BEGIN;
SET LOCAL ROLE authenticated;
SELECT identity('{"sub":"amy","org_id":"o"}');
SELECT kind, subject FROM tenant_guard.security_event;
SELECT identity('{"sub":"amy","org_id":"other"}');
SELECT count(*) AS "nothing" FROM tenant_guard.security_event;
ROLLBACK;

-- An identity that is given up; once, not when there is none.
SELECT max(id) AS before FROM tenant_guard.security_event \gset
BEGIN;
SELECT identity('{"sub":"ada","org_id":"o"}');
SELECT tenant_guard.forget(), tenant_guard.forget();
COMMIT;

-- DDL that opens a protected or audited table.
SET ROLE app_owner;
CREATE SCHEMA "Sec";
CREATE TABLE "Sec"."Lead s" (id int PRIMARY KEY, organization_id uuid NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE "Sec".leads_1 PARTITION OF "Sec"."Lead s" FOR VALUES FROM (0) TO (100);
CREATE TABLE "Sec".plain (id int);
CREATE TABLE "Sec".audited (id int PRIMARY KEY);
SELECT count(*) > 0 AS protected FROM tenant_guard.protect_table('"Sec"."Lead s"');
SELECT count(*) > 0 AS audited FROM tenant_guard.enable_audit('"Sec".audited');
CREATE VIEW "Sec".seen AS TABLE "Sec".audited;
-- Of a table that is neither, nothing.
CREATE POLICY p ON "Sec".plain USING (true);
ALTER TABLE "Sec".plain ENABLE ROW LEVEL SECURITY, DISABLE TRIGGER ALL;
ALTER TABLE "Sec".plain DISABLE ROW LEVEL SECURITY;
GRANT ALL ON "Sec".plain TO PUBLIC;
GRANT USAGE ON SCHEMA "Sec" TO authenticated;
DROP POLICY p ON "Sec".plain;
DROP TABLE "Sec".plain;
-- Of the others, each; the partition is mended at once.
CREATE POLICY "Open" ON "Sec"."Lead s" USING (true);
ALTER POLICY "Open" ON "Sec"."Lead s" USING (false);
DROP POLICY "Open" ON "Sec"."Lead s";
DROP POLICY tenant_guard_tenant ON "Sec".leads_1;
ALTER TABLE "Sec".leads_1 DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "Sec".audited DISABLE TRIGGER ALL, ADD note text;
ALTER TABLE "Sec".audited ALTER note TYPE varchar, ALTER note SET DEFAULT '';
ALTER TABLE "Sec".audited ALTER note TYPE text USING 'other';
GRANT SELECT, UPDATE (id) ON "Sec"."Lead s", "Sec".audited TO PUBLIC, authenticated;
GRANT INSERT ON ALL TABLES IN SCHEMA "Sec" TO authenticated;
DO $$ BEGIN ALTER TABLE "Sec".audited ENABLE TRIGGER ALL; ALTER TABLE "Sec".audited DISABLE TRIGGER USER; END $$;
RESET ROLE;
ALTER TABLE "Sec".leads_1 OWNER TO other_owner;
ALTER TABLE "Sec".leads_1 OWNER TO app_owner;
ALTER TABLE tenant_guard.security_event DISABLE TRIGGER append_only;
ALTER TABLE tenant_guard.security_event ENABLE ALWAYS TRIGGER append_only;
SET ROLE app_owner;
SELECT count(*) > 0 AS undone FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change), force => true);
SELECT count(*) > 0 AS undone FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change), force => true);
SELECT count(*) > 0 AS unprotected FROM tenant_guard.unprotect_table('"Sec"."Lead s"');
SELECT count(*) > 0 AS protected FROM tenant_guard.protect_table('"Sec"."Lead s"');
SET client_min_messages = error;
DROP SCHEMA "Sec" CASCADE;
RESET client_min_messages;
RESET ROLE;
SELECT kind, severity, subject, details - 'change' - 'undone_by' AS details, user_id, db_role FROM tenant_guard.security_event WHERE id > :before ORDER BY id;

REVOKE ALL ON tenant_guard.security_event FROM authenticated, auditors, app_owner;
REVOKE ALL ON FUNCTION tenant_guard.auditor() FROM auditors;
DROP ROLE auditors;
