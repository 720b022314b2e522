//! Keys, registrations and events: no ordinary role reads or writes them, or calls what does.

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, expect_error, number, rows};

const TABLES: &[&str] =
    &["security_event", "jwt_key", "claim_source", "membership", "role_permission"];

/// As in src/status/mod.rs, those that can be called.
const ADMINISTRATIVE: &[&str] = &[
    "erase_subject('crm.contacts', '{}', 'r')",
    "hold_audit(NULL, 'r')",
    "purge_audit('1 day')",
    "release_audit_hold(1)",
    "seal_audit()",
    "set_audit_retention('aaaaaaaa-0000-4000-8000-000000000001', '1 day')",
    "use_membership('crm.members', 'user_id', 'organization_id')",
    "register_membership(NULL)",
    "register_membership('{}')",
    "set_role_permissions('viewer', '{*}')",
    "register_role_permissions('viewer', '{*}', '{}')",
    "set_claim_profile('custom')",
    "set_claim_path('user', '{email}')",
    "register_claim_source('user', '{email}')",
    "add_key('mallory', 'HS256', 'a secret of my own, which is long enough')",
    r#"load_jwks('{"keys":[]}')"#,
    "retire_key('test-1')",
    "auditor()",
    "assign_destination('acme', 'nowhere')",
    "begin_tenant_database('acme', 'nowhere', 'template1', -1)",
    "begin_tenant_move('acme', 'nowhere', false)",
    "cancel_tenant_move('acme')",
    "destination_for('aaaaaaaa-0000-4000-8000-000000000001')",
    "destination_for_text('acme')",
    "forget_tenant_database('acme', 'acme')",
    "pgbouncer_databases()",
    "record_assignment('acme', 'nowhere', NULL)",
    "record_destination('eu1', 'database', 'host=eu1.example.com', NULL, 'eu', 500)",
    "register_destination('eu1', 'database', 'host=eu1.example.com')",
    "report_tenant_database('acme')",
    "report_tenant_move('acme')",
    "run_database_step('acme')",
    "run_move_step('acme')",
    "unregister_destination('nowhere')",
    "enforce('{crm}', 'protect')",
    "register_enforcement('crm', NULL, NULL)",
    "status()",
];

#[test]
fn no_ordinary_role_reads_or_writes_them() {
    let database = verified_crm();
    let before = database.contents();
    for role in [VISITOR, OWNER] {
        let mut client = database.connect(role);
        for table in TABLES {
            for statement in [
                format!("SELECT * FROM tenant_guard.{table}"),
                format!("SELECT count(*) FROM tenant_guard.{table}"),
                format!("TABLE tenant_guard.{table}"),
                format!("COPY tenant_guard.{table} TO STDOUT"),
                format!("INSERT INTO tenant_guard.{table} DEFAULT VALUES"),
                format!("DELETE FROM tenant_guard.{table}"),
                format!("TRUNCATE tenant_guard.{table}"),
                format!("CREATE TEMP TABLE mine (LIKE tenant_guard.{table}); INSERT INTO mine SELECT * FROM tenant_guard.{table}"),
                format!("ALTER TABLE tenant_guard.{table} DISABLE ROW LEVEL SECURITY"),
                format!("CREATE POLICY mine ON tenant_guard.{table} USING (true)"),
                format!("GRANT SELECT ON tenant_guard.{table} TO PUBLIC"),
                format!("DROP TABLE tenant_guard.{table}"),
            ] {
                expect_error(&mut client, &statement, "42501");
            }
        }
        expect_error(&mut client, "SELECT nextval('tenant_guard.security_event_id_seq')", "42501");
    }
    assert_eq!(database.contents(), before);
    let mut admin = database.admin();
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.jwt_key"), 1);
}

#[test]
fn a_grant_by_mistake_shows_and_changes_nothing() {
    let database = verified_crm();
    let mut admin = database.admin();
    for table in TABLES {
        execute(&mut admin, &format!("GRANT ALL ON tenant_guard.{table} TO {VISITOR}"));
    }
    let mut client = database.connect(VISITOR);
    for table in TABLES {
        assert_eq!(
            number(&mut client, &format!("SELECT count(*) FROM tenant_guard.{table}")),
            0,
            "{table}"
        );
        let deleted = format!(
            "WITH gone AS (DELETE FROM tenant_guard.{table} RETURNING 1) SELECT count(*) FROM gone"
        );
        assert_eq!(number(&mut client, &deleted), 0, "{table}");
    }
    expect_error(
        &mut client,
        "INSERT INTO tenant_guard.role_permission VALUES ('viewer', '{*}', '{}')",
        "42501",
    );
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.jwt_key"), 1);
}

#[test]
fn functions_that_decide_for_everybody_are_refused_to_all_but_administrators() {
    let database = verified_crm();
    let before = database.contents();
    for role in [VISITOR, OWNER] {
        let mut client = database.connect(role);
        for call in ADMINISTRATIVE {
            expect_error(&mut client, &format!("SELECT * FROM tenant_guard.{call}"), "42501");
        }
    }
    assert_eq!(database.contents(), before);
    // Nothing but the right is missing: an administrator may call each of them, and is told that there is no such
    // thing where what is named above does not exist, and what begins a job that it cannot be part of a transaction.
    let mut admin = database.admin();
    for call in ADMINISTRATIVE {
        execute(&mut admin, "BEGIN");
        match admin.batch_execute(&format!("SELECT * FROM tenant_guard.{call}")) {
            Ok(()) => (),
            Err(error) => {
                let code = error.code().expect("an answer").code();
                let expected: &[&str] = match call {
                    c if c.contains("'{}'") => &["22023"],
                    c if c.starts_with("begin_") => &["25001"],
                    // What goes over another connection needs dblink first.
                    c if c.contains("'acme'") || c.contains("'nowhere'") => &["42704", "0A000"],
                    _ => &[],
                };
                assert!(expected.contains(&code), "{call}: {error:?}");
            }
        }
        execute(&mut admin, "ROLLBACK");
    }
}

#[test]
fn every_function_that_public_may_not_call_is_tried_above() {
    let database = verified_crm();
    let closed = rows(
        &mut database.admin(),
        "SELECT p.proname FROM pg_proc p
          WHERE p.pronamespace = 'tenant_guard'::regnamespace AND p.prokind = 'f'
            AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
            AND NOT has_function_privilege('visitor', p.oid, 'EXECUTE')
          ORDER BY 1",
    );
    let mut tried: Vec<String> = ADMINISTRATIVE
        .iter()
        .filter_map(|call| call.split('(').next())
        .map(str::to_owned)
        .collect();
    tried.sort();
    tried.dedup();
    let closed: Vec<String> = closed.into_iter().filter_map(|row| row[0].clone()).collect();
    assert_eq!(closed, tried);
}

/// Where somebody who looks for the secret finds it, as it is or in hexadecimal.
#[track_caller]
fn found_in(client: &mut Client) -> Vec<String> {
    let found = rows(
        client,
        &format!(
            "SELECT DISTINCT source FROM (
               SELECT 'statistics' AS source, s::text AS row FROM pg_stats s UNION ALL
               SELECT 'sessions', a::text FROM pg_stat_activity a
                WHERE datname = current_database() AND pid <> pg_backend_pid() UNION ALL
               SELECT 'changes', c::text FROM tenant_guard.change c UNION ALL
               SELECT 'steps', c::text FROM tenant_guard.change_step c UNION ALL
               SELECT 'trail', c::text FROM tenant_guard.audit_log c UNION ALL
               SELECT 'explanation', e::text FROM tenant_guard.explain_identity() e) x
             WHERE strpos(row, '{SECRET}') > 0
                OR strpos(row, encode(convert_to('{SECRET}', 'UTF8'), 'hex')) > 0
             ORDER BY 1"
        ),
    );
    found.into_iter().map(|row| row[0].clone().expect("a source")).collect()
}

#[test]
fn the_secret_stands_in_nothing_that_an_ordinary_role_reads() {
    let database = verified_crm();
    let mut admin = database.admin();
    // Of a single row there would be no histogram.
    for n in 2..5 {
        add_key(&mut admin, &format!("test-{n}"), &format!("{n} {SECRET}"));
    }
    execute(&mut admin, "ANALYZE tenant_guard.jwt_key");
    // The last statement of this session, while the others look.
    let there = format!(
        "SELECT count(*) FROM tenant_guard.jwt_key WHERE secret = convert_to('{SECRET}', 'UTF8')"
    );
    assert_eq!(number(&mut admin, &there), 1, "it is where it belongs");
    let none: [&str; 0] = [];
    // One session a role, for its own past statements are its to read.
    let (mut client, mut owner) = (database.connect(VISITOR), database.connect(OWNER));
    assert_eq!(found_in(&mut client), none);
    assert_eq!(found_in(&mut owner), none);
    assert_eq!(found_in(&mut database.admin()), ["sessions", "statistics"], "the search finds it");
    // A grant by mistake opens the statistics as little as the rows.
    let mut another = database.admin();
    execute(&mut another, &format!("GRANT ALL ON tenant_guard.jwt_key TO {VISITOR}"));
    assert_eq!(found_in(&mut client), none);
    let shown = format!(
        "SELECT count(*) FROM tenant_guard.status() s WHERE strpos(s::text, '{SECRET}') > 0
           OR strpos(s::text, encode(convert_to('{SECRET}', 'UTF8'), 'hex')) > 0"
    );
    assert_eq!(number(&mut another, &shown), 0, "nor does status() show it");
    assert_eq!(contacts(&mut client), 0);
}
