//! `kill -9` of the postmaster while sessions write: whatever is there afterwards, log and tables tell the same.

use crate::dice::Dice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tenant_guard_tests::cluster::Cluster;
use tenant_guard_tests::sql::{execute, number, rows};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Rows that the log and the table do not have equally often.
fn differences(table: &str) -> String {
    format!(
        "SELECT r, sum(n) FROM (
           SELECT record, 1 FROM tenant_guard.audit_log WHERE table_name = '{table}' AND record IS NOT NULL
           UNION ALL SELECT old_record, -1 FROM tenant_guard.audit_log WHERE table_name = '{table}' AND old_record IS NOT NULL
           UNION ALL SELECT to_jsonb(t), -1 FROM {table} t) AS all_of_them (r, n)
          GROUP BY r HAVING sum(n) <> 0 LIMIT 5"
    )
}

fn write(database: &Database, seed: u64, killed: &AtomicBool) {
    let mut dice = Dice::new(seed);
    let mut client = database.admin();
    while !killed.load(Ordering::Relaxed) {
        let (table, id) = (*dice.one(&["notes", "plain"]), dice.below(50));
        let one = match dice.below(5) {
            0 => format!("INSERT INTO {table} SELECT g, repeat(md5(g::text), {}) FROM generate_series({id}, {id} + 2000) g ON CONFLICT DO NOTHING", dice.below(200)),
            1 => format!("DELETE FROM {table} WHERE id % 7 = {}", dice.below(7)),
            2 => format!("UPDATE {table} SET n = n + 1 WHERE id < 400"),
            3 => format!("BEGIN; UPDATE {table} SET n = n - 1 WHERE id = {id}; UPDATE {table} SET note = note || 'x' WHERE id = {id}; COMMIT"),
            _ => format!("UPDATE {table} SET n = {} WHERE id = {id}", dice.below(1000)),
        };
        // Deadlocks come, and the end of the server.
        if client.batch_execute(&one).is_err() && client.batch_execute("ROLLBACK").is_err() {
            return;
        }
    }
}

#[test]
fn the_log_and_the_tables_agree_after_each_of_ten_crashes() {
    let cluster = Cluster::start();
    let database = Database::fresh_in(&cluster);
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE notes (id int PRIMARY KEY, note text, n int DEFAULT 0);
         CREATE TABLE plain (id int UNIQUE, note text, n int DEFAULT 0)",
    );
    apply(&mut admin, "enable_audit('notes')");
    apply(&mut admin, "enable_audit('plain')");
    drop(admin);
    for crash in 0..10u64 {
        let killed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for session in 0..3 {
                let (database, killed) = (&database, &killed);
                scope.spawn(move || write(database, crash * 10 + session, killed));
            }
            std::thread::sleep(Duration::from_millis(60 + crash * 53));
            cluster.kill_postmaster();
            killed.store(true, Ordering::Relaxed);
        });
        cluster.restart();
        let mut admin = database.admin();
        for table in ["notes", "plain"] {
            let found = rows(&mut admin, &differences(table));
            assert!(found.is_empty(), "crash {crash}: {table}: {found:.600?}");
        }
        let twice = "SELECT count(*) - count(DISTINCT id) FROM tenant_guard.audit_event";
        assert_eq!(number(&mut admin, twice), 0, "crash {crash}: an id that was given twice");
        let lost = "SELECT count(*) FROM tenant_guard.audit_event e
             WHERE NOT EXISTS (SELECT FROM tenant_guard.audit_context c WHERE c.id = e.context)
                OR NOT EXISTS (SELECT FROM tenant_guard.audit_layout l WHERE l.id = e.layout)";
        assert_eq!(
            number(&mut admin, lost),
            0,
            "crash {crash}: an event without its context or layout"
        );
        // What the indexes find is what is there.
        execute(&mut admin, "SET enable_seqscan = off");
        for table in ["notes", "plain"] {
            let found = rows(&mut admin, &differences(table));
            assert!(found.is_empty(), "crash {crash}: {table}, by its indexes: {found:.600?}");
        }
        let history = "SELECT count(*) FROM notes t WHERE NOT EXISTS
             (SELECT FROM tenant_guard.row_history('notes', jsonb_build_object('id', t.id)) h WHERE h.record = to_jsonb(t)) AND t.id % 97 = 0";
        assert_eq!(number(&mut admin, history), 0, "crash {crash}: rows without their history");
    }
    let events = number(&mut database.admin(), "SELECT count(*) FROM tenant_guard.audit_event");
    assert!(events > 1000, "{events}");
}
