-- The audit trail: every way a row changes, whose it is, who reads it, and that nobody alters it.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA aud;
GRANT USAGE ON SCHEMA aud TO authenticated;
CREATE TYPE aud.stage AS ENUM ('lead', 'won');
CREATE TABLE aud."Deal s" (id int, "no" int, organization_id uuid, stage aud.stage, price numeric, twice numeric GENERATED ALWAYS AS (price * 2) STORED, gone text, tags text[], PRIMARY KEY ("no", id));
ALTER TABLE aud."Deal s" DROP COLUMN gone;
GRANT SELECT, INSERT, UPDATE, DELETE ON aud."Deal s" TO authenticated;
\pset format unaligned
SELECT sql, undo FROM tenant_guard.enable_audit('aud."Deal s"', dry_run => true);
\pset format aligned
SELECT step, action FROM tenant_guard.enable_audit('aud."Deal s"');
SELECT count(*) AS again FROM tenant_guard.enable_audit('aud."Deal s"');
SELECT count(*) FROM tenant_guard.protect_table('aud."Deal s"');

SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"ada","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
INSERT INTO aud."Deal s" VALUES (1, 1, 'aaaaaaaa-0000-4000-8000-000000000001', 'lead', 1.10, DEFAULT, '{x,NULL}');
UPDATE aud."Deal s" SET stage = 'won', price = NULL;
UPDATE aud."Deal s" SET id = id;
INSERT INTO aud."Deal s" VALUES (1, 1, 'aaaaaaaa-0000-4000-8000-000000000001') ON CONFLICT ("no", id) DO UPDATE SET price = 3;
MERGE INTO aud."Deal s" d USING (VALUES (1)) v(id) ON d.id = v.id WHEN MATCHED THEN DELETE;
COMMIT;
RESET ROLE;
COPY aud."Deal s" (id, "no", organization_id) FROM stdin;
2	1	bbbbbbbb-0000-4000-8000-000000000002
\.
-- Replicated changes are logged as well.
SET session_replication_role = replica;
UPDATE aud."Deal s" SET price = 9;
RESET session_replication_role;
TRUNCATE aud."Deal s";

SELECT operation, key, record, old_record, changed_columns, organization_id, user_id, db_role FROM tenant_guard.audit_log WHERE table_schema = 'aud' ORDER BY id;
SELECT DISTINCT session_role = session_user AS session, statement IS NOT NULL AS statement, application_name LIKE 'pg_regress%' AS application, occurred_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS at, transaction_id IS NOT NULL AS xid FROM tenant_guard.audit_log WHERE table_schema = 'aud';

-- What rolls back was never logged; what cannot be logged does not happen.
BEGIN; INSERT INTO aud."Deal s" (id, "no") VALUES (5, 5); ROLLBACK;
SELECT count(*) FROM tenant_guard.audit_log WHERE key = '{"id": 5, "no": 5}';

-- Who reads: the organization its own, the owner all of the table's, others nothing.
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"ada","org_id":"AAAAAAAA-0000-4000-8000-000000000001"}');
SELECT operation, organization_id FROM tenant_guard.audit_log ORDER BY id;
SELECT identity('{"sub":"bob","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
SELECT operation, organization_id FROM tenant_guard.audit_log ORDER BY id;
SELECT identity('{}');
SELECT count(*) AS "without an organization" FROM tenant_guard.audit_log;
ROLLBACK;
SET ROLE nobody;
BEGIN;
SELECT identity('{"sub":"eve","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT count(*) AS "without SELECT on the table" FROM tenant_guard.audit_log;
ROLLBACK;
SET ROLE app_owner;
SELECT count(*) AS "the owner" FROM tenant_guard.audit_log WHERE table_schema = 'aud';
SET ROLE other_owner;
SELECT count(*) AS "another owner" FROM tenant_guard.audit_log WHERE table_schema = 'aud';

-- A name that became free brings nobody to another's trail, and the owner's goes with the table.
RESET ROLE;
BEGIN;
ALTER SCHEMA aud RENAME TO aud_before;
SET ROLE other_owner;
CREATE SCHEMA aud;
CREATE TABLE aud."Deal s" (organization_id uuid);
SELECT identity('{"sub":"eve","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT count(*) AS "by its old name" FROM tenant_guard.audit_log WHERE table_schema = 'aud';
SELECT count(*) AS "and its journal" FROM tenant_guard.change_step WHERE object_schema = 'aud';
SET ROLE app_owner;
SELECT count(*) AS "the owner" FROM tenant_guard.audit_log WHERE table_schema = 'aud';
SELECT count(*) > 0 AS "and its journal" FROM tenant_guard.change_step WHERE object_schema = 'aud';
ROLLBACK;

-- Nobody writes, not even the administrator, and nobody attaches the triggers unasked.
SET ROLE app_owner;
SELECT * FROM refused('INSERT INTO tenant_guard.audit_event DEFAULT VALUES');
SELECT * FROM refused('SELECT * FROM tenant_guard.audit_event');
SELECT * FROM refused('SELECT * FROM tenant_guard.audit_context');
SELECT * FROM refused('SELECT * FROM tenant_guard.audit_secret');
SELECT * FROM refused('DELETE FROM tenant_guard.audit_log');
RESET ROLE;
SELECT * FROM refused('UPDATE tenant_guard.audit_event SET operation = $$D$$');
SELECT * FROM refused('DELETE FROM tenant_guard.audit_event');
SELECT * FROM refused('TRUNCATE tenant_guard.audit_event');
SET ROLE other_owner;
CREATE TEMP TABLE forged (organization_id uuid);
SELECT * FROM refused('CREATE TRIGGER t AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION tenant_guard.audit_row($$organization_id$$)');
CREATE SCHEMA aud_other; CREATE TABLE aud_other.t (organization_id uuid);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud_other.t')$$);
SET ROLE app_owner;
CREATE TABLE aud.wrong (organization_id uuid);
CREATE TRIGGER t BEFORE INSERT ON aud.wrong FOR EACH ROW EXECUTE FUNCTION tenant_guard.audit_row('organization_id');
SELECT * FROM refused('INSERT INTO aud.wrong VALUES (NULL)');

-- An index or a constraint that an administrator adds to the log is served like any other.
RESET ROLE;
BEGIN;
CREATE INDEX ON tenant_guard.audit_event ((operation::text || id)) WHERE operation = 'I';
ALTER TABLE tenant_guard.audit_event ADD CONSTRAINT no_delete CHECK (operation <> 'D') NOT VALID;
INSERT INTO aud."Deal s" (id, "no") VALUES (6, 6);
SET LOCAL enable_seqscan = off;
SELECT count(*) > 0 AS found FROM tenant_guard.audit_event WHERE operation::text || id LIKE 'I%' AND operation = 'I';
SELECT regexp_replace(answer, 'audit_event_\d+_\d+', 'audit_event_<month>') FROM refused('DELETE FROM aud."Deal s" WHERE id = 6') LIMIT 1;
ROLLBACK;
-- A tenant column that is renamed does not leave the trail to nobody.
BEGIN;
ALTER TABLE aud."Deal s" RENAME organization_id TO org;
SELECT * FROM refused('INSERT INTO aud."Deal s" (id, "no") VALUES (7, 7)');
SELECT action FROM tenant_guard.enable_audit('aud."Deal s"');
ROLLBACK;
SET ROLE app_owner;

-- Partitions: the rows of one, changed directly, and those of one attached later.
CREATE TABLE aud.events (id int, branch int, at date) PARTITION BY RANGE (at);
CREATE TABLE aud.events_2026 PARTITION OF aud.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT step, action, sql FROM tenant_guard.enable_audit('aud.events', tenant_column => 'branch');
SELECT count(*) AS again FROM tenant_guard.enable_audit('aud.events', tenant_column => 'branch');
CREATE TABLE aud.events_2027 PARTITION OF aud.events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO aud.events_2026 VALUES (1, 7, '2026-06-01');
UPDATE aud.events SET at = '2027-06-01';
SET session_replication_role = DEFAULT;
DELETE FROM aud.events_2027;
TRUNCATE aud.events_2026;
SELECT operation, table_name, key, record, old_record, organization_id FROM tenant_guard.audit_log WHERE table_name LIKE 'events%' ORDER BY id;
SELECT t.tgrelid::regclass, t.tgname, t.tgenabled FROM pg_trigger t WHERE t.tgname LIKE 'tenant_guard%' AND t.tgrelid::regclass::text LIKE 'aud.events%' ORDER BY 1, 2;

-- Another tenant column replaces the trigger; a disabled one is enabled again.
CREATE TABLE aud.plain (a int, b int);
SELECT action, sql FROM tenant_guard.enable_audit('aud.plain') WHERE step = 1;
SELECT step, action, undo FROM tenant_guard.enable_audit('aud.plain', tenant_column => 'b');
ALTER TABLE aud.plain DISABLE TRIGGER tenant_guard_audit_row;
SELECT step, action, undo FROM tenant_guard.enable_audit('aud.plain', tenant_column => 'b');
SELECT step, action FROM tenant_guard.disable_audit('aud.plain');
SELECT count(*) AS again FROM tenant_guard.disable_audit('aud.plain');
RESET ROLE;

-- What becomes of columns: by their policy, and by their class.
SET ROLE app_owner;
CREATE TABLE aud.people (id int PRIMARY KEY, organization_id uuid, email text, phone text, token text, note text, n int);
SELECT count(*) FROM tenant_guard.classify('aud.people', 'token', 'secret');
SELECT count(*) FROM tenant_guard.classify('aud.people', 'phone', 'pii');
SELECT count(*) FROM tenant_guard.enable_audit('aud.people', columns => '{"email": "hash", "note": "mask"}', unchanged => 'skip');
INSERT INTO aud.people VALUES (1, 'aaaaaaaa-0000-4000-8000-000000000001', 'ada@example.com', '+1 555 0100', 's3cret', 'a note', 1),
  (2, 'aaaaaaaa-0000-4000-8000-000000000001', 'ada@example.com', NULL, NULL, NULL, 1);
UPDATE aud.people SET n = n;
UPDATE aud.people SET token = 'other', n = 2 WHERE id = 1;
SELECT operation, record - 'email' AS record, changed_columns FROM tenant_guard.audit_log WHERE table_name = 'people' ORDER BY id;
SELECT count(DISTINCT record -> 'email') AS "hashes of one address", min(length(record ->> 'email')) AS length FROM tenant_guard.audit_log WHERE table_name = 'people';
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud.people', columns => '{"id": "omit"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud.people', columns => '{"organization_id": "mask"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud.people', columns => '{"nobody": "mask"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud.people', columns => '{"note": "hide"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud.people', columns => '[]')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.enable_audit('aud.people', truncate => 'all')$$);

DROP TABLE aud.people;

-- A row's history through a change of its key, the row and the table as they were, and undo.
CREATE TABLE aud.h (id int PRIMARY KEY, organization_id uuid, v text, f float8, j json, a int[]);
INSERT INTO aud.h VALUES (1, 'aaaaaaaa-0000-4000-8000-000000000001', 'before the trail', '-0', '{"a":1, "a":2}', '[0:1]={5,6}');
SELECT count(*) FROM tenant_guard.enable_audit('aud.h', truncate => 'rows');
SELECT clock_timestamp() AS t0 \gset
UPDATE aud.h SET v = 'one', id = 7;
SELECT clock_timestamp() AS t1 \gset
INSERT INTO aud.h (id, v) VALUES (8, 'eight');
DELETE FROM aud.h WHERE id = 7;
SELECT operation, old_record ->> 'id' AS was, record ->> 'id' AS id, changed_columns FROM tenant_guard.row_history('aud.h', '{"id": 7}');
SELECT tenant_guard.row_as_of('aud.h', '{"id": 1}', :'t0') ->> 'v' AS "1 at first", tenant_guard.row_as_of('aud.h', '{"id": 7}', :'t1') ->> 'v' AS "7 then", tenant_guard.row_as_of('aud.h', '{"id": 7}', clock_timestamp()) AS "7 now";
SELECT tenant_guard.table_as_of('aud.h', :'t0') AS "at first";
SELECT tenant_guard.table_as_of('aud.h', :'t1') AS then;
SELECT count(*) AS "since then" FROM tenant_guard.changes_between(:'t1', 'infinity', 'aud.h');
SELECT action FROM tenant_guard.undo_row('aud.h', '{"id": 7}', dry_run => true);
BEGIN;
SET LOCAL tenant_guard.reason = 'ticket 42';
SELECT action FROM tenant_guard.undo_row('aud.h', '{"id": 7}');
SELECT id, v, f, j, a FROM aud.h ORDER BY id;
SELECT operation, reason FROM tenant_guard.row_history('aud.h', '{"id": 7}') ORDER BY id DESC LIMIT 1;
SELECT pg_current_xact_id() AS xid \gset
COMMIT;
SELECT operation FROM tenant_guard.transaction_changes(:'xid');
SELECT action FROM tenant_guard.undo_transaction(:'xid');
SELECT * FROM refused(format($$SELECT * FROM tenant_guard.undo_transaction(%L)$$, :'xid'));
BEGIN;
SET LOCAL "request.headers" = '{"x-request-id": "r-1"}';
INSERT INTO aud.h (id, v) VALUES (10, 'ten'), (11, 'eleven');
TRUNCATE aud.h;
COMMIT;
SELECT table_name, action FROM tenant_guard.undo_request('r-1');
SELECT id, v FROM aud.h;
SELECT * FROM refused($$SELECT * FROM tenant_guard.undo_request('r-2')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.row_history('aud.h', '{"no": 7}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.row_history('aud.wrong', '{"id": 7}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.table_as_of(NULL, now())$$);
-- Who may not read the trail undoes nothing by it.
SET ROLE authenticated;
SELECT * FROM refused($$SELECT * FROM tenant_guard.undo_request('r-1')$$);
SELECT count(*) FROM tenant_guard.row_history('aud.h', '{"id": 8}');
SET ROLE app_owner;

-- A table that inherits is audited with all its columns, from when it inherits.
CREATE TABLE aud.parent (id int PRIMARY KEY, v text);
SELECT count(*) FROM tenant_guard.enable_audit('aud.parent');
CREATE TABLE aud.child (extra text) INHERITS (aud.parent);
INSERT INTO aud.child VALUES (1, 'x', 'more');
UPDATE aud.parent SET v = 'y';
SELECT operation, table_name, record FROM tenant_guard.audit_log WHERE table_name IN ('parent', 'child') ORDER BY id;

-- What is covered, and what somebody took away.
SELECT table_name, covered, problems, tenant_column, options FROM tenant_guard.audit_status() WHERE table_schema = 'aud' ORDER BY 1;
ALTER TABLE aud.h DISABLE TRIGGER tenant_guard_audit_update;
DROP TRIGGER tenant_guard_audit_truncate ON aud.h;
SELECT table_name, covered, problems FROM tenant_guard.audit_status() WHERE problems <> '{}';
SELECT action FROM tenant_guard.enable_audit('aud.h', truncate => 'rows');
RESET ROLE;
SELECT partitions > 0 AS partitions, size > 0 AS size, oldest <= current_date AS oldest FROM tenant_guard.audit_log_status();
