//! What the owner of a table made runs for nobody who only reads its trail: a domain's constraint would have the rights of
//! whoever asks.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::sql::*;
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Types of a key whose values a domain of the owner's checks, and a key of each.
const KEYS: &[(&str, &str)] = &[
    ("dom", "1"),
    ("dom[]", "\"{1,2}\""),
    ("comp", "\"(1,x)\""),
    ("dom_range", "\"[1,5)\""),
    ("dom_of_array", "\"{1}\""),
];

fn stage() -> Database<'static> {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        &format!(
            "CREATE SCHEMA m AUTHORIZATION {OWNER};
             GRANT EXECUTE ON FUNCTION tenant_guard.audit_statement(), tenant_guard.audit_row(), tenant_guard.audit_truncate() TO {OWNER}"
        ),
    );
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE TABLE m.ran (who text DEFAULT current_user);
         CREATE FUNCTION m.check(v int) RETURNS boolean LANGUAGE plpgsql SECURITY INVOKER AS
           $$BEGIN INSERT INTO m.ran DEFAULT VALUES; RETURN true; END$$;
         CREATE DOMAIN m.dom AS int CHECK (m.check(VALUE));
         CREATE DOMAIN m.dom_of_array AS m.dom[];
         CREATE TYPE m.comp AS (a m.dom, b text);
         CREATE TYPE m.dom_range AS RANGE (subtype = m.dom);
         GRANT USAGE ON SCHEMA m TO PUBLIC; GRANT ALL ON m.ran TO PUBLIC",
    );
    database
}

#[test]
fn reading_a_rows_history_runs_no_code_of_the_tables_owner_with_other_rights() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    let mut admin = database.admin();
    for (kind, key) in KEYS {
        let table = format!("m.\"of {kind}\"");
        let value = key.trim_matches('"');
        execute(
            &mut owner,
            &format!(
                "CREATE TABLE {table} (id m.{kind} PRIMARY KEY, organization_id uuid, v text)"
            ),
        );
        apply(&mut owner, &format!("enable_audit('{table}')"));
        execute(
            &mut owner,
            &format!(
                "INSERT INTO {table} VALUES ('{value}', NULL, 'x'); UPDATE {table} SET v = 'y'"
            ),
        );
        let key = format!("'{{\"id\": {key}}}'");
        let history = format!("SELECT count(*) FROM tenant_guard.row_history('{table}', {key})");
        assert_eq!(number(&mut admin, &history), 2, "{kind}");
        let now = format!("SELECT tenant_guard.row_as_of('{table}', {key}, now()) ->> 'v'");
        assert_eq!(text(&mut admin, &now).as_deref(), Some("y"), "{kind}");
        for read in [
            format!("SELECT count(*) FROM tenant_guard.table_as_of('{table}', '-infinity')"),
            format!("SELECT count(*) FROM tenant_guard.undo_row('{table}', {key}, dry_run => true)"),
            format!("SELECT count(*) FROM tenant_guard.erase_subject('{table}', {key}, 'x', dry_run => true)"),
            "SELECT count(record) FROM tenant_guard.audit_log".to_string(),
        ] {
            execute(&mut admin, &read);
        }
        let others = format!("SELECT count(*) FROM m.ran WHERE who <> '{OWNER}'");
        assert_eq!(number(&mut admin, &others), 0, "{kind}");
    }
}

#[test]
fn keys_of_an_extensions_types_are_found_by_their_own_equality() {
    let database = stage();
    let mut admin = database.admin();
    if database.lacks("citext") || database.lacks("ltree") {
        return;
    }
    execute(&mut admin, "CREATE SCHEMA \"Ext\"; CREATE EXTENSION citext SCHEMA \"Ext\"; CREATE EXTENSION ltree SCHEMA \"Ext\"");
    for (kind, key) in [("citext", "Ada"), ("ltree", "a.b")] {
        let table = format!("m.\"of {kind}\"");
        execute(
            &mut admin,
            &format!("CREATE TABLE {table} (id \"Ext\".{kind} PRIMARY KEY, organization_id uuid, v text)"),
        );
        apply(&mut admin, &format!("enable_audit('{table}')"));
        execute(
            &mut admin,
            &format!("INSERT INTO {table} VALUES ('{key}', NULL, 'x'); UPDATE {table} SET v = 'y'"),
        );
        let key = format!("'{{\"id\": \"{key}\"}}'");
        let now = format!("SELECT tenant_guard.row_as_of('{table}', {key}, now()) ->> 'v'");
        assert_eq!(text(&mut admin, &now).as_deref(), Some("y"), "{kind}");
        apply_undo(&mut admin, &format!("undo_row('{table}', {key})"));
        assert_eq!(
            text(&mut admin, &now.replace("now()", "clock_timestamp()")).as_deref(),
            Some("x"),
            "{kind}"
        );
    }
}

fn apply_undo(client: &mut postgres::Client, call: &str) {
    assert_eq!(number(client, &format!("SELECT count(*) FROM tenant_guard.{call}")), 1);
}
