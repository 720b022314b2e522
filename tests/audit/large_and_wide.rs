//! Values that are too large for the log, values that did not change, tables of very many columns, partitions.

use tenant_guard_tests::sql::{execute, number, rows, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

#[test]
fn a_value_that_is_too_large_is_kept_as_its_length_and_hash() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE TABLE t (id int PRIMARY KEY, v text, b bytea, small text); SET tenant_guard.audit_max_value = '64kB'");
    apply(&mut admin, "enable_audit('t')");
    execute(
        &mut admin,
        "INSERT INTO t VALUES (1, repeat('x', 100000), decode(repeat('ab', 70000), 'hex'), 'kept')",
    );
    let wrong = rows(
        &mut admin,
        "SELECT l.record FROM tenant_guard.audit_log l, t
          WHERE (l.record #>> '{v,length}')::int IS DISTINCT FROM 100000
             OR l.record #>> '{v,sha256}' IS DISTINCT FROM encode(sha256(convert_to(t.v, 'UTF8')), 'hex')
             OR (l.record #>> '{b,length}')::int IS DISTINCT FROM 70000
             OR l.record #>> '{b,sha256}' IS DISTINCT FROM encode(sha256(t.b), 'hex')
             OR l.record ->> 'small' IS DISTINCT FROM 'kept'",
    );
    assert!(wrong.is_empty(), "{wrong:?}");
    execute(&mut admin, "UPDATE t SET small = 'other'; UPDATE t SET v = 'short'; DELETE FROM t");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_log"), 4);
    // What the log does not have as it was, undo does not make up.
    let undo = "SELECT * FROM tenant_guard.undo_row('t', '{\"id\": 1}')";
    tenant_guard_tests::sql::expect_clear_error(&mut admin, undo, "55000");
}

#[test]
fn what_did_not_change_is_not_copied_and_yet_is_shown() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE t (id int PRIMARY KEY, n int, doc text);
         ALTER TABLE t ALTER doc SET STORAGE EXTERNAL",
    );
    apply(&mut admin, "enable_audit('t')");
    execute(
        &mut admin,
        "INSERT INTO t SELECT g, 0, repeat(md5(g::text), 3000) FROM generate_series(1, 20) g",
    );
    let size = "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'tenant_guard.audit_event'::regclass";
    let (before, wal) = (
        number(&mut admin, size),
        text(&mut admin, "SELECT pg_current_wal_lsn()").expect("a place"),
    );
    for _ in 0..10 {
        execute(&mut admin, "UPDATE t SET n = n + 1");
    }
    let grown = number(&mut admin, size) - before;
    let written = number(
        &mut admin,
        &format!("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{wal}')::bigint"),
    );
    // 200 times 96,000 bytes would be 19 MB.
    assert!(grown < 400_000, "the log grew by {grown} bytes");
    assert!(written < 1_500_000, "{written} bytes of WAL");
    let wrong = "SELECT count(*) FROM tenant_guard.audit_log l JOIN t ON l.key = jsonb_build_object('id', t.id)
                  WHERE l.record ->> 'doc' IS DISTINCT FROM t.doc OR l.operation = 'UPDATE' AND l.old_record ->> 'doc' IS DISTINCT FROM t.doc";
    assert_eq!(number(&mut admin, wrong), 0);
}

#[test]
fn what_did_not_change_is_shown_after_a_change_of_the_key_and_after_thousands_of_changes() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE TABLE t (id int PRIMARY KEY, n int, doc text); ALTER TABLE t ALTER doc SET STORAGE EXTERNAL");
    apply(&mut admin, "enable_audit('t')");
    execute(&mut admin, "INSERT INTO t VALUES (1, 0, repeat('A', 5000)), (3, 0, repeat('C', 5000)); DELETE FROM t WHERE id = 3");
    execute(
        &mut admin,
        "UPDATE t SET id = 2; UPDATE t SET n = n + 1; UPDATE t SET id = 3; UPDATE t SET n = n + 1",
    );
    execute(
        &mut admin,
        "DO $$BEGIN FOR i IN 1..1500 LOOP UPDATE t SET n = i; END LOOP; END$$; UPDATE t SET n = -1",
    );
    let last = "SELECT left(record ->> 'doc', 1) || length(record ->> 'doc') FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 1";
    assert_eq!(text(&mut admin, last).as_deref(), Some("A5000"));
}

#[test]
fn a_large_column_that_is_gone_does_not_stand_in_the_way() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE t (id int PRIMARY KEY, n int, doc text); ALTER TABLE t ALTER doc SET STORAGE EXTERNAL",
    );
    apply(&mut admin, "enable_audit('t')");
    execute(&mut admin, "INSERT INTO t VALUES (1, 0, repeat('A', 5000))");
    let then = text(&mut admin, "SELECT clock_timestamp()").expect("a moment");
    execute(&mut admin, "UPDATE t SET n = 1; ALTER TABLE t DROP COLUMN doc");
    let table = format!("SELECT r ->> 'n' FROM tenant_guard.table_as_of('t', '{then}') r");
    assert_eq!(text(&mut admin, &table).as_deref(), Some("0"));
    let row = format!("SELECT tenant_guard.row_as_of('t', '{{\"id\": 1}}', '{then}') ->> 'n'");
    assert_eq!(text(&mut admin, &row).as_deref(), Some("0"));
}

#[test]
fn rows_that_take_each_others_keys_keep_their_own_values() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE t (id int PRIMARY KEY, n int, doc text); ALTER TABLE t ALTER doc SET STORAGE EXTERNAL",
    );
    apply(&mut admin, "enable_audit('t')");
    // From the highest on, and from the lowest on: each row comes to a key before or after its former row leaves it.
    for order in ["DESC", "ASC"] {
        execute(
            &mut admin,
            &format!(
                "DELETE FROM t; INSERT INTO t SELECT g, 0, repeat(chr(64 + g), 5000) FROM generate_series(1, 4) g ORDER BY g {order}"
            ),
        );
        let then = text(&mut admin, "SELECT clock_timestamp()").expect("a moment");
        let by = if order == "DESC" { 1 } else { -1 };
        execute(
            &mut admin,
            &format!("UPDATE t SET id = id + {by}; UPDATE t SET n = 5; UPDATE t SET id = id + {by} * 100; DELETE FROM t WHERE n = 5 AND doc LIKE 'B%'"),
        );
        let shown = "SELECT string_agg(DISTINCT left(record ->> 'doc', 1) || ' ' || (record ->> 'id'), ', ')
              FROM tenant_guard.audit_log WHERE operation = 'UPDATE' AND record ->> 'doc' IS NULL";
        assert_eq!(text(&mut admin, shown), None);
        let wrong = format!(
            "SELECT count(*) FROM tenant_guard.audit_log WHERE operation = 'UPDATE' AND occurred_at > '{then}'
                AND ascii(record ->> 'doc') - 64 <> ((record ->> 'id')::int - {by}) - CASE WHEN abs((record ->> 'id')::int) > 50 THEN {by} * 100 ELSE 0 END"
        );
        assert_eq!(number(&mut admin, &wrong), 0, "{order}");
        for id in 1..5 {
            let was = format!("SELECT ascii(tenant_guard.row_as_of('t', '{{\"id\": {id}}}', '{then}') ->> 'doc') - 64");
            assert_eq!(number(&mut admin, &was), id, "{order}");
        }
    }
}

#[test]
fn what_did_not_change_is_shown_as_it_was_where_triggers_change_the_row_again() {
    for (inner, outer) in [
        ("n = t.n + 1", "doc = repeat('B', 5000)"),
        ("doc = repeat('B', 5000)", "n = 50"),
        ("doc = repeat('C', 5000)", "doc = repeat('B', 5000)"),
    ] {
        let database = Database::fresh();
        let mut admin = database.admin();
        execute(
            &mut admin,
            &format!(
                "CREATE TABLE t (id int PRIMARY KEY, n int, doc text); ALTER TABLE t ALTER doc SET STORAGE EXTERNAL;
                 CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                   IF pg_trigger_depth() < 2 THEN UPDATE t SET {inner} WHERE id = NEW.id; END IF; RETURN NULL; END$$;
                 CREATE TRIGGER again AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION again()"
            ),
        );
        apply(&mut admin, "enable_audit('t')");
        execute(
            &mut admin,
            &format!("INSERT INTO t VALUES (1, 0, repeat('A', 5000)); UPDATE t SET {outer}"),
        );
        execute(
            &mut admin,
            "ALTER TABLE t DISABLE TRIGGER again; UPDATE t SET n = 100; UPDATE t SET n = 101",
        );
        let differs = "SELECT r, sum(n) FROM (
               SELECT record, 1 FROM tenant_guard.audit_log WHERE record IS NOT NULL
               UNION ALL SELECT old_record, -1 FROM tenant_guard.audit_log WHERE old_record IS NOT NULL
               UNION ALL SELECT to_jsonb(t), -1 FROM t) AS a (r, n) GROUP BY r HAVING sum(n) <> 0";
        let found = rows(&mut admin, differs);
        assert!(
            found.is_empty(),
            "{outer}, then {inner}: {:.900}",
            format!("{found:?}")
                .replace("AAAAAAAA", "")
                .replace("BBBBBBBB", "")
                .replace("CCCCCCCC", "")
        );
    }
}

#[test]
fn a_table_of_a_thousand_columns_is_logged() {
    let database = Database::fresh();
    let mut admin = database.admin();
    let columns: Vec<String> =
        (0..1000).map(|i| format!("c{i} {}", ["int", "text", "bool", "date"][i % 4])).collect();
    execute(&mut admin, &format!("CREATE TABLE wide (id int PRIMARY KEY, {})", columns.join(", ")));
    apply(&mut admin, "enable_audit('wide')");
    let set: Vec<String> =
        (0..1000).step_by(2).map(|i| format!("c{i} = {}", ["7", "", "true"][i % 4])).collect();
    execute(&mut admin, &format!("INSERT INTO wide (id) VALUES (1); UPDATE wide SET {}; UPDATE wide SET c999 = '2024-01-01'", set.join(", ")));
    assert_eq!(
        number(
            &mut admin,
            "SELECT count(*) FROM tenant_guard.audit_log l, wide w WHERE l.record = to_jsonb(w)"
        ),
        1
    );
    let changed = "SELECT string_agg(coalesce(array_length(changed_columns, 1), 0)::text, ' ' ORDER BY id) FROM tenant_guard.audit_log";
    assert_eq!(text(&mut admin, changed).as_deref(), Some("0 500 1"));
    execute(&mut admin, "SELECT * FROM tenant_guard.undo_row('wide', '{\"id\": 1}')");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM wide WHERE c999 IS NULL AND c998"), 1);
}

#[test]
fn a_truncate_that_told_its_rows_hides_none() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE p (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
         CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         CREATE TABLE e (id int PRIMARY KEY, v text)",
    );
    apply(&mut admin, "enable_audit('p', truncate => 'rows')");
    apply(&mut admin, "enable_audit('e', truncate => 'rows')");
    execute(&mut admin, "INSERT INTO p SELECT g, 'x' FROM generate_series(1, 9) g");
    let then = text(&mut admin, "SELECT clock_timestamp()").expect("a moment");
    execute(&mut admin, "TRUNCATE e; TRUNCATE p1; INSERT INTO e VALUES (1)");
    let id = text(&mut admin, "BEGIN; SELECT pg_current_xact_id()").expect("an id");
    execute(&mut admin, "TRUNCATE p, e; INSERT INTO p VALUES (77); COMMIT");
    for (table, rows) in [("p", 9), ("e", 0)] {
        let as_of = format!("SELECT count(*) FROM tenant_guard.table_as_of('{table}', '{then}')");
        assert_eq!(number(&mut admin, &as_of), rows, "{table}");
    }
    let left = "SELECT (SELECT count(*) FROM p) * 100 + (SELECT count(*) FROM e)";
    execute(&mut admin, &format!("SELECT * FROM tenant_guard.undo_transaction('{id}')"));
    let partition = number(&mut admin, "SELECT count(*) FROM p0");
    assert_eq!(number(&mut admin, left), partition * 100 + 1);
}

#[test]
fn generated_columns_of_partitioned_tables_are_logged() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE p (id int PRIMARY KEY, v int, twice int GENERATED ALWAYS AS (v * 2) STORED) PARTITION BY HASH (id);
         CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE p1 (twice int GENERATED ALWAYS AS (v * 2) STORED, v int, id int NOT NULL);
         ALTER TABLE p ATTACH PARTITION p1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    );
    apply(&mut admin, "enable_audit('p')");
    execute(&mut admin, "INSERT INTO p (id, v) SELECT g, g FROM generate_series(1, 9) g; UPDATE p SET v = 3; UPDATE p SET id = id + 100");
    let wrong = "SELECT count(*) FROM tenant_guard.audit_log
          WHERE (record ->> 'v')::int * 2 IS DISTINCT FROM (record ->> 'twice')::int
             OR (old_record ->> 'v')::int * 2 IS DISTINCT FROM (old_record ->> 'twice')::int";
    assert_eq!(number(&mut admin, wrong), 0);
    assert!(tenant_guard_tests::steps::call(&mut admin, "enable_audit('p', dry_run => true)")
        .is_empty());
}
