//! `kill -9` of the postmaster in the middle of an apply: all of it or none of it, and the journal says which.

use std::thread;
use std::time::Duration;

use tenant_guard_tests::cluster::{Cluster, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{backend_pid, execute, number, rows, wait_until};
use tenant_guard_tests::steps::{apply, call, try_call};
use tenant_guard_tests::Database;

const CALLS: [&str; 3] = [
    "protect_table('crm.contacts')",
    "enable_audit('crm.contacts', tenant_column => 'organization_id')",
    "create_tenant_schema('east', 'crm', tenant_role => 'visitor')",
];

fn journal(database: &Database) -> Vec<Vec<Option<String>>> {
    rows(
        &mut database.admin(),
        "SELECT c.id, c.operation, c.undone_by, count(s.*)
           FROM tenant_guard.change c LEFT JOIN tenant_guard.change_step s ON s.change_id = c.id
          GROUP BY c.id ORDER BY c.id",
    )
}

#[test]
fn a_change_that_was_not_committed_is_gone_with_its_journal_entry() {
    let cluster = Cluster::start();
    let database = Database::fresh_in(&cluster);
    database.load(TENANCY);
    for text in CALLS {
        let (schema, before) = (database.schema(), journal(&database));
        let mut open = database.connect(OWNER);
        execute(&mut open, "BEGIN");
        apply(&mut open, text);
        cluster.kill_postmaster();
        cluster.restart();
        assert_eq!(database.schema(), schema, "{text}");
        assert_eq!(journal(&database), before, "{text}");
        // And nothing stands in the way of doing it now.
        apply(&mut database.connect(OWNER), text);
    }
}

#[test]
fn a_change_that_was_committed_is_there_with_its_journal_entry() {
    let cluster = Cluster::start();
    let database = Database::fresh_in(&cluster);
    database.load(TENANCY);
    for text in CALLS {
        let original = database.schema();
        let change = apply(&mut database.connect(OWNER), text);
        let (schema, before) = (database.schema(), journal(&database));
        cluster.kill_postmaster();
        cluster.restart();
        assert_eq!(database.schema(), schema, "{text}");
        assert_eq!(journal(&database), before, "{text}");
        apply(&mut database.connect(OWNER), &format!("undo({change})"));
        assert_eq!(database.schema(), original, "{text}: undone after the crash");
    }
}

#[test]
fn a_half_done_undo_is_gone() {
    let cluster = Cluster::start();
    let database = Database::fresh_in(&cluster);
    database.load(TENANCY);
    let change = apply(&mut database.connect(OWNER), CALLS[0]);
    let (schema, before) = (database.schema(), journal(&database));
    let mut open = database.connect(OWNER);
    execute(&mut open, "BEGIN");
    apply(&mut open, &format!("undo({change})"));
    cluster.kill_postmaster();
    cluster.restart();
    assert_eq!(database.schema(), schema);
    assert_eq!(journal(&database), before);
    apply(&mut database.connect(OWNER), &format!("undo({change})"));
}

/// A cluster with two databases that differ in size alone: contacts enough for an index build that lasts.
struct Setting<'c> {
    large: Database<'c>,
    schema: String,
    protected: String,
}

fn setting(cluster: &Cluster) -> Setting<'_> {
    let small = Database::fresh_in(cluster);
    small.load(TENANCY);
    let large = small.copy();
    large.load(&format!(
        "INSERT INTO crm.contacts (organization_id, name)
         SELECT CASE n % 2 WHEN 0 THEN '{ORG_A}' ELSE '{ORG_B}' END::uuid, 'contact ' || n
           FROM generate_series(1, 300000) AS n"
    ));
    let schema = small.schema();
    apply(&mut small.connect(OWNER), CALLS[0]);
    Setting { large, schema, protected: small.schema() }
}

/// Runs protect_table in a session of its own and kills the server when the moment has come.
fn all_or_nothing_when_killed(setting: &Setting, moment: impl FnOnce(&Database, i64)) {
    let database = setting.large.copy();
    let mut session = database.connect(OWNER);
    // Slow enough to be caught.
    execute(&mut session, "SET maintenance_work_mem = '1MB'");
    let pid = backend_pid(&mut session);
    let running = thread::spawn(move || try_call(&mut session, CALLS[0]).is_ok());
    moment(&database, pid);
    database.cluster.kill_postmaster();
    let was_told_yes = running.join().expect("the session ends");
    database.cluster.restart();

    let (found, journal) = (database.schema(), journal(&database));
    let done = !journal.is_empty();
    assert_eq!(
        &found,
        if done { &setting.protected } else { &setting.schema },
        "journal: {journal:?}"
    );
    assert!(done || !was_told_yes, "the client was told that it is done");
    if done {
        assert_eq!(journal.len(), 1, "{journal:?}");
        assert_ne!(journal[0][3].as_deref(), Some("0"), "no steps: {journal:?}");
    }

    let now = call(&mut database.connect(OWNER), CALLS[0]);
    assert_eq!(now.is_empty(), done, "what is missing is done now");
    assert_eq!(database.schema(), setting.protected);
    assert_eq!(contacts(&mut database.connect(VISITOR)), 0);
}

#[test]
fn killed_during_the_index_build_it_is_all_or_nothing() {
    let cluster = Cluster::start();
    all_or_nothing_when_killed(&setting(&cluster), |database, pid| {
        let mut admin = database.admin();
        let building =
            format!("SELECT count(*) FROM pg_stat_progress_create_index WHERE pid = {pid}");
        wait_until(|| number(&mut admin, &building) == 1);
    });
}

#[test]
fn killed_at_any_moment_it_is_all_or_nothing() {
    let cluster = Cluster::start();
    let setting = setting(&cluster);
    // Some of these come before the first step, some in the middle, the last after the end.
    for milliseconds in [1, 10, 40, 100, 200, 2000] {
        all_or_nothing_when_killed(&setting, |_, _| {
            thread::sleep(Duration::from_millis(milliseconds));
        });
    }
}
