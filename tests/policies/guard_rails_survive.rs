//! Enforcement beside other extensions, and through pg_dump and pg_restore.

use tenant_guard_tests::cluster::{finish, OWNER};
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::fixtures::{ALICE, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

use crate::guard_rails::enforced;
use crate::stage::{asking, connect_listening, fresh, grant_everything};

#[test]
fn other_extensions_are_made_altered_and_dropped() {
    for mode in ["warn", "error", "protect"] {
        let database = enforced(mode);
        if database.lacks("hstore") {
            return;
        }
        let mut admin = database.admin();
        execute(
            &mut admin,
            "CREATE EXTENSION hstore SCHEMA zoo; CREATE EXTENSION citext SCHEMA zoo VERSION '1.4'; ALTER EXTENSION citext UPDATE;
             CREATE EXTENSION pg_stat_statements SCHEMA zoo; ALTER EXTENSION hstore SET SCHEMA free; DROP EXTENSION citext, pg_stat_statements",
        );
        assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.unchecked"), 0);
    }
}

/// A protected tree, children, shared rows and views in an enforced schema.
fn everything(mode: &str) -> Database<'static> {
    let database = fresh();
    database.load(&format!(
        r#"CREATE SCHEMA zoo; CREATE SCHEMA "Zoo 2";
         CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
         CREATE TABLE "Zoo 2"."Tree" (id int, "Org" uuid NOT NULL, at int) PARTITION BY RANGE (at);
         CREATE TABLE "Zoo 2"."Leaf" PARTITION OF "Zoo 2"."Tree" DEFAULT;
         CREATE TABLE zoo.child (id int PRIMARY KEY, t int NOT NULL REFERENCES zoo.t);
         CREATE TABLE zoo.base (organization_id uuid, body text); CREATE TABLE zoo.derived (x int) INHERITS (zoo.base);
         INSERT INTO zoo.t VALUES (1, '{ORG_A}', 'a'), (2, '{ORG_B}', 'b'); INSERT INTO zoo.child VALUES (1, 1), (2, 2);
         INSERT INTO "Zoo 2"."Tree" VALUES (1, '{ORG_A}', 1), (2, '{ORG_B}', 1);
         INSERT INTO zoo.derived VALUES ('{ORG_A}', 'a'), ('{ORG_B}', 'b'), (NULL, 'shared');
         CREATE VIEW zoo.v WITH (security_invoker = true) AS SELECT * FROM zoo.t"#
    ));
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    for call in [
        "protect_table('zoo.t', owner_column => NULL, permissions => '{\"select\": \"member\", \"update\": [\"admin\", \"t:write\"]}')",
        r#"protect_table('"Zoo 2"."Tree"', tenant_column => 'Org', scope => 'member')"#,
        "protect_table('zoo.child')",
        "protect_table('zoo.base', shared => 'organization_id IS NULL')",
    ] {
        apply(&mut owner, call);
    }
    apply(&mut database.admin(), &format!("enforce('{{zoo,\"Zoo 2\"}}', '{mode}')"));
    database
}

#[test]
fn a_dump_restores_without_an_error_and_keeps_protection_and_enforcement() {
    for (mode, format) in [("error", "-Fc"), ("protect", "-Fc"), ("warn", "-Fp")] {
        let original = everything(mode);
        let copy = Database::empty_in(original.cluster);
        let file =
            std::env::temp_dir().join(format!("policies_{}_{mode}.dump", std::process::id()));
        let path = file.to_str().expect("a plain name");
        finish(
            original.cluster.tool("pg_dump", &original.name, "postgres").args([format, "-f", path]),
        );
        if format == "-Fc" {
            finish(copy.cluster.tool("pg_restore", &copy.name, "postgres").args([
                "--exit-on-error",
                "-d",
                &copy.name,
                path,
            ]));
        } else {
            finish(copy.cluster.tool("psql", &copy.name, "postgres").args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-f",
                path,
            ]));
        }
        let _ = std::fs::remove_file(&file);
        assert_same(&copy.schema(), &original.schema(), mode);
        let registered = "SELECT table_schema, table_name, options, drift FROM tenant_guard.protected_tables ORDER BY 1, 2";
        let (of_copy, of_original) = (
            rows(&mut copy.connect(OWNER), registered),
            rows(&mut original.connect(OWNER), registered),
        );
        assert_eq!(of_copy, of_original, "{mode}");
        assert!(
            of_copy.len() == 4 && of_copy.iter().all(|row| row[3].as_deref() == Some("{}")),
            "{mode}: {of_copy:?}"
        );
        let schemas = "SELECT schema_name, mode FROM tenant_guard.enforcement ORDER BY 1";
        assert_eq!(rows(&mut copy.admin(), schemas).len(), 2);
        let mut alice = asking(&copy, ALICE, &format!(r#""{ORG_A}""#));
        for (table, seen) in [
            ("zoo.t", 1),
            ("zoo.child", 1),
            ("\"Zoo 2\".\"Leaf\"", 1),
            ("zoo.derived", 2),
            ("zoo.v", 1),
        ] {
            assert_eq!(
                alice.number(&format!("SELECT count(*) FROM {table}")),
                seen,
                "{mode}: {table}"
            );
        }
        // And it is in force in the copy.
        let (mut owner, heard) = connect_listening(&copy, OWNER);
        let made = owner.batch_execute("CREATE TABLE zoo.later (organization_id uuid)");
        match mode {
            "error" => assert!(made.is_err()),
            "warn" => assert!(heard
                .lock()
                .expect("no panic")
                .iter()
                .any(|h| h.contains("zoo.later is not protected"))),
            _ => assert_eq!(
                number(
                    &mut owner,
                    "SELECT count(*) FROM pg_policy WHERE polrelid = 'zoo.later'::regclass"
                ),
                5
            ),
        }
        execute(&mut owner, "CREATE TABLE \"Zoo 2\".leaf2 PARTITION OF \"Zoo 2\".\"Tree\" FOR VALUES FROM (100) TO (200)");
        let policies =
            "SELECT count(*) FROM pg_policy WHERE polrelid = '\"Zoo 2\".leaf2'::regclass";
        assert_eq!(number(&mut owner, policies), 5, "{mode}: a later partition in the copy");
    }
}

#[test]
fn schema_and_data_restored_apart_are_protected_too() {
    let original = everything("error");
    let copy = Database::empty_in(original.cluster);
    for part in ["--section=pre-data", "--section=data", "--section=post-data"] {
        let script = original.dump(&[part]);
        tenant_guard_tests::cluster::success(copy.paste("postgres", &script), part);
    }
    assert_same(&copy.schema(), &original.schema(), "in sections");
    let drift = "SELECT count(*) FROM tenant_guard.protected_tables WHERE drift <> '{}'";
    assert_eq!(number(&mut copy.connect(OWNER), drift), 0);
    expect_clear_error(
        &mut copy.connect(OWNER),
        "CREATE TABLE zoo.later (organization_id uuid)",
        "55000",
    );
}
