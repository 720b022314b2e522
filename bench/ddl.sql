-- What the event triggers add to DDL, in microseconds a statement: each statement 300 times in one session,
-- with the triggers and without. Of a table that is neither protected nor audited nothing is recorded.
CREATE EXTENSION tenant_guard;
CREATE SCHEMA crm;
CREATE TABLE crm.plain (id int, organization_id uuid);
CREATE TABLE crm.protected (organization_id uuid, id int, PRIMARY KEY (organization_id, id));
SELECT count(*) FROM tenant_guard.protect_table('crm.protected') \g /dev/null
CREATE TABLE statements (n int, what text, statements text[]);
INSERT INTO statements VALUES
  (1, 'GRANT on a schema', '{GRANT USAGE ON SCHEMA crm TO PUBLIC}'),
  (2, 'GRANT on a table', '{GRANT SELECT ON crm.plain TO PUBLIC}'),
  (3, 'GRANT on a protected table', '{GRANT SELECT ON crm.protected TO PUBLIC}'),
  (4, 'ALTER TABLE ADD, DROP column', '{ALTER TABLE crm.plain ADD x int,ALTER TABLE crm.plain DROP x}'),
  (5, 'ALTER TABLE DISABLE TRIGGER', '{ALTER TABLE crm.plain DISABLE TRIGGER ALL}'),
  (6, 'the same, protected', '{ALTER TABLE crm.protected DISABLE TRIGGER ALL}'),
  (7, 'CREATE, DROP TABLE', '{CREATE TABLE crm.t (id int),DROP TABLE crm.t}');
CREATE FUNCTION micros(statements text[]) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
  statement text;
BEGIN
  FOR i IN 1..300 LOOP
    FOREACH statement IN ARRAY statements LOOP EXECUTE statement; END LOOP;
  END LOOP;
  RETURN round(extract(epoch FROM clock_timestamp() - started) * 1e6 / 300 / cardinality(statements));
END $$;
CREATE TABLE took AS SELECT n, what, micros(s.statements) AS "with" FROM statements s ORDER BY n;
ALTER EVENT TRIGGER tenant_guard_watch DISABLE;
ALTER EVENT TRIGGER tenant_guard_watch_drop DISABLE;
ALTER EVENT TRIGGER tenant_guard_watch_start DISABLE;
SELECT what, "with", micros(s.statements) AS without FROM statements s JOIN took USING (n, what) ORDER BY n;
