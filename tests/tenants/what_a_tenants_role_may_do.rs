//! What the role of a tenant has beside its rows is told, and taken; what the owner of a tenant's schema writes
//! down is not run by whoever has more rights.

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, rows, text};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

fn one_tenant() -> Database<'static> {
    let database = Database::fresh();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        r#"CREATE SCHEMA tpl; CREATE TABLE tpl."No tés" (id int PRIMARY KEY, body text); CREATE SEQUENCE tpl.counter;
           CREATE VIEW tpl.seen AS SELECT 1 AS one;
           CREATE FUNCTION tpl.tell() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION tpl.tell() FROM PUBLIC;
           GRANT SELECT ON tpl."No tés" TO other_owner"#,
    );
    apply(&mut owner, &format!("create_tenant_schema('acme', 'tpl', tenant_role => '{VISITOR}')"));
    database
}

fn drift(client: &mut postgres::Client) -> Vec<String> {
    let sql = "SELECT difference || ' ' || object FROM tenant_guard.tenant_drift('acme') WHERE object_type = 'privileges' ORDER BY 1";
    rows(client, sql).into_iter().map(|row| row[0].clone().expect("a difference")).collect()
}

const ACLS: &str = "SELECT string_agg(what || acl, ' ' ORDER BY what) FROM (
   SELECT nspname::text, nspacl::text FROM pg_namespace WHERE nspname = 'acme' UNION ALL
   SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'acme'::regnamespace UNION ALL
   SELECT proname, proacl::text FROM pg_proc WHERE pronamespace = 'acme'::regnamespace UNION ALL
   SELECT attname, attacl::text FROM pg_attribute WHERE attrelid = 'acme.\"No tés\"'::regclass) a(what, acl)";

#[test]
fn what_the_tenants_role_has_beside_its_rows_is_told_and_revoked_when_asked() {
    let database = one_tenant();
    let mut owner = database.connect(OWNER);
    assert_eq!(drift(&mut owner), Vec::<String>::new());
    let as_made = text(&mut owner, ACLS);
    execute(
        &mut owner,
        r#"GRANT CREATE ON SCHEMA acme TO visitor; GRANT TRUNCATE, TRIGGER ON acme."No tés" TO visitor; GRANT SELECT ON acme."No tés" TO visitor WITH GRANT OPTION;
           GRANT REFERENCES (id) ON acme."No tés" TO visitor; GRANT UPDATE ON acme.counter TO visitor; GRANT EXECUTE ON FUNCTION acme.tell() TO visitor;
           GRANT TRIGGER ON acme.seen TO visitor; REVOKE USAGE ON SCHEMA acme FROM visitor; REVOKE SELECT ON acme.counter FROM visitor"#,
    );
    let opened = [
        r#"extra "No tés" of visitor"#,
        r#"extra "No tés".id of visitor"#,
        "extra counter of visitor",
        "extra seen of visitor",
        "extra tell() of visitor",
        "extra the schema of visitor",
    ];
    let lacking = ["missing counter of visitor", "missing the schema of visitor"];
    let mut told = drift(&mut owner);
    let mut expected: Vec<&str> = opened.iter().chain(&lacking).copied().collect();
    told.sort();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let changed = text(&mut owner, ACLS);

    apply(&mut owner, "sync_tenant_schema('acme')");
    let mut left = drift(&mut owner);
    left.sort();
    let mut opened = opened.to_vec();
    opened.sort_unstable();
    assert_eq!(left, opened, "what was opened by hand is closed only when that is asked for");
    execute(&mut database.connect(VISITOR), r#"SELECT * FROM acme."No tés""#);

    let done = apply(&mut owner, "sync_tenant_schema('acme', allow_destructive => true)");
    assert_eq!(drift(&mut owner), Vec::<String>::new());
    assert_eq!(text(&mut owner, ACLS), as_made, "as it was made");
    assert_eq!(call(&mut owner, "sync_tenant_schema('acme', allow_destructive => true)"), []);
    expect_error(&mut database.connect(VISITOR), "CREATE TABLE acme.mine (id int)", "42501");
    let undone = apply(&mut owner, &format!("undo({done})"));
    assert_ne!(text(&mut owner, ACLS), as_made);
    assert_eq!(drift(&mut owner).len(), opened.len());
    apply(&mut owner, &format!("undo({undone})"));
    assert_eq!(text(&mut owner, ACLS), as_made);
    assert_ne!(changed, as_made);
}

#[test]
fn the_role_of_a_tenants_clone_may_do_what_the_tenants_role_may() {
    let database = one_tenant();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        r#"GRANT EXECUTE ON FUNCTION acme.tell() TO visitor; GRANT CREATE ON SCHEMA acme TO visitor; GRANT TRUNCATE ON acme."No tés" TO visitor"#,
    );
    apply(&mut owner, "create_tenant_schema('bolt', 'acme', tenant_role => 'other_owner')");
    let drift = "SELECT string_agg(difference || ' ' || object, ', ' ORDER BY object) FROM tenant_guard.tenant_drift('bolt')";
    assert_eq!(text(&mut owner, drift), None);
    execute(
        &mut owner,
        r#"REVOKE EXECUTE ON FUNCTION bolt.tell() FROM other_owner; REVOKE CREATE ON SCHEMA bolt FROM other_owner; REVOKE TRUNCATE ON bolt."No tés" FROM other_owner;
           REVOKE USAGE ON SEQUENCE bolt.counter FROM other_owner; GRANT TRIGGER ON bolt.seen TO other_owner"#,
    );
    let told = r#"missing "No tés" of other_owner, missing counter of other_owner, extra seen of other_owner, missing tell() of other_owner, missing the schema of other_owner"#;
    assert_eq!(text(&mut owner, drift).as_deref(), Some(told));
    apply(&mut owner, "sync_tenant_schema('bolt')");
    assert_eq!(text(&mut owner, drift).as_deref(), Some("extra seen of other_owner"));
    apply(&mut owner, "sync_tenant_schema('bolt', allow_destructive => true)");
    assert_eq!(text(&mut owner, drift), None);
}

#[test]
fn an_archived_schema_is_not_opened_by_a_sync() {
    let database = one_tenant();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "archive_tenant_schema('acme')");
    assert_eq!(drift(&mut owner), Vec::<String>::new());
    execute(&mut owner, r#"ALTER TABLE tpl."No tés" ADD COLUMN more int"#);
    apply(&mut owner, "sync_tenant_schema('acme', allow_destructive => true)");
    expect_error(&mut database.connect(VISITOR), r#"SELECT * FROM acme."No tés""#, "42501");
}

#[test]
fn what_an_owner_has_an_archive_remember_is_not_run_by_whoever_restores_it() {
    let database = one_tenant();
    let mut owner = database.connect(OWNER);
    for remembered in [
        r#"[{"grantee": null, "privilege": "USAGE ON SCHEMA acme TO PUBLIC; ALTER ROLE app_owner SUPERUSER; --", "grantable": false}]"#,
        r#"[{"grantee": "visitor", "privilege": "ALL", "grantable": false}]"#,
        r#"{"privilege": "USAGE"}"#,
        r#""USAGE""#,
    ] {
        expect_clear_error(
            &mut owner,
            &format!(
                r#"SELECT tenant_guard.amend_tenant_schema('acme', '{{"state": "archived", "remembered": {remembered}}}')"#
            ),
            "22023",
        );
    }
    // Nor where it came in by another way, such as a dump that somebody edited.
    let mut admin = database.admin();
    execute(
        &mut admin,
        r#"UPDATE tenant_guard.tenant_schema SET state = 'archived', remembered = '[{"grantee": null, "privilege": "USAGE ON SCHEMA acme TO PUBLIC; ALTER ROLE app_owner SUPERUSER; --", "grantable": false}]'"#,
    );
    assert!(admin
        .batch_execute("SELECT * FROM tenant_guard.restore_tenant_schema('acme')")
        .is_err());
    let risen = "SELECT count(*) FROM pg_roles WHERE rolname = 'app_owner' AND rolsuper";
    assert_eq!(number(&mut admin, risen), 0);
}

#[test]
fn a_tenant_goes_with_the_casts_of_its_types_and_stays_for_what_others_use() {
    let database = Database::fresh();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE SCHEMA tpl; CREATE TYPE tpl.pair AS (a int, b int);
         CREATE FUNCTION tpl.first(tpl.pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a';
         CREATE CAST (tpl.pair AS int) WITH FUNCTION tpl.first(tpl.pair)",
    );
    apply(&mut owner, &format!("create_tenant_schema('acme', 'tpl', tenant_role => '{VISITOR}')"));
    let casts = "SELECT count(*) FROM pg_cast WHERE castfunc::regproc::text LIKE 'acme.%'";
    assert_eq!(number(&mut owner, casts), 1);
    execute(
        &mut owner,
        "CREATE SCHEMA other; CREATE VIEW other.v AS SELECT (1, 2)::acme.pair::int AS one",
    );
    let refused = expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.drop_tenant_schema('acme', 'acme')",
        "2BP01",
    );
    assert!(refused.detail().is_some_and(|d| d.contains("view other.v") && !d.contains("cast")));
    execute(&mut owner, "DROP VIEW other.v");
    execute(&mut owner, "SELECT * FROM tenant_guard.drop_tenant_schema('acme', 'acme')");
    let left = "SELECT string_agg(castfunc::regproc::text, ', ') FROM pg_cast WHERE oid >= 16384";
    assert_eq!(text(&mut owner, left).as_deref(), Some("tpl.first"));
}
