//! With `tenant_guard.durable_security_events` an attempt stays in the table although its transaction is
//! rolled back, and although the session is gone; without it, it is in the server's log only.

use std::thread;
use std::time::Duration;

use postgres::{Client, Config, NoTls};
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{
    claims, execute, expect_error, number, rows, session_claims, text, wait_until,
};
use tenant_guard_tests::{Cluster, Database};

const EVENTS: &str = "SELECT count(*) FROM tenant_guard.security_event";

fn durable_crm() -> Database<'static> {
    let database = protected_crm();
    let on =
        format!("ALTER DATABASE {} SET tenant_guard.durable_security_events = on", database.name);
    execute(&mut database.admin(), &on);
    database
}

/// Alice wants to work for Bob's organization.
fn refused(client: &mut Client) {
    expect_error(client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"), "42501");
}

#[test]
fn a_refusal_in_a_transaction_that_is_rolled_back_is_there() {
    let database = durable_crm();
    let mut config = Config::new();
    config.host("127.0.0.1").port(database.config(VISITOR).get_ports()[0]);
    let mut client =
        config.dbname(&database.name).user(VISITOR).connect(NoTls).expect("TCP is let in");
    execute(&mut client, &format!("BEGIN; {}", claims(ALICE, Some(ORG_A))));
    execute(&mut client, "SET LOCAL tenant_guard.request_id = 'req-1'; SAVEPOINT s");
    refused(&mut client);
    execute(&mut client, "ROLLBACK");
    let mut admin = database.admin();
    wait_until(|| number(&mut admin, EVENTS) == 1);
    let found = rows(
        &mut admin,
        "SELECT source, kind, severity, subject, user_id, organization_id, db_role, session_role, request_id,
                host(client_address), occurred_at > now() - interval '1 minute' FROM tenant_guard.security_event",
    );
    let expected = [
        "tenant_guard",
        "organization_refused",
        "warning",
        ORG_B,
        ALICE,
        ORG_A,
        VISITOR,
        VISITOR,
        "req-1",
        "127.0.0.1",
        "t",
    ];
    assert_eq!(found, [expected.map(|text| Some(text.to_owned()))]);
}

#[test]
fn a_session_that_ends_at_once_takes_nothing_with_it() {
    let database = durable_crm();
    for _ in 0..5 {
        refused(&mut visit(&database, ALICE, None));
    }
    let mut admin = database.admin();
    wait_until(|| number(&mut admin, EVENTS) == 5);
}

#[test]
fn what_follows_while_a_worker_writes_is_there_too_and_each_once() {
    let database = durable_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    for n in 0..60 {
        execute(&mut client, "SAVEPOINT s");
        refused(&mut client);
        execute(&mut client, "ROLLBACK TO s");
        // Some while a worker looks, some as it closes, some after it has ended.
        thread::sleep(Duration::from_millis([0, 5, 245, 250, 255, 40][n % 6]));
    }
    execute(&mut client, "ROLLBACK");
    let mut admin = database.admin();
    wait_until(|| number(&mut admin, EVENTS) >= 60);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(number(&mut admin, EVENTS), 60);
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'tenant_guard%' AND datname = current_database()";
    wait_until(|| number(&mut admin, workers) == 0);
}

#[test]
fn a_burst_is_cut_and_counted() {
    let database = durable_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    let burst = format!(
        "DO $$ BEGIN FOR i IN 1..5000 LOOP
           BEGIN PERFORM tenant_guard.set_org('{ORG_B}'); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
         END LOOP; END $$"
    );
    execute(&mut client, &burst);
    thread::sleep(Duration::from_millis(1100));
    refused(&mut client);
    let mut admin = database.admin();
    let told = "SELECT (SELECT count(*) FROM tenant_guard.security_event WHERE kind = 'organization_refused')
                  + (SELECT coalesce(sum((details ->> 'suppressed')::int), 0) FROM tenant_guard.security_event)";
    wait_until(|| number(&mut admin, told) == 5001);
    // A burst of several seconds has its hundred in each.
    assert!(number(&mut admin, EVENTS) < 2000);
}

#[test]
fn without_the_setting_the_row_goes_with_the_transaction() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    execute(&mut client, "SAVEPOINT s");
    refused(&mut client);
    execute(&mut client, "ROLLBACK TO s; COMMIT");
    thread::sleep(Duration::from_millis(500));
    assert_eq!(number(&mut database.admin(), EVENTS), 0);
}

#[test]
fn a_client_cannot_switch_it_off_as_it_connects() {
    let database = durable_crm();
    let mut config = database.config(VISITOR);
    config.options("-c tenant_guard.durable_security_events=off");
    let mut client = config.connect(NoTls).expect("it may connect");
    execute(&mut client, &session_claims(ALICE, Some(ORG_A)));
    // Nobody is believed there, so there is nothing to try.
    assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None);
}

#[test]
fn where_no_worker_can_be_had_the_refusal_is_a_refusal_all_the_same() {
    let cluster = Cluster::start();
    execute(&mut cluster.admin(), "ALTER SYSTEM SET max_worker_processes = 0");
    cluster.kill_postmaster();
    cluster.restart();
    let database = protected_crm_in(&cluster);
    let on =
        format!("ALTER DATABASE {} SET tenant_guard.durable_security_events = on", database.name);
    execute(&mut database.admin(), &on);
    let mut client = visit(&database, ALICE, Some(ORG_A));
    for _ in 0..3 {
        execute(&mut client, "SAVEPOINT s");
        refused(&mut client);
        execute(&mut client, "ROLLBACK TO s");
    }
    assert_eq!(number(&mut database.admin(), EVENTS), 0);
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
}
