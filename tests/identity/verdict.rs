//! Whether a token is taken, by every way to hand one over.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{assert_clear, db_error, execute, text};
use tenant_guard_tests::Database;

pub const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"test-1"}"#;
pub const OTHER_SECRET: &str = "the secret of somebody else, which is long enough";

pub fn claims() -> String {
    format!(r#"{{"sub":"{ALICE}","org_id":"{ORG_A}","exp":{FAR}}}"#)
}

/// Both ways to hand a token over refuse it with 28000; the message names this check.
#[track_caller]
pub fn refused(client: &mut Client, token: &str, check: &str) {
    for call in ["authenticate($1)", "authenticate($1, 'session')", "verify_token($1)"] {
        let sql = format!("SELECT tenant_guard.{call}::text");
        let error = match client.query(&sql, &[&token]) {
            Ok(_) => panic!("accepted by {call}, expected to fail at {check}: {token}"),
            Err(error) => db_error(&error, &sql, "28000"),
        };
        assert_clear(&error, &sql);
        let all = format!("{error:?}");
        assert!(error.message().contains(check), "{check}, not: {all}");
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!all.contains(part), "shows the token: {all}");
        }
        assert!(!all.contains(SECRET) && !all.contains(OTHER_SECRET), "{all}");
    }
    assert_eq!(text(client, "SELECT tenant_guard.uid_text()"), None, "{token}");
}

#[track_caller]
pub fn accepted(client: &mut Client, token: &str) {
    let found = text(client, &format!("SELECT tenant_guard.verify_token('{token}') ->> 'sub'"));
    assert_eq!(found.as_deref(), Some(ALICE));
    execute(client, "BEGIN");
    execute(client, &authenticate(token));
    assert_eq!(text(client, "SELECT tenant_guard.uid_text()").as_deref(), Some(ALICE));
    execute(client, "COMMIT");
}

pub fn visitor(database: &Database) -> Client {
    database.connect(VISITOR)
}
