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
SELECT DISTINCT session_role = session_user AS session, occurred_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS at, transaction_id IS NOT NULL AS xid FROM tenant_guard.audit_log WHERE table_schema = 'aud';

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
SELECT * FROM refused('INSERT INTO tenant_guard.audit_event VALUES (DEFAULT, now(), $$INSERT$$, $$aud$$, $$Deal s$$)');
SELECT * FROM refused('DELETE FROM tenant_guard.audit_log');
RESET ROLE;
SELECT * FROM refused('UPDATE tenant_guard.audit_event SET user_id = $$eve$$');
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
CREATE INDEX ON tenant_guard.audit_event ((record ->> 'id')) WHERE operation = 'INSERT';
ALTER TABLE tenant_guard.audit_event ADD CHECK (user_id <> 'mallory');
INSERT INTO aud."Deal s" (id, "no") VALUES (6, 6);
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM tenant_guard.audit_event WHERE record ->> 'id' = '6' AND operation = 'INSERT';
SELECT identity('{"sub":"mallory"}');
SELECT split_part(answer, ' constraint', 1) FROM refused('DELETE FROM aud."Deal s" WHERE id = 6') LIMIT 1;
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
SELECT step, action, sql FROM tenant_guard.enable_audit('aud.events', 'branch');
SELECT count(*) AS again FROM tenant_guard.enable_audit('aud.events', 'branch');
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
SELECT step, action, undo FROM tenant_guard.enable_audit('aud.plain', 'b');
ALTER TABLE aud.plain DISABLE TRIGGER tenant_guard_audit_row;
SELECT step, action, undo FROM tenant_guard.enable_audit('aud.plain', 'b');
SELECT step, action FROM tenant_guard.disable_audit('aud.plain');
SELECT count(*) AS again FROM tenant_guard.disable_audit('aud.plain');
RESET ROLE;
