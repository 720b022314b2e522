-- undo: the way back, refused when somebody altered something since, and itself undone.
SET ROLE app_owner;
CREATE SCHEMA undo_test;
CREATE TABLE undo_test.t (organization_id uuid, x int);
CREATE VIEW undo_test.state AS
  SELECT c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
         (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
         (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes
  FROM pg_class c WHERE c.oid = 'undo_test.t'::regclass;
SELECT change_id AS protect FROM tenant_guard.protect_table('undo_test.t') LIMIT 1 \gset
TABLE undo_test.state;

SELECT change_id IS NULL AS dry, step, action FROM tenant_guard.undo(:protect, dry_run => true);
TABLE undo_test.state;
SELECT change_id AS undone FROM tenant_guard.undo(:protect) LIMIT 1 \gset
TABLE undo_test.state;
SELECT operation, target, undoes = :protect AS undoes, undone_by FROM tenant_guard.change WHERE id = :undone;
SELECT undone_by = :undone AS "marked as undone" FROM tenant_guard.change WHERE id = :protect;
SELECT answer LIKE '55000: change % was already undone' OR answer LIKE '%Change % undid it.' OR answer LIKE '%undo the undo%' AS ok
FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :protect));

-- Undo of undo.
SELECT step, action FROM tenant_guard.undo(:undone);
SELECT max(id) AS redone FROM tenant_guard.change WHERE target = 'undo_test.t' \gset
-- Each is undone once: what is in force now is the redo.
SELECT answer LIKE '55000: change % was already undone' OR answer LIKE '%undid it, and change % made it again.' OR answer LIKE '%Undo the one that is in force%' AS ok
FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :protect));
TABLE undo_test.state;
SELECT operation, undone_by IS NULL AS in_force FROM tenant_guard.change WHERE target = 'undo_test.t' ORDER BY id;

-- Refused when altered, naming the object.
BEGIN;
ALTER POLICY tenant_guard_update ON undo_test.t USING (x > 0);
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :redone)) LIMIT 1;
SELECT count(*) AS "forced all the same" FROM tenant_guard.undo(:redone, force => true);
TABLE undo_test.state;
ROLLBACK;
BEGIN;
ALTER TABLE undo_test.t NO FORCE ROW LEVEL SECURITY;
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :redone)) LIMIT 1;
ROLLBACK;
BEGIN;
DROP INDEX undo_test.idx_t_organization_id;
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :redone)) LIMIT 1;
SELECT count(*) AS "forced, without what is gone" FROM tenant_guard.undo(:redone, force => true);
TABLE undo_test.state;
ROLLBACK;
BEGIN;
CREATE POLICY mine ON undo_test.t USING (true);
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :redone)) LIMIT 1;
ROLLBACK;
BEGIN;
ALTER TABLE undo_test.t RENAME TO renamed;
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :redone)) LIMIT 1;
ROLLBACK;

-- Who may: the owners of what it touched, and nobody writes the journal.
SET ROLE other_owner;
SELECT count(*) AS "changes a stranger sees" FROM tenant_guard.change WHERE target = 'undo_test.t';
SELECT count(*) AS "steps a stranger sees" FROM tenant_guard.change_step WHERE object_schema = 'undo_test';
SELECT regexp_replace(answer, '\d+$', 'N') AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s, force => true)', :redone));
SELECT * FROM refused('INSERT INTO tenant_guard.change (operation, target, applied_by, session_role, steps) VALUES ($$x$$, $$y$$, $$z$$, $$z$$, 0)');
SELECT * FROM refused('UPDATE tenant_guard.change_step SET undo = $$DROP TABLE undo_test.t$$');
SELECT * FROM refused('DELETE FROM tenant_guard.change');
SELECT * FROM refused('TRUNCATE tenant_guard.change_step');
SET ROLE app_owner;
SELECT * FROM refused('UPDATE tenant_guard.change_step SET undo = $$DROP TABLE undo_test.t$$');
SELECT * FROM refused('SELECT * FROM tenant_guard.undo(-1)');
SELECT * FROM refused('SELECT * FROM tenant_guard.undo(NULL)');
RESET ROLE;
