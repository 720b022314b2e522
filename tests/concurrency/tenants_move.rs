//! A tenant schema goes to another database: all of it or nothing, whatever ends the session that moves it.

use std::thread;

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::sql::{
    backend_pid, execute, expect_clear_error, expect_error, number, rows, text, try_rows,
    wait_until,
};
use tenant_guard_tests::{Cluster, Database};

const MOVE: &str = "CALL tenant_guard.move_tenant('acme', 'far')";

/// Outside the tenant's schema, on both sides.
const SHARED: &str = "
CREATE SCHEMA shared;
CREATE TABLE shared.countries (code text PRIMARY KEY);
INSERT INTO shared.countries VALUES ('DE'), ('FR');
CREATE FUNCTION shared.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := coalesce(NEW.touched, 0) + 1; RETURN NEW; END';
";

const TEMPLATE: &str = r#"
CREATE SCHEMA "Crm tpl";
SET search_path = "Crm tpl", pg_catalog;
CREATE TYPE mood AS ENUM ('fine', 'so "so"');
CREATE DOMAIN "Größe" AS numeric(12, 3) CHECK (VALUE >= 0);
CREATE SEQUENCE "Rechnung Nr" START 1000 INCREMENT 7;
CREATE TABLE contacts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "Full Name" text NOT NULL,
  country text REFERENCES shared.countries,
  boss bigint REFERENCES contacts DEFERRABLE,
  feeling mood DEFAULT 'fine',
  size "Größe",
  shout text GENERATED ALWAYS AS (upper("Full Name")) STORED,
  touched int,
  notes jsonb, raw bytea, tags text[], at timestamptz, span interval, f float8
);
CREATE INDEX ON contacts ("Full Name") WHERE country IS NOT NULL;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION shared.touch();
CREATE TABLE "Weird ""Table""" ("x" int PRIMARY KEY DEFAULT nextval('"Rechnung Nr"'), "select" text, unique ("select"));
CREATE TABLE deals (id serial PRIMARY KEY, contact bigint NOT NULL REFERENCES contacts ON DELETE CASCADE, amount money);
CREATE TABLE events (id bigint NOT NULL, on_day date NOT NULL, what text, PRIMARY KEY (id, on_day)) PARTITION BY RANGE (on_day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE base (id int PRIMARY KEY, label text);
CREATE TABLE derived (more text) INHERITS (base);
CREATE TABLE self_made (t tstzrange, CHECK (NOT isempty(t)));
CREATE TABLE empty (id uuid PRIMARY KEY);
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY "own ones" ON contacts USING (country = current_setting('app.country', true));
CREATE POLICY "all for deals" ON deals FOR SELECT USING (EXISTS (SELECT FROM contacts c WHERE c.id = contact));
ALTER TABLE deals ENABLE ROW LEVEL SECURITY;
CREATE VIEW open_deals WITH (security_invoker) AS SELECT d.id, c."Full Name" FROM deals d JOIN contacts c ON c.id = d.contact;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM base;
CREATE FUNCTION deal_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM deals';
COMMENT ON SCHEMA "Crm tpl" IS 'it''s a template';
RESET search_path;
"#;

const ROWS: &str = r#"
SET search_path = acme, pg_catalog;
INSERT INTO contacts ("Full Name", country, boss, feeling, size, notes, raw, tags, at, span, f)
SELECT 'Näme, "' || i || E'" \\ (x)\n', CASE i % 3 WHEN 0 THEN 'DE' WHEN 1 THEN 'FR' END, nullif(i - 1, 0),
       CASE i % 2 WHEN 0 THEN 'so "so"'::mood END, i / 7.0, jsonb_build_object('i', i), decode(md5(i::text), 'hex'),
       ARRAY['a,b', NULL, '', '{"}'], '2025-01-01 12:34:56.789+02'::timestamptz + i * interval '1 day', i * interval '1 month 3 hours', random() * 1e-5
FROM generate_series(1, 1000) i;
UPDATE contacts SET notes = NULL WHERE id % 10 = 0;
DELETE FROM contacts WHERE id = 1000;
INSERT INTO "Weird ""Table""" ("select") VALUES (''), (NULL), ('NULL'), (E'\t');
INSERT INTO deals (contact, amount) SELECT id, id::numeric FROM contacts WHERE id < 50;
INSERT INTO events SELECT i, '2024-12-01'::date + i, repeat('x', i) FROM generate_series(1, 400) i;
INSERT INTO base VALUES (1, 'b'), (2, NULL);
INSERT INTO derived VALUES (1, 'd', 'm');
INSERT INTO self_made VALUES ('[2025-01-01 00:00+00,infinity)'), (NULL);
REFRESH MATERIALIZED VIEW totals;
RESET search_path;
"#;

struct Stage<'c> {
    here: Database<'c>,
    far: Database<'c>,
}

/// None where the server has no dblink.
fn stage(cluster: &Cluster) -> Option<Stage<'_>> {
    let stage = Stage { here: Database::fresh_in(cluster), far: Database::fresh_in(cluster) };
    let mut admin = stage.here.admin();
    expect_clear_error(&mut admin, MOVE, "0A000");
    if stage.here.lacks("dblink") {
        return None;
    }
    execute(&mut admin, "CREATE SCHEMA \"Links\"");
    execute(&mut admin, "CREATE EXTENSION dblink SCHEMA \"Links\"");
    admin.batch_execute(SHARED).unwrap();
    admin.batch_execute(TEMPLATE).unwrap();
    execute(
        &mut admin,
        "SELECT * FROM tenant_guard.create_tenant_schema('acme', template => 'Crm tpl')",
    );
    admin.batch_execute(ROWS).unwrap();
    execute(&mut admin, &format!("GRANT tenant_acme TO {VISITOR}"));
    let conninfo = conninfo(&stage.far).replace('\'', "''");
    execute(
        &mut admin,
        &format!("SELECT * FROM tenant_guard.register_destination('far', 'database', '{conninfo}', capacity => 1)"),
    );
    Some(stage)
}

fn conninfo(database: &Database) -> String {
    let config = database.config("postgres");
    let host = match &config.get_hosts()[0] {
        postgres::config::Host::Unix(path) => path.display().to_string(),
        postgres::config::Host::Tcp(name) => name.clone(),
    };
    format!("host={host} port={} dbname={} user=postgres", config.get_ports()[0], database.name)
}

impl Stage<'_> {
    fn dump(&self, database: &Database) -> String {
        database.dump(&["--schema=acme"])
    }

    /// What the tenant sees of its rows, by its own role; None where it may not.
    fn tenant_sees(&self, database: &Database) -> Option<Vec<Vec<Option<String>>>> {
        let mut tenant = database.connect(VISITOR);
        execute(&mut tenant, "SET ROLE tenant_acme");
        execute(&mut tenant, "SET app.country = 'DE'");
        try_rows(&mut tenant, "SELECT id, \"Full Name\", shout FROM acme.contacts ORDER BY id").ok()
    }

    fn state(&self) -> String {
        let sql = "SELECT state || ' ' || closed || ' ' || switched FROM tenant_guard.tenant_moves";
        text(&mut self.here.admin(), sql).unwrap()
    }

    fn place(&self) -> Option<String> {
        text(
            &mut self.here.admin(),
            "SELECT (SELECT name FROM tenant_guard.destination_for_text('acme'))",
        )
    }

    /// As move_tenant does, up to the first step of that kind.
    fn up_to(&self, kind: &str) {
        let mut admin = self.here.admin();
        execute(&mut admin, "SELECT tenant_guard.begin_tenant_move('acme', 'far', false)");
        let next =
            "SELECT kind FROM tenant_guard.tenant_move_steps WHERE NOT done ORDER BY step LIMIT 1";
        while text(&mut admin, next).as_deref() != Some(kind) {
            let more = text(&mut admin, "SELECT tenant_guard.run_move_step('acme')::text");
            assert_eq!(
                more.as_deref(),
                Some("true"),
                "{:?}",
                rows(&mut admin, "SELECT error FROM tenant_guard.tenant_moves")
            );
        }
    }
}

#[test]
fn a_tenant_arrives_with_everything_and_is_closed_where_it_was() {
    let cluster = Cluster::start();
    let Some(stage) = stage(&cluster) else { return };
    let mut admin = stage.here.admin();
    let mut far = stage.far.admin();
    expect_error(&mut stage.here.connect(VISITOR), MOVE, "42501");
    expect_clear_error(&mut admin, &MOVE.replace("acme", "nobody"), "3F000");
    expect_clear_error(&mut admin, &MOVE.replace("far", "nowhere"), "42704");

    // What is missing there is told at once, and nothing is done.
    let error = expect_clear_error(&mut admin, MOVE, "55000");
    let missing = error.detail().unwrap_or_default();
    assert!(missing.contains("shared.countries") && missing.contains("shared.touch"), "{error:?}");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.tenant_moves"), 0);
    far.batch_execute(SHARED).unwrap();
    execute(&mut far, "CREATE SCHEMA acme");
    let error = expect_clear_error(&mut admin, MOVE, "55000");
    assert!(error.detail().unwrap_or_default().contains("schema acme"), "{error:?}");
    execute(&mut far, "DROP SCHEMA acme");

    // What a clone leaves out, a move would lose.
    execute(&mut admin, &format!("GRANT SELECT ON acme.base TO {OWNER} WITH GRANT OPTION"));
    execute(&mut admin, &format!("GRANT USAGE ON SCHEMA acme TO {OWNER}"));
    let mut grantor = stage.here.connect(OWNER);
    execute(&mut grantor, &format!("GRANT SELECT ON acme.base TO {VISITOR}"));
    expect_clear_error(&mut admin, MOVE, "0A000");
    execute(&mut admin, &format!("REVOKE SELECT ON acme.base FROM {OWNER} CASCADE"));

    let (before, seen) = (stage.dump(&stage.here), stage.tenant_sees(&stage.here));
    assert!(seen.as_ref().is_some_and(|rows| rows.len() > 300));
    execute(&mut admin, MOVE);
    assert_same(&stage.dump(&stage.far), &before, "the schema, and its rows, there");
    assert_eq!(stage.tenant_sees(&stage.far), seen);
    assert_eq!(stage.tenant_sees(&stage.here), None, "it is archived here");
    assert_eq!(stage.state(), "moved true true");
    assert_eq!(stage.place().as_deref(), Some("far"));
    let registered = "SELECT template || ' ' || tenant_role FROM tenant_guard.tenant_schemas WHERE slug = 'acme'";
    assert_eq!(text(&mut far, registered).as_deref(), Some("Crm tpl tenant_acme"));
    expect_clear_error(&mut admin, "SELECT tenant_guard.cancel_tenant_move('acme')", "55000");
    // Defaults draw on where the sequences were.
    execute(&mut far, "INSERT INTO acme.contacts (\"Full Name\") VALUES ('new')");
    assert_eq!(number(&mut far, "SELECT max(id) FROM acme.contacts"), 1001);
}

#[test]
fn rows_that_differ_are_found_and_the_tenant_stays_open_where_it_is() {
    let cluster = Cluster::start();
    let Some(stage) = stage(&cluster) else { return };
    let mut admin = stage.here.admin();
    let mut far = stage.far.admin();
    far.batch_execute(SHARED).unwrap();
    let seen = stage.tenant_sees(&stage.here);

    // What is written here while it is copied arrives too.
    stage.up_to("close");
    execute(&mut admin, "INSERT INTO acme.base VALUES (3, 'late')");
    stage.up_to("cut_over");
    assert_eq!(stage.state(), "moving true false");
    assert_eq!(stage.tenant_sees(&stage.here), None);
    assert_eq!(text(&mut far, "SELECT label FROM acme.base WHERE id = 3").as_deref(), Some("late"));

    // Of the same number of rows, one another.
    execute(&mut far, "UPDATE acme.base SET label = 'evil' WHERE id = 2");
    let error = expect_clear_error(&mut admin, MOVE, "55000");
    assert!(error.detail().unwrap_or_default().contains("the rows of table base"), "{error:?}");
    assert_eq!(stage.state(), "failed false false");
    assert_eq!(stage.place(), None);
    assert_eq!(stage.tenant_sees(&stage.here), seen);

    // Privileges and structure are compared as well.
    for tampered in [
        "GRANT SELECT ON acme.base TO PUBLIC",
        "DROP POLICY \"own ones\" ON acme.contacts",
        "SELECT setval('acme.\"Rechnung Nr\"', 5000)",
    ] {
        stage.up_to("cut_over");
        execute(&mut far, tampered);
        expect_clear_error(&mut admin, MOVE, "55000");
        assert_eq!(stage.state(), "failed false false", "{tampered}");
        assert_eq!(stage.tenant_sees(&stage.here), seen, "{tampered}");
    }

    stage.up_to("cut_over");
    let unregister = "SELECT * FROM tenant_guard.unregister_destination('far')";
    expect_clear_error(&mut admin, unregister, "2BP01");
    execute(&mut admin, "SELECT tenant_guard.cancel_tenant_move('acme')");
    assert_eq!(stage.state(), "cancelled false false");
    assert_eq!(stage.tenant_sees(&stage.here), seen);
    assert_eq!(number(&mut far, "SELECT count(*) FROM pg_namespace WHERE nspname = 'acme'"), 0);
    let before = stage.dump(&stage.here);
    execute(&mut admin, MOVE);
    assert_same(&stage.dump(&stage.far), &before, "moved after all");
}

#[test]
fn a_cancelled_call_leaves_no_connection_behind() {
    let cluster = Cluster::start();
    let Some(stage) = stage(&cluster) else { return };
    stage.far.admin().batch_execute(SHARED).unwrap();
    stage.up_to("copy");
    let mut holder = stage.here.admin();
    execute(&mut holder, "BEGIN; LOCK TABLE acme.self_made");
    let mut mover = stage.here.admin();
    let pid = backend_pid(&mut mover);
    let moving = thread::spawn(move || (try_rows(&mut mover, MOVE).is_err(), mover));
    let mut admin = stage.far.admin();
    let there = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let waiting = format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {pid}");
    wait_until(|| number(&mut holder, &waiting) == 1);
    assert_eq!(number(&mut admin, there), 1);
    execute(&mut holder, &format!("SELECT pg_cancel_backend({pid})"));
    let (cancelled, _still_connected) = moving.join().expect("the CALL ends");
    assert!(cancelled);
    wait_until(|| number(&mut admin, there) == 0);
    execute(&mut holder, "COMMIT");
    execute(&mut stage.here.admin(), MOVE);
    assert_eq!(stage.state(), "moved true true");
}

#[test]
fn a_killed_server_goes_on_where_it_was() {
    let cluster = Cluster::start();
    let Some(stage) = stage(&cluster) else { return };
    stage.far.admin().batch_execute(SHARED).unwrap();
    // Sequences skip values that were fetched ahead, once.
    cluster.kill_postmaster();
    cluster.restart();
    let before = stage.dump(&stage.here);
    for kind in ["structure", "copy", "close", "catch_up", "keys", "cut_over", "arrive"] {
        stage.up_to(kind);
        let done = "SELECT count(*) FROM tenant_guard.tenant_move_steps WHERE done";
        let noted = number(&mut stage.here.admin(), done);
        // In the middle of the step: it is done there perhaps, and not noted here.
        let mut open = stage.here.admin();
        execute(&mut open, "BEGIN");
        execute(&mut open, "SELECT tenant_guard.run_move_step('acme')");
        cluster.kill_postmaster();
        cluster.restart();
        assert_eq!(number(&mut stage.here.admin(), done), noted, "{kind}");
        let closed = matches!(kind, "catch_up" | "keys" | "cut_over" | "arrive");
        assert_eq!(stage.tenant_sees(&stage.here).is_none(), closed, "{kind}");
    }
    execute(&mut stage.here.admin(), MOVE);
    assert_same(&stage.dump(&stage.far), &before, "after seven crashes");
    assert_eq!(stage.state(), "moved true true");
}

#[test]
fn a_tenant_moves_to_a_database_of_its_own() {
    let cluster = Cluster::start();
    let Some(stage) = stage(&cluster) else { return };
    let mut admin = stage.here.admin();
    let org = "aaaaaaaa-0000-4000-8000-000000000001";
    execute(&mut admin, &format!("UPDATE tenant_guard.tenant_schema SET organization = '{org}'"));
    let server = conninfo(&stage.here).replace('\'', "''");
    for place in ["old", "server"] {
        let register = "SELECT * FROM tenant_guard.register_destination";
        execute(&mut admin, &format!("{register}('{place}', 'server', '{server}')"));
    }
    let assign = format!("SELECT * FROM tenant_guard.assign_destination('{org}', 'old', 'app')");
    execute(&mut admin, &assign);
    let to_server = MOVE.replace("far", "server");
    expect_clear_error(&mut admin, &to_server, "22023");
    execute(&mut admin, "CALL tenant_guard.create_tenant_database('acme', 'server')");
    assert_eq!(stage.place(), None, "its rows are here still");
    let own = Database { cluster: &cluster, name: "acme".into() };
    own.admin().batch_execute(SHARED).unwrap();

    // Objects of a role with fewer rights are made there with more: only where somebody says so.
    execute(&mut admin, &format!("ALTER TABLE acme.base OWNER TO {OWNER}"));
    expect_clear_error(&mut admin, &to_server, "42501");
    let before = stage.dump(&stage.here);
    execute(&mut admin, &to_server.replace("')", "', trust_owners => true)"));
    assert_same(&stage.dump(&own), &before, "in a database of its own");
    for tenant in ["acme", org] {
        let ask =
            format!("SELECT name, database FROM tenant_guard.destination_for_text('{tenant}')");
        assert_eq!(rows(&mut admin, &ask), [[Some("server".to_owned()), Some("acme".to_owned())]]);
    }
}
