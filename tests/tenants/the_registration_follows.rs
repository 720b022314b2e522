//! A tenant's registration follows its schema: renamed here or by hand, moved, dumped and restored.

use tenant_guard_tests::cluster::{shared, OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, text};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

const TEMPLATE: &str = r#"CREATE SCHEMA "Tem plate"; CREATE TABLE "Tem plate".notes (id serial PRIMARY KEY, organization_id uuid NOT NULL);
 CREATE TYPE "Tem plate".mood AS ENUM ('ok'); CREATE SEQUENCE "Tem plate".s;"#;

const TENANTS: &str = "SELECT string_agg(format('%s %s %s %s %s %s', slug, template, tenant_role, owner, state, behind), ', ' ORDER BY slug)
                         FROM tenant_guard.tenant_schemas";

fn stage() -> Database<'static> {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let clone = format!("create_tenant_schema('acme', 'Tem plate', tenant_role => '{VISITOR}')");
    apply(&mut database.connect(OWNER), &clone);
    database
}

#[test]
fn a_schema_renamed_by_hand_stays_registered_and_so_does_its_template() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        r#"ALTER SCHEMA acme RENAME TO "by hand"; ALTER SCHEMA "Tem plate" RENAME TO other"#,
    );
    assert_eq!(
        text(&mut owner, TENANTS).as_deref(),
        Some("by hand other visitor app_owner active f")
    );
    apply(&mut owner, "rename_tenant_schema('by hand', 'acme')");
    execute(&mut owner, "ALTER TABLE other.notes ADD COLUMN more int");
    assert_eq!(text(&mut owner, TENANTS).as_deref(), Some("acme other visitor app_owner active t"));
    apply(&mut owner, "sync_tenant_schema('acme')");
    assert_eq!(text(&mut owner, TENANTS).as_deref(), Some("acme other visitor app_owner active f"));
}

#[test]
fn renaming_there_and_back_keeps_rows_policies_and_protections() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('acme.notes', roles => '{visitor}')");
    let original = database.schema();
    let renamed = apply(&mut owner, "rename_tenant_schema('acme', 'bolt')");
    let protected = "SELECT table_schema || ' ' || drift::text FROM tenant_guard.protected_tables";
    assert_eq!(text(&mut owner, protected).as_deref(), Some("bolt {}"));
    assert_eq!(
        text(&mut owner, TENANTS).as_deref(),
        Some("bolt Tem plate visitor app_owner active f")
    );
    assert_eq!(
        text(&mut owner, "SELECT table_schema::text FROM tenant_guard.protection").as_deref(),
        Some("bolt")
    );
    assert_eq!(call(&mut owner, "rename_tenant_schema('bolt', 'bolt')"), []);
    apply(&mut owner, &format!("undo({renamed})"));
    assert_eq!(database.schema(), original);
    for (call, code) in [
        ("rename_tenant_schema('acme', 'Bad Name')", "42602"),
        ("rename_tenant_schema('acme', '')", "42602"),
        ("rename_tenant_schema('acme', 'public')", "42602"),
        ("rename_tenant_schema('nobody', 'bolt')", "3F000"),
        ("rename_tenant_schema(NULL, 'bolt')", "22004"),
    ] {
        expect_clear_error(&mut owner, &format!("SELECT * FROM tenant_guard.{call}"), code);
    }
    execute(&mut owner, "CREATE SCHEMA taken");
    expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.rename_tenant_schema('acme', 'taken')",
        "42P06",
    );
}

#[test]
fn a_role_made_for_the_tenant_is_renamed_with_it_and_dropped_with_it() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE SCHEMA plan; CREATE TABLE plan.t (id int)");
    apply(&mut admin, "create_tenant_schema('first_name', 'plan')");
    let renamed = apply(&mut admin, "rename_tenant_schema('first_name', 'second_name')");
    let roles =
        "SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolname LIKE 'tenant\\_%\\_name'";
    assert_eq!(text(&mut admin, roles).as_deref(), Some("tenant_second_name"));
    let undone = apply(&mut admin, &format!("undo({renamed})"));
    assert_eq!(text(&mut admin, roles).as_deref(), Some("tenant_first_name"));
    assert_eq!(
        text(&mut admin, TENANTS).as_deref(),
        Some("first_name plan tenant_first_name postgres active f")
    );
    apply(&mut admin, &format!("undo({undone})"));
    assert_eq!(
        text(&mut admin, TENANTS).as_deref(),
        Some("second_name plan tenant_second_name postgres active f")
    );
    execute(&mut admin, "SET ROLE tenant_second_name; SELECT * FROM second_name.t; RESET ROLE");
    execute(
        &mut admin,
        "SELECT * FROM tenant_guard.drop_tenant_schema('second_name', 'second_name')",
    );
    assert_eq!(text(&mut admin, roles), None);
}

#[test]
fn a_schema_moves_with_all_that_is_in_it_or_not_at_all() {
    let database = stage();
    let (mut owner, mut admin) = (database.connect(OWNER), database.admin());
    execute(
        &mut owner,
        r#"CREATE VIEW acme.v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW acme.m AS SELECT 1 AS a; CREATE DOMAIN acme.d AS int;
           CREATE TYPE acme.range AS RANGE (subtype = int); CREATE TYPE acme.pair AS (a int);
           CREATE FUNCTION acme.f("Arg" int DEFAULT 1, VARIADIC text[] DEFAULT '{}') RETURNS int LANGUAGE sql AS 'SELECT 1';
           CREATE PROCEDURE acme.p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE acme.total(int) (sfunc = int4pl, stype = int);
           CREATE OPERATOR acme.### (leftarg = int, rightarg = int, function = int4pl);
           CREATE STATISTICS acme.st ON id, organization_id FROM acme.notes; CREATE COLLATION acme.c FROM "C";
           CREATE TEXT SEARCH CONFIGURATION acme.t (COPY = simple)"#,
    );
    let refused = "SELECT * FROM tenant_guard.move_tenant_schema('acme', 'other_owner')";
    expect_clear_error(&mut owner, refused, "42501"); // no member of the new one
    let mut other = database.connect(OTHER_OWNER);
    expect_clear_error(&mut other, refused, "42501"); // none of the old one
    expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.move_tenant_schema('acme', 'nobody at all')",
        "42704",
    );
    let left = "WITH ns AS (SELECT 'acme'::regnamespace AS oid)
        SELECT (SELECT count(*) FROM pg_class, ns WHERE relnamespace = ns.oid AND relowner <> 'other_owner'::regrole)
             + (SELECT count(*) FROM pg_type, ns WHERE typnamespace = ns.oid AND typowner <> 'other_owner'::regrole)
             + (SELECT count(*) FROM pg_proc, ns WHERE pronamespace = ns.oid AND proowner <> 'other_owner'::regrole)
             + (SELECT count(*) FROM pg_operator, ns WHERE oprnamespace = ns.oid AND oprowner <> 'other_owner'::regrole)
             + (SELECT count(*) FROM pg_collation, ns WHERE collnamespace = ns.oid AND collowner <> 'other_owner'::regrole)
             + (SELECT count(*) FROM pg_ts_config, ns WHERE cfgnamespace = ns.oid AND cfgowner <> 'other_owner'::regrole)
             + (SELECT count(*) FROM pg_statistic_ext, ns WHERE stxnamespace = ns.oid AND stxowner <> 'other_owner'::regrole)";
    let before = database.schema();
    let moved = apply(&mut admin, "move_tenant_schema('acme', 'other_owner')");
    assert_eq!(number(&mut admin, left), 0);
    assert_eq!(
        text(&mut admin, TENANTS).as_deref(),
        Some("acme Tem plate visitor other_owner active f")
    );
    assert_eq!(call(&mut admin, "move_tenant_schema('acme', 'other_owner')"), []);
    apply(&mut admin, &format!("undo({moved})"));
    assert_eq!(database.schema(), before);
    // Something of somebody else's in it: all or nothing, and the error names it.
    execute(&mut admin, "ALTER TABLE acme.notes OWNER TO visitor; GRANT other_owner TO app_owner");
    let error = expect_clear_error(&mut owner, refused, "42501");
    assert!(error.detail().is_some_and(|d| d.contains("acme.notes of visitor")), "{error:?}");
    execute(&mut admin, "REVOKE other_owner FROM app_owner");
}

#[test]
fn a_restored_copy_knows_its_tenants_and_follows_them() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "archive_tenant_schema('acme')");
    let clone = format!("create_tenant_schema('bolt', 'Tem plate', tenant_role => '{VISITOR}')");
    apply(&mut owner, &clone);
    let before = text(&mut owner, TENANTS).expect("tenants");
    let archive = database.dump(&[]);
    let copy = Database::empty_in(shared());
    let restored = copy.paste("postgres", &archive);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let mut there = copy.connect(OWNER);
    assert_eq!(text(&mut there, TENANTS), Some(before));
    assert_eq!(number(&mut there, "SELECT count(*) FROM tenant_guard.tenant_drift()"), 0);
    execute(
        &mut there,
        r#"ALTER SCHEMA bolt RENAME TO corp; ALTER SCHEMA "Tem plate" RENAME TO plan"#,
    );
    apply(&mut there, "restore_tenant_schema('acme')");
    apply(&mut there, "rename_tenant_schema('acme', 'acme_inc')");
    let expected = "acme_inc plan visitor app_owner active f, corp plan visitor app_owner active f";
    assert_eq!(text(&mut there, TENANTS).as_deref(), Some(expected));
}

#[test]
fn what_is_registered_of_the_template_later_is_registered_of_its_tenants() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        r#"CREATE TABLE "Tem plate"."La ter" (id int PRIMARY KEY, email text, organization_id uuid NOT NULL)"#,
    );
    for table in [r#""Tem plate".notes"#, r#""Tem plate"."La ter""#] {
        apply(&mut owner, &format!("protect_table('{table}', roles => '{{visitor}}')"));
    }
    apply(&mut owner, r#"classify('"Tem plate"."La ter"', 'email', 'pii')"#);
    let told = "SELECT string_agg(object_type || ' ' || object, ', ' ORDER BY object_type, object) FROM tenant_guard.tenant_drift('acme') WHERE object_type IN ('protection', 'class')";
    let expected = r#"class "La ter".email, protection "La ter", protection notes"#;
    assert_eq!(text(&mut owner, told).as_deref(), Some(expected));
    let done = apply(&mut owner, "sync_tenant_schema('acme')");
    let differences = "SELECT count(*) FROM tenant_guard.tenant_drift('acme')";
    assert_eq!(number(&mut owner, differences), 0);
    let protected = "SELECT string_agg(table_name, ', ' ORDER BY table_name) FROM tenant_guard.protected_tables WHERE table_schema = 'acme'";
    assert_eq!(text(&mut owner, protected).as_deref(), Some("La ter, notes"));
    let class = "SELECT class FROM tenant_guard.classified_columns WHERE table_schema = 'acme'";
    assert_eq!(text(&mut owner, class).as_deref(), Some("pii"));
    apply(&mut owner, r#"classify('"Tem plate"."La ter"', 'email', 'secret')"#);
    let again = apply(&mut owner, "sync_tenant_schema('acme')");
    assert_eq!(text(&mut owner, class).as_deref(), Some("secret"));
    apply(&mut owner, &format!("undo({again})"));
    assert_eq!(text(&mut owner, class).as_deref(), Some("pii"));
    apply(&mut owner, &format!("undo({done})"));
    assert_eq!(text(&mut owner, protected), None);
}

#[test]
fn a_schema_of_an_odd_name_that_was_registered_by_hand_is_renamed() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        r#"CREATE SCHEMA "We(ird+ é\["; SELECT tenant_guard.register_tenant_schema('We(ird+ é\[', 'Tem plate', NULL, 'visitor', false);
           CREATE FUNCTION "We(ird+ é\[".f() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT 1 FROM "We(ird+ é\[".t); END$$"#,
    );
    apply(&mut owner, r"rename_tenant_schema('We(ird+ é\[', 'plain')");
    assert_eq!(number(&mut owner, "SELECT count(*) FROM tenant_guard.tenant_schemas WHERE slug = 'plain' AND state = 'active'"), 1);
}

#[test]
fn a_move_names_what_will_act_with_the_new_owners_rights() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    execute(
        &mut database.admin(),
        "CREATE SCHEMA private; CREATE TABLE private.pay (x int); GRANT USAGE ON SCHEMA private TO app_owner",
    );
    execute(
        &mut owner,
        "CREATE VIEW acme.own AS SELECT * FROM acme.notes; CREATE VIEW acme.steals AS SELECT * FROM private.pay;
         CREATE TABLE acme.ruled (x int); CREATE RULE r AS ON INSERT TO acme.ruled DO ALSO INSERT INTO acme.notes SELECT x FROM private.pay;
         CREATE FUNCTION acme.asks() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE FUNCTION acme.plain() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    let told = database.paste(
        "postgres",
        "SELECT count(*) FROM tenant_guard.move_tenant_schema('acme', 'other_owner', dry_run => true)",
    );
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    let detail = told.lines().find(|line| line.starts_with("DETAIL:")).expect("a warning");
    assert!(detail.ends_with("may not read: acme.steals, acme.ruled, acme.asks()."), "{told}");
}
