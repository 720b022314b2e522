//! An audited table of two organizations, and what the log says of it.

use postgres::Client;
use tenant_guard_tests::cluster::Cluster;
use tenant_guard_tests::fixtures::{ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, number, rows, text, wait_until};
use tenant_guard_tests::Database;

/// crm.people with five events in the log: three of A, one of B, and a TRUNCATE of another table, which is nobody's.
pub fn audited_in(cluster: &Cluster) -> Database<'_> {
    let database = Database::fresh_in(cluster);
    let mut admin = database.admin();
    execute(
        &mut admin,
        &format!(
            "CREATE SCHEMA crm;
             CREATE TABLE crm.people (id int PRIMARY KEY, organization_id uuid NOT NULL, name text, phone text);
             CREATE TABLE crm.notes (id int PRIMARY KEY, organization_id uuid);
             SELECT tenant_guard.enable_audit('crm.people', '{{\"phone\": \"erasable\"}}', tenant_column => 'organization_id');
             SELECT tenant_guard.enable_audit('crm.notes', tenant_column => 'organization_id');
             INSERT INTO crm.people VALUES (1, '{ORG_A}', 'Ada', '+1'), (2, '{ORG_A}', 'Ann', '+2'), (3, '{ORG_B}', 'Bob', '+3');
             UPDATE crm.people SET phone = '+9' WHERE id = 1;
             TRUNCATE crm.notes"
        ),
    );
    database
}

pub fn audited() -> Database<'static> {
    audited_in(tenant_guard_tests::cluster::shared())
}

/// Numbers and events of the new blocks.
pub fn seal(client: &mut Client) -> Vec<Vec<Option<String>>> {
    rows(client, "SELECT block, events FROM tenant_guard.seal_audit()")
}

/// Until nothing is left: an open transaction of another test, in another database of the cluster, holds the end off.
pub fn seal_all(client: &mut Client) {
    let left = "SELECT (SELECT count(*) FROM tenant_guard.audit_event) - (SELECT sum(t.events) FROM tenant_guard.audit_tree t WHERE t.purged_in IS NULL)";
    wait_until(|| {
        seal(client);
        text(client, left).as_deref() == Some("0")
    });
}

pub fn digest(client: &mut Client) -> String {
    text(client, "SELECT digest FROM tenant_guard.audit_blocks ORDER BY number DESC LIMIT 1")
        .expect("a digest")
}

/// Problem and event, one line each.
pub fn verify(client: &mut Client) -> Vec<String> {
    problems(client, "")
}

pub fn problems(client: &mut Client, arguments: &str) -> Vec<String> {
    let sql = format!(
        "SELECT concat_ws(' ', problem, event_id) FROM tenant_guard.verify_audit({arguments})"
    );
    rows(client, &sql).into_iter().map(|row| row[0].clone().expect("a problem")).collect()
}

/// Ids in their order.
pub fn ids(client: &mut Client) -> Vec<i64> {
    let found = rows(client, "SELECT id FROM tenant_guard.audit_event ORDER BY id");
    found
        .into_iter()
        .map(|row| row[0].as_ref().expect("an id").parse().expect("a number"))
        .collect()
}

/// What a superuser does who stops at nothing.
pub fn tamper(client: &mut Client, table: &str, sql: &str) {
    let trigger =
        |what| format!("ALTER TABLE tenant_guard.{table} {what} TRIGGER append_only_rows;");
    execute(
        client,
        &format!("BEGIN; {} {sql}; {} COMMIT", trigger("DISABLE"), trigger("ENABLE ALWAYS")),
    );
}

pub fn count(client: &mut Client) -> i64 {
    number(client, "SELECT count(*) FROM tenant_guard.audit_event")
}
