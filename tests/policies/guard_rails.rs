//! enforce: no table with the tenant column stays open by oversight.

use std::sync::{Arc, Mutex};

use postgres::Client;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER};
use tenant_guard_tests::sql::{db_error, execute, expect_clear_error, number, rows};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

use crate::stage::{connect_listening, fresh};

const T: &str = "CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL)";

pub fn enforced(mode: &str) -> Database<'static> {
    let database = fresh();
    database.load("CREATE SCHEMA zoo; CREATE SCHEMA free");
    apply(&mut database.admin(), &format!("enforce('{{zoo}}', '{mode}')"));
    database
}

fn is_open(database: &Database, table: &str) -> bool {
    let open = format!(
        "SELECT count(*) FROM pg_class c WHERE oid = '{table}'::regclass AND NOT (relrowsecurity AND relforcerowsecurity
           AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'tenant_guard_tenant'))"
    );
    number(&mut database.admin(), &open) == 1
}

fn last_word(heard: &Arc<Mutex<Vec<String>>>) -> String {
    heard.lock().expect("no panic in the lock").drain(..).collect::<Vec<_>>().join("\n")
}

/// The statements run, the commit is refused, and nothing of it is left.
#[track_caller]
fn refused_at_commit(client: &mut Client, statements: &str) {
    execute(client, &format!("BEGIN; {statements}"));
    let error = client.batch_execute("COMMIT").expect_err(statements);
    let error = db_error(&error, statements, "55000");
    tenant_guard_tests::sql::assert_clear(&error, statements);
    assert!(error.message().contains("zoo."), "{error:?}");
}

#[test]
fn a_warning_lets_pass_and_names_the_table() {
    let database = enforced("warn");
    let (mut owner, heard) = connect_listening(&database, OWNER);
    execute(&mut owner, T);
    assert!(last_word(&heard).contains("zoo.t is not protected"));
    assert!(is_open(&database, "zoo.t"));
    execute(&mut owner, "CREATE TABLE zoo.plain (id int); CREATE TABLE free.t (organization_id uuid); CREATE TEMP TABLE x (organization_id uuid)");
    assert_eq!(last_word(&heard), "");
    execute(&mut owner, "BEGIN; CREATE TABLE zoo.second (organization_id uuid)");
    assert_eq!(last_word(&heard), "", "not before the commit");
    execute(&mut owner, "SELECT * FROM tenant_guard.protect_table('zoo.second'); COMMIT");
    assert!(!last_word(&heard).contains("is not protected"));
}

#[test]
fn an_open_table_is_refused_when_the_transaction_commits() {
    let database = enforced("error");
    let mut owner = database.connect(OWNER);
    expect_clear_error(&mut owner, T, "55000");
    refused_at_commit(&mut owner, T);
    refused_at_commit(
        &mut owner,
        "CREATE TABLE zoo.t AS SELECT 1 AS id, NULL::uuid AS organization_id",
    );
    refused_at_commit(&mut owner, "SELECT 1 AS id, NULL::uuid AS organization_id INTO zoo.t");
    refused_at_commit(
        &mut owner,
        "CREATE TABLE zoo.t (id int); ALTER TABLE zoo.t ADD organization_id uuid",
    );
    refused_at_commit(
        &mut owner,
        "CREATE TABLE zoo.t (id int, org uuid); ALTER TABLE zoo.t RENAME org TO organization_id",
    );
    refused_at_commit(
        &mut owner,
        "CREATE TABLE free.t (organization_id uuid); ALTER TABLE free.t SET SCHEMA zoo",
    );
    refused_at_commit(
        &mut owner,
        "CREATE TABLE free.t (organization_id uuid); CREATE TABLE zoo.t (LIKE free.t)",
    );
    refused_at_commit(
        &mut owner,
        "CREATE TABLE zoo.t (id int, organization_id uuid) PARTITION BY RANGE (id)",
    );
    refused_at_commit(
        &mut owner,
        "CREATE TYPE zoo.r AS (organization_id uuid); CREATE TABLE zoo.t OF zoo.r",
    );
    refused_at_commit(
        &mut owner,
        "SAVEPOINT s; CREATE TABLE zoo.t (organization_id uuid); RELEASE s",
    );
    execute(
        &mut owner,
        "BEGIN; SAVEPOINT s; CREATE TABLE zoo.t (organization_id uuid); ROLLBACK TO s; COMMIT",
    );
    execute(
        &mut owner,
        "BEGIN; CREATE TABLE zoo.t (organization_id uuid); DROP TABLE zoo.t; COMMIT",
    );
    execute(&mut owner, "BEGIN; CREATE TABLE zoo.t (organization_id uuid); ALTER TABLE zoo.t SET SCHEMA free; COMMIT");
    execute(&mut owner, "CREATE TABLE zoo.plain (id int); DROP TABLE free.t");
    execute(
        &mut owner,
        &format!("BEGIN; {T}; SELECT * FROM tenant_guard.protect_table('zoo.t'); COMMIT"),
    );
    assert!(!is_open(&database, "zoo.t"));
    assert_eq!(number(&mut database.admin(), "SELECT count(*) FROM tenant_guard.unchecked"), 0);
}

#[test]
fn a_schema_that_is_made_with_its_tables_is_watched_again() {
    let database = enforced("error");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "DROP SCHEMA zoo");
    refused_at_commit(&mut owner, "CREATE SCHEMA zoo CREATE TABLE t (organization_id uuid)");
}

#[test]
fn what_is_protected_is_not_opened_by_hand() {
    let database = enforced("error");
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        &format!("BEGIN; {T}; SELECT * FROM tenant_guard.protect_table('zoo.t'); COMMIT"),
    );
    for change in [
        "ALTER TABLE zoo.t DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE zoo.t NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_guard_tenant ON zoo.t",
        "ALTER POLICY tenant_guard_tenant ON zoo.t RENAME TO gone",
        "ALTER POLICY tenant_guard_tenant ON zoo.t USING (true)",
        "DROP POLICY tenant_guard_tenant ON zoo.t; CREATE POLICY tenant_guard_tenant ON zoo.t USING (true)",
        "ALTER POLICY tenant_guard_tenant ON zoo.t TO anon",
        "CREATE VIEW zoo.v AS SELECT * FROM zoo.t",
        "CREATE VIEW zoo.v WITH (security_invoker) AS SELECT * FROM zoo.t; ALTER VIEW zoo.v RESET (security_invoker)",
        "CREATE VIEW zoo.v WITH (security_invoker) AS SELECT * FROM zoo.t; CREATE OR REPLACE VIEW zoo.v AS SELECT * FROM zoo.t",
        "CREATE MATERIALIZED VIEW zoo.v AS SELECT * FROM zoo.t",
    ] {
        execute(&mut owner, &format!("BEGIN; {change}"));
        match owner.batch_execute("COMMIT") {
            Ok(()) => panic!("{change}\nwas let pass"),
            Err(error) => {
                db_error(&error, change, "55000");
            }
        }
        assert!(!is_open(&database, "zoo.t"), "{change}");
    }
    execute(&mut owner, "BEGIN; DROP POLICY tenant_guard_tenant ON zoo.t; SELECT * FROM tenant_guard.protect_table('zoo.t'); COMMIT");
    execute(&mut owner, "CREATE VIEW zoo.fine WITH (security_invoker = true) AS SELECT * FROM zoo.t; DROP TABLE zoo.t CASCADE");
}

#[test]
fn unprotect_table_in_an_enforced_schema_is_refused_or_said() {
    let database = enforced("error");
    let (mut owner, heard) = connect_listening(&database, OWNER);
    execute(
        &mut owner,
        &format!("BEGIN; {T}; SELECT * FROM tenant_guard.protect_table('zoo.t'); COMMIT"),
    );
    last_word(&heard);
    let result = owner.batch_execute("SELECT * FROM tenant_guard.unprotect_table('zoo.t')");
    assert!(
        result.is_err() || last_word(&heard).contains("zoo.t will be open"),
        "opened without a word"
    );
}

#[test]
fn a_table_is_protected_as_it_is_made() {
    let database = enforced("protect");
    let (mut owner, heard) = connect_listening(&database, OWNER);
    execute(&mut owner, T);
    assert!(!is_open(&database, "zoo.t"), "{}", last_word(&heard));
    // From now on it keeps options of its own; else it is as protect_table does it.
    let again = call(&mut owner, "protect_table('zoo.t')");
    assert!(again.iter().all(|step| step.action == "register the protection"), "{again:?}");
    execute(&mut owner, "CREATE TABLE zoo.ctas AS SELECT 1 AS id, NULL::uuid AS organization_id");
    assert!(!is_open(&database, "zoo.ctas"));
    execute(
        &mut owner,
        "CREATE TABLE zoo.added (id int); ALTER TABLE zoo.added ADD organization_id uuid",
    );
    assert!(!is_open(&database, "zoo.added"));
    execute(&mut owner, "CREATE TABLE zoo.tree (id int, organization_id uuid) PARTITION BY RANGE (id); CREATE TABLE zoo.leaf PARTITION OF zoo.tree DEFAULT");
    assert!(!is_open(&database, "zoo.leaf"));
    execute(&mut owner, "CREATE VIEW zoo.v AS SELECT * FROM zoo.t");
    let invoker = "SELECT count(*) FROM pg_class WHERE oid = 'zoo.v'::regclass AND 'security_invoker=true' = ANY (reloptions)";
    assert_eq!(number(&mut owner, invoker), 1);
    execute(&mut owner, "ALTER TABLE zoo.t DISABLE ROW LEVEL SECURITY");
    assert!(!is_open(&database, "zoo.t"));
    execute(&mut owner, "DROP POLICY tenant_guard_tenant ON zoo.t");
    assert!(!is_open(&database, "zoo.t"));
    let drift = rows(
        &mut owner,
        "SELECT table_name, drift FROM tenant_guard.protected_tables WHERE drift <> '{}'",
    );
    assert_eq!(drift, Vec::<Vec<Option<String>>>::new());
}

#[test]
fn the_options_of_enforce_are_those_of_protect_table() {
    let database = fresh();
    database.load("CREATE SCHEMA zoo");
    let mut admin = database.admin();
    let enforce = r#"enforce('{zoo}', 'protect', tenant_column => 'Org Id', options => '{"scope": "member", "roles": ["anon"]}')"#;
    apply(&mut admin, enforce);
    assert_eq!(call(&mut admin, enforce), [], "again");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TABLE zoo.\"T\" (\"Org Id\" text)");
    assert!(!is_open(&database, "zoo.\"T\""));
    assert!(call(&mut owner, r#"protect_table('zoo."T"', tenant_column => 'Org Id', scope => 'member', roles => '{anon}')"#).len() <= 1);
    for wrong in [
        "enforce('{zoo}', 'refuse')",
        "enforce('{nowhere}', 'warn')",
        "enforce('{}', 'warn')",
        "enforce(NULL, 'warn')",
        "enforce('{zoo}', NULL)",
        "enforce('{zoo}', 'warn', options => '{\"scope\": \"member\"}')",
        "enforce('{zoo}', 'protect', options => '{\"scop\": \"member\"}')",
        "enforce('{zoo}', 'protect', options => '{\"roles\": [\"nobody_at_all\"]}')",
        "enforce('{zoo}', 'protect', options => '[]')",
        "enforce('{zoo}', 'protect', options => '{\"shared\": \"true; DROP TABLE x\"}')",
        "enforce('{zoo}', 'protect', options => '{\"via\": \"id\"}')",
    ] {
        match admin.batch_execute(&format!("SELECT * FROM tenant_guard.{wrong}")) {
            Ok(()) => panic!("{wrong}\nwas accepted"),
            Err(error) => {
                let error = error.as_db_error().expect("an answer");
                tenant_guard_tests::sql::assert_clear(error, wrong);
            }
        }
    }
}

#[test]
fn enforcement_ends_when_told_and_comes_back_by_undo() {
    let database = enforced("error");
    let mut admin = database.admin();
    let change = apply(&mut admin, "enforce('{zoo}', 'off')");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, T);
    apply(&mut admin, &format!("undo({change})"));
    expect_clear_error(&mut owner, "CREATE TABLE zoo.second (organization_id uuid)", "55000");
    expect_clear_error(&mut owner, "ALTER TABLE zoo.t ADD more text", "55000");
}

#[test]
fn only_an_administrator_lifts_it() {
    let database = enforced("error");
    let mut owner = database.connect(OWNER);
    for trick in [
        "SELECT * FROM tenant_guard.enforce('{zoo}', 'off')",
        "SELECT tenant_guard.register_enforcement('zoo', NULL, NULL)",
        "DELETE FROM tenant_guard.enforcement",
        "DELETE FROM tenant_guard.unchecked",
        "DROP EVENT TRIGGER tenant_guard_watch",
        "ALTER TABLE tenant_guard.unchecked DISABLE TRIGGER ALL",
    ] {
        assert!(owner.batch_execute(trick).is_err(), "{trick}");
    }
    for settings in [
        "SET client_min_messages = error; SET CONSTRAINTS ALL DEFERRED",
        // Before the library is loaded nobody is asked whether they may.
        "SET tenant_guard.enforcement = off",
    ] {
        let mut owner = database.connect(OWNER);
        execute(&mut owner, settings);
        expect_clear_error(&mut owner, T, "55000");
        assert!(owner.batch_execute("SET tenant_guard.enforcement = off").is_err());
    }
    let mut connected = database.config(OWNER);
    let mut connected = connected
        .options("-c tenant_guard.enforcement=off")
        .connect(postgres::NoTls)
        .expect("a session with an option");
    expect_clear_error(&mut connected, T, "55000");
    let mut admin = database.admin();
    execute(
        &mut admin,
        "SET tenant_guard.enforcement = off; CREATE TABLE zoo.t (organization_id uuid)",
    );
}

#[test]
fn of_another_owners_partition_the_error_says_why() {
    let database = fresh();
    database.load(
        "CREATE SCHEMA zoo; GRANT CREATE, USAGE ON SCHEMA zoo TO other_owner;
         CREATE TABLE zoo.t (id int, organization_id uuid) PARTITION BY RANGE (id)",
    );
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    // The administrator attaches another's table.
    let mut other = database.connect(OTHER_OWNER);
    execute(&mut other, "CREATE TABLE zoo.p (id int, organization_id uuid)");
    execute(&mut database.admin(), "ALTER TABLE zoo.t ATTACH PARTITION zoo.p DEFAULT");
    assert!(!is_open(&database, "zoo.p"));
    // Nor may one who does not own the table above pretend to.
    let error = other
        .batch_execute("CREATE TABLE zoo.q PARTITION OF zoo.t FOR VALUES FROM (0) TO (1)")
        .expect_err("not the owner");
    assert_eq!(error.as_db_error().expect("an answer").code().code(), "42501");
}

#[test]
fn nobody_passes_by_pretending_to_restore() {
    let database = enforced("error");
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "SET row_security = off; SET check_function_bodies = off; SELECT set_config('search_path', '', false)",
    );
    expect_clear_error(&mut owner, T, "55000");
}

#[test]
fn enforcement_follows_a_schema_that_is_renamed() {
    let database = enforced("error");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "ALTER SCHEMA zoo RENAME TO \"Zoo's\"");
    expect_clear_error(&mut owner, "CREATE TABLE \"Zoo's\".t (organization_id uuid)", "55000");
    execute(&mut owner, "CREATE TABLE \"Zoo's\".plain (id int)");
}
