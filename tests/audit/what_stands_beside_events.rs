//! What is said beside the events: when transactions committed, and where the events of large statements are. It is not
//! altered unnoticed either, and goes with the last of its events.

use crate::stage::*;
use tenant_guard_tests::cluster::{Cluster, OWNER, VISITOR};
use tenant_guard_tests::fixtures::{ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};
use tenant_guard_tests::Database;

/// Transactions of several statements, and one statement of 1,500 rows of each organization.
fn committed_in(cluster: &Cluster) -> Database<'_> {
    let database = audited_in(cluster);
    let mut admin = database.admin();
    for id in [1, 2, 3] {
        execute(&mut admin, "BEGIN");
        execute(&mut admin, &format!("UPDATE crm.people SET name = 'x' WHERE id = {id}"));
        execute(&mut admin, "COMMIT");
    }
    execute(
        &mut admin,
        &format!(
            "INSERT INTO crm.people SELECT n, CASE WHEN n % 2 = 0 THEN '{ORG_A}'::uuid ELSE '{ORG_B}' END, 'many' FROM generate_series(1001, 4000) n"
        ),
    );
    drop(admin);
    database
}

#[test]
fn moments_of_commits_and_places_of_large_statements_are_not_altered_unnoticed() {
    let first = "(SELECT min(transaction_id) FROM tenant_guard.audit_commit)";
    let cases = [
        ("audit_commit", format!("UPDATE tenant_guard.audit_commit SET committed_at = committed_at - interval '1 hour' WHERE transaction_id = {first}"), "commit"),
        ("audit_commit", format!("DELETE FROM tenant_guard.audit_commit WHERE transaction_id = {first}"), "commit"),
        ("audit_commit", format!("INSERT INTO tenant_guard.audit_commit SELECT * FROM tenant_guard.audit_commit WHERE transaction_id = {first}"), "commit"),
        ("audit_commit", "UPDATE tenant_guard.audit_commit SET origin = origin + 1".into(), "commit"),
        ("audit_block", "UPDATE tenant_guard.audit_block SET commits = 0, commits_root = decode(repeat('00', 32), 'hex'); ALTER TABLE tenant_guard.audit_commit DISABLE TRIGGER ALL; DELETE FROM tenant_guard.audit_commit".into(), "tree"),
        ("audit_bulk", format!("UPDATE tenant_guard.audit_bulk SET first_id = last_id WHERE organization = '{ORG_A}'"), "hidden"),
        ("audit_bulk", format!("UPDATE tenant_guard.audit_bulk SET transaction_id = 3 WHERE organization = '{ORG_A}'"), "hidden"),
        ("audit_bulk", format!("DELETE FROM tenant_guard.audit_bulk WHERE organization = '{ORG_B}'"), "hidden"),
        // An event that was found by the index, and no longer is.
        ("audit_event", "UPDATE tenant_guard.audit_event SET bulk = true WHERE id = (SELECT min(id) FROM tenant_guard.audit_event)".into(), "hidden"),
    ];
    let cluster = Cluster::start();
    let original = committed_in(&cluster);
    let mut admin = original.admin();
    seal_all(&mut admin);
    assert!(number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_commit") > 2);
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_bulk"), 2);
    drop(admin);
    for (table, sql, problem) in cases {
        let database = original.copy();
        let mut admin = database.admin();
        assert_eq!(verify(&mut admin), Vec::<String>::new(), "before: {sql}");
        tamper(&mut admin, table, &sql);
        let found = verify(&mut admin);
        assert_eq!(found.len(), 1, "{sql}: {found:?}");
        assert_eq!(found[0].split(' ').next(), Some(problem), "{sql}");
    }
}

#[test]
fn what_was_said_of_purged_events_goes_with_them() {
    let cluster = Cluster::start();
    let database = committed_in(&cluster);
    // What a session wrote it may name again, so until it ends that stays.
    let mut admin = database.admin();
    for _ in 0..100 {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        if number(&mut admin, others) == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(admin);
    let mut admin = database.admin();
    seal_all(&mut admin);
    let left = |admin: &mut postgres::Client| {
        ["audit_context", "audit_commit", "audit_bulk"]
            .map(|table| number(admin, &format!("SELECT count(*) FROM tenant_guard.{table}")))
    };
    let before = left(&mut admin);
    execute(&mut admin, &format!("SELECT * FROM tenant_guard.purge_audit('0 s', '{ORG_A}')"));
    let one = left(&mut admin);
    assert_eq!((one[1], one[2]), (before[1], 1), "the block has events of others");
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    // Whoever writes now is named by what is written now.
    execute(&mut admin, "UPDATE crm.people SET name = 'last' WHERE id = 3");
    execute(&mut admin, "SELECT * FROM tenant_guard.purge_audit('0 s')");
    // That of the statement, which is not sealed yet, where it took its time.
    let rest = left(&mut admin);
    assert!(rest[1] <= 1 && rest[2] == 0, "{rest:?}");
    let contexts = "SELECT array_agg(DISTINCT c.id) = (SELECT array_agg(DISTINCT e.context) FROM tenant_guard.audit_event e) FROM tenant_guard.audit_context c";
    assert_eq!(text(&mut admin, contexts).as_deref(), Some("t"));
    execute(&mut admin, "UPDATE crm.people SET name = 'the same session' WHERE id = 3");
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    seal_all(&mut admin);
    assert_eq!(verify(&mut admin), Vec::<String>::new());
}

#[test]
fn what_is_old_is_told_by_an_age_or_by_a_moment() {
    let database = audited();
    let mut admin = database.admin();
    seal_all(&mut admin);
    let now = text(&mut admin, "SELECT clock_timestamp()").expect("a moment");
    execute(&mut admin, "UPDATE crm.people SET name = 'x' WHERE id = 3");
    seal_all(&mut admin);
    let purge = |before: &str| {
        format!("SELECT sum(events) FROM tenant_guard.purge_audit(before => {before}) WHERE action = 'purge'")
    };
    assert_eq!(text(&mut admin, &purge("'-infinity'")), None);
    assert_eq!(number(&mut admin, &purge(&format!("'{now}'"))), 5);
    assert_eq!(count(&mut admin), 1, "what came after");
    for (arguments, code) in [
        ("", "22004"),
        ("before => NULL", "22004"),
        ("'1 day', before => now()", "22023"),
        ("before => now() + interval '1 hour'", "22023"),
        ("before => 'infinity'", "22023"),
    ] {
        let call = format!("SELECT * FROM tenant_guard.purge_audit({arguments})");
        expect_clear_error(&mut admin, &call, code);
    }
    assert_eq!(verify(&mut admin), Vec::<String>::new());
}

#[test]
fn owners_are_told_what_waits_for_the_seal_and_others_nothing() {
    let cluster = Cluster::start();
    let database = audited_in(&cluster);
    let mut admin = database.admin();
    execute(&mut admin, &format!("ALTER TABLE crm.people OWNER TO {OWNER}; ANALYZE"));
    let status = "SELECT table_name, audited_since <= now(), sealing_lag >= '0', events_estimated, size_estimated > 0
                  FROM tenant_guard.audit_status() WHERE table_schema = 'crm' ORDER BY 1";
    let row = |name: &str, lag: Option<&str>, events: Option<&str>| {
        let size = events.map(|_| "t");
        [Some(name), Some("t"), lag, events, size].map(|v| v.map(str::to_string)).to_vec()
    };
    // Of what is rare the planner knows nothing.
    let notes = |lag: Option<&str>| row("notes", lag, None);
    let people = |lag: Option<&str>| row("people", lag, Some("4"));
    assert_eq!(rows(&mut admin, status), [notes(Some("t")), people(Some("t"))]);
    let mut owner = database.connect(OWNER);
    assert_eq!(rows(&mut owner, status), [people(Some("t"))]);
    let log = "SELECT partitions > 0, size > 0, sealed_at IS NOT NULL, sealing_lag IS NOT NULL FROM tenant_guard.audit_log_status()";
    let told = |words: [&str; 4]| [words.map(|w| Some(w.to_string())).to_vec()];
    assert_eq!(rows(&mut owner, log), told(["t", "t", "f", "t"]));
    seal_all(&mut admin);
    assert_eq!(rows(&mut owner, status), [people(None)]);
    assert_eq!(rows(&mut owner, log), told(["t", "t", "t", "f"]));
    execute(&mut admin, "UPDATE crm.people SET name = 'x' WHERE id = 1");
    assert_eq!(rows(&mut owner, status), [people(Some("t"))]);
    assert_eq!(rows(&mut admin, status)[0], notes(None));
    assert_eq!(rows(&mut owner, log), told(["t", "t", "t", "t"]));
    let mut visitor = database.connect(VISITOR);
    for nothing in ["audit_status()", "audit_log_status()", "audit_logged()"] {
        let all = format!("SELECT count(*) FROM tenant_guard.{nothing}");
        assert_eq!(number(&mut visitor, &all), 0, "{nothing}");
    }
}
