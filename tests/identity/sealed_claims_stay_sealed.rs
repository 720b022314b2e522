//! Behind a gateway: what `pre_request` captured is the identity, whatever is set afterwards.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{claims, execute, number, rows, text};
use tenant_guard_tests::Database;

const SEAL: &str = "SELECT tenant_guard.pre_request()";

/// Alice's request, sealed as PostgREST does.
fn alice(database: &Database) -> Client {
    let mut client = visit(database, ALICE, Some(ORG_A));
    execute(&mut client, SEAL);
    client
}

#[track_caller]
fn still_alice(client: &mut Client, how: &str) {
    let seen = rows(
        client,
        "SELECT tenant_guard.uid_text(), tenant_guard.org_id_text(), count(*) FROM crm.contacts",
    );
    let alice = [ALICE, ORG_A, "3"].map(|text| Some(text.to_owned()));
    assert_eq!(seen, [alice], "{how}");
}

/// Ways to become Bob, if nothing was sealed.
fn attempts() -> Vec<String> {
    let bob = format!(r#"{{"sub":"{BOB}","org_id":"{ORG_B}"}}"#);
    vec![
        format!("SET LOCAL request.jwt.claims = '{bob}'"),
        format!("SET request.jwt.claims = '{bob}'"),
        format!("SELECT set_config('request.jwt.claims', '{bob}', true)"),
        format!("SELECT set_config('request.jwt.claims', '{bob}', false)"),
        format!("SELECT set_config('REQUEST.JWT.CLAIMS', '{bob}', false)"),
        format!("SET LOCAL request.jwt.claims = '{bob}'; {SEAL}"),
        format!("SET LOCAL request.jwt.claims = ''; SET LOCAL request.jwt.claim.sub = '{BOB}'"),
        "RESET request.jwt.claims".to_owned(),
        "RESET ALL".to_owned(),
        format!("RESET ALL; SET LOCAL request.jwt.claims = '{bob}'; {SEAL}"),
        "SET LOCAL request.jwt.claims = ''".to_owned(),
        "SET LOCAL request.jwt.claims = 'no json'".to_owned(),
        format!("SET LOCAL request.jwt.claims = 'gateway:{bob}'"),
        format!("SAVEPOINT s; SET LOCAL request.jwt.claims = '{bob}'; {SEAL}; RELEASE s"),
        format!("SAVEPOINT s; {SEAL}; ROLLBACK TO s; SET LOCAL request.jwt.claims = '{bob}'"),
        format!("DO $$ BEGIN PERFORM set_config('request.jwt.claims', '{bob}', true); END $$"),
    ]
}

fn events(database: &Database) -> i64 {
    number(&mut database.admin(), "SELECT count(*) FROM tenant_guard.security_event")
}

#[test]
fn whatever_is_set_afterwards_is_ignored_and_recorded_once() {
    let database = protected_crm();
    for attempt in attempts() {
        let before = events(&database);
        let mut client = alice(&database);
        still_alice(&mut client, "sealed");
        execute(&mut client, &attempt);
        for _ in 0..3 {
            still_alice(&mut client, &attempt);
        }
        execute(&mut client, "COMMIT");
        assert_eq!(events(&database) - before, 1, "{attempt}");
    }
    let kinds = rows(
        &mut database.admin(),
        "SELECT DISTINCT kind, severity, user_id, organization_id, db_role, session_role FROM tenant_guard.security_event",
    );
    let expected = ["claims_changed_after_seal", "critical", ALICE, ORG_A, VISITOR, VISITOR];
    assert_eq!(kinds, [expected.map(|text| Some(text.to_owned()))]);
}

#[test]
fn unsealed_claims_are_the_gateways_to_change_and_no_event() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    still_alice(&mut client, "not sealed");
    execute(&mut client, &claims(BOB, Some(ORG_B)));
    assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()").as_deref(), Some(BOB));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    execute(&mut client, "COMMIT");
    // The next request of the same connection is sealed anew.
    for (person, org, count) in [(BOB, ORG_B, CONTACTS_OF_B), (ALICE, ORG_A, CONTACTS_OF_A)] {
        execute(&mut client, &format!("BEGIN; {} {SEAL}", claims(person, Some(org))));
        assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()").as_deref(), Some(person));
        assert_eq!(contacts(&mut client), count);
        execute(&mut client, SEAL);
        execute(&mut client, "COMMIT");
        assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None);
    }
    assert_eq!(events(&database), 0);
}

#[test]
fn a_seal_made_inside_a_savepoint_goes_with_it_and_one_made_before_stays() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    execute(&mut client, &format!("SAVEPOINT s; {SEAL}; ROLLBACK TO s"));
    execute(&mut client, &claims(BOB, Some(ORG_B)));
    assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()").as_deref(), Some(BOB));
    execute(&mut client, "ROLLBACK");
    let mut client = alice(&database);
    execute(&mut client, &format!("SAVEPOINT s; {}", claims(BOB, Some(ORG_B))));
    still_alice(&mut client, "in the savepoint");
    execute(&mut client, "ROLLBACK TO s");
    still_alice(&mut client, "rolled back");
    execute(&mut client, "SAVEPOINT t; SAVEPOINT u; RELEASE t");
    still_alice(&mut client, "released");
}

#[test]
fn attempts_that_were_rolled_back_do_not_hide_the_next_one() {
    let database = protected_crm();
    for rounds in [1, 2, 20] {
        let before = events(&database);
        let mut client = alice(&database);
        let attempt = claims(BOB, Some(ORG_B));
        for _ in 0..rounds {
            execute(&mut client, &format!("SAVEPOINT s; {attempt}"));
            still_alice(&mut client, "in a savepoint");
            execute(&mut client, "ROLLBACK TO s; RELEASE s");
        }
        execute(&mut client, &attempt);
        still_alice(&mut client, "in the transaction");
        execute(&mut client, "COMMIT");
        assert_eq!(events(&database) - before, 1, "after {rounds} in savepoints");
    }
}

#[test]
fn an_attempt_while_nothing_could_be_written_does_not_hide_the_next_one() {
    let database = protected_crm();
    let mut client = alice(&database);
    let attempt = claims(BOB, Some(ORG_B));
    execute(&mut client, &format!("SAVEPOINT s; SET TRANSACTION READ ONLY; {attempt}"));
    still_alice(&mut client, "in a read-only savepoint");
    execute(&mut client, &format!("ROLLBACK TO s; {attempt}"));
    still_alice(&mut client, "in the transaction, which writes");
    execute(&mut client, "COMMIT");
    assert_eq!(events(&database), 1);
}

#[test]
fn forgetting_ends_the_identity_and_does_not_unseal_it() {
    let database = protected_crm();
    let mut client = alice(&database);
    execute(&mut client, "SELECT tenant_guard.forget()");
    for attempt in attempts() {
        execute(&mut client, "SAVEPOINT before");
        execute(&mut client, &attempt);
        assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None, "{attempt}");
        assert_eq!(contacts(&mut client), 0, "{attempt}");
        execute(&mut client, "ROLLBACK TO before");
    }
    execute(&mut client, "ROLLBACK");
    let mut client = alice(&database);
    still_alice(&mut client, "the next request");
}

#[test]
fn a_request_without_claims_is_sealed_as_nobodys() {
    let database = protected_crm();
    for before in ["", "SET request.jwt.claims = ''", "SET request.jwt.claims = '[]'"] {
        let mut client = database.connect(VISITOR);
        execute(&mut client, before);
        execute(&mut client, &format!("BEGIN; {SEAL}"));
        for attempt in attempts() {
            execute(&mut client, &attempt);
            assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None, "{attempt}");
            assert_eq!(contacts(&mut client), 0, "{attempt}");
        }
        execute(&mut client, "ROLLBACK");
    }
}

#[test]
fn in_a_read_only_transaction_nothing_fails_and_nothing_is_written() {
    let database = protected_crm();
    let mut client = alice(&database);
    execute(&mut client, "SET TRANSACTION READ ONLY");
    execute(&mut client, &claims(BOB, Some(ORG_B)));
    still_alice(&mut client, "read only");
    execute(&mut client, "COMMIT");
    let mut client = database.connect(VISITOR);
    execute(&mut client, "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE");
    execute(&mut client, &format!("{} {SEAL}; {}", claims(ALICE, Some(ORG_A)), claims(BOB, None)));
    still_alice(&mut client, "serializable");
    execute(&mut client, "COMMIT");
    assert_eq!(events(&database), 0);
    // The connection is as good as before, and where something can be written it is.
    execute(
        &mut client,
        &format!("BEGIN; {} {SEAL}; {}", claims(ALICE, Some(ORG_A)), claims(BOB, None)),
    );
    still_alice(&mut client, "read write");
    execute(&mut client, "COMMIT");
    assert_eq!(events(&database), 1);
}

#[test]
fn what_a_client_set_before_does_not_blind_a_later_request() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    // The very bytes that the seal of Alice's claims is made of.
    let alice = format!(r#"{{"sub": "{ALICE}", "org_id": "{ORG_A}"}}"#);
    execute(&mut client, &format!("BEGIN; SET LOCAL request.jwt.claims = 'gateway:{alice}'"));
    assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None);
    execute(&mut client, "COMMIT");
    execute(&mut client, &format!("BEGIN; {} {SEAL}", claims(ALICE, Some(ORG_A))));
    still_alice(&mut client, "the next request of the connection");
}
