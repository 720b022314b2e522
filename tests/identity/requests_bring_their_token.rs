//! `pre_request` where only tokens count: the request's own Bearer token, and nothing else of it.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{claims, execute, expect_clear_error, text};

const PRE_REQUEST: &str = "SELECT tenant_guard.pre_request()";

fn user(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.uid_text()")
}

/// Begins a request as PostgREST does: claims that nobody here believes, and the headers.
fn request(client: &mut Client, headers: &str) {
    execute(client, "BEGIN");
    execute(client, &claims(BOB, Some(ORG_B)));
    let headers = headers.replace('\'', "''");
    execute(client, &format!("SELECT set_config('request.headers', '{headers}', true)"));
}

#[test]
fn the_bearer_token_of_the_request_is_its_identity() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        request(&mut client, &format!(r#"{{"host":"x","authorization":"{scheme} {alice}"}}"#));
        assert_eq!(user(&mut client), None, "before pre_request");
        execute(&mut client, PRE_REQUEST);
        assert_eq!(user(&mut client).as_deref(), Some(ALICE), "{scheme}");
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
        execute(&mut client, &claims(BOB, Some(ORG_B)));
        execute(&mut client, "SET LOCAL request.headers = '{}'");
        assert_eq!(user(&mut client).as_deref(), Some(ALICE), "what is set afterwards is nothing");
        execute(&mut client, PRE_REQUEST);
        assert_eq!(
            user(&mut client).as_deref(),
            Some(ALICE),
            "nor does a second one without a token end it"
        );
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
        execute(&mut client, "COMMIT");
        assert_eq!(user(&mut client), None, "after COMMIT");
    }
}

#[test]
fn a_request_with_a_token_that_is_refused_fails() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let header = format!(r#"{{"alg":"HS256","kid":"{KID}"}}"#);
    let forged = sign(
        &mut client,
        &header,
        &format!(r#"{{"sub":"{ALICE}","exp":{FAR}}}"#),
        "another secret",
    );
    let expired = token(&mut client, &format!(r#"{{"sub":"{ALICE}","exp":1}}"#));
    for token in [forged.as_str(), &expired, "a.b.c", "x", ""] {
        request(&mut client, &format!(r#"{{"authorization":"Bearer {token}"}}"#));
        let error = expect_clear_error(&mut client, PRE_REQUEST, "28000");
        assert!(token.len() < 10 || !format!("{error:?}").contains(token), "{error:?}");
        execute(&mut client, "ROLLBACK");
        assert_eq!(user(&mut client), None, "{token}");
    }
}

#[test]
fn a_request_without_a_bearer_token_is_nobodys() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    for headers in [
        String::new(),
        "{}".to_owned(),
        "no json".to_owned(),
        "[]".to_owned(),
        format!(r#"{{"authorization":"Basic {alice}"}}"#),
        format!(r#"{{"authorization":"{alice}"}}"#),
        format!(r#"{{"authorization":["Bearer {alice}"]}}"#),
        format!(r#"{{"x-authorization":"Bearer {alice}"}}"#),
        format!(r#"{{"cookie":"Bearer {alice}"}}"#),
        "[".repeat(50_000),
    ] {
        request(&mut client, &headers);
        execute(&mut client, PRE_REQUEST);
        assert_eq!(user(&mut client), None, "{headers}");
        assert_eq!(contacts(&mut client), 0, "{headers}");
        execute(&mut client, "COMMIT");
    }
}

#[test]
fn a_request_without_a_token_does_not_inherit_the_one_before_it() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    request(&mut client, &format!(r#"{{"authorization":"Bearer {alice}"}}"#));
    execute(&mut client, PRE_REQUEST);
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, "COMMIT");
    request(&mut client, "{}");
    execute(&mut client, PRE_REQUEST);
    assert_eq!(user(&mut client), None);
    execute(&mut client, "COMMIT");
}

#[test]
fn a_request_without_a_token_does_not_inherit_what_a_session_was_left_with() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    execute(&mut client, &authenticate_session(&alice));
    request(&mut client, "{}");
    execute(&mut client, PRE_REQUEST);
    assert_eq!(user(&mut client), None, "an identity of the session is not this request's");
}
