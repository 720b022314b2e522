//! protect_schema: a schema at once, or table by table.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};
use tenant_guard_tests::steps::{apply, call, script, try_call, undo_script};
use tenant_guard_tests::Database;

use crate::stage::{connect_listening, fresh, grant_everything};

const MIXED: &str = r#"
    CREATE SCHEMA zoo; CREATE SCHEMA other;
    CREATE TABLE zoo.a (id int PRIMARY KEY, organization_id uuid NOT NULL);
    CREATE TABLE zoo."B b" (id int PRIMARY KEY, organization_id text NOT NULL);
    CREATE TABLE zoo.tree (id int, organization_id uuid) PARTITION BY RANGE (id);
    CREATE TABLE zoo.leaf PARTITION OF zoo.tree DEFAULT;
    CREATE TABLE zoo.base (organization_id bigint); CREATE TABLE zoo.derived () INHERITS (zoo.base);
    CREATE TABLE zoo.child (id int PRIMARY KEY, a int NOT NULL REFERENCES zoo.a);
    CREATE TABLE zoo.grandchild (id int PRIMARY KEY, child int NOT NULL REFERENCES zoo.child);
    CREATE TABLE zoo.abroad (id int, b int REFERENCES zoo.grandchild);
    CREATE TABLE zoo.countries (code text PRIMARY KEY);
    CREATE TABLE other.leaf PARTITION OF zoo.tree FOR VALUES FROM (0) TO (9);
    CREATE TABLE other.t (organization_id uuid);
    CREATE VIEW zoo.v WITH (security_invoker) AS SELECT * FROM zoo.a;"#;

fn mixed(more: &str) -> Database<'static> {
    let database = fresh();
    database.load(&format!("{MIXED} {more}"));
    grant_everything(&database);
    database
}

fn protected(database: &Database) -> String {
    let protected = "SELECT coalesce(string_agg(polrelid::regclass::text, ' ' ORDER BY polrelid::regclass::text), '')
                       FROM pg_policy WHERE polname = 'tenant_guard_tenant'";
    text(&mut database.admin(), protected).expect("a string")
}

const ALL: &str = "other.leaf zoo.\"B b\" zoo.a zoo.abroad zoo.base zoo.child zoo.derived zoo.grandchild zoo.leaf zoo.tree";

#[test]
fn every_table_with_a_way_to_a_tenant_is_protected_and_the_rest_is_named() {
    let database = mixed("");
    let original = database.schema();
    let (mut owner, heard) = connect_listening(&database, OWNER);
    let plan = call(&mut owner, "protect_schema('zoo', dry_run => true)");
    assert_same(&database.schema(), &original, "a dry run changes nothing");
    let change = apply(&mut owner, "protect_schema('zoo')");
    assert_eq!(
        protected(&database).split(' ').count(),
        ALL.split(' ').count(),
        "{}",
        protected(&database)
    );
    assert_eq!(protected(&database), ALL);
    let heard = heard.lock().expect("no panic in the lock").join("\n");
    assert!(
        heard.contains("1 tables of schema zoo are left alone")
            || heard.contains("1 table of schema zoo is left alone"),
        "{heard}"
    );
    assert!(heard.contains("zoo.countries"), "{heard}");
    assert_eq!(call(&mut owner, "protect_schema('zoo')"), [], "again");
    let applied = database.schema();
    apply(&mut owner, &format!("undo({change})"));
    assert_same(&database.schema(), &original, "undo gives back the original");
    database.paste_well(OWNER, &script(&plan));
    assert_same(&database.schema(), &applied, "the pasted plan");
    database.paste_well(OWNER, &undo_script(&plan));
    assert_same(&database.schema(), &original, "the pasted way back");
}

#[test]
fn several_ways_to_a_tenant_are_refused_until_one_is_said() {
    let database =
        mixed("CREATE TABLE zoo.deals (buyer int REFERENCES zoo.a, seller int REFERENCES zoo.a)");
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    let error =
        expect_clear_error(&mut owner, "SELECT * FROM tenant_guard.protect_schema('zoo')", "22023");
    assert!(error.message().contains("zoo.deals"), "{error:?}");
    assert_same(&database.schema(), &original, "half of it");
    apply(&mut owner, "protect_table('zoo.deals', via => 'buyer')");
    apply(&mut owner, "protect_schema('zoo')");
    assert!(protected(&database).contains("zoo.deals"));
    let via =
        "SELECT options ->> 'via' FROM tenant_guard.protected_tables WHERE table_name = 'deals'";
    assert_eq!(text(&mut owner, via).as_deref(), Some("buyer"));
}

#[test]
fn the_options_of_a_call_for_one_table_are_kept() {
    let database = mixed("");
    let mut owner = database.connect(OWNER);
    apply(
        &mut owner,
        "protect_table('zoo.a', scope => 'member', permissions => '{\"select\": \"member\"}')",
    );
    apply(&mut owner, "protect_schema('zoo', roles => '{anon}')");
    let options = "SELECT table_name || ' ' || scope || ' ' || array_to_string(roles, ',') FROM tenant_guard.protected_tables
                    WHERE table_name IN ('a', 'child') ORDER BY 1";
    let found: Vec<String> =
        rows(&mut owner, options).into_iter().filter_map(|mut r| r.remove(0)).collect();
    assert_eq!(found, ["a member authenticated", "child active anon"]);
    // What protect_schema decided it may change.
    apply(&mut owner, "protect_schema('zoo', roles => '{authenticated}')");
    let found: Vec<String> =
        rows(&mut owner, options).into_iter().filter_map(|mut r| r.remove(0)).collect();
    assert_eq!(found, ["a member authenticated", "child active authenticated"]);
    assert_eq!(call(&mut owner, "protect_schema('zoo')"), []);
}

#[test]
fn a_busy_table_is_named_and_nothing_is_half_done() {
    let database = mixed("");
    let original = database.schema();
    let mut busy = database.connect(OWNER);
    execute(&mut busy, "BEGIN; LOCK TABLE zoo.child IN ACCESS SHARE MODE");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "SET lock_timeout = '200ms'");
    for call in ["protect_schema('zoo')", "protect_table('zoo.child')"] {
        let error =
            expect_clear_error(&mut owner, &format!("SELECT * FROM tenant_guard.{call}"), "55P03");
        assert!(error.message().contains("zoo.child"), "{error:?}");
        assert_same(&database.schema(), &original, "half of it");
    }
    execute(&mut busy, "ROLLBACK; BEGIN; LOCK TABLE other.leaf IN ACCESS SHARE MODE");
    let error = expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.protect_table('zoo.tree')",
        "55P03",
    );
    assert!(
        error.message().contains("other.leaf") || error.message().contains("zoo.tree"),
        "{error:?}"
    );
    execute(&mut busy, "ROLLBACK");
    apply(&mut owner, "protect_schema('zoo')");
}

#[test]
fn a_busy_parent_is_named_when_denormalizing() {
    let database = mixed("");
    let original = database.schema();
    let mut busy = database.connect(OWNER);
    execute(&mut busy, "BEGIN; LOCK TABLE zoo.a IN ACCESS SHARE MODE");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "SET lock_timeout = '200ms'");
    let error = expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.denormalize_tenant('zoo.child')",
        "55P03",
    );
    assert!(error.message().contains("zoo.a"), "{error:?}");
    assert_same(&database.schema(), &original, "half of it");
}

#[test]
fn table_by_table_what_is_done_stays_done_and_another_call_goes_on() {
    let database = mixed("");
    let mut busy = database.connect(OWNER);
    execute(&mut busy, "BEGIN; LOCK TABLE zoo.child IN ACCESS SHARE MODE");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "SET lock_timeout = '200ms'");
    let error =
        expect_clear_error(&mut owner, "CALL tenant_guard.protect_schema_by_table('zoo')", "55P03");
    assert!(error.message().contains("zoo.child"), "{error:?}");
    let done = protected(&database);
    assert!(done.contains("zoo.a ") || done.ends_with("zoo.a"), "{done}");
    assert!(!done.contains("zoo.child"), "{done}");
    execute(&mut busy, "ROLLBACK");
    execute(&mut owner, "CALL tenant_guard.protect_schema_by_table('zoo')");
    assert_eq!(protected(&database), ALL);
    assert_eq!(call(&mut owner, "protect_schema('zoo')"), []);
    let changes = number(&mut owner, "SELECT count(*) FROM tenant_guard.change");
    execute(&mut owner, "CALL tenant_guard.protect_schema_by_table('zoo')");
    assert_eq!(
        number(&mut owner, "SELECT count(*) FROM tenant_guard.change"),
        changes,
        "nothing is left to do"
    );
}

#[test]
fn a_schema_with_odd_tables_is_protected() {
    let database = mixed(
        "CREATE UNLOGGED TABLE zoo.unlogged (organization_id uuid); CREATE TYPE zoo.r AS (organization_id uuid, x int); CREATE TABLE zoo.typed OF zoo.r;
         CREATE TABLE zoo.empty (); CREATE TABLE zoo.\"it's \"\"odd\"\"\" (organization_id varchar)",
    );
    if !database.lacks("hstore") {
        execute(&mut database.admin(), "CREATE EXTENSION hstore SCHEMA zoo");
    }
    execute(&mut database.admin(), "CREATE TABLE other.foreign_parent (organization_id uuid)");
    database.load("ALTER TABLE zoo.a ADD later int; DROP TABLE zoo.abroad");
    apply(&mut database.connect(OWNER), "protect_schema('zoo')");
    let found = protected(&database);
    for table in ["zoo.unlogged", "zoo.typed", "zoo.\"it's \"\"odd\"\"\""] {
        assert!(found.contains(table), "{found}");
    }
}

#[test]
fn wrong_schemas_are_refused() {
    let database = mixed("");
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    for (arguments, code) in [
        ("NULL", "22004"),
        ("'nowhere'", "3F000"),
        ("'zoo', tenant_column => NULL", "22004"),
        ("'zoo', roles => '{nobody_at_all}'", "42704"),
        ("'zoo', scope => 'all'", "22023"),
        ("'zoo', shared => 'nothing = 1'", "42703"),
    ] {
        expect_clear_error(
            &mut owner,
            &format!("SELECT * FROM tenant_guard.protect_schema({arguments})"),
            code,
        );
    }
    assert!(
        try_call(&mut owner, "protect_schema('tenant_guard')").is_ok_and(|steps| steps.is_empty())
    );
    execute(
        &mut database.admin(),
        "ALTER TABLE zoo.countries OWNER TO postgres; ALTER TABLE zoo.base OWNER TO postgres",
    );
    expect_clear_error(&mut owner, "SELECT * FROM tenant_guard.protect_schema('zoo')", "42501");
    execute(
        &mut database.admin(),
        "ALTER TABLE zoo.countries OWNER TO app_owner; ALTER TABLE zoo.base OWNER TO app_owner",
    );
    assert_same(&database.schema(), &original, "what is refused changes nothing");
}
