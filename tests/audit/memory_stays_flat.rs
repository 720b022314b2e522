//! The memory of a session that is audited grows neither with its statements nor with a statement's rows.
//! TENANT_GUARD_BIG=1 takes 5,000,000 rows in a statement and 10,000,000 in a session.

use postgres::Client;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tenant_guard_tests::sql::{backend_pid, execute, number};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// What a process has of its own, in kB.
fn own_memory(pid: i64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or_default()
}

/// The most that a session has while a statement runs.
fn most_during(client: &mut Client, pid: i64, sql: &str) -> u64 {
    let (over, most) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(own_memory(pid), Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let done = client.batch_execute(sql);
        over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    });
    most.load(Ordering::Relaxed)
}

fn audited() -> (Database<'static>, Client, i64) {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TYPE pair AS (a int, b mood, c text[]);
         CREATE TABLE t (id int PRIMARY KEY, organization_id uuid, n numeric, m mood, p pair, ps pair[], ms mood[],
                         r regclass, name text, j jsonb)",
    );
    apply(&mut admin, "enable_audit('t')");
    let pid = backend_pid(&mut admin);
    (database, admin, pid)
}

fn fill(rows: u64) -> String {
    format!(
        "INSERT INTO t SELECT g, '00000000-0000-4000-8000-000000000001', g / 7.0, 'good', ROW(g, 'bad', ARRAY['x', 'y'])::pair,
                ARRAY[ROW(g, 'bad', NULL)::pair], '{{good,bad}}', 'pg_class', md5(g::text), '{{\"a\": 1}}'
           FROM generate_series(1, {rows}) g"
    )
}

fn big() -> bool {
    std::env::var_os("TENANT_GUARD_BIG").is_some()
}

#[test]
fn a_statement_of_more_rows_takes_no_more_memory() {
    let sizes: &[u64] = if big() { &[300_000, 1_000_000, 5_000_000] } else { &[60_000, 300_000] };
    let mut most = Vec::new();
    for rows in sizes {
        let (_database, mut client, pid) = audited();
        let before = own_memory(pid);
        for sql in [
            &fill(*rows),
            "UPDATE t SET name = name || '!', p = ROW(1, 'good', NULL)",
            "DELETE FROM t",
        ] {
            let taken = most_during(&mut client, pid, sql);
            println!("{rows} rows: {} kB more while: {:.20}", taken - before, sql);
            most.push(taken - before);
        }
        assert_eq!(
            number(&mut client, "SELECT count(*) FROM tenant_guard.audit_event") as u64,
            3 * rows
        );
    }
    let (first, last) = (&most[..3], &most[most.len() - 3..]);
    for (first, last) in first.iter().zip(last) {
        assert!(last.saturating_sub(*first) < 16_000, "kB, of {sizes:?} rows: {most:?}");
    }
}

#[test]
fn many_statements_take_no_more_memory_than_some() {
    let (_database, mut client, pid) = audited();
    execute(&mut client, &fill(1000));
    let many = |client: &mut Client, n: usize| {
        for i in 0..n {
            let sql = match i % 5 {
                0 => format!("UPDATE t SET n = n + 1, p = ROW(1, 'good', ARRAY['z']) WHERE id = {}", i % 1000),
                1 => format!("SET tenant_guard.request_id = 'r{i}'; UPDATE t SET ms = ms WHERE id < 5"),
                2 => "BEGIN; SAVEPOINT s; UPDATE t SET m = 'bad' WHERE id = 7; ROLLBACK TO s; UPDATE t SET m = 'good' WHERE id = 7; COMMIT".to_owned(),
                3 => format!("BEGIN; DELETE FROM t WHERE id = {}; ROLLBACK", i % 1000),
                _ => "UPDATE t SET name = name || 'x' WHERE id = 3; UPDATE t SET name = 'y' WHERE id = 3".to_owned(),
            };
            execute(client, &sql);
        }
    };
    many(&mut client, 2_000);
    let some = own_memory(pid);
    many(&mut client, if big() { 100_000 } else { 8_000 });
    let more = own_memory(pid);
    println!("after some statements {some} kB, after many {more} kB");
    assert!(more.saturating_sub(some) < 3_000, "{some} kB, then {more} kB");
}

#[test]
fn a_session_of_many_rows_takes_no_more_memory() {
    if !big() {
        return;
    }
    let (_database, mut client, pid) = audited();
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(most_during(&mut client, pid, &fill(500_000)));
        seen.push(most_during(&mut client, pid, "DELETE FROM t; VACUUM t"));
    }
    println!("{seen:?} kB in a session of 10,000,000 rows");
    assert!(seen[19].saturating_sub(seen[3]) < 16_000, "{seen:?}");
}

#[test]
fn reading_a_rows_long_history_does_not_grow_with_each_event() {
    let (_database, mut client, pid) = audited();
    execute(&mut client, &fill(1));
    execute(&mut client, "DO $$BEGIN FOR i IN 1..3000 LOOP UPDATE t SET n = i; END LOOP; END$$");
    execute(&mut client, "SELECT count(*) FROM tenant_guard.row_history('t', '{\"id\": 1}')");
    let some = own_memory(pid);
    for _ in 0..10 {
        execute(
            &mut client,
            "SELECT count(record) FROM tenant_guard.row_history('t', '{\"id\": 1}')",
        );
        execute(&mut client, "SELECT count(*) FROM tenant_guard.table_as_of('t', '-infinity')");
        execute(&mut client, "SELECT count(record) FROM tenant_guard.audit_log");
    }
    let more = own_memory(pid);
    println!("reading: {some} kB, then {more} kB");
    assert!(more.saturating_sub(some) < 8_000, "{some} kB, then {more} kB");
}
