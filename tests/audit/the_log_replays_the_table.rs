//! Random tables and random sessions: what the log tells adds up to what the tables hold, at the end and at moments
//! between, and the last transaction can be taken back. The workload follows from a seed, which a failure names:
//! TENANT_GUARD_FUZZ_FIRST=seed TENANT_GUARD_FUZZ_SEEDS=1 runs it again.

use crate::dice::{seeds, Dice};
use crate::replay::{check_replay, check_snapshots, count, Snapshot};
use crate::tables::{family, invent, Table};
use crate::values::TYPES;
use crate::workload::{alter, copy, statement, Altered};
use postgres::Client;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::RwLock;
use std::time::Duration;
use tenant_guard_tests::sql::{execute, number, rows, text};
use tenant_guard_tests::Database;

const SESSIONS: usize = 4;
const TRANSACTIONS: usize = 220;

/// What a random statement may come to: conflicts of keys, references, partitions and sessions, numbers too large,
/// tables that were renamed meanwhile.
const EXPECTED: [&str; 13] = [
    "40001", "23505", "23503", "23514", "23502", "40P01", "55P03", "42703", "42P01", "22003",
    "21000", "55006", "27000",
];

struct Run<'a> {
    tables: Vec<Table>,
    database: &'a Database<'static>,
    /// Held for reading by whoever commits: a moment is between commits, not between transactions.
    commits: RwLock<()>,
    committed: AtomicUsize,
}

fn prepare(seed: u64, database: &Database<'static>) -> Vec<Table> {
    let mut dice = Dice::new(seed);
    let mut admin = database.admin();
    execute(&mut admin, TYPES);
    let mut made: Vec<(String, Table)> = (0..3).map(|i| invent(&mut dice, i)).collect();
    made.extend(family());
    made.into_iter()
        .map(|(script, mut table)| {
            execute(&mut admin, &script);
            let oid = format!(
                "SELECT '{}'::regclass::oid",
                table.shape().qualified().replace('\'', "''")
            );
            table.oid = number(&mut admin, &oid);
            table
        })
        .collect()
}

#[track_caller]
fn expected(error: &postgres::Error) {
    let code = error.code().unwrap_or_else(|| panic!("lost the connection: {error:?}")).code();
    assert!(EXPECTED.contains(&code), "{error:?}");
}

impl Run<'_> {
    fn session(&self, seed: u64, session: usize) {
        let mut dice = Dice::new(seed * 1000 + session as u64);
        let mut client = self.database.admin();
        execute(&mut client, "SET lock_timeout = '60ms'; SET deadlock_timeout = '10ms'");
        for i in 0..TRANSACTIONS {
            let done = if dice.percent(25) {
                let sql = statement(&mut dice, &self.tables[0]);
                let table = dice.below(self.tables.len());
                let sql = if table == 0 { sql } else { statement(&mut dice, &self.tables[table]) };
                let _committing = self.commits.read().expect("no panic in the lock");
                client.batch_execute(&sql)
            } else {
                self.transaction(&mut dice, &mut client, session * TRANSACTIONS + i)
            };
            match done {
                Ok(()) => drop(self.committed.fetch_add(1, Ordering::Relaxed)),
                Err(error) => {
                    expected(&error);
                    execute(&mut client, "ROLLBACK");
                }
            }
        }
    }

    fn transaction(
        &self,
        dice: &mut Dice,
        client: &mut Client,
        number: usize,
    ) -> Result<(), postgres::Error> {
        client.batch_execute("BEGIN")?;
        if dice.percent(10) {
            client.batch_execute("SET LOCAL session_replication_role = replica")?;
        }
        for i in 0..1 + dice.below(5) {
            let table = &self.tables[dice.below(self.tables.len())];
            match dice.below(100) {
                0 => client
                    .batch_execute(&format!("TRUNCATE {} CASCADE", table.shape().qualified()))?,
                1..8 => copy(dice, client, table)?,
                8..30 => {
                    client.batch_execute(&format!("SAVEPOINT s{i}"))?;
                    let done = client.batch_execute(&statement(dice, table));
                    if let Err(error) = &done {
                        expected(error);
                    }
                    if done.is_err() || dice.percent(50) {
                        client.batch_execute(&format!("ROLLBACK TO s{i}"))?;
                    }
                }
                _ => client.batch_execute(&statement(dice, table))?,
            }
        }
        let mut altered: Option<Altered> = None;
        let which = dice.below(self.tables.len());
        // Until it is told: the server lets go of the table as the transaction commits, a moment before that.
        let mut _altering = None;
        if self.tables[which].may_alter && dice.percent(8) {
            _altering = self.tables[which].altering.try_lock().ok();
            if _altering.is_some() {
                altered = alter(dice, client, &self.tables, which, number)?;
            }
        }
        if dice.percent(15) {
            return client.batch_execute("ROLLBACK");
        }
        let _committing = self.commits.read().expect("no panic in the lock");
        client.batch_execute("COMMIT")?;
        if let Some(altered) = altered {
            altered.tell(&self.tables);
        }
        Ok(())
    }

    fn snapshots(&self, seed: u64, over: impl Fn() -> bool) -> Vec<Snapshot> {
        let mut dice = Dice::new(seed * 1000 + 999);
        let mut client = self.database.admin();
        execute(&mut client, "SET lock_timeout = '10ms'");
        let mut found = Vec::new();
        while !over() {
            std::thread::sleep(Duration::from_millis(50 + dice.below(200) as u64));
            let between = self.commits.write().expect("no panic in the lock");
            let at = text(&mut client, "SELECT clock_timestamp()").expect("a moment");
            for which in 0..self.tables.len() {
                match Snapshot::take(&mut client, &self.tables, which, &at) {
                    Ok(snapshot) => found.push(snapshot),
                    Err(error) => expected(&error),
                }
            }
            drop(between);
        }
        found
    }

    /// A transaction of some statements, and its undoing, on tables without triggers of their own.
    fn take_back(&self, seed: u64) {
        let mut dice = Dice::new(seed * 1000 + 998);
        let mut client = self.database.admin();
        let all = |client: &mut Client| -> Vec<String> {
            let of =
                |t: &Table| format!("SELECT t::text FROM {} t ORDER BY 1", t.shape().qualified());
            let rows_of =
                |client: &mut Client, t| rows(client, &of(t)).into_iter().flatten().flatten();
            self.tables.iter().flat_map(|t| rows_of(client, t).collect::<Vec<_>>()).collect()
        };
        let still = |t: &&Table| {
            t.key != crate::tables::Key::None && !t.made_with.contains("CREATE TRIGGER")
        };
        let tables: Vec<&Table> = self.tables.iter().filter(still).collect();
        // Left where replication deleted what they referred to.
        execute(
            &mut client,
            "DELETE FROM \"My App\".\"Child\" c WHERE NOT EXISTS (SELECT FROM \"My App\".\"Parent\" p WHERE p.\"Id\" = c.\"of\")",
        );
        let mut undone = 0;
        for _ in 0..24 {
            let before = all(&mut client);
            execute(&mut client, "BEGIN");
            let id = text(&mut client, "SELECT pg_current_xact_id()").expect("an id");
            let mut said = Vec::new();
            let mut run = || -> Result<(), postgres::Error> {
                for _ in 0..1 + dice.below(3) {
                    let table = dice.one(&tables);
                    said.push(statement(&mut dice, table));
                    client.batch_execute(&said[said.len() - 1])?;
                }
                client.batch_execute("COMMIT")
            };
            if let Err(error) = run() {
                expected(&error);
                execute(&mut client, "ROLLBACK");
                continue;
            }
            let undo = client
                .batch_execute(&format!("SELECT * FROM tenant_guard.undo_transaction('{id}')"));
            match undo {
                Ok(()) => {
                    undone += 1;
                    let after = all(&mut client);
                    let differs: Vec<_> = after
                        .iter()
                        .filter(|r| !before.contains(r))
                        .chain(before.iter().filter(|r| !after.contains(r)))
                        .collect();
                    assert!(
                        differs.is_empty() && before.len() == after.len(),
                        "seed {seed}: undone: {said:#?}\n{differs:#?}"
                    );
                }
                Err(error) => {
                    let code = error.code().map_or("", |code| code.code());
                    // Nothing was changed; or rows that swap keys one by one get into each other's way, or have a foreign
                    // key's action take the wrong one.
                    assert!(
                        ["P0002", "23505", "55000"].contains(&code),
                        "seed {seed}: {said:#?}\n{error:?}"
                    );
                }
            }
        }
        assert!(undone > 2, "seed {seed}: {undone} transactions were undone");
    }
}

fn run(seed: u64) -> usize {
    let database = Database::fresh();
    let tables = prepare(seed, &database);
    let run = Run {
        tables,
        database: &database,
        commits: RwLock::new(()),
        committed: AtomicUsize::new(0),
    };
    let left = AtomicUsize::new(SESSIONS);
    let snapshots = std::thread::scope(|scope| {
        for session in 0..SESSIONS {
            let (run, left) = (&run, &left);
            scope.spawn(move || {
                // Also where it fails, so that the one who waits for the end does not wait for ever.
                struct Leaves<'a>(&'a AtomicUsize);
                impl Drop for Leaves<'_> {
                    fn drop(&mut self) {
                        self.0.fetch_sub(1, Ordering::SeqCst);
                    }
                }
                let _leaves = Leaves(left);
                run.session(seed, session);
            });
        }
        run.snapshots(seed, || left.load(Ordering::SeqCst) == 0)
    });
    let mut admin = database.admin();
    let committed = run.committed.load(Ordering::Relaxed);
    assert!(committed * 2 > SESSIONS * TRANSACTIONS, "seed {seed}: only {committed} committed");
    let mut problems = Vec::new();
    for table in &run.tables {
        problems.extend(check_replay(&mut admin, table));
    }
    problems.extend(check_snapshots(&mut admin, &run.tables, &snapshots));
    let made: Vec<&str> = run.tables.iter().map(|t| t.made_with.as_str()).collect();
    assert!(
        problems.is_empty(),
        "seed {seed}\n{}\n{}",
        made.join("\n"),
        problems.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
    run.take_back(seed);
    let events = number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_event");
    println!(
        "seed {seed}: {committed} transactions, {events} events, {} snapshots of {} rows",
        snapshots.len(),
        count(&snapshots)
    );
    committed
}

#[test]
fn the_log_adds_up_to_the_tables() {
    let committed: usize = seeds(6).map(run).sum();
    println!("{committed} transactions in all");
}
