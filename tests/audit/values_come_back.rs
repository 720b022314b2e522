//! What jsonb cannot tell apart, undo does: a row that was deleted or changed comes back to the letter.

use crate::values::{value, KINDS, TYPES};
use tenant_guard_tests::sql::*;
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Values of types that can be told in other words: the row as text, and its bytes where they can be seen.
const ALL: &str =
    "SELECT coalesce(string_agg(v::text, E'\\n' ORDER BY v.id), '') FROM \"My App\".\"Values\" v";

#[test]
fn every_value_of_every_type_comes_back_to_the_letter() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(&mut admin, TYPES);
    let columns: Vec<String> =
        KINDS.iter().enumerate().map(|(i, kind)| format!("\"c{i}\" {}", kind.name)).collect();
    execute(
        &mut admin,
        &format!(
            "CREATE TABLE \"My App\".\"Values\" (gone int, id int PRIMARY KEY, {}, length int GENERATED ALWAYS AS (length(c6)) STORED);
             ALTER TABLE \"My App\".\"Values\" DROP COLUMN gone",
            columns.join(", ")
        ),
    );
    apply(&mut admin, "enable_audit('\"My App\".\"Values\"')");
    let most = KINDS.iter().map(|kind| kind.values.len()).max().unwrap_or_default() + 1;
    let row = |n: usize| KINDS.iter().map(|k| value(k, n)).collect::<Vec<_>>().join(", ");
    for n in 0..most {
        let insert = format!("INSERT INTO \"My App\".\"Values\" VALUES ({n}, {})", row(n));
        execute(&mut admin, &insert);
    }
    let before = text(&mut admin, ALL).expect("rows");

    // What the log shows is what to_jsonb shows of the row, whatever the session's styles are.
    for style in ["ISO, MDY", "German, DMY"] {
        execute(
            &mut admin,
            &format!(
                "SET datestyle = '{style}'; SET extra_float_digits = 1; SET bytea_output = 'hex'"
            ),
        );
        let differs = rows(
            &mut admin,
            "SELECT v.id, c.key, c.value, (to_jsonb(v) -> c.key)::text
               FROM \"My App\".\"Values\" v JOIN tenant_guard.audit_log l ON l.key = jsonb_build_object('id', v.id),
                    LATERAL jsonb_each(l.record) c
              WHERE c.value IS DISTINCT FROM to_jsonb(v) -> c.key",
        );
        assert!(differs.is_empty(), "{style}: {differs:#?}");
    }
    execute(&mut admin, "RESET ALL");

    // Under styles that lose or turn what is written: the statement is undone as it was.
    let styles = "SET datestyle = 'Postgres, DMY'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -10;
         SET bytea_output = 'escape'; SET timezone = 'Asia/Kathmandu'; SET search_path = pg_temp";
    for n in 0..most {
        let key = format!("'{{\"id\": {n}}}'");
        execute(&mut admin, styles);
        execute(&mut admin, &format!("DELETE FROM \"My App\".\"Values\" WHERE id = {n}"));
        execute(
            &mut admin,
            &format!("SELECT * FROM tenant_guard.undo_row('\"My App\".\"Values\"', {key})"),
        );
        execute(&mut admin, "RESET ALL");
        assert_eq!(
            text(&mut admin, ALL).expect("rows"),
            before,
            "row {n} after its DELETE was undone"
        );
        let other: Vec<String> =
            KINDS.iter().enumerate().map(|(i, k)| format!("c{i} = {}", value(k, n + 1))).collect();
        execute(&mut admin, styles);
        execute(
            &mut admin,
            &format!("UPDATE \"My App\".\"Values\" SET {} WHERE id = {n}", other.join(", ")),
        );
        execute(
            &mut admin,
            &format!("SELECT * FROM tenant_guard.undo_row('\"My App\".\"Values\"', {key})"),
        );
        execute(&mut admin, "RESET ALL");
        assert_eq!(
            text(&mut admin, ALL).expect("rows"),
            before,
            "row {n} after its UPDATE was undone"
        );
    }
    assert_eq!(number(&mut admin, "SELECT count(*) FROM \"My App\".\"Values\""), most as i64);
}

#[test]
fn a_number_finds_its_row_in_whatever_scale_it_is_written() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE TABLE prices (id numeric PRIMARY KEY, v text)");
    apply(&mut admin, "enable_audit('prices')");
    execute(&mut admin, "INSERT INTO prices VALUES (1.00, 'a'); UPDATE prices SET v = 'b'");
    for id in ["1", "1.0", "\"1.000\""] {
        let found =
            format!("SELECT count(*) FROM tenant_guard.row_history('prices', '{{\"id\": {id}}}')");
        assert_eq!(number(&mut admin, &found), 2, "{id}");
        let found =
            format!("SELECT tenant_guard.row_as_of('prices', '{{\"id\": {id}}}', now())->>'v'");
        assert_eq!(text(&mut admin, &found).as_deref(), Some("b"), "{id}");
    }
}

#[test]
fn a_key_that_got_a_wider_type_keeps_its_history() {
    for (narrow, wide, key) in
        [("int", "bigint", "1"), ("smallint", "int", "1"), ("varchar(9)", "text", "\"1\"")]
    {
        let database = Database::fresh();
        let mut admin = database.admin();
        execute(&mut admin, &format!("CREATE TABLE k (id {narrow} PRIMARY KEY, v text)"));
        apply(&mut admin, "enable_audit('k')");
        execute(&mut admin, "INSERT INTO k VALUES ('1', 'a')");
        let then = text(&mut admin, "SELECT clock_timestamp()").expect("a moment");
        execute(
            &mut admin,
            &format!(
                "UPDATE k SET v = 'b'; ALTER TABLE k ALTER id TYPE {wide}; UPDATE k SET v = 'c'"
            ),
        );
        let key = format!("'{{\"id\": {key}}}'");
        let history = format!("SELECT count(*) FROM tenant_guard.row_history('k', {key})");
        assert_eq!(number(&mut admin, &history), 3, "{wide}");
        let row = format!("SELECT tenant_guard.row_as_of('k', {key}, '{then}') ->> 'v'");
        assert_eq!(text(&mut admin, &row).as_deref(), Some("a"), "{wide}");
        let table = format!("SELECT r ->> 'v' FROM tenant_guard.table_as_of('k', '{then}') r");
        assert_eq!(text(&mut admin, &table).as_deref(), Some("a"), "{wide}");
    }
}

#[test]
fn a_row_type_that_changes_is_logged_as_it_is() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TYPE inner_type AS (n int); CREATE TYPE outer_type AS (street text, deep inner_type[]);
         CREATE TABLE t (id int PRIMARY KEY, a outer_type)",
    );
    apply(&mut admin, "enable_audit('t')");
    execute(&mut admin, "INSERT INTO t VALUES (1, ROW('x', ARRAY[ROW(1)::inner_type]))");
    execute(
        &mut admin,
        "ALTER TYPE outer_type ADD ATTRIBUTE zip text; ALTER TYPE inner_type ADD ATTRIBUTE m int;
         INSERT INTO t VALUES (2, ROW('y', ARRAY[ROW(2, 3)::inner_type], '99999'))",
    );
    let differs = rows(
        &mut admin,
        "SELECT l.record, to_jsonb(t) FROM t JOIN tenant_guard.audit_log l ON l.key = jsonb_build_object('id', t.id)
          WHERE t.id = 2 AND l.record IS DISTINCT FROM to_jsonb(t)",
    );
    assert!(differs.is_empty(), "{differs:?}");
}

#[test]
fn what_a_foreign_key_did_is_undone_with_what_it_followed() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE parent (id int PRIMARY KEY);
         CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
         CREATE TABLE loose (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE SET NULL);
         CREATE TABLE node (id int PRIMARY KEY, above int REFERENCES node ON DELETE CASCADE)",
    );
    for table in ["parent", "child", "loose", "node"] {
        apply(&mut admin, &format!("enable_audit('{table}')"));
    }
    execute(
        &mut admin,
        "INSERT INTO parent VALUES (1), (2); INSERT INTO child SELECT g, g % 2 + 1 FROM generate_series(1, 9) g;
         INSERT INTO loose SELECT * FROM child; INSERT INTO node VALUES (1, NULL), (2, 1), (3, 2), (4, 2)",
    );
    let all = "SELECT string_agg(r, ' ' ORDER BY r) FROM (
           SELECT 'p' || parent::text AS r FROM parent UNION ALL SELECT 'c' || child::text FROM child
           UNION ALL SELECT 'l' || loose::text FROM loose UNION ALL SELECT 'n' || node::text FROM node) x";
    let before = text(&mut admin, all);
    for change in [
        "DELETE FROM parent WHERE id = 1",
        "DELETE FROM child; UPDATE loose SET parent = NULL; DELETE FROM parent",
        "DELETE FROM node WHERE id = 1",
        "DELETE FROM loose; UPDATE parent SET id = id + 10",
        "DELETE FROM loose; UPDATE parent SET id = id + 30; INSERT INTO parent VALUES (1)",
        "DELETE FROM loose; UPDATE parent SET id = id + 30; INSERT INTO parent VALUES (2)",
        "INSERT INTO parent VALUES (3); UPDATE child SET parent = 3; UPDATE loose SET parent = 3; DELETE FROM parent WHERE id < 3",
    ] {
        let id = text(&mut admin, "BEGIN; SELECT pg_current_xact_id()").expect("an id");
        execute(&mut admin, &format!("{change}; COMMIT"));
        assert_ne!(text(&mut admin, all), before, "{change}");
        execute(&mut admin, &format!("SELECT * FROM tenant_guard.undo_transaction('{id}')"));
        assert_eq!(text(&mut admin, all), before, "{change}");
    }
}

/// Undone one by one, what a foreign key refers to passes through a key that another row is about to leave: its action goes
/// with that row.
#[test]
fn undo_refuses_where_a_foreign_key_would_take_a_row_away_again() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE parents (id int PRIMARY KEY, name text);
         CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON UPDATE CASCADE ON DELETE CASCADE)",
    );
    apply(&mut admin, "enable_audit('parents')");
    apply(&mut admin, "enable_audit('children')");
    execute(
        &mut admin,
        "INSERT INTO parents VALUES (32, 'old'); INSERT INTO children VALUES (17, 32)",
    );
    execute(&mut admin, "BEGIN");
    let transaction = text(&mut admin, "SELECT pg_current_xact_id()").expect("an id");
    execute(
        &mut admin,
        "INSERT INTO parents VALUES (1, 'new'); UPDATE parents SET id = id + 31; COMMIT",
    );
    let all = "SELECT string_agg(p.id || p.name || coalesce(c.id || '', ''), ',' ORDER BY p.id) FROM parents p LEFT JOIN children c ON c.parent = p.id";
    let before = text(&mut admin, all);
    let undo = format!("SELECT * FROM tenant_guard.undo_transaction('{transaction}')");
    expect_clear_error(&mut admin, &undo, "55000");
    assert_eq!(text(&mut admin, all), before);
}
