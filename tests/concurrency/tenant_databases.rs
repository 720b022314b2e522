//! A database of its own for a tenant: made over a second connection, gone on with where it failed.

use std::thread;

use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::sql::{
    execute, expect_clear_error, expect_error, number, rows, text, try_rows,
};
use tenant_guard_tests::{Cluster, Database};

fn conninfo(database: &Database, dbname: &str) -> String {
    let config = database.config("postgres");
    let host = match &config.get_hosts()[0] {
        postgres::config::Host::Unix(path) => path.display().to_string(),
        postgres::config::Host::Tcp(name) => name.clone(),
    };
    format!("host={host} port={} dbname={dbname} user=postgres", config.get_ports()[0])
}

#[test]
fn a_tenant_gets_a_database_that_is_guarded_and_closed() {
    let cluster = Cluster::start();
    let database = Database::fresh_in(&cluster);
    let mut admin = database.admin();
    let make = "CALL tenant_guard.create_tenant_database('acme', 'here', template => 'app_template', connection_limit => 7)";
    expect_clear_error(&mut admin, make, "0A000");
    if database.lacks("dblink") {
        return;
    }
    execute(&mut admin, "CREATE SCHEMA \"Links\"");
    execute(&mut admin, "CREATE EXTENSION dblink SCHEMA \"Links\"");
    expect_clear_error(&mut admin, make, "42704");
    let register = |place: &str, kind: &str| {
        let conninfo = conninfo(&database, "postgres").replace('\'', "''");
        format!(
            "SELECT * FROM tenant_guard.register_destination('{place}', '{kind}', '{conninfo}')"
        )
    };
    rows(&mut admin, &register("one", "database"));
    expect_clear_error(&mut admin, &make.replace("here", "one"), "22023");
    rows(&mut admin, &register("here", "server"));

    // The template is not there yet: what failed is known, and nothing is half made.
    let error = expect_clear_error(&mut admin, make, "55000");
    assert!(error.detail().is_some_and(|d| d.contains("app_template")), "{error:?}");
    let state = "SELECT state || ' ' || steps_done FROM tenant_guard.tenant_databases";
    assert_eq!(text(&mut admin, state).as_deref(), Some("failed 0"));
    execute(&mut cluster.admin(), "CREATE DATABASE app_template");
    execute(&mut admin, make);
    assert_eq!(text(&mut admin, state).as_deref(), Some("ready 4"));
    expect_clear_error(&mut admin, make, "42P04");

    let own = Database { cluster: &cluster, name: "acme".into() };
    let mut inside = own.admin();
    assert_eq!(
        number(&mut inside, "SELECT count(*) FROM pg_extension WHERE extname = 'tenant_guard'"),
        1
    );
    assert_eq!(text(&mut inside, "SHOW tenant_guard.trust").as_deref(), Some("gateway"));
    let limit = "SELECT datconnlimit FROM pg_database WHERE datname = 'acme'";
    assert_eq!(number(&mut inside, limit), 7);
    assert!(own.config(VISITOR).connect(postgres::NoTls).is_err(), "PUBLIC may not connect");
    let place =
        rows(&mut admin, "SELECT name, database FROM tenant_guard.destination_for_text('acme')");
    assert_eq!(place, [[Some("here".to_owned()), Some("acme".to_owned())]]);
    expect_error(&mut database.connect(VISITOR), make, "42501");

    // A database that somebody else made is not taken over.
    execute(&mut cluster.admin(), "CREATE DATABASE globex");
    expect_clear_error(
        &mut admin,
        "CALL tenant_guard.create_tenant_database('globex', 'here')",
        "42P04",
    );

    // Nor is one that came after the first attempt.
    let hooli = "CALL tenant_guard.create_tenant_database('hooli', 'here', template => 'no such')";
    expect_clear_error(&mut admin, hooli, "55000");
    execute(&mut cluster.admin(), "CREATE DATABASE hooli");
    expect_clear_error(&mut admin, hooli, "42P04");
    let closed = "SELECT count(*) FROM pg_database WHERE datname = 'hooli' AND datacl IS NOT NULL";
    assert_eq!(number(&mut admin, closed), 0);
    execute(&mut cluster.admin(), "DROP DATABASE hooli");
    let mended = "CALL tenant_guard.create_tenant_database('hooli', 'here', connection_limit => 3)";
    execute(&mut admin, mended);
    let limit = "SELECT datconnlimit FROM pg_database WHERE datname = 'hooli'";
    assert_eq!(number(&mut admin, limit), 3);

    // Of two sessions one makes it.
    let both: Vec<_> = (0..2)
        .map(|_| {
            let mut client = database.admin();
            thread::spawn(move || {
                try_rows(&mut client, "CALL tenant_guard.create_tenant_database('initech', 'here')")
                    .is_ok()
            })
        })
        .collect();
    let made = both.into_iter().filter_map(|b| b.join().ok()).filter(|ok| *ok).count();
    assert!(made >= 1);
    let ready = "SELECT count(*) FROM tenant_guard.tenant_databases WHERE slug = 'initech' AND state = 'ready'";
    assert_eq!(number(&mut admin, ready), 1);

    expect_clear_error(
        &mut admin,
        "SELECT tenant_guard.forget_tenant_database('acme', 'a')",
        "22023",
    );
    execute(&mut admin, "SELECT tenant_guard.forget_tenant_database('acme', 'acme')");
    assert_eq!(
        rows(&mut admin, "SELECT name FROM tenant_guard.destination_for_text('acme')").len(),
        0
    );
}
