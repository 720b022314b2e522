//! The pasted dry run of a feature is the run; undo is the way back, byte for byte of a dump.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::fixtures::ZOO;
use tenant_guard_tests::sql::{execute, number};
use tenant_guard_tests::steps::{apply, call, script, undo_script};
use tenant_guard_tests::Database;

/// `prepare` has run on both copies; `arguments` are those of the function.
#[track_caller]
fn there_and_back(function: &str, arguments: &str, prepare: &str) {
    let (real, copy) = (Database::fresh(), Database::fresh());
    for database in [&real, &copy] {
        database.load(ZOO);
        database.load(prepare);
    }
    let original = real.schema();
    assert_same(&copy.schema(), &original, "the copies start alike");
    let (dry, run) = if function == "create_table" {
        (format!("{function}({arguments}, dry_run => true)"), format!("{function}({arguments})"))
    } else {
        (format!("{function}_dry_run({arguments})"), format!("{function}({arguments})"))
    };
    let mut session = real.connect(OWNER);
    let plan = call(&mut session, &dry);
    assert!(!plan.is_empty(), "{dry}: nothing to do");
    assert_same(&real.schema(), &original, "a dry run changes nothing");

    copy.paste_well(OWNER, &script(&plan));
    let change = apply(&mut session, &run);
    let applied = real.schema();
    assert_ne!(applied, original, "{run}: changed nothing");
    assert_same(&copy.schema(), &applied, "pasted SQL equals the run");
    if function != "create_table" {
        assert_eq!(call(&mut session, &run), [], "{run}: run again");
        assert_eq!(call(&mut copy.connect(OWNER), &dry), [], "{dry}: after pasting");
    }

    let undone = apply(&mut session, &format!("undo({change})"));
    assert_same(&real.schema(), &original, "undo gives back the original");
    let again = apply(&mut session, &format!("undo({undone})"));
    assert_same(&real.schema(), &applied, "undo of undo does it again");
    apply(&mut session, &format!("undo({again})"));
    assert_same(&real.schema(), &original, "and back once more");
    copy.paste_well(OWNER, &undo_script(&plan));
    assert_same(&copy.schema(), &original, "the pasted undo column");
}

const ALL: &str = "'dual_id', 'tenant', 'timestamps', 'actors', 'soft_delete', 'version', 'status:a,it''s', 'access', 'audit'";

#[test]
fn all_features_of_a_table() {
    there_and_back("add_feature", &format!("'crm.contacts', {ALL}"), "");
}

#[test]
fn an_index_that_becomes_partial_is_made_up_for() {
    there_and_back(
        "add_feature",
        "'crm.contacts', 'tenant', 'soft_delete'",
        "ALTER TABLE crm.contacts DROP CONSTRAINT contacts_organization_id_id_key, ADD UNIQUE (organization_id, email);",
    );
}

#[test]
fn features_of_a_partitioned_table() {
    there_and_back(
        "add_feature",
        "'crm.events', 'tenant', 'timestamps', 'actors:{\"type\": \"text\"}', 'soft_delete', 'version', 'status:a,b'",
        "ALTER TABLE crm.events ADD UNIQUE (organization_id, at, kind);",
    );
}

#[test]
fn features_of_an_inheritance_tree() {
    there_and_back(
        "add_feature",
        "'crm.documents', 'dual_id', 'tenant', 'timestamps', 'soft_delete', 'version', 'access'",
        "ALTER TABLE crm.leases ADD UNIQUE (title);",
    );
}

#[test]
fn features_of_quoted_and_hostile_names() {
    let references = "'tenant:{\"references\": \"crm.organizations\"}'";
    for table in [r#"'"Acme Co"."order"'"#, r#"'"Acme Co"."we""ird''; table\ $$"'"#] {
        let arguments = format!(
            "{table}, {references}, 'dual_id', 'timestamps', 'actors', 'soft_delete', 'version', E'status:a\\\\,b''', 'audit'"
        );
        there_and_back("add_feature", &arguments, "");
    }
}

#[test]
fn features_of_names_of_63_bytes() {
    let table = "'crm.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    there_and_back("add_feature", &format!("{table}, {ALL}"), "");
}

#[test]
fn the_way_out_of_features() {
    there_and_back(
        "drop_feature",
        "'crm.contacts', 'timestamps', 'actors', 'soft_delete', 'version', 'status', 'access', 'audit', 'tenant'",
        "SELECT * FROM tenant_guard.add_feature('crm.contacts', 'timestamps', 'actors', 'soft_delete', 'version', 'status:a,b', 'access', 'audit');
         COMMENT ON TRIGGER tenant_guard_soft_delete ON crm.contacts IS 'it''s ours';
         ALTER TABLE crm.contacts DISABLE TRIGGER tenant_guard_conventions;",
    );
}

#[test]
fn columns_come_back_where_there_was_no_row() {
    there_and_back(
        "drop_feature",
        r#"'crm.tags', 'version:{"columns": "drop"}', 'tenant:{"columns": "drop"}'"#,
        "SELECT * FROM tenant_guard.add_feature('crm.tags', 'tenant');
         SELECT * FROM tenant_guard.add_feature('crm.tags', 'version');",
    );
}

#[test]
fn a_new_table() {
    there_and_back(
        "create_table",
        "'crm.leads', 'name text NOT NULL UNIQUE, -- it''s a name\n CHECK (name <> '''')', \
         '{dual_id,tenant,timestamps,actors,version,\"status:new,won\",access,audit}'",
        "",
    );
    there_and_back(
        "create_table",
        r#"'"Acme Co"."we""ird\ $$ new"', '"or der" int', '{soft_delete,timestamps}'"#,
        "",
    );
}

#[test]
fn a_new_table_with_rows_is_not_undone() {
    let database = Database::fresh();
    database.load(ZOO);
    let mut owner = database.connect(OWNER);
    let change = apply(&mut owner, "create_table('crm.leads', 'name text', '{timestamps}')");
    execute(&mut owner, "INSERT INTO crm.leads (name) VALUES ('x')");
    tenant_guard_tests::sql::expect_clear_error(
        &mut owner,
        &format!("SELECT * FROM tenant_guard.undo({change})"),
        "55000",
    );
    assert_eq!(number(&mut owner, "SELECT count(*) FROM crm.leads"), 1);
}
