//! The SQL of a dry run, pasted into psql on a fresh copy, is the run; undo is the way back, byte for byte.

use tenant_guard_tests::cluster::{Cluster, OWNER};
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::fixtures::ZOO;
use tenant_guard_tests::sql::{
    assert_clear, db_error, execute, expect_clear_error, number, rows, text,
};
use tenant_guard_tests::steps::{apply, call, script, try_call, undo_script};
use tenant_guard_tests::Database;

/// Holds a call to every promise of a plan. `call` lacks its closing parenthesis.
#[track_caller]
fn goes_there_and_back(call_text: &str) {
    let real = Database::fresh();
    let copy = Database::fresh();
    real.load(ZOO);
    copy.load(ZOO);
    holds_every_promise(call_text, OWNER, &real, &copy);
}

#[track_caller]
fn holds_every_promise(call_text: &str, role: &str, real: &Database, copy: &Database) {
    let dry = format!("{call_text}, dry_run => true)");
    let run = format!("{call_text})");
    let original = real.schema();
    assert_same(&copy.schema(), &original, "the copies start alike");
    let mut session = real.connect(role);

    let plan = call(&mut session, &dry);
    assert!(!plan.is_empty(), "{dry}: nothing to do");
    assert!(plan.iter().all(|step| step.change_id.is_none()), "{dry}");
    assert_same(&real.schema(), &original, "a dry run changes nothing");
    assert_eq!(number(&mut real.admin(), "SELECT count(*) FROM tenant_guard.change"), 0);

    copy.paste_well(role, &script(&plan));
    let change = apply(&mut session, &run);
    let applied = real.schema();
    assert_ne!(applied, original, "{run}: changed nothing");
    assert_same(&copy.schema(), &applied, "pasted SQL equals the run");

    has_nothing_left_to_do(real, role, &run);
    has_nothing_left_to_do(real, role, &dry);
    has_nothing_left_to_do(copy, role, &dry);

    let undone = apply(&mut session, &format!("undo({change})"));
    assert_same(&real.schema(), &original, "undo gives back the original");
    let again = apply(&mut session, &format!("undo({undone})"));
    assert_same(&real.schema(), &applied, "undo of undo does it again");
    apply(&mut session, &format!("undo({again})"));
    assert_same(&real.schema(), &original, "and back once more");

    copy.paste_well(role, &undo_script(&plan));
    assert_same(&copy.schema(), &original, "the pasted undo column");
}

/// A second run plans nothing; only a slug that is taken is an error.
#[track_caller]
fn has_nothing_left_to_do(database: &Database, role: &str, call_text: &str) {
    let mut session = database.connect(role);
    match try_call(&mut session, call_text) {
        Ok(steps) => assert_eq!(steps, [], "{call_text}: run again"),
        Err(error) if call_text.starts_with("create_tenant_schema") => {
            assert_clear(&db_error(&error, call_text, "42P06"), call_text);
        }
        Err(error) => panic!("{call_text}: run again: {error:?}"),
    }
}

macro_rules! there_and_back {
    ($($name:ident: $call:expr;)*) => {
        $(#[test] fn $name() { goes_there_and_back($call); })*
    };
}

there_and_back! {
    protecting_a_uuid_column: "protect_table('crm.contacts'";
    protecting_a_bigint_column_with_only_a_partial_index: "protect_table('crm.invoices'";
    protecting_a_text_column: "protect_table('crm.notes'";
    protecting_a_varchar_column: "protect_table('crm.tags', tenant_column => 'org'";
    protecting_a_smallint_column: "protect_table('crm.counters'";
    protecting_a_table_with_an_index: "protect_table('crm.products'";
    protecting_a_partitioned_table: "protect_table('crm.events'";
    protecting_an_inheritance_tree: "protect_table('crm.documents'";
    protecting_beside_a_kept_policy: "protect_table('crm.tickets', existing => 'keep'";
    protecting_in_place_of_a_policy: "protect_table('crm.tickets', existing => 'replace'";
    protecting_where_rls_was_on: "protect_table('crm.forgotten'";
    protecting_for_named_roles: "protect_table('crm.contacts', roles => '{visitor,app_owner}'";
    protecting_for_every_membership: "protect_table('crm.contacts', scope => 'member'";
    protecting_without_an_index: "protect_table('crm.contacts', index => 'skip'";
    protecting_quoted_names: r#"protect_table('"Acme Co"."order"', tenant_column => 'Org Id'"#;
    protecting_hostile_names:
        r#"protect_table('"Acme Co"."we""ird''; table\ $$"', tenant_column => 'o''r"g \ $1 %I'"#;
    protecting_names_of_63_bytes:
        "protect_table('crm.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', \
         tenant_column => 'ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo'";
    protecting_by_permissions: r#"protect_table('work.tasks', roles => '{visitor}',
        permissions => '{"select": "member", "update": ["owner", "leads:write"]}'"#;
    protecting_ones_own_rows: "protect_table('work.tasks', owner_column => 'created_by'";
    protecting_beside_shared_rows: "protect_table('work.tasks', shared => 'organization_id IS NULL'";
    protecting_projects: "protect_table('work.tasks', project_column => 'project_id'";
    protecting_along_a_foreign_key: "protect_table('work.comments'";
    protecting_along_a_named_key: "protect_table('work.comments', via => 'task_id'";
    protecting_a_serial_table: "protect_table('work.tasks'";
    protecting_a_schema: "protect_schema('work'";
    denormalizing_a_tenant: "denormalize_tenant('work.comments'";
    auditing_a_table: "enable_audit('crm.contacts'";
    auditing_a_table_with_a_tenant_column: "enable_audit('crm.contacts', tenant_column => 'organization_id'";
    auditing_a_bigint_tenant: "enable_audit('crm.invoices', tenant_column => 'organization_id'";
    auditing_a_partitioned_table: "enable_audit('crm.events', tenant_column => 'organization_id'";
    auditing_an_inheritance_tree: "enable_audit('crm.documents', tenant_column => 'organization_id'";
    auditing_quoted_names: r#"enable_audit('"Acme Co"."order"', tenant_column => 'Org Id'"#;
    auditing_hostile_names:
        r#"enable_audit('"Acme Co"."we""ird''; table\ $$"', tenant_column => 'o''r"g \ $1 %I'"#;
    auditing_names_of_63_bytes:
        "enable_audit('crm.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', \
         tenant_column => 'ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo'";
    cloning_a_schema: "create_tenant_schema('acme', 'crm', tenant_role => 'visitor'";
    cloning_a_schema_for_its_owner: "create_tenant_schema('acme', 'crm', tenant_role => 'app_owner'";
    summarizing_a_table: "create_tenant_summary('crm.sizes', 'SELECT organization_id, stage, count(*) AS n FROM crm.contacts GROUP BY 1, 2', key => '{stage}'";
    summarizing_quoted_names:
        r#"create_tenant_summary('"Acme Co"."by ""org"" \ $1"', 'SELECT "Org Id", count(*) AS "it''s " FROM "Acme Co"."order" GROUP BY 1', 'Org Id', protect => false"#;
    cloning_a_quoted_schema: "create_tenant_schema('acme', 'Acme Co', tenant_role => 'visitor'";
}

#[test]
fn the_way_out_of_a_protected_and_audited_table_is_a_plan_too() {
    for (there, back) in [
        ("protect_table('crm.events')", "unprotect_table('crm.events'"),
        ("protect_table('crm.documents')", "unprotect_table('crm.documents'"),
        ("enable_audit('crm.events')", "disable_audit('crm.events'"),
    ] {
        let (real, copy) = (Database::fresh(), Database::fresh());
        for database in [&real, &copy] {
            database.load(ZOO);
            let before = database.schema();
            let mut owner = database.connect(OWNER);
            let plan = call(&mut owner, &there.replace(')', ", dry_run => true)"));
            database.paste_well(OWNER, &script(&plan));
            assert_ne!(database.schema(), before);
        }
        holds_every_promise(back, OWNER, &real, &copy);
    }
}

#[test]
fn a_leftover_policy_is_refused_kept_or_replaced_as_told() {
    let database = Database::fresh();
    database.load(ZOO);
    let mut owner = database.connect(OWNER);
    let refused = "SELECT * FROM tenant_guard.protect_table('crm.tickets')";
    expect_clear_error(&mut owner, refused, "55000");
    let leftover = r#"SELECT count(*) FROM pg_policy WHERE polname = 'own tickets'"#;
    let kept = apply(&mut owner, "protect_table('crm.tickets', existing => 'keep')");
    assert_eq!(number(&mut owner, leftover), 1);
    apply(&mut owner, &format!("undo({kept})"));
    apply(&mut owner, "protect_table('crm.tickets', existing => 'replace')");
    assert_eq!(number(&mut owner, leftover), 0);
}

#[test]
fn the_way_out_takes_away_all_that_the_way_in_brought() {
    let database = Database::fresh();
    database.load(ZOO);
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    for table in ["crm.contacts", "crm.events", "crm.documents"] {
        // An index is of use without policies too, so unprotect_table may leave it.
        apply(&mut owner, &format!("protect_table('{table}', index => 'skip')"));
        apply(&mut owner, &format!("unprotect_table('{table}')"));
        apply(&mut owner, &format!("enable_audit('{table}')"));
        apply(&mut owner, &format!("disable_audit('{table}')"));
        assert_same(&database.schema(), &original, table);
    }
}

#[test]
fn changes_to_different_tables_are_undone_in_any_order() {
    let database = Database::fresh();
    database.load(ZOO);
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    let calls = [
        "protect_table('crm.contacts')",
        "enable_audit('crm.contacts')",
        "protect_table('crm.events')",
        "enable_audit('crm.events')",
        "protect_table('crm.documents')",
    ];
    let mut changes: Vec<i64> = calls.iter().map(|text| apply(&mut owner, text)).collect();
    changes.rotate_left(2);
    for change in changes {
        apply(&mut owner, &format!("undo({change})"));
    }
    assert_same(&database.schema(), &original, "everything undone");
}

#[test]
fn every_protected_table_has_an_index_that_serves_its_tenants() {
    let database = Database::fresh();
    database.load(ZOO);
    let mut owner = database.connect(OWNER);
    for table in ["contacts", "invoices", "products", "events", "documents"] {
        apply(&mut owner, &format!("protect_table('crm.{table}')"));
    }
    let bare = rows(
        &mut database.admin(),
        "SELECT c.oid::regclass FROM pg_class c
          WHERE c.relrowsecurity AND c.relnamespace = 'crm'::regnamespace
            AND c.relname NOT IN ('tickets', 'forgotten')
            AND NOT EXISTS (
                SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                 WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND a.attname = 'organization_id')",
    );
    assert_eq!(bare, Vec::<Vec<Option<String>>>::new());
    let protected = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'crm'::regnamespace";
    // contacts, invoices, products, events with its five partitions, documents with its two children
    assert_eq!(number(&mut database.admin(), protected), 12);
    let made = "SELECT count(*) FROM pg_index WHERE indrelid = 'crm.products'::regclass";
    assert_eq!(
        number(&mut database.admin(), made),
        2,
        "the index on (organization_id, sku) is enough"
    );
}

#[test]
fn the_life_of_a_tenant_schema_goes_there_and_back() {
    let prepared = "CREATE SCHEMA tpl; CREATE TABLE tpl.t (id int PRIMARY KEY, note text);
        CREATE VIEW tpl.v AS SELECT id, note FROM tpl.t; CREATE FUNCTION tpl.f(n int) RETURNS int LANGUAGE sql AS 'SELECT n'";
    let went_on = "DROP VIEW tpl.v; ALTER TABLE tpl.t ALTER note TYPE varchar; CREATE VIEW tpl.v AS SELECT note FROM tpl.t;
        DROP FUNCTION tpl.f(int); CREATE FUNCTION tpl.f(m int) RETURNS text LANGUAGE sql AS 'SELECT m::text'";
    for call_text in [
        "sync_tenant_schema('acme'",
        "rename_tenant_schema('acme', 'other'",
        "archive_tenant_schema('acme'",
        "move_tenant_schema('acme', 'app_owner'",
    ] {
        let (real, copy) = (Database::fresh(), Database::fresh());
        for database in [&real, &copy] {
            let mut admin = database.admin();
            execute(&mut admin, prepared);
            apply(&mut admin, "create_tenant_schema('acme', 'tpl', tenant_role => 'visitor')");
            execute(&mut admin, went_on);
        }
        let mut session = real.admin();
        let original = real.schema();
        let plan = call(&mut session, &format!("{call_text}, dry_run => true)"));
        assert_same(&real.schema(), &original, call_text);
        copy.paste_well("postgres", &script(&plan));
        let change = apply(&mut session, &format!("{call_text})"));
        assert_same(&copy.schema(), &real.schema(), "pasted SQL equals the run");
        apply(&mut session, &format!("undo({change})"));
        assert_same(&real.schema(), &original, "undo gives back the original");
    }
}

#[test]
fn a_tenant_schema_with_a_role_of_its_own_goes_there_and_back() {
    // Roles belong to a whole cluster, so a fresh copy is another cluster.
    let (here, there) = (Cluster::start(), Cluster::start());
    let (real, copy) = (Database::fresh_in(&here), Database::fresh_in(&there));
    for database in [&real, &copy] {
        database.load(ZOO);
        apply(&mut database.connect(OWNER), "protect_table('crm.contacts')");
    }
    let roles = "SELECT string_agg(rolname || rolcanlogin, ',' ORDER BY rolname) FROM pg_roles";
    let before = text(&mut here.admin(), roles);
    let mut session = real.admin();
    let original = real.schema();
    let plan = call(
        &mut session,
        "create_tenant_schema('acme', 'crm', trust_template => true, dry_run => true)",
    );
    copy.paste_well("postgres", &script(&plan));
    let change = apply(&mut session, "create_tenant_schema('acme', 'crm', trust_template => true)");
    assert_same(&copy.schema(), &real.schema(), "pasted SQL equals the run");
    let after = text(&mut here.admin(), roles);
    assert!(after.as_deref().is_some_and(|all| all.contains("tenant_acmefalse")));
    assert_eq!(text(&mut there.admin(), roles), after);

    apply(&mut session, &format!("undo({change})"));
    assert_same(&real.schema(), &original, "undo gives back the original");
    assert_eq!(text(&mut here.admin(), roles), before, "the role is gone too");
    copy.paste_well("postgres", &undo_script(&plan));
    assert_same(&copy.schema(), &original, "the pasted undo column");
    assert_eq!(text(&mut there.admin(), roles), before);
}

#[test]
fn a_cloned_schema_is_its_template_under_another_name() {
    let database = Database::fresh();
    database.load(ZOO);
    let mut owner = database.connect(OWNER);
    for table in ["contacts", "events", "documents"] {
        apply(&mut owner, &format!("protect_table('crm.{table}')"));
    }
    apply(&mut owner, "create_tenant_schema('bolt', 'crm', tenant_role => 'visitor')");
    let shape = |schema: &str| {
        let dump =
            database.dump(&["--schema-only", "--no-privileges", "--no-comments", "-n", schema]);
        // Everything in the template that is named crm is named after the schema, so the words can be swapped.
        let names = [
            (format!("{schema}."), "x."),
            (format!("Schema: {schema};"), "Schema: x;"),
            (format!("Name: {schema};"), "Name: x;"),
            (format!("SCHEMA {schema}"), "SCHEMA x"),
        ];
        names.iter().fold(dump, |dump, (from, to)| dump.replace(from, to))
    };
    assert_same(&shape("bolt"), &shape("crm"), "clone and template");
}
