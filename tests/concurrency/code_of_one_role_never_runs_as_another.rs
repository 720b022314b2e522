//! The extension changes roles to read its own tables, and owners call it with schemas of others on their search path.
//! In neither case may an operator, function, cast or column type that someone planted run with another role's rights.

use crate::aim::{calls, functions};
use std::collections::BTreeSet;
use std::sync::mpsc::{channel, Receiver};
use std::sync::Mutex;

use postgres::{Client, NoTls};
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, number, session_claims, try_rows};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Types whose `=`, `<>` and `||` a query on the catalog or on the journal is likely to use.
const TYPES: [&str; 12] = [
    "name", "text", "oid", "\"char\"", "bigint", "integer", "smallint", "boolean", "uuid",
    "regclass", "jsonb", "xid",
];

/// Functions that such queries call, as signature and result.
const FUNCTIONS: [(&str, &str); 16] = [
    ("format(text, text)", "text"),
    ("quote_ident(text)", "text"),
    ("quote_literal(text)", "text"),
    ("format_type(oid, integer)", "text"),
    ("pg_get_expr(pg_node_tree, oid)", "text"),
    ("pg_get_indexdef(oid)", "text"),
    ("pg_get_constraintdef(oid)", "text"),
    ("pg_get_triggerdef(oid)", "text"),
    ("pg_has_role(oid, text)", "boolean"),
    ("pg_has_role(name, oid, text)", "boolean"),
    ("has_table_privilege(oid, text)", "boolean"),
    ("current_setting(text, boolean)", "text"),
    ("to_regclass(text)", "regclass"),
    ("lower(text)", "text"),
    ("now()", "timestamptz"),
    ("clock_timestamp()", "timestamptz"),
];

/// A schema of the visitor's in which everything tells as whom it ran.
fn plant(database: &Database) {
    execute(
        &mut database.admin(),
        "CREATE SCHEMA planted AUTHORIZATION visitor; GRANT USAGE ON SCHEMA planted TO PUBLIC;
         GRANT USAGE ON SCHEMA crm TO other_owner",
    );
    // A notice outlives the rollback of what it came from.
    let tell = "RAISE NOTICE 'planted code runs as %', current_user;";
    let mut visitor = database.connect(VISITOR);
    for one in TYPES {
        for other in TYPES {
            for (name, operator) in [("same", "="), ("differs", "<>")] {
                execute(
                    &mut visitor,
                    &format!(
                        "CREATE FUNCTION planted.{name}(a {one}, b {other}) RETURNS boolean LANGUAGE plpgsql AS $f$
                         BEGIN {tell} RETURN a::text OPERATOR(pg_catalog.{operator}) b::text; END $f$;
                         CREATE OPERATOR planted.{operator} (FUNCTION = planted.{name}, LEFTARG = {one}, RIGHTARG = {other})"
                    ),
                );
            }
        }
    }
    execute(
        &mut visitor,
        &format!(
            "CREATE FUNCTION planted.joined(a text, b text) RETURNS text LANGUAGE plpgsql AS $f$
             BEGIN {tell} RETURN pg_catalog.concat(a, b); END $f$;
             CREATE OPERATOR planted.|| (FUNCTION = planted.joined, LEFTARG = text, RIGHTARG = text)"
        ),
    );
    for (signature, result) in FUNCTIONS {
        execute(
            &mut visitor,
            &format!(
                "CREATE FUNCTION planted.{signature} RETURNS {result} LANGUAGE plpgsql AS $f$
                 BEGIN {tell} RETURN NULL; END $f$"
            ),
        );
    }
    // A domain by a type's name catches a cast that does not say pg_catalog.
    for one in ["uuid", "name", "text", "oid", "regclass", "jsonb"] {
        execute(
            &mut visitor,
            &format!(
                "CREATE FUNCTION planted.tells(v pg_catalog.{one}) RETURNS boolean LANGUAGE plpgsql AS $f$
                 BEGIN {tell} RETURN true; END $f$;
                 CREATE DOMAIN planted.{one} AS pg_catalog.{one} CHECK (planted.tells(VALUE))"
            ),
        );
    }
}

/// A session that remembers as whom the planted code ran.
struct Listener {
    client: Client,
    heard: Receiver<String>,
}

fn listen(database: &Database, role: &str, path: &str) -> Listener {
    let (sender, heard) = channel();
    let sender = Mutex::new(sender);
    let mut config = database.config(role);
    config.notice_callback(move |notice| {
        if let Some(who) = notice.message().strip_prefix("planted code runs as ") {
            let sender = sender.lock().expect("no panic in the lock");
            // Nobody listens any more once the test is over.
            let _ = sender.send(who.to_owned());
        }
    });
    let mut client = config.connect(NoTls).expect("the role can connect");
    execute(&mut client, &session_claims(ALICE, Some(ORG_A)));
    execute(&mut client, &format!("SET search_path = {path}"));
    Listener { client, heard }
}

impl Listener {
    /// The roles as which planted code ran during the statement, whether or not that was accepted.
    fn run(&mut self, sql: &str) -> BTreeSet<String> {
        let _ = try_rows(&mut self.client, sql);
        self.heard.try_iter().collect()
    }
}

const PATHS: [&str; 3] = [
    "planted, pg_catalog, crm, tenant_guard",
    "crm, tenant_guard, planted, pg_temp",
    "pg_temp, planted, pg_catalog",
];

/// A CRM with everything that the extension does to it.
fn database_with_plants() -> (Database<'static>, i64) {
    let database = protected_crm();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "enable_audit('crm.contacts', tenant_column => 'organization_id')");
    apply(&mut owner, "create_tenant_schema('acme', 'crm', tenant_role => 'app_owner')");
    let change = "SELECT max(id) FROM tenant_guard.change WHERE operation = 'protect_table'";
    let change = number(&mut database.admin(), change);
    plant(&database);
    (database, change)
}

#[test]
fn the_plants_work() {
    let (database, _) = database_with_plants();
    let mut session = listen(&database, OTHER_OWNER, PATHS[0]);
    for query in [
        "SELECT 'a'::pg_catalog.name = 'b'::pg_catalog.name",
        "SELECT 1::pg_catalog.oid <> 2::pg_catalog.oid",
        "SELECT quote_ident('a'::pg_catalog.text)",
        "SELECT 'x'::text",
    ] {
        let ran_as: Vec<String> = session.run(query).into_iter().collect();
        assert_eq!(ran_as, [OTHER_OWNER], "{query}");
    }
}

/// Every function, and every relation that is open to everyone, on every path.
fn everything_callable(database: &Database, change: i64) -> Vec<String> {
    let mut all: Vec<String> = functions(&mut database.admin())
        .iter()
        .flat_map(|function| calls(function, change, "acme"))
        .map(|call| qualify_types(&call))
        .collect();
    all.extend(
        ["change", "change_step", "audit_log", "tenant_schemas"]
            .map(|view| format!("TABLE tenant_guard.{view}")),
    );
    all.push("UPDATE crm.contacts SET name = name".to_owned());
    all
}

/// The arguments are the caller's own affair; their types must not spring the trap.
fn qualify_types(call: &str) -> String {
    call.replace("::", "::pg_catalog.")
        .replace("pg_catalog.bigint", "bigint")
        .replace("pg_catalog.boolean", "boolean")
        .replace("pg_catalog.integer", "integer")
}

#[test]
fn what_an_ordinary_role_plants_runs_as_nobody_else() {
    let (database, change) = database_with_plants();
    let everything = everything_callable(&database, change);
    let mut escalations = Vec::new();
    for path in PATHS {
        let mut session = listen(&database, VISITOR, path);
        for call in &everything {
            let mut ran_as = session.run(call);
            ran_as.remove(VISITOR);
            if !ran_as.is_empty() {
                escalations.push(format!("{path}: {call}: as {ran_as:?}"));
            }
        }
    }
    assert!(escalations.is_empty(), "{escalations:#?}");
}

#[test]
fn nothing_planted_runs_when_an_owner_or_an_administrator_calls() {
    let (database, change) = database_with_plants();
    let everything = everything_callable(&database, change);
    let mut sprung = Vec::new();
    for role in [OWNER, "postgres"] {
        for path in PATHS {
            let mut session = listen(&database, role, path);
            for call in &everything {
                // Rolled back, so that each call finds everything in place.
                execute(&mut session.client, "BEGIN");
                if !session.run(call).is_empty() {
                    sprung.push(format!("{role}, {path}: {call}"));
                }
                execute(&mut session.client, "ROLLBACK");
            }
        }
    }
    assert!(sprung.is_empty(), "{sprung:#?}");
}

#[test]
fn a_schema_that_another_role_made_beforehand_is_not_taken_over() {
    let database = Database::empty_in(tenant_guard_tests::cluster::shared());
    execute(&mut database.connect(OTHER_OWNER), "CREATE SCHEMA tenant_guard");
    // Its owner could replace every function in it.
    let create = "CREATE EXTENSION tenant_guard";
    expect_clear_error(&mut database.admin(), create, "42501");
    execute(&mut database.admin(), "DROP SCHEMA tenant_guard CASCADE");
    execute(&mut database.admin(), create);
}
