//! `exp` is looked at by every statement that asks for the identity, not only when the token came.

use postgres::Client;
use std::time::{SystemTime, UNIX_EPOCH};
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, number, rows, text};
use tenant_guard_tests::Database;

/// Enough for what comes before it on a slow machine.
const LIFE: f64 = 2.5;

/// Alice's session with a token that soon expires, and when that is, as SQL.
fn alice(database: &Database, scope: &str) -> (Client, String) {
    let mut client = database.connect(VISITOR);
    execute(&mut client, "SELECT tenant_guard.uid_text()");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64();
    let exp = format!("{:.3}", now + LIFE);
    let soon =
        token(&mut client, &format!(r#"{{"sub":"{ALICE}","org_id":"{ORG_A}","exp":{exp}}}"#));
    execute(&mut client, &format!("SELECT tenant_guard.authenticate('{soon}', '{scope}')"));
    let wait = format!(
        "pg_sleep(greatest(0, {exp} - extract(epoch FROM clock_timestamp())::float8 + 0.05))"
    );
    (client, wait)
}

fn user(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.uid_text()")
}

#[test]
fn an_identity_of_the_session_ends_with_its_token() {
    let database = verified_crm();
    let (mut client, wait) = alice(&database, "session");
    assert_eq!(user(&mut client).as_deref(), Some(ALICE));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, "PREPARE seen AS SELECT count(*) FROM crm.contacts");
    assert_eq!(number(&mut client, "EXECUTE seen"), CONTACTS_OF_A);
    execute(&mut client, &format!("SELECT {wait}"));
    assert_eq!(user(&mut client), None);
    assert_eq!(contacts(&mut client), 0);
    assert_eq!(number(&mut client, "EXECUTE seen"), 0);
    let helpers = "SELECT tenant_guard.uid(), tenant_guard.org_id(), tenant_guard.claims(), tenant_guard.claim('sub')";
    assert_eq!(rows(&mut client, helpers), [[None, None, None, None]]);
    let may = format!("SELECT tenant_guard.is_member('{ORG_A}') OR tenant_guard.is_authenticated() OR tenant_guard.has_role('admin')");
    assert_eq!(text(&mut client, &may).as_deref(), Some("f"));
    assert_eq!(
        text(&mut client, "SELECT cardinality(tenant_guard.org_ids())").as_deref(),
        Some("0")
    );
}

#[test]
fn inside_a_transaction_it_ends_too_and_so_does_the_chosen_organization() {
    let database = verified_crm();
    let (mut client, wait) = alice(&database, "session");
    execute(&mut client, &format!("BEGIN; SELECT tenant_guard.set_org('{ORG_A}')"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, &format!("SELECT {wait}"));
    assert_eq!(contacts(&mut client), 0);
    assert_eq!(text(&mut client, "SELECT tenant_guard.org_id_text()"), None);
}

#[test]
fn inside_one_message_of_several_statements_it_ends_between_them() {
    let database = verified_crm();
    let (mut client, wait) = alice(&database, "session");
    let seen =
        "INSERT INTO seen SELECT tenant_guard.uid_text(), (SELECT count(*) FROM crm.contacts)";
    execute(
        &mut client,
        &format!(
            "CREATE TEMP TABLE seen (person text, contacts int); {seen}; SELECT {wait}; {seen}"
        ),
    );
    let seen = rows(&mut client, "SELECT * FROM seen ORDER BY person NULLS LAST");
    let alices = [Some(ALICE.to_owned()), Some(CONTACTS_OF_A.to_string())];
    assert_eq!(seen, [alices, [None, Some("0".to_owned())]]);
}

#[test]
fn inside_one_block_of_code_it_ends_between_its_statements() {
    let database = verified_crm();
    let (mut client, wait) = alice(&database, "session");
    execute(
        &mut client,
        &format!(
            "CREATE TEMP TABLE seen (n int, person text, contacts int);
             DO $$ BEGIN
               INSERT INTO seen SELECT 1, tenant_guard.uid_text(), (SELECT count(*) FROM crm.contacts);
               PERFORM {wait};
               INSERT INTO seen SELECT 2, tenant_guard.uid_text(), (SELECT count(*) FROM crm.contacts);
             END $$"
        ),
    );
    let seen = rows(&mut client, "SELECT person, contacts FROM seen ORDER BY n");
    let alices = [Some(ALICE.to_owned()), Some(CONTACTS_OF_A.to_string())];
    assert_eq!(seen, [alices, [None, Some("0".to_owned())]]);
}

/// What two rounds of a loop saw, when the token expires between them.
fn in_two_rounds(asked: &str) -> Vec<Vec<Option<String>>> {
    let database = verified_crm();
    let (mut client, wait) = alice(&database, "session");
    execute(
        &mut client,
        &format!(
            "CREATE TEMP TABLE seen (n int, person text, contacts int);
             DO $$ DECLARE person text; BEGIN
               FOR n IN 1 .. 2 LOOP
                 {asked};
                 INSERT INTO seen VALUES (n, person, (SELECT count(*) FROM crm.contacts));
                 PERFORM {wait};
               END LOOP;
             END $$"
        ),
    );
    rows(&mut client, "SELECT person, contacts FROM seen ORDER BY n")
}

#[test]
fn inside_a_loop_it_ends_between_the_rounds() {
    let seen = in_two_rounds("SELECT tenant_guard.uid_text() INTO person");
    let alices = [Some(ALICE.to_owned()), Some(CONTACTS_OF_A.to_string())];
    assert_eq!(seen, [alices, [None, Some("0".to_owned())]]);
}

/// PL/pgSQL evaluates an expression that is no query without beginning a statement, so the answer of
/// the round before may stand; whatever reads rows begins one.
#[test]
fn an_assignment_in_a_loop_gives_nobody_any_rows_after_the_end() {
    let seen = in_two_rounds("person := tenant_guard.uid_text()");
    let alices = [Some(ALICE.to_owned()), Some(CONTACTS_OF_A.to_string())];
    assert_eq!(seen[0], alices);
    assert_eq!(seen[1][1].as_deref(), Some("0"));
}

#[test]
fn an_open_cursor_reads_on_and_what_is_asked_beside_it_does_not() {
    let database = verified_crm();
    let (mut client, wait) = alice(&database, "session");
    execute(
        &mut client,
        "BEGIN; DECLARE open CURSOR FOR SELECT name FROM crm.contacts ORDER BY id",
    );
    assert_eq!(rows(&mut client, "FETCH 1 FROM open").len(), 1);
    execute(&mut client, &format!("SELECT {wait}"));
    let names = rows(&mut client, "FETCH ALL FROM open");
    assert!(
        names.iter().all(|row| row[0].as_deref().is_some_and(|name| name.starts_with('A'))),
        "{names:?}"
    );
    assert_eq!(contacts(&mut client), 0);
}

#[test]
fn a_token_that_was_good_once_is_refused_when_it_comes_again() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let past = token(&mut client, &format!(r#"{{"sub":"{ALICE}","exp":1700000000}}"#));
    let refused = format!("SELECT tenant_guard.authenticate('{past}')");
    let error = tenant_guard_tests::sql::expect_clear_error(&mut client, &refused, "28000");
    assert!(error.message().contains("expired"), "{error:?}");
    // The clock's allowance prolongs it.
    let skew = format!("ALTER DATABASE {} SET tenant_guard.jwt_clock_skew = 600", database.name);
    execute(&mut database.admin(), &skew);
    let mut client = database.connect(VISITOR);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let recent = token(&mut client, &format!(r#"{{"sub":"{ALICE}","exp":{}}}"#, now - 60));
    execute(&mut client, &authenticate_session(&recent));
    assert_eq!(user(&mut client).as_deref(), Some(ALICE));
    tenant_guard_tests::sql::expect_clear_error(&mut client, &refused, "28000");
}
