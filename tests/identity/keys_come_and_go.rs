//! Which key verifies a token: the one of its key id, while that is in force, and no other.

use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, expect_clear_error};

use crate::verdict::*;

#[test]
fn another_key_and_another_key_id_are_refused() {
    let database = verified_crm();
    let mut client = visitor(&database);
    let wrong = sign(&mut client, HEADER, &claims(), OTHER_SECRET);
    refused(&mut client, &wrong, "its signature");
    let empty = sign(&mut client, HEADER, &claims(), "");
    refused(&mut client, &empty, "its signature");
    for kid in
        ["test-2", "", "TEST-1", " test-1", "test-1\\u0000", "../test-1", "test-1' OR 'a'='a", "%"]
    {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        let token = sign(&mut client, &header, &claims(), SECRET);
        refused(&mut client, &token, "its key id");
    }
    // What a header says about keys of its own is nothing.
    let offered = format!(
        r#"{{"alg":"HS256","kid":"{KID}","jku":"https://mallory.example/keys","x5u":"https://mallory.example","jwk":{{"kty":"oct","k":"AAAA"}}}}"#
    );
    let token = sign(&mut client, &offered, &claims(), OTHER_SECRET);
    refused(&mut client, &token, "its signature");
    let without = sign(&mut client, r#"{"alg":"HS256"}"#, &claims(), SECRET);
    accepted(&mut client, &without);
    add_key(&mut database.admin(), "test-2", OTHER_SECRET);
    let mut client = visitor(&database);
    refused(&mut client, &without, "its key id is missing");
    // Each key verifies its own tokens only.
    let other = sign(&mut client, r#"{"alg":"HS256","kid":"test-2"}"#, &claims(), OTHER_SECRET);
    accepted(&mut client, &other);
    let crossed = sign(&mut client, r#"{"alg":"HS256","kid":"test-2"}"#, &claims(), SECRET);
    refused(&mut client, &crossed, "its signature");
}

#[test]
fn keys_that_are_not_in_force_verify_nothing() {
    let database = verified_crm();
    let mut admin = database.admin();
    for (kid, from, until, check) in [
        ("early", "now() + interval '1 hour'", "NULL", "its key is not valid yet"),
        ("late", "NULL", "now() - interval '1 second'", "its key is no longer valid"),
        (
            "both",
            "now() - interval '2 hours'",
            "now() - interval '1 hour'",
            "its key is no longer valid",
        ),
        ("never", "'infinity'", "NULL", "its key id"),
    ] {
        let add = format!(
            "SELECT tenant_guard.add_key('{kid}', 'HS256', '{OTHER_SECRET}', valid_from => {from}, valid_until => {until})"
        );
        execute(&mut admin, &add);
        let mut client = visitor(&database);
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        let token = sign(&mut client, &header, &claims(), OTHER_SECRET);
        refused(&mut client, &token, check);
    }
    let mut client = visitor(&database);
    let good = sign(&mut client, HEADER, &claims(), SECRET);
    accepted(&mut client, &good);
    let without = sign(&mut client, r#"{"alg":"HS256"}"#, &claims(), SECRET);
    accepted(&mut client, &without);
    execute(&mut admin, &format!("SELECT tenant_guard.retire_key('{KID}')"));
    let mut client = visitor(&database);
    refused(&mut client, &good, "its key id");
    refused(&mut client, &without, "no key is in force");
}

#[test]
fn what_becomes_of_keys_reaches_the_sessions_that_are_open() {
    let database = verified_crm();
    let mut admin = database.admin();
    let mut client = visitor(&database);
    let old = sign(&mut client, HEADER, &claims(), SECRET);
    accepted(&mut client, &old);
    let new = sign(&mut client, r#"{"alg":"HS256","kid":"test-2"}"#, &claims(), OTHER_SECRET);
    refused(&mut client, &new, "its key id");
    add_key(&mut admin, "test-2", OTHER_SECRET);
    accepted(&mut client, &new);
    accepted(&mut client, &old);
    execute(&mut admin, &format!("SELECT tenant_guard.retire_key('{KID}')"));
    refused(&mut client, &old, "its key id");
    accepted(&mut client, &new);
}

#[test]
fn a_retired_key_stops_being_accepted_in_open_sessions() {
    let database = verified_crm();
    let mut client = visitor(&database);
    let token = sign(&mut client, HEADER, &claims(), SECRET);
    accepted(&mut client, &token);
    execute(&mut database.admin(), &format!("SELECT tenant_guard.retire_key('{KID}')"));
    refused(&mut client, &token, "no key is in force");
}

#[test]
fn a_key_id_stands_for_one_key_for_ever() {
    let database = verified_crm();
    let mut admin = database.admin();
    let again = format!("SELECT tenant_guard.add_key('{KID}', 'HS256', '{SECRET}')");
    expect_clear_error(&mut admin, &again, "42710");
    execute(&mut admin, &format!("SELECT tenant_guard.retire_key('{KID}')"));
    expect_clear_error(&mut admin, &again, "42710");
    execute(&mut admin, &format!("SELECT tenant_guard.retire_key('{KID}')"));
    expect_clear_error(&mut admin, "SELECT tenant_guard.retire_key('x')", "42704");
}
