//! Ten sessions that make, sync, rename and drop tenants of one template: nobody waits for ever, nothing is half made.

use std::sync::{Arc, Barrier};
use std::thread;

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::sql::{execute, number, text};
use tenant_guard_tests::Database;

const TEMPLATE: &str = "
CREATE SCHEMA common;
CREATE TABLE common.a (id int PRIMARY KEY); CREATE TABLE common.b (id int PRIMARY KEY);
CREATE SCHEMA one; CREATE SCHEMA two;
CREATE TABLE one.t (id int PRIMARY KEY, a int REFERENCES common.a, b int REFERENCES common.b);
CREATE TABLE one.u (id int PRIMARY KEY, t int REFERENCES one.t);
CREATE TABLE two.u (id int PRIMARY KEY, b int REFERENCES common.b);
CREATE TABLE two.t (id int PRIMARY KEY, a int REFERENCES common.a, u int REFERENCES two.u);";

fn at_once(database: &Database, calls: Vec<Vec<String>>) -> Vec<String> {
    let barrier = Arc::new(Barrier::new(calls.len()));
    let sessions: Vec<_> = calls
        .into_iter()
        .map(|calls| {
            let (mut client, barrier) = (database.connect(OWNER), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                let mut errors = Vec::new();
                for call in calls {
                    if let Err(error) =
                        client.batch_execute(&format!("SELECT * FROM tenant_guard.{call}"))
                    {
                        let code = error.code().map_or("?", |c| c.code()).to_string();
                        errors.push(format!("{code} {call}: {error:?}"));
                    }
                }
                errors
            })
        })
        .collect();
    sessions.into_iter().flat_map(|s| s.join().expect("the session ends")).collect()
}

#[test]
fn different_tenants_are_made_synced_renamed_and_dropped_beside_each_other() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let life = |i: usize| {
        let template = if i.is_multiple_of(2) { "one" } else { "two" };
        let mut calls = Vec::new();
        for round in 0..4 {
            let slug = format!("s{i}_{round}");
            calls.push(format!(
                "create_tenant_schema('{slug}', '{template}', tenant_role => '{VISITOR}')"
            ));
            calls.push(format!("sync_tenant_schema('{slug}')"));
            calls.push(format!("rename_tenant_schema('{slug}', 'n{i}_{round}')"));
            calls.push(format!("archive_tenant_schema('n{i}_{round}')"));
            if round % 2 == 0 {
                calls.push(format!("drop_tenant_schema('n{i}_{round}', 'n{i}_{round}')"));
            }
        }
        calls
    };
    let errors = at_once(&database, (0..10).map(life).collect());
    assert_eq!(errors, Vec::<String>::new());
    let mut owner = database.connect(OWNER);
    let whole = "SELECT count(*) || ' ' || min(tables) || ' ' || max(tables) || ' ' || string_agg(DISTINCT state, ',') FROM tenant_guard.tenant_schemas";
    assert_eq!(text(&mut owner, whole).as_deref(), Some("20 2 2 archived"));
    assert_eq!(number(&mut owner, "SELECT count(*) FROM tenant_guard.tenant_drift()"), 0);
    assert_eq!(
        number(&mut owner, r"SELECT count(*) FROM pg_namespace WHERE nspname ~ '^[sn]\d'"),
        20
    );
    let versions = "SELECT string_agg(template || ' ' || version, ', ' ORDER BY template, version) FROM tenant_guard.template_version";
    assert_eq!(text(&mut owner, versions).as_deref(), Some("one 1, two 1"));
}

#[test]
fn one_slug_has_one_life_whoever_asks_first() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    execute(&mut database.admin(), "SELECT 1");
    let calls = |i: usize| {
        let template = if i.is_multiple_of(2) { "one" } else { "two" };
        (0..3)
            .flat_map(|_| {
                [
                    format!(
                        "create_tenant_schema('same', '{template}', tenant_role => '{VISITOR}')"
                    ),
                    "sync_tenant_schema('same')".to_string(),
                    "rename_tenant_schema('same', 'other')".to_string(),
                    "rename_tenant_schema('other', 'same')".to_string(),
                    "drop_tenant_schema('same', 'same')".to_string(),
                ]
            })
            .collect()
    };
    let errors = at_once(&database, (0..10).map(calls).collect());
    // Each error says what somebody else was faster with: it is there, it is not there.
    let known = ["42P06", "3F000", "55000"];
    let unknown: Vec<&String> = errors.iter().filter(|e| !known.contains(&&e[..5])).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    let mut owner = database.connect(OWNER);
    let registered = "SELECT count(*) FROM tenant_guard.tenant_schemas";
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('same', 'other')";
    assert_eq!(
        number(&mut owner, registered),
        number(&mut owner, schemas),
        "no schema without its registration"
    );
    assert_eq!(
        number(&mut owner, "SELECT count(*) FROM tenant_guard.tenant_schemas WHERE tables <> 2"),
        0
    );
    assert_eq!(number(&mut owner, "SELECT count(*) FROM tenant_guard.tenant_drift()"), 0);
}
