//! Queries, expected errors and claims.

use std::time::{Duration, Instant};

use postgres::error::DbError;
use postgres::{Client, SimpleQueryMessage};

/// The rows of the last statement that returns any, as text.
#[track_caller]
pub fn rows(client: &mut Client, sql: &str) -> Vec<Vec<Option<String>>> {
    match try_rows(client, sql) {
        Ok(found) => found,
        Err(error) => panic!("{sql}\n{error:?}"),
    }
}

pub fn try_rows(
    client: &mut Client,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, postgres::Error> {
    let mut found = Vec::new();
    for message in client.simple_query(sql)? {
        match message {
            SimpleQueryMessage::RowDescription(_) => found.clear(),
            SimpleQueryMessage::Row(row) => found
                .push((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()),
            _ => (),
        }
    }
    Ok(found)
}

/// The first column of the only row.
#[track_caller]
pub fn text(client: &mut Client, sql: &str) -> Option<String> {
    let mut found = rows(client, sql);
    assert_eq!(found.len(), 1, "{sql}");
    found.remove(0).remove(0)
}

#[track_caller]
pub fn number(client: &mut Client, sql: &str) -> i64 {
    let value = text(client, sql).unwrap_or_else(|| panic!("{sql}: NULL"));
    value.parse().unwrap_or_else(|_| panic!("{sql}: {value} is not a number"))
}

#[track_caller]
pub fn execute(client: &mut Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql) {
        panic!("{sql}\n{error:?}");
    }
}

/// The statement must fail with this SQLSTATE.
#[track_caller]
pub fn expect_error(client: &mut Client, sql: &str, sqlstate: &str) -> DbError {
    match client.batch_execute(sql) {
        Ok(()) => panic!("{sql}\nwas accepted, expected {sqlstate}"),
        Err(error) => db_error(&error, sql, sqlstate),
    }
}

/// As [`expect_error`], for the extension's own errors: these explain themselves and say what to do next.
#[track_caller]
pub fn expect_clear_error(client: &mut Client, sql: &str, sqlstate: &str) -> DbError {
    let error = expect_error(client, sql, sqlstate);
    assert_clear(&error, sql);
    error
}

#[track_caller]
pub fn db_error(error: &postgres::Error, sql: &str, sqlstate: &str) -> DbError {
    let error =
        error.as_db_error().unwrap_or_else(|| panic!("{sql}\nlost the connection: {error:?}"));
    assert_eq!(error.code().code(), sqlstate, "{sql}\n{error:?}");
    error.clone()
}

#[track_caller]
pub fn assert_clear(error: &DbError, sql: &str) {
    let said = |part: Option<&str>| part.is_some_and(|text| !text.trim().is_empty());
    assert!(said(error.detail()), "no DETAIL: {sql}\n{error:?}");
    assert!(said(error.hint()), "no HINT: {sql}\n{error:?}");
    let all = format!("{error:?}");
    assert!(!all.contains(".rs:") && !all.contains("panicked"), "Rust shows through: {all}");
}

/// What a gateway sends at the start of a transaction.
pub fn claims(user: &str, org: Option<&str>) -> String {
    format!("SET LOCAL request.jwt.claims = '{}';", json(user, org))
}

/// The same for the whole session, as a pooler that does not use transactions would.
pub fn session_claims(user: &str, org: Option<&str>) -> String {
    format!("SET request.jwt.claims = '{}';", json(user, org))
}

fn json(user: &str, org: Option<&str>) -> String {
    match org {
        Some(org) => format!(r#"{{"sub": "{user}", "org_id": "{org}"}}"#),
        None => format!(r#"{{"sub": "{user}"}}"#),
    }
}

pub fn backend_pid(client: &mut Client) -> i64 {
    number(client, "SELECT pg_backend_pid()")
}

/// Waits until the backend is blocked by another one's lock; false when what it does ended first.
pub fn waits_for_a_lock(admin: &mut Client, pid: i64, ended: impl Fn() -> bool) -> bool {
    let state = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
    );
    let mut waits = false;
    wait_until(|| {
        waits = number(admin, &state) == 1;
        waits || ended()
    });
    waits
}

#[track_caller]
pub fn wait_until(mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "waited for a minute in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}
