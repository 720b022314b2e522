//! The organization that a session chose: its own, and only until its transaction ends.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{claims, execute, expect_clear_error, session_claims, text};
use tenant_guard_tests::Database;

fn org(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.org_id_text()")
}

fn set_org(client: &mut Client, org: &str) {
    execute(client, &format!("SELECT tenant_guard.set_org('{org}')"));
}

/// A session that carries Carol's identity from transaction to transaction.
fn carol(database: &Database) -> Client {
    let mut client = database.connect(VISITOR);
    execute(&mut client, &session_claims(CAROL, None));
    client
}

#[test]
fn two_sessions_of_one_person_keep_their_own_organization() {
    let database = protected_crm();
    let (mut one, mut two) = (carol(&database), carol(&database));
    execute(&mut one, "BEGIN");
    set_org(&mut one, ORG_A);
    assert_eq!(org(&mut two), None);
    assert_eq!(contacts(&mut two), 0);
    execute(&mut two, "BEGIN");
    set_org(&mut two, ORG_B);
    assert_eq!(org(&mut one).as_deref(), Some(ORG_A));
    assert_eq!(contacts(&mut one), CONTACTS_OF_A);
    assert_eq!(contacts(&mut two), CONTACTS_OF_B);
    execute(&mut two, "COMMIT");
    assert_eq!(contacts(&mut one), CONTACTS_OF_A);
}

#[test]
fn commit_and_rollback_end_it() {
    let database = protected_crm();
    let mut client = carol(&database);
    for end in ["COMMIT", "ROLLBACK", "ABORT AND CHAIN", "COMMIT AND CHAIN"] {
        execute(&mut client, "BEGIN");
        set_org(&mut client, ORG_A);
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
        execute(&mut client, end);
        assert_eq!(org(&mut client), None, "{end}");
        assert_eq!(contacts(&mut client), 0, "{end}");
        execute(&mut client, "ROLLBACK");
    }
}

#[test]
fn a_failed_transaction_ends_it() {
    let database = protected_crm();
    let mut client = carol(&database);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_A);
    assert!(client.batch_execute("SELECT 1 / 0").is_err());
    execute(&mut client, "COMMIT");
    assert_eq!(org(&mut client), None);
}

#[test]
fn outside_a_transaction_it_ends_with_the_statement() {
    let database = protected_crm();
    let mut client = carol(&database);
    // Alone, so that no implicit transaction block holds both statements.
    set_org(&mut client, ORG_A);
    assert_eq!(org(&mut client), None);
    assert_eq!(contacts(&mut client), 0);
}

#[test]
fn rolling_back_to_a_savepoint_brings_the_earlier_one_back() {
    let database = protected_crm();
    let mut client = carol(&database);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_A);
    execute(&mut client, "SAVEPOINT s");
    set_org(&mut client, ORG_B);
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    execute(&mut client, "ROLLBACK TO s");
    assert_eq!(org(&mut client).as_deref(), Some(ORG_A));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    set_org(&mut client, ORG_B);
    execute(&mut client, "RELEASE s");
    assert_eq!(org(&mut client).as_deref(), Some(ORG_B), "released, not rolled back");
    execute(&mut client, "ROLLBACK");
    assert_eq!(org(&mut client), None);
}

#[test]
fn a_refused_choice_leaves_the_earlier_one() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, None);
    set_org(&mut client, ORG_A);
    execute(&mut client, "SAVEPOINT s");
    let foreign = format!("SELECT tenant_guard.set_org('{ORG_B}')");
    expect_clear_error(&mut client, &foreign, "42501");
    execute(&mut client, "ROLLBACK TO s");
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
}

#[test]
fn it_does_not_pass_from_one_person_to_the_next() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, None);
    set_org(&mut client, ORG_A);
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);

    execute(&mut client, &claims(BOB, None));
    assert_eq!(org(&mut client), None, "Bob chose nothing");
    assert_eq!(contacts(&mut client), 0);
    expect_clear_error_in_savepoint(&mut client, "SELECT tenant_guard.require_org()");

    execute(&mut client, &claims(BOB, Some(ORG_B)));
    assert_eq!(org(&mut client).as_deref(), Some(ORG_B), "Bob's own claim");
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);

    execute(&mut client, "SET LOCAL request.jwt.claims = ''");
    assert_eq!(org(&mut client), None, "nobody");
    execute(&mut client, "SET LOCAL request.jwt.claims = '{\"sub\": \"a'");
    assert_eq!(org(&mut client), None, "malformed");
    assert_eq!(contacts(&mut client), 0);
}

fn expect_clear_error_in_savepoint(client: &mut Client, sql: &str) {
    execute(client, "SAVEPOINT expected");
    let refused = client.batch_execute(sql).expect_err("must be refused");
    let refused = refused.as_db_error().expect("an error of the server");
    tenant_guard_tests::sql::assert_clear(refused, sql);
    execute(client, "ROLLBACK TO expected");
}

#[test]
fn it_weighs_more_than_the_claim_until_it_ends() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    execute(&mut client, &session_claims(CAROL, Some(ORG_A)));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_B);
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    execute(&mut client, "COMMIT");
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
}

#[test]
fn membership_taken_away_meanwhile_ends_the_right_to_choose() {
    let database = protected_crm();
    let mut client = carol(&database);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_B);
    execute(&mut client, "COMMIT");
    let fire = format!(
        "DELETE FROM crm.members WHERE user_id = '{CAROL}' AND organization_id = '{ORG_B}'"
    );
    execute(&mut database.admin(), &fire);
    let choose = format!("SELECT tenant_guard.set_org('{ORG_B}')");
    expect_clear_error(&mut client, &choose, "42501");
    let orgs = text(&mut client, "SELECT tenant_guard.org_ids()");
    assert_eq!(orgs, Some(format!("{{{ORG_A}}}")));
}

#[test]
fn reset_all_and_discard_all_clear_everything() {
    let database = protected_crm();
    let mut client = carol(&database);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_A);
    execute(&mut client, "RESET ALL");
    assert_eq!(org(&mut client), None);
    assert_eq!(contacts(&mut client), 0);
    execute(&mut client, "COMMIT");

    let mut client = carol(&database);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_A);
    execute(&mut client, "COMMIT");
    execute(&mut client, "DISCARD ALL");
    assert_eq!(org(&mut client), None);
    assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None);
    assert_eq!(contacts(&mut client), 0);
}

#[test]
fn a_prepared_transaction_takes_it_along_to_nobody() {
    let database = protected_crm();
    let mut client = carol(&database);
    execute(&mut client, "BEGIN");
    set_org(&mut client, ORG_A);
    execute(
        &mut client,
        &format!("UPDATE crm.contacts SET name = name; PREPARE TRANSACTION '{}'", database.name),
    );
    assert_eq!(org(&mut client), None);
    assert_eq!(contacts(&mut client), 0);
    let mut admin = database.admin();
    execute(&mut admin, &format!("COMMIT PREPARED '{}'", database.name));
    assert_eq!(org(&mut admin), None);
    assert_eq!(org(&mut client), None);
}
