-- What auditing costs a row: statements of 200,000 rows on a table of eleven columns and about 250 bytes a row, which is
-- 1. not audited; 2. not audited, and its rows copied into a plain heap (floor A); 3. the same with old and new typed
-- columns, an identity key, a BRIN index on the time and the transaction's id (floor B); 4. audited by the usual PL/pgSQL
-- row trigger that stores to_jsonb(OLD) and to_jsonb(NEW); 5. by a PL/pgSQL statement trigger over transition tables;
-- 6. by tenant_guard with everything on: claims, organization, a masked column, content hashes.
-- The variants take turns in an order that changes, five rounds after one to warm up; medians.
\pset footer off
SET client_min_messages = error;
SET synchronous_commit = off;
CREATE EXTENSION tenant_guard;

CREATE TABLE src AS
SELECT g AS id, ('aaaaaaaa-0000-4000-8000-' || lpad((g % 100)::text, 12, '0'))::uuid AS organization_id, 'name ' || g AS name,
       'e' || g || '@example.com' AS email, '+1 555 ' || g AS phone, 'Springfield'::text AS city, g::numeric(12,2) AS amount,
       repeat('x', 80) AS note, '{a,b}'::text[] AS tags, g % 2 = 0 AS active, timestamptz '2026-01-01' + g * interval '1 s' AS created_at
FROM generate_series(1, 200000) g;

CREATE TABLE timings (round int, variant int, operation text, ms float8);
CREATE TABLE sizes (variant int, bytes bigint);

CREATE FUNCTION log_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log4 (op, old_row, new_row)
  VALUES (TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  RETURN NULL;
END $$;
CREATE FUNCTION log_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log5 (op, new_row) SELECT 'INSERT', to_jsonb(n) FROM n; RETURN NULL; END $$;
CREATE FUNCTION log_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log5 (op, old_row, new_row) SELECT 'UPDATE', to_jsonb(o), to_jsonb(n) FROM o JOIN n USING (id); RETURN NULL; END $$;
CREATE FUNCTION log_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log5 (op, old_row) SELECT 'DELETE', to_jsonb(o) FROM o; RETURN NULL; END $$;

CREATE PROCEDURE make(v int) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS t%1$s, log%1$s', v);
  EXECUTE format('CREATE TABLE t%s (LIKE src, PRIMARY KEY (id))', v);
  CASE v
  WHEN 2 THEN CREATE TABLE log2 (LIKE src);
  WHEN 3 THEN
    EXECUTE (SELECT 'CREATE TABLE log3 (event bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts timestamptz, xid xid8, op "char", '
      || string_agg(format('old_%1$s %2$s, new_%1$s %2$s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) || ')'
      FROM pg_attribute WHERE attrelid = 'src'::regclass AND attnum > 0);
    CREATE INDEX ON log3 USING brin (ts);
  WHEN 4 THEN
    CREATE TABLE log4 (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts timestamptz DEFAULT clock_timestamp(),
      xid xid8 DEFAULT pg_current_xact_id(), usr text DEFAULT current_setting('request.jwt.claims', true)::jsonb ->> 'sub', op text, old_row jsonb, new_row jsonb);
    CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON t4 FOR EACH ROW EXECUTE FUNCTION log_row();
  WHEN 5 THEN
    CREATE TABLE log5 (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts timestamptz DEFAULT clock_timestamp(),
      xid xid8 DEFAULT pg_current_xact_id(), usr text DEFAULT current_setting('request.jwt.claims', true)::jsonb ->> 'sub', op text, old_row jsonb, new_row jsonb);
    CREATE TRIGGER log_i AFTER INSERT ON t5 REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_insert();
    CREATE TRIGGER log_u AFTER UPDATE ON t5 REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_update();
    CREATE TRIGGER log_d AFTER DELETE ON t5 REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION log_delete();
  WHEN 6 THEN
    PERFORM tenant_guard.enable_audit('t6', columns => '{"email": "mask"}');
  ELSE NULL;
  END CASE;
END $$;

-- The copy that a floor stands for.
CREATE FUNCTION copy_of(v int, operation text) RETURNS text LANGUAGE sql AS $$
SELECT CASE WHEN v = 2 AND operation = 'update' THEN 'INSERT INTO log2 SELECT t.* FROM t2 t CROSS JOIN generate_series(1, 2)'
  WHEN v = 2 THEN 'INSERT INTO log2 SELECT * FROM src'
  WHEN v = 3 THEN (SELECT format('INSERT INTO log3 (ts, xid, op, %s) SELECT now(), pg_current_xact_id(), ''x'', %s FROM %s t',
    string_agg(CASE operation WHEN 'insert' THEN 'new_' || attname WHEN 'delete' THEN 'old_' || attname ELSE 'old_' || attname || ', new_' || attname END, ', ' ORDER BY attnum),
    string_agg(CASE operation WHEN 'update' THEN 't.' || attname || ', t.' || attname ELSE 't.' || attname END, ', ' ORDER BY attnum),
    CASE operation WHEN 'update' THEN 't3' ELSE 'src' END)
    FROM pg_attribute WHERE attrelid = 'src'::regclass AND attnum > 0) END $$;

CREATE PROCEDURE measure(r int, v int, operation text) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz; statement text; copied text;
BEGIN
  PERFORM set_config('request.jwt.claims', '{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}', true);
  statement := CASE operation WHEN 'insert' THEN format('INSERT INTO t%s SELECT * FROM src', v)
    WHEN 'update' THEN format('UPDATE t%s SET amount = amount + 1', v) ELSE format('DELETE FROM t%s', v) END;
  copied := CASE WHEN v IN (2, 3) THEN copy_of(v, operation) END;
  started := clock_timestamp();
  EXECUTE statement;
  IF copied IS NOT NULL THEN EXECUTE copied; END IF;
  INSERT INTO timings VALUES (r, v, operation, extract(epoch FROM clock_timestamp() - started) * 1000);
END $$;

SELECT CASE step WHEN 1 THEN format('CALL make(%s)', v) WHEN 2 THEN 'CHECKPOINT' WHEN 3 THEN format('CALL measure(%s, %s, ''insert'')', r, v)
  WHEN 4 THEN 'CHECKPOINT' WHEN 5 THEN format('CALL measure(%s, %s, ''update'')', r, v) WHEN 6 THEN 'CHECKPOINT' ELSE format('CALL measure(%s, %s, ''delete'')', r, v) END
FROM generate_series(0, 5) r, generate_series(1, 6) place, LATERAL (SELECT (place * (1 + r % 5) + r) % 7 AS v) x, generate_series(1, 7) step
WHERE v BETWEEN 1 AND 6 ORDER BY r, place, step \gexec

WITH medians AS (
  SELECT variant, operation, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) / 200 AS us FROM timings WHERE round > 0 GROUP BY 1, 2),
added AS (SELECT m.variant, m.operation, m.us - n.us AS us FROM medians m JOIN medians n USING (operation) WHERE n.variant = 1 AND m.variant > 1)
SELECT (ARRAY['', 'floor A', 'floor B', 'plpgsql row jsonb', 'plpgsql statement jsonb', 'tenant_guard'])[variant] AS "us a row more than no audit",
  round(max(us) FILTER (WHERE operation = 'insert')::numeric, 2) AS insert, round(max(us) FILTER (WHERE operation = 'update')::numeric, 2) AS update,
  round(max(us) FILTER (WHERE operation = 'delete')::numeric, 2) AS delete,
  round((max(us) FILTER (WHERE operation = 'insert') / (SELECT us FROM added WHERE variant = 3 AND operation = 'insert'))::numeric, 2) AS "insert / B",
  round((max(us) FILTER (WHERE operation = 'update') / (SELECT us FROM added WHERE variant = 3 AND operation = 'update'))::numeric, 2) AS "update / B",
  round((max(us) FILTER (WHERE operation = 'delete') / (SELECT us FROM added WHERE variant = 3 AND operation = 'delete'))::numeric, 2) AS "delete / B"
FROM added GROUP BY variant ORDER BY variant;

WITH log AS (
  SELECT 'plpgsql statement jsonb' AS log, pg_total_relation_size('log5') / 600000.0 AS bytes
  UNION ALL SELECT 'tenant_guard', sum(pg_total_relation_size(inhrelid)) / (SELECT count(*) FROM tenant_guard.audit_event)
  FROM pg_inherits WHERE inhparent = 'tenant_guard.audit_event'::regclass)
SELECT log, round(bytes) AS "bytes an event", round(100 * bytes / (SELECT bytes FROM log WHERE log LIKE 'plpgsql%')) AS "% of jsonb" FROM log;
