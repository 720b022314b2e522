//! Refreshes of one summary, and counts of one table's accesses, come one after the other; readers do not wait.

use std::thread;

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{backend_pid, claims, execute, number, try_rows, waits_for_a_lock};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

const SUMMARY: &str = "create_tenant_summary('crm.sizes',
    'SELECT organization_id, count(*) AS contacts FROM crm.contacts GROUP BY 1', key => '{contacts}', protect => false)";
const REFRESH: &str = "SELECT tenant_guard.refresh_tenant_summary('crm.sizes')";
const FLUSH: &str = "SELECT tenant_guard.flush_access('crm.leads')";
const LEAD: &str = "01990000-0000-7000-8000-00000000000a";

/// The first session has called and not committed: the second waits, and its answer comes when the first has ended.
fn second_waits(database: &Database, call: &'static str, first_ends: &str) -> (i64, i64) {
    let (mut first, mut second) = (database.connect(OWNER), database.connect(OWNER));
    let pid = backend_pid(&mut second);
    execute(&mut first, "BEGIN");
    let answer = number(&mut first, call);
    let waiting = thread::spawn(move || number(&mut second, call));
    assert!(waits_for_a_lock(&mut database.admin(), pid, || waiting.is_finished()), "{call}");
    execute(&mut first, first_ends);
    (answer, waiting.join().expect("the second session answers"))
}

fn summarized() -> Database<'static> {
    let database = protected_crm();
    apply(&mut database.connect(OWNER), SUMMARY);
    database
}

#[test]
fn a_second_refresh_waits_and_leaves_each_row_once() {
    let database = summarized();
    for end in ["COMMIT", "ROLLBACK"] {
        assert_eq!(second_waits(&database, REFRESH, end), (2, 2), "{end}");
        assert_eq!(number(&mut database.admin(), "SELECT count(*) FROM crm.sizes"), 2, "{end}");
    }
}

#[test]
fn readers_of_a_summary_see_the_old_rows_until_the_refresh_commits() {
    let database = summarized();
    let mut owner = database.connect(OWNER);
    execute(&mut owner, REFRESH);
    let mut admin = database.admin();
    execute(&mut admin, "DELETE FROM crm.contacts WHERE name = 'Ada'");
    execute(&mut owner, &format!("BEGIN; {REFRESH}"));
    let sum = "SELECT sum(contacts) FROM crm.sizes";
    // A reader that had to wait would be told.
    execute(&mut admin, "SET lock_timeout = '2s'");
    assert_eq!(number(&mut admin, sum), CONTACTS_OF_A + CONTACTS_OF_B);
    execute(&mut owner, "COMMIT");
    assert_eq!(number(&mut admin, sum), CONTACTS_OF_A + CONTACTS_OF_B - 1);
}

fn tracked() -> Database<'static> {
    let database = protected_crm();
    execute(
        &mut database.connect(OWNER),
        &format!(
            "CREATE TABLE crm.leads (public_id uuid PRIMARY KEY, organization_id uuid NOT NULL, last_accessed timestamptz, access_count bigint NOT NULL DEFAULT 0);
             INSERT INTO crm.leads VALUES ('{LEAD}', '{ORG_A}');
             GRANT SELECT ON crm.leads TO visitor",
        ),
    );
    apply(&mut database.connect(OWNER), "protect_table('crm.leads', roles => '{visitor}')");
    database
}

fn look(database: &Database, operation: &str) {
    let mut alice = database.connect(VISITOR);
    execute(&mut alice, &format!("BEGIN; {}", claims(ALICE, Some(ORG_A))));
    execute(
        &mut alice,
        &format!("SELECT tenant_guard.log_access('crm.leads', '{LEAD}', '{operation}'); COMMIT"),
    );
}

#[test]
fn two_counts_at_once_count_nothing_twice_and_lose_nothing() {
    let database = tracked();
    let counted = "SELECT access_count FROM crm.leads";
    look(&database, "read");
    assert_eq!(second_waits(&database, FLUSH, "COMMIT"), (1, 0));
    look(&database, "read");
    // What the first took away and gave back, the second counts.
    assert_eq!(second_waits(&database, FLUSH, "ROLLBACK"), (1, 1));
    assert_eq!(number(&mut database.admin(), counted), 2);
    assert_eq!(number(&mut database.admin(), "SELECT count(*) FROM tenant_guard.access_event"), 0);
}

#[test]
fn noting_an_access_locks_no_row_and_waits_for_none() {
    let database = tracked();
    let mut admin = database.admin();
    execute(&mut admin, "BEGIN; SELECT FROM crm.leads FOR UPDATE");
    let mut alice = visit(&database, ALICE, Some(ORG_A));
    execute(&mut alice, "SET LOCAL lock_timeout = '2s'");
    let note = format!("SELECT tenant_guard.log_access('crm.leads', '{LEAD}')");
    execute(&mut alice, &note);
    // And while that one is not committed, others lock the row and note theirs.
    execute(&mut admin, "COMMIT; BEGIN; SELECT FROM crm.leads FOR UPDATE NOWAIT; COMMIT");
    let mut carol = visit(&database, CAROL, Some(ORG_A));
    execute(&mut carol, "SET LOCAL lock_timeout = '2s'");
    try_rows(&mut carol, &note).expect("nobody waits");
    execute(&mut carol, "COMMIT");
    execute(&mut alice, "COMMIT");
    assert_eq!(number(&mut database.connect(OWNER), FLUSH), 2);
}
