//! Where only tokens count: how long the identity of one lasts, and what ends it.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{
    claims, execute, expect_clear_error, expect_error, number, rows, session_claims, text, try_rows,
};
use tenant_guard_tests::Database;

fn user(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.uid_text()")
}

#[track_caller]
fn is(client: &mut Client, person: &str, how: &str) {
    assert_eq!(user(client).as_deref(), Some(person), "{how}");
}

#[track_caller]
fn is_nobody(client: &mut Client, how: &str) {
    assert_eq!(user(client), None, "{how}");
    assert_eq!(contacts(client), 0, "{how}");
}

/// A visitor with tokens of Alice and Bob.
fn visitor(database: &Database) -> (Client, String, String) {
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    let bob = token_of(&mut client, BOB, Some(ORG_B));
    (client, alice, bob)
}

#[test]
fn the_gateways_claims_are_ignored() {
    let database = verified_crm();
    let (mut client, alice, _) = visitor(&database);
    execute(&mut client, &session_claims(BOB, Some(ORG_B)));
    is_nobody(&mut client, "SET");
    execute(
        &mut client,
        &format!("SET request.jwt.claim.sub = '{BOB}'; SET request.jwt.claim.role = 'x'"),
    );
    is_nobody(&mut client, "legacy settings");
    execute(&mut client, "BEGIN");
    execute(&mut client, &claims(BOB, Some(ORG_B)));
    execute(&mut client, "SELECT tenant_guard.pre_request()");
    is_nobody(&mut client, "pre_request seals nothing here");
    execute(&mut client, &authenticate(&alice));
    is(&mut client, ALICE, "authenticated");
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, &claims(BOB, Some(ORG_B)));
    is(&mut client, ALICE, "SET LOCAL afterwards");
    execute(&mut client, "COMMIT");
    is_nobody(&mut client, "after COMMIT");
    let events =
        "SELECT count(*) FROM tenant_guard.security_event WHERE kind = 'claims_changed_after_seal'";
    assert_eq!(number(&mut database.admin(), events), 0);
}

#[test]
fn the_end_of_the_transaction_ends_the_identity() {
    let database = verified_crm();
    let (mut client, alice, _) = visitor(&database);
    for end in ["COMMIT", "ROLLBACK", "ABORT AND CHAIN", "COMMIT AND CHAIN"] {
        execute(&mut client, "BEGIN");
        execute(&mut client, &authenticate(&alice));
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
        execute(&mut client, end);
        is_nobody(&mut client, end);
        execute(&mut client, "ROLLBACK");
    }
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    expect_error(&mut client, "SELECT 1 / 0", "22012");
    execute(&mut client, "COMMIT");
    is_nobody(&mut client, "a failed transaction");
    execute(&mut client, &authenticate(&alice));
    is_nobody(&mut client, "without a transaction block");
    // One message is one transaction.
    let seen = format!("{}; SELECT count(*) FROM crm.contacts", authenticate(&alice));
    assert_eq!(number(&mut client, &seen), CONTACTS_OF_A);
    is_nobody(&mut client, "after the message");
}

#[test]
fn rolling_back_to_a_savepoint_brings_the_earlier_identity_back() {
    let database = verified_crm();
    let (mut client, alice, bob) = visitor(&database);
    execute(&mut client, "BEGIN; SAVEPOINT a");
    execute(&mut client, &authenticate(&alice));
    execute(&mut client, "SAVEPOINT b");
    execute(&mut client, &authenticate(&bob));
    is(&mut client, BOB, "the second token");
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    execute(&mut client, "ROLLBACK TO b");
    is(&mut client, ALICE, "the first again");
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, "SAVEPOINT c; SELECT tenant_guard.forget()");
    is_nobody(&mut client, "forgotten");
    execute(&mut client, "ROLLBACK TO c");
    is(&mut client, ALICE, "forgetting was rolled back");
    execute(&mut client, "RELEASE b");
    is(&mut client, ALICE, "released");
    execute(&mut client, "ROLLBACK TO a");
    is_nobody(&mut client, "nobody, as at first");
}

#[test]
fn an_identity_of_the_session_lasts_until_it_is_reset() {
    let database = verified_crm();
    let (mut client, alice, bob) = visitor(&database);
    for end in ["RESET ALL", "DISCARD ALL", "SELECT tenant_guard.forget()"] {
        execute(&mut client, &authenticate_session(&alice));
        for transaction in ["BEGIN; SELECT 1; COMMIT", "BEGIN; SELECT 1; ROLLBACK"] {
            execute(&mut client, transaction);
            is(&mut client, ALICE, transaction);
        }
        execute(&mut client, "BEGIN");
        execute(&mut client, &authenticate(&bob));
        is(&mut client, BOB, "the transaction's own");
        assert_eq!(contacts(&mut client), CONTACTS_OF_B);
        execute(&mut client, "COMMIT");
        is(&mut client, ALICE, "the session's again");
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
        execute(&mut client, end);
        is_nobody(&mut client, end);
    }
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate_session(&alice));
    is(&mut client, ALICE, "at once");
    execute(&mut client, "ROLLBACK");
    is_nobody(&mut client, "rolled back");
    execute(&mut client, &authenticate_session(&alice));
    expect_clear_error(&mut client, &authenticate_session("no.token.this"), "28000");
    is(&mut client, ALICE, "a token refused changes nothing");
    execute(&mut client, "BEGIN; SELECT tenant_guard.forget()");
    is_nobody(&mut client, "in the transaction that forgets");
    execute(&mut client, "COMMIT");
    is_nobody(&mut client, "and after it");
}

#[test]
fn a_session_scope_ends_the_transactions_identity_before_it() {
    let database = verified_crm();
    let (mut client, alice, bob) = visitor(&database);
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    execute(&mut client, &authenticate_session(&bob));
    is(&mut client, BOB, "the last one counts");
    execute(&mut client, "COMMIT");
    is(&mut client, BOB, "and stays");
}

#[test]
fn a_commit_inside_code_ends_it_too() {
    let database = verified_crm();
    let (mut client, alice, _) = visitor(&database);
    for end in ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN"] {
        execute(
            &mut client,
            &format!(
                "CREATE OR REPLACE PROCEDURE pg_temp.work() LANGUAGE plpgsql AS $$
                 DECLARE person text;
                 BEGIN
                   FOR n IN 1 .. 2 LOOP
                     PERFORM tenant_guard.authenticate('{alice}');
                     ASSERT tenant_guard.uid_text() = '{ALICE}';
                     ASSERT (SELECT count(*) FROM crm.contacts) = {CONTACTS_OF_A};
                     {end};
                     person := tenant_guard.uid_text();
                     ASSERT person IS NULL, person;
                     ASSERT (SELECT count(*) FROM crm.contacts) = 0;
                   END LOOP;
                 END $$"
            ),
        );
        execute(&mut client, "CALL pg_temp.work()");
        is_nobody(&mut client, end);
    }
}

#[test]
fn a_prepared_transaction_carries_no_identity_away() {
    let database = verified_crm();
    let (mut client, alice, _) = visitor(&database);
    let name = format!("prepared_{}", database.name);
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    execute(
        &mut client,
        &format!("INSERT INTO crm.contacts (organization_id, name) VALUES ('{ORG_A}', 'Amir')"),
    );
    execute(&mut client, &format!("PREPARE TRANSACTION '{name}'"));
    is_nobody(&mut client, "after PREPARE TRANSACTION");
    execute(&mut client, &format!("COMMIT PREPARED '{name}'"));
    is_nobody(&mut client, "after COMMIT PREPARED");
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A + 1);
    execute(&mut client, "ROLLBACK");
}

#[test]
fn a_cursor_keeps_the_rows_of_whom_it_was_opened_for() {
    let database = verified_crm();
    let (mut client, alice, bob) = visitor(&database);
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    execute(
        &mut client,
        "DECLARE held CURSOR WITH HOLD FOR SELECT name FROM crm.contacts ORDER BY name",
    );
    execute(&mut client, "COMMIT; BEGIN");
    execute(&mut client, &authenticate(&bob));
    let held = rows(&mut client, "FETCH ALL FROM held");
    assert_eq!(held, [["Ada"], ["Alan"], ["Anita"]].map(|[name]| vec![Some(name.to_owned())]));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    execute(&mut client, "COMMIT");
    is_nobody(&mut client, "nothing else is readable");
    execute(&mut client, "CLOSE held");
}

#[test]
fn a_cursor_inside_a_transaction_shows_nobody_two_peoples_rows() {
    let database = verified_crm();
    let (mut client, alice, bob) = visitor(&database);
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    execute(&mut client, "DECLARE open CURSOR FOR SELECT name FROM crm.contacts ORDER BY id");
    let first = rows(&mut client, "FETCH 1 FROM open");
    assert_eq!(first, [[Some("Ada".to_owned())]]);
    execute(&mut client, &authenticate(&bob));
    let others = rows(&mut client, "FETCH ALL FROM open");
    assert_eq!(others, [["Alan"], ["Anita"]].map(|[name]| vec![Some(name.to_owned())]));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
}

#[test]
fn a_plan_made_for_one_identity_serves_the_next_one_its_own_rows() {
    let database = verified_crm();
    let (mut client, alice, bob) = visitor(&database);
    for mode in ["force_generic_plan", "force_custom_plan", "auto"] {
        execute(&mut client, "DISCARD ALL");
        execute(&mut client, &format!("SET plan_cache_mode = {mode}"));
        execute(
            &mut client,
            "PREPARE seen AS SELECT count(*), tenant_guard.uid_text() FROM crm.contacts",
        );
        for _ in 0..7 {
            for (token, count, person) in
                [(&alice, CONTACTS_OF_A, ALICE), (&bob, CONTACTS_OF_B, BOB)]
            {
                execute(&mut client, "BEGIN");
                execute(&mut client, &authenticate(token));
                let seen = rows(&mut client, "EXECUTE seen");
                assert_eq!(seen, [[Some(count.to_string()), Some(person.to_owned())]], "{mode}");
                execute(&mut client, "COMMIT");
                let seen = rows(&mut client, "EXECUTE seen");
                assert_eq!(seen, [[Some("0".to_owned()), None]], "{mode}");
            }
        }
    }
}

#[test]
fn sessions_that_must_not_keep_an_identity_get_none() {
    let database = verified_crm();
    let off =
        format!("ALTER DATABASE {} SET tenant_guard.allow_session_identity = off", database.name);
    execute(&mut database.admin(), &off);
    let (mut client, alice, _) = visitor(&database);
    expect_clear_error(&mut client, &authenticate_session(&alice), "55000");
    is_nobody(&mut client, "refused");
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    is(&mut client, ALICE, "the transaction's");
    execute(&mut client, "COMMIT");
    is_nobody(&mut client, "and no longer");
}

#[test]
fn where_the_gateway_is_trusted_no_token_is_taken() {
    let database = protected_crm();
    settle(&database);
    let (mut client, alice, _) = visitor(&database);
    for call in [authenticate(&alice), authenticate_session(&alice)] {
        expect_clear_error(&mut client, &call, "55000");
        is_nobody(&mut client, &call);
    }
    let checked = format!("SELECT tenant_guard.verify_token('{alice}') ->> 'sub'");
    assert_eq!(text(&mut client, &checked).as_deref(), Some(ALICE));
    is_nobody(&mut client, "verify_token sets nothing");
    execute(&mut client, &session_claims(BOB, Some(ORG_B)));
    is(&mut client, BOB, "the gateway's claims");
}

#[test]
fn what_a_token_proved_is_not_believed_when_the_trust_becomes_the_gateways() {
    let database = verified_crm();
    let mut admin = database.admin();
    // The superuser's session: the trust of a session can only be changed by one.
    let alice = token_of(&mut admin, ALICE, Some(ORG_A));
    execute(&mut admin, &authenticate_session(&alice));
    is(&mut admin, ALICE, "verified");
    execute(&mut admin, "SET tenant_guard.trust = 'gateway'");
    assert_eq!(user(&mut admin), None);
    execute(&mut admin, &session_claims(BOB, Some(ORG_B)));
    is(&mut admin, BOB, "the gateway's claims, and not the token's");
    execute(&mut admin, "BEGIN");
    execute(
        &mut admin,
        "SELECT tenant_guard.pre_request(); SET LOCAL tenant_guard.trust = 'verified'",
    );
    assert_eq!(user(&mut admin), None, "a gateway's seal is no token");
    execute(&mut admin, "ROLLBACK");
}

#[test]
fn unknown_scopes_and_missing_tokens_are_refused() {
    let database = verified_crm();
    let (mut client, alice, _) = visitor(&database);
    for (call, sqlstate) in [
        (format!("SELECT tenant_guard.authenticate('{alice}', 'forever')"), "22023"),
        (format!("SELECT tenant_guard.authenticate('{alice}', '')"), "22023"),
        ("SELECT tenant_guard.authenticate(NULL)".to_owned(), "22004"),
        ("SELECT tenant_guard.verify_token(NULL)".to_owned(), "22004"),
    ] {
        expect_clear_error(&mut client, &call, sqlstate);
        is_nobody(&mut client, &call);
    }
    assert!(try_rows(&mut client, &authenticate_session(&alice)).is_ok());
    is(&mut client, ALICE, "the right call");
}
