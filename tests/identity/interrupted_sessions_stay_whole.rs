//! A query that is cancelled anywhere in the middle, while what the session keeps goes stale, leaves
//! a session behind that answers rightly, or fails; never another one's answer.

use postgres::Client;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{backend_pid, execute, rows};
use tenant_guard_tests::Database;

/// As many, and then some where none was cancelled yet, or none finished.
const ROUNDS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(120);

/// One transaction of the person; false where it was cancelled.
#[track_caller]
fn works(client: &mut Client, person: &str, token: &str, org: &str, seen: i64) -> bool {
    let ask = format!(
        "SELECT tenant_guard.uid_text(), tenant_guard.org_id_text(), count(*), tenant_guard.is_member('{ORG_A}'),
                tenant_guard.has_role('admin') FROM crm.contacts"
    );
    let chosen = format!("SELECT tenant_guard.set_org('{org}')");
    for statement in ["BEGIN", &authenticate(token), &chosen] {
        if let Err(error) = client.batch_execute(statement) {
            return cancelled(client, &error, statement);
        }
    }
    match tenant_guard_tests::sql::try_rows(client, &ask) {
        Err(error) => cancelled(client, &error, &ask),
        Ok(found) => {
            let text = |text: &str| Some(text.to_owned());
            let member = if org == ORG_A { "t" } else { "f" };
            assert_eq!(
                found,
                [[text(person), text(org), text(&seen.to_string()), text(member), text("t")]]
            );
            client.batch_execute("COMMIT").is_ok() || cancelled_at_the_end(client)
        }
    }
}

#[track_caller]
fn cancelled(client: &mut Client, error: &postgres::Error, what: &str) -> bool {
    let code = error.code().unwrap_or_else(|| panic!("lost the connection: {what}\n{error:?}"));
    assert_eq!(code.code(), "57014", "{what}\n{error:?}");
    cancelled_at_the_end(client)
}

/// Ends the transaction, whatever cancels come in meanwhile.
fn cancelled_at_the_end(client: &mut Client) -> bool {
    while client.batch_execute("ROLLBACK").is_err() {}
    false
}

/// Cancels the session's queries, and makes stale what it keeps, until told to stop.
fn disturb(database: &Database, pid: i64, stop: &AtomicBool) {
    let (mut admin, mut owner) = (database.admin(), database.connect(OWNER));
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        execute(&mut admin, &format!("SELECT pg_cancel_backend({pid})"));
        // Now and then there is time for a whole transaction, on a slow machine too.
        std::thread::sleep(Duration::from_millis(if n % 50 == 0 { n.min(2000) } else { n % 7 }));
        if n % 3 == 0 {
            execute(
                &mut owner,
                &format!("COMMENT ON TABLE crm.members IS '{n}'; ANALYZE crm.members"),
            );
            let grants =
                format!("SELECT tenant_guard.set_role_permissions('viewer', '{{n:p{n}}}')");
            execute(&mut admin, &grants);
            let key = format!("SELECT tenant_guard.add_key('k{n}', 'HS256', '{SECRET}')");
            execute(&mut admin, &key);
        }
    }
}

#[test]
fn whatever_was_cancelled_the_next_transaction_is_right() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, None);
    let bob = token_of(&mut client, BOB, None);
    let pid = backend_pid(&mut client);
    let stop = AtomicBool::new(false);
    let (finished, cancelled) = std::thread::scope(|scope| {
        scope.spawn(|| disturb(&database, pid, &stop));
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (mut finished, mut cancelled) = (0, 0);
            let deadline = Instant::now() + PATIENCE;
            while finished + cancelled < ROUNDS || finished == 0 || cancelled == 0 {
                let done = match (finished + cancelled) % 2 {
                    0 => works(&mut client, ALICE, &alice, ORG_A, CONTACTS_OF_A),
                    _ => works(&mut client, BOB, &bob, ORG_B, CONTACTS_OF_B),
                };
                *(if done { &mut finished } else { &mut cancelled }) += 1;
                if Instant::now() > deadline {
                    break;
                }
            }
            (finished, cancelled)
        }));
        stop.store(true, Ordering::Relaxed);
        played.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    assert!(finished > 0 && cancelled > 0, "{finished} finished, {cancelled} were cancelled");
    // Left in peace, both work as ever. The last cancel may still be under way.
    while client.batch_execute("SELECT pg_sleep(0.1)").is_err() {}
    assert!(works(&mut client, ALICE, &alice, ORG_A, CONTACTS_OF_A));
    assert!(works(&mut client, BOB, &bob, ORG_B, CONTACTS_OF_B));
    assert_eq!(rows(&mut client, "SELECT tenant_guard.uid_text()"), [[None]]);
}
