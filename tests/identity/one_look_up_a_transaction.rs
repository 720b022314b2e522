//! However often a transaction asks where its user belongs, the membership table is read once.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{claims, execute, number, rows};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Scans of the membership table, of either kind, that this session began since it last reported.
const SCANS: &str = "SELECT coalesce(sum(seq_scan), 0) + coalesce(sum(idx_scan), 0)
    FROM pg_stat_xact_user_tables WHERE schemaname = 'crm' AND relname = 'members'";

/// Everything that depends on where the user belongs.
const QUESTIONS: &[&str] = &[
    "SELECT count(tenant_guard.org_id()) FROM generate_series(1, 1000)",
    "SELECT count(*) FROM generate_series(1, 1000) WHERE tenant_guard.org_id() IS NOT NULL",
    "SELECT count(*) FROM crm.contacts",
    "SELECT tenant_guard.org_id_text(), tenant_guard.org_id_bigint(), tenant_guard.require_org()",
    "SELECT tenant_guard.roles(), tenant_guard.permissions()",
    "SELECT count(*) FROM generate_series(1, 1000) WHERE tenant_guard.has_permission('leads:read')",
    "SELECT tenant_guard.has_role('admin'), tenant_guard.has_permission('leads:write')",
    "INSERT INTO crm.contacts (organization_id, name) VALUES (tenant_guard.org_id(), 'Anna')",
    "UPDATE crm.contacts SET name = upper(name)",
    "DO $$ BEGIN FOR n IN 1 .. 100 LOOP PERFORM tenant_guard.org_id(); END LOOP; END $$",
];

/// How often the membership table was read by what the session does in a transaction.
#[track_caller]
fn scans(client: &mut Client, identify: &str, questions: &[&str]) -> i64 {
    execute(client, "SELECT pg_stat_force_next_flush()");
    execute(client, "BEGIN");
    execute(client, identify);
    // What the transactions before did may not be reported yet.
    let before = number(client, SCANS);
    for question in questions {
        execute(client, question);
    }
    let after = number(client, SCANS);
    execute(client, "COMMIT");
    after - before
}

#[track_caller]
fn one_a_transaction(database: &Database, identify: &str) {
    let mut client = database.connect(VISITOR);
    // Once for what the session learns of the table, and keeps.
    assert!(scans(&mut client, identify, QUESTIONS) >= 1);
    for _ in 0..3 {
        assert_eq!(scans(&mut client, identify, QUESTIONS), 1, "{identify}");
        assert_eq!(scans(&mut client, identify, &[]), 0, "who asks nothing reads nothing");
    }
    for question in QUESTIONS {
        assert_eq!(scans(&mut client, identify, &[question]), 1, "{question}");
        assert_eq!(scans(&mut client, identify, &[question, question]), 1, "{question}, twice");
    }
}

/// With so many members that an index pays, and with few.
fn databases() -> [Database<'static>; 2] {
    let few = verified_crm();
    let many = verified_crm();
    many.load(&format!(
        "INSERT INTO crm.members SELECT gen_random_uuid(), '{ORG_A}', 'viewer' FROM generate_series(1, 5000);
         ANALYZE crm.members"
    ));
    [few, many]
}

#[test]
fn of_a_token_that_names_an_organization() {
    for database in databases() {
        let mut admin = database.admin();
        apply(&mut admin, "set_role_permissions('admin', '{leads:*}')");
        let token = token_of(&mut admin, ALICE, Some(ORG_A));
        one_a_transaction(&database, &authenticate(&token));
    }
}

#[test]
fn of_claims_behind_a_gateway() {
    let database = protected_crm();
    let alice = claims(ALICE, Some(ORG_A));
    one_a_transaction(&database, &alice);
    one_a_transaction(&database, &format!("{alice} SELECT tenant_guard.pre_request()"));
}

#[test]
fn of_nobody_there_is_none() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let asked =
        ["SELECT tenant_guard.org_id(), tenant_guard.roles()", "SELECT * FROM crm.contacts"];
    for _ in 0..3 {
        assert_eq!(scans(&mut client, "SELECT 1", &asked), 0);
    }
}

#[test]
fn who_is_asked_about_twice_is_looked_up_twice() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let [alice, bob] = [(ALICE, ORG_A), (BOB, ORG_B)]
        .map(|(person, org)| authenticate(&token_of(&mut client, person, Some(org))));
    let org = "SELECT tenant_guard.org_id()";
    scans(&mut client, &alice, &[org]);
    assert_eq!(scans(&mut client, &alice, &[org, &bob, org, org]), 2, "the counter counts");
    let seen = rows(&mut client, "SELECT tenant_guard.org_id()");
    assert_eq!(seen, [[None]]);
}

/// A yes that was found after a savepoint may have been of a row that was rolled back with it.
#[test]
fn a_savepoint_costs_another_look_up_and_no_more() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = authenticate(&token_of(&mut client, ALICE, Some(ORG_A)));
    let org = "SELECT tenant_guard.org_id()";
    scans(&mut client, &alice, &[org]);
    for end in ["RELEASE s", "ROLLBACK TO s"] {
        let inside = ["SAVEPOINT s", org, org, org, end, org, org];
        assert_eq!(scans(&mut client, &alice, &inside), 2, "{end}");
        // What was found before it is true in it and after it.
        let around = [org, org, "SAVEPOINT s", org, org, end, org, org];
        assert_eq!(scans(&mut client, &alice, &around), 1, "{end}");
    }
}
