//! Sealing waits for nobody, and nobody waits for it.

use crate::stage::*;
use std::thread;
use tenant_guard_tests::cluster::Cluster;
use tenant_guard_tests::fixtures::ORG_A;
use tenant_guard_tests::sql::{execute, number};

#[test]
fn an_open_transaction_is_sealed_after_it_ended() {
    // Of its own: what is open in other databases holds the end of what is sealed off.
    let cluster = Cluster::start();
    let database = audited_in(&cluster);
    let (mut admin, mut writer) = (database.admin(), database.admin());
    execute(&mut writer, "BEGIN; UPDATE crm.people SET name = 'early' WHERE id = 1");
    execute(&mut admin, "UPDATE crm.people SET name = 'late' WHERE id = 2");
    let before = count(&mut admin);
    seal(&mut admin);
    let sealed = "SELECT sum(events) FROM tenant_guard.audit_block";
    assert_eq!(number(&mut admin, sealed), before - 1, "what is behind an open transaction waits");
    assert_eq!(verify(&mut admin), Vec::<String>::new());
    execute(&mut writer, "COMMIT");
    seal_all(&mut admin);
    assert_eq!(number(&mut admin, sealed), count(&mut admin));
    assert_eq!(verify(&mut admin), Vec::<String>::new());
}

#[test]
fn a_second_sealer_returns_at_once_and_writers_go_on() {
    // Of its own: what is open in other databases holds the end of what is sealed off.
    let cluster = Cluster::start();
    let database = audited_in(&cluster);
    let (mut admin, mut second) = (database.admin(), database.admin());
    execute(&mut admin, "BEGIN");
    assert_eq!(seal(&mut admin).len(), 1);
    execute(&mut second, "SET lock_timeout = '2s'");
    assert_eq!(seal(&mut second).len(), 0);
    execute(&mut second, "UPDATE crm.people SET name = 'x'");
    execute(&mut admin, "ROLLBACK");
    assert_eq!(seal(&mut second)[0][0].as_deref(), Some("1"));
    assert_eq!(verify(&mut second), Vec::<String>::new());
}

#[test]
fn sealed_again_and_again_among_writers_everything_is_sealed_once() {
    // Of its own: what is open in other databases holds the end of what is sealed off.
    let cluster = Cluster::start();
    let database = audited_in(&cluster);
    thread::scope(|scope| {
        for writer in 0..4 {
            let database = &database;
            scope.spawn(move || {
                let mut client = database.admin();
                for i in 0..60 {
                    let id = 1000 * (writer + 1) + i;
                    let end = if i % 7 == 0 { "ROLLBACK" } else { "COMMIT" };
                    execute(&mut client, &format!(
                        "BEGIN; INSERT INTO crm.people VALUES ({id}, '{ORG_A}', 'n', 'p');
                         SAVEPOINT s; UPDATE crm.people SET name = 'm' WHERE id = {id}; RELEASE s; {end}"));
                }
            });
        }
        for _ in 0..2 {
            let database = &database;
            scope.spawn(move || {
                let mut client = database.admin();
                for _ in 0..40 {
                    seal(&mut client);
                }
            });
        }
    });
    let mut admin = database.admin();
    seal_all(&mut admin);
    let sealed = number(&mut admin, "SELECT sum(events) FROM tenant_guard.audit_block");
    assert_eq!(sealed, count(&mut admin));
    assert_eq!(verify(&mut admin), Vec::<String>::new());
}
