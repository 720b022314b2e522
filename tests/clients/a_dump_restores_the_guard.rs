//! pg_dump and pg_restore carry a protected database: policies, triggers, membership, journal and trail.

use std::path::PathBuf;

use tenant_guard_tests::cluster::{finish, shared, Cluster, OWNER, VISITOR};
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{
    claims, execute, expect_clear_error, expect_error, number, rows, text,
};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

const TRAIL: &str = "SELECT id, occurred_at, operation, table_schema, table_name, key, record, old_record,
                            changed_columns, organization_id, user_id, db_role, session_role, transaction_id
                       FROM tenant_guard.audit_log ORDER BY id";

const SUMMARY: &str = "create_tenant_summary('crm.sizes', 'SELECT organization_id, count(*) AS contacts FROM crm.contacts GROUP BY 1')";
const REFRESH: &str = "SELECT tenant_guard.refresh_tenant_summary('crm.sizes')";

/// A database with something of everything, and its copy out of an archive.
fn original_and_copy(target: &Cluster) -> (Database<'static>, Database<'_>) {
    let original = protected_crm();
    // Enum values have other OIDs in the copy: the trail must still say 'won'.
    original.load(
        "CREATE SCHEMA lib; GRANT USAGE ON SCHEMA lib TO PUBLIC;
         CREATE TYPE lib.stage AS ENUM ('lead', 'won');
         CREATE TABLE crm.deals (
             id int PRIMARY KEY, organization_id uuid NOT NULL, stage lib.stage, path lib.stage[],
             price numeric, at timestamptz, span daterange, data jsonb, tags text[], raw bytea, who name);
         GRANT SELECT, INSERT, UPDATE, DELETE ON crm.deals TO visitor;",
    );
    let mut owner = original.connect(OWNER);
    apply(&mut owner, "protect_table('crm.deals')");
    apply(&mut owner, "enable_audit('crm.deals', tenant_column => 'organization_id')");
    apply(&mut owner, "create_tenant_schema('south', 'crm', tenant_role => 'other_owner')");
    apply(&mut owner, SUMMARY);
    execute(&mut owner, REFRESH);
    // The numbers of the columns are others in the copy.
    execute(&mut owner, "CREATE TABLE crm.cards (gone int, name text, pin text, later text)");
    execute(&mut owner, "INSERT INTO crm.cards VALUES (1, 'Ada', '1234', 'x')");
    for (column, class) in [("name", "public"), ("pin", "secret"), ("later", "public")] {
        apply(&mut owner, &format!("classify('crm.cards', '{column}', '{class}')"));
    }
    execute(&mut owner, "ALTER TABLE crm.cards DROP COLUMN gone, DROP COLUMN later");
    execute(&mut owner, "ALTER TABLE crm.cards RENAME COLUMN name TO holder");
    let mut visitor = visit(&original, ALICE, Some(ORG_A));
    execute(
        &mut visitor,
        &format!(
            "INSERT INTO crm.deals VALUES (1, '{ORG_A}', 'lead', '{{lead,won}}', 1.10, now(), '[2026-01-01,2026-02-01)',
                                           '{{\"a\": [1, null]}}', '{{x,NULL,\"y z\"}}', '\\xdeadbeef', 'me');
             UPDATE crm.deals SET stage = 'won', price = NULL;
             INSERT INTO crm.deals (id, organization_id) VALUES (2, '{ORG_A}');
             DELETE FROM crm.deals WHERE id = 2;
             COMMIT"
        ),
    );

    let copy = Database::empty_in(target);
    // Shift the OIDs, so that no number can be right by luck.
    execute(
        &mut copy.admin(),
        "CREATE TYPE public.shift AS ENUM ('a', 'b', 'c'); DROP TYPE public.shift",
    );
    let archive = Archive(std::env::temp_dir().join(format!(
        "{}_{}.dump",
        original.name,
        std::process::id()
    )));
    let file = archive.0.to_str().expect("a plain name");
    finish(original.cluster.tool("pg_dump", &original.name, "postgres").args(["-Fc", "-f", file]));
    finish(copy.cluster.tool("pg_restore", &copy.name, "postgres").args([
        "--exit-on-error",
        "-d",
        &copy.name,
        file,
    ]));
    (original, copy)
}

struct Archive(PathBuf);

impl Drop for Archive {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is in the tables; but the OIDs of what is registered are the copy's own once it was altered.
fn lasting(database: &Database) -> std::collections::BTreeMap<String, String> {
    let mut contents = database.contents();
    for table in ["protection", "column_class"] {
        contents.remove(&format!("tenant_guard.{table}"));
    }
    for table in ["tenant_schema", "template_version"] {
        let rows = format!("SELECT string_agg((to_jsonb(t) - '{{schema_oid,origin}}'::text[])::text, E'\\n' ORDER BY t::text) FROM tenant_guard.{table} t");
        let rows = text(&mut database.admin(), &rows).expect("both have some");
        contents.insert(format!("tenant_guard.{table}"), rows);
    }
    let registered = "SELECT string_agg(concat_ws(' ', table_schema, table_name, table_owner, options), ',' ORDER BY table_schema, table_name) FROM tenant_guard.protection";
    let registered = text(&mut database.admin(), registered).unwrap_or_default();
    contents.insert("registered".into(), registered);
    let classes = "SELECT string_agg(concat_ws(' ', table_schema, table_name, column_name, class), ',' ORDER BY table_name, column_name) FROM tenant_guard.classified_columns";
    let classes = text(&mut database.admin(), classes).unwrap_or_default();
    contents.insert("classes".into(), classes);
    contents
}

#[test]
fn schema_rows_and_trail_arrive_unchanged() {
    let (original, copy) = original_and_copy(shared());
    assert_same(&copy.schema(), &original.schema(), "restored");
    assert_eq!(lasting(&copy), lasting(&original));
    let trail = rows(&mut original.admin(), TRAIL);
    assert_eq!(trail.len(), 4, "{trail:?}");
    assert_eq!(rows(&mut copy.admin(), TRAIL), trail);
    let stage = "SELECT record ->> 'stage' || (old_record ->> 'stage') FROM tenant_guard.audit_log WHERE operation = 'UPDATE'";
    assert_eq!(text(&mut copy.admin(), stage).as_deref(), Some("wonlead"));
    let tenants = "SELECT slug, template, tenant_role FROM tenant_guard.tenant_schemas";
    assert_eq!(rows(&mut copy.admin(), tenants).len(), 1);
}

#[test]
fn the_copy_shows_no_more_than_the_original_did() {
    let (original, copy) = original_and_copy(shared());
    let shown = "SELECT tenant_guard.safe_json(c) FROM crm.cards c";
    for database in [&original, &copy] {
        let mut owner = database.connect(OWNER);
        assert_eq!(text(&mut owner, shown).as_deref(), Some(r#"{"holder": "Ada"}"#));
        execute(&mut owner, "ALTER TABLE crm.cards ADD COLUMN later text DEFAULT 'new'");
        execute(&mut owner, "ALTER TABLE crm.cards RENAME COLUMN holder TO name");
        assert_eq!(text(&mut owner, shown).as_deref(), Some(r#"{"name": "Ada"}"#));
        execute(&mut owner, "ALTER TABLE crm.cards DROP COLUMN later");
        execute(
            &mut owner,
            "DROP TABLE crm.cards; CREATE TABLE crm.cards AS SELECT text 'Eve' AS name",
        );
        assert_eq!(text(&mut owner, shown).as_deref(), Some("{}"));
    }
}

#[test]
fn every_table_of_the_extension_that_holds_rows_is_dumped() {
    let (original, _) = original_and_copy(shared());
    let forgotten = rows(
        &mut original.admin(),
        "SELECT c.oid::regclass
           FROM pg_extension e
           JOIN pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass
           JOIN pg_class c ON c.oid = d.objid
          WHERE e.extname = 'tenant_guard' AND c.relkind IN ('r', 'S')
            AND c.oid <> ALL (coalesce(e.extconfig, '{}'))
          ORDER BY 1",
    );
    assert_eq!(forgotten, Vec::<Vec<Option<String>>>::new());
}

#[test]
fn the_copy_guards_as_the_original_did() {
    let (_, copy) = original_and_copy(shared());
    the_guard_holds(&copy);
}

#[test]
fn a_copy_in_another_cluster_guards_as_the_original_did() {
    let target = Cluster::start();
    let (original, copy) = original_and_copy(&target);
    assert_eq!(lasting(&copy), lasting(&original));
    assert_eq!(rows(&mut copy.admin(), TRAIL), rows(&mut original.admin(), TRAIL));
    the_guard_holds(&copy);
}

fn the_guard_holds(copy: &Database) {
    assert_eq!(contacts(&mut copy.connect(VISITOR)), 0);
    let mut alice = visit(copy, ALICE, Some(ORG_A));
    assert_eq!(contacts(&mut alice), CONTACTS_OF_A);
    let foreign =
        format!("INSERT INTO crm.contacts (organization_id, name) VALUES ('{ORG_B}', 'x')");
    expect_error(&mut alice, &foreign, "42501");

    // Membership was registered in the original only.
    let mut carol = visit(copy, CAROL, None);
    execute(&mut carol, &format!("SELECT tenant_guard.set_org('{ORG_B}')"));
    assert_eq!(contacts(&mut carol), CONTACTS_OF_B);
    let mut bob = visit(copy, BOB, None);
    expect_clear_error(&mut bob, &format!("SELECT tenant_guard.set_org('{ORG_A}')"), "42501");

    let events = number(&mut copy.admin(), "SELECT max(id) FROM tenant_guard.audit_log");
    execute(&mut carol, &claims(CAROL, Some(ORG_B)));
    execute(
        &mut carol,
        &format!("INSERT INTO crm.deals (id, organization_id) VALUES (9, '{ORG_B}'); COMMIT"),
    );
    let newest = "SELECT max(id) FROM tenant_guard.audit_log WHERE key ->> 'id' = '9'";
    assert!(number(&mut copy.admin(), newest) > events, "the trail goes on after its last event");
}

#[test]
fn a_summary_is_refreshed_in_the_copy_as_in_the_original() {
    let (_, copy) = original_and_copy(shared());
    let mut owner = copy.connect(OWNER);
    let again = "SELECT count(*) FROM tenant_guard.".to_owned() + SUMMARY;
    assert_eq!(number(&mut owner, &again), 0, "it is the same summary");
    execute(&mut copy.admin(), "DELETE FROM crm.contacts WHERE name = 'Ada'");
    assert_eq!(number(&mut owner, REFRESH), 2);
    let sum = "SELECT sum(contacts) FROM crm.sizes";
    assert_eq!(number(&mut copy.admin(), sum), CONTACTS_OF_A + CONTACTS_OF_B - 1);
    // Registered anew it is known by its number, and keeps its query under another name.
    let query = "register_tenant_summary('crm.sizes', 'SELECT organization_id, 0::bigint AS contacts FROM crm.organizations CROSS JOIN (SELECT id AS organization_id FROM crm.organizations) o', 'organization_id', '{}')";
    execute(
        &mut owner,
        &format!("SELECT tenant_guard.{query}; ALTER TABLE crm.sizes RENAME TO counts"),
    );
    assert_eq!(number(&mut owner, &REFRESH.replace("sizes", "counts")), 4);
    let registered = "SELECT count(*) FROM tenant_guard.tenant_summary";
    assert_eq!(number(&mut copy.admin(), registered), 1);
}

#[test]
fn the_copy_undoes_what_the_original_did() {
    let (_, copy) = original_and_copy(shared());
    let mut owner = copy.connect(OWNER);
    let find = "SELECT max(id) FROM tenant_guard.change WHERE operation = 'protect_table' AND target LIKE '%contacts%'";
    let change = number(&mut owner, find);
    let last = number(&mut copy.admin(), "SELECT max(id) FROM tenant_guard.change");
    let undone = apply(&mut owner, &format!("undo({change})"));
    assert!(undone > last, "the journal goes on after its last change");
    let policies = "SELECT count(*) FROM pg_policy WHERE polrelid = 'crm.contacts'::regclass";
    assert_eq!(number(&mut owner, policies), 0);
    apply(&mut owner, &format!("undo({undone})"));
    assert!(number(&mut owner, policies) > 0);
    assert_eq!(contacts(&mut visit(&copy, ALICE, Some(ORG_A))), CONTACTS_OF_A);
}
