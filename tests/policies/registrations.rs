//! What is registered of a table follows it: through other names, through a dump, to its end.

use tenant_guard_tests::cluster::{success, OWNER};
use tenant_guard_tests::fixtures::{ALICE, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, number, rows};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

use crate::stage::{asking, fresh, grant_everything, protected};

fn restored(original: &Database) -> Database<'static> {
    let copy = Database::empty_in(tenant_guard_tests::cluster::shared());
    success(copy.paste("postgres", &original.dump(&[])), "restored");
    copy
}

fn registered(database: &Database) -> Vec<String> {
    let all = "SELECT format('%I.%I %s %s', table_schema, table_name, scope, drift) FROM tenant_guard.protected_tables ORDER BY 1";
    rows(&mut database.connect(OWNER), all)
        .into_iter()
        .filter_map(|mut row| row.remove(0))
        .collect()
}

#[test]
fn of_a_table_that_is_gone_nothing_is_left() {
    let database = protected("");
    execute(&mut database.connect(OWNER), "DROP TABLE zoo.t");
    assert_eq!(registered(&database), Vec::<String>::new());
    let copy = restored(&database);
    assert_eq!(registered(&copy), Vec::<String>::new());
}

#[test]
fn of_a_table_made_again_the_new_options_count_in_the_copy_too() {
    let database = protected("");
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "DROP TABLE zoo.t; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL)",
    );
    assert_eq!(registered(&database), Vec::<String>::new(), "not protected yet");
    apply(&mut owner, "protect_table('zoo.t', scope => 'member')");
    assert_eq!(registered(&database), ["zoo.t member {}"]);
    let copy = restored(&database);
    assert_eq!(registered(&copy), ["zoo.t member {}"]);
    assert_eq!(call(&mut copy.connect(OWNER), "protect_table('zoo.t', scope => 'member')"), []);
}

#[test]
fn of_a_table_made_again_and_left_open_nothing_is_registered_in_the_copy() {
    let database = protected("");
    execute(
        &mut database.connect(OWNER),
        "DROP TABLE zoo.t; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL)",
    );
    assert_eq!(registered(&restored(&database)), Vec::<String>::new());
}

#[test]
fn other_names_owners_and_places_are_known_in_the_copy() {
    for change in [
        "ALTER TABLE zoo.t RENAME TO other",
        "CREATE SCHEMA far; ALTER TABLE zoo.t SET SCHEMA far",
        "ALTER SCHEMA zoo RENAME TO far",
        "GRANT CREATE, USAGE ON SCHEMA zoo TO other_owner; ALTER TABLE zoo.t OWNER TO other_owner",
    ] {
        let database = protected("");
        execute(&mut database.connect(OWNER), change);
        let before = registered(&database);
        assert_eq!(before.len(), 1, "{change}");
        assert!(before[0].ends_with("{}"), "{change}: {before:?}");
        assert_eq!(registered(&restored(&database)), before, "{change}");
    }
}

#[test]
fn a_later_partition_of_a_renamed_table_is_protected_in_the_copy() {
    let database = fresh();
    database.load("CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL) PARTITION BY RANGE (id)");
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "ALTER TABLE zoo.t RENAME TO events");
    let copy = restored(&database);
    copy.load("CREATE TABLE zoo.p PARTITION OF zoo.events DEFAULT");
    let mut admin = copy.admin();
    execute(&mut admin, &format!("GRANT SELECT ON zoo.p TO authenticated; INSERT INTO zoo.p VALUES (1, '{ORG_A}'), (2, '{ORG_B}')"));
    let mut alice = asking(&copy, ALICE, &format!(r#""{ORG_A}""#));
    assert_eq!(alice.number("SELECT count(*) FROM zoo.p"), 1);
}

#[test]
fn tables_that_swap_their_names_keep_their_options_in_the_copy() {
    let database = protected("");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TABLE zoo.u (id int, organization_id uuid NOT NULL)");
    apply(&mut owner, "protect_table('zoo.u', scope => 'member')");
    execute(&mut owner, "ALTER TABLE zoo.t RENAME TO x; ALTER TABLE zoo.u RENAME TO t; ALTER TABLE zoo.x RENAME TO u");
    let before = registered(&database);
    assert_eq!(before, ["zoo.t member {}", "zoo.u active {}"]);
    assert_eq!(registered(&restored(&database)), before);
}

#[test]
fn a_copy_of_a_copy_knows_them_too() {
    let database = protected(
        ", permissions => '{\"select\": \"member\", \"update\": [\"admin\", \"it''s\"]}'",
    );
    let before = registered(&database);
    let copy = restored(&database);
    assert_eq!(registered(&copy), before);
    apply(&mut copy.connect(OWNER), "protect_table('zoo.t', scope => 'member')");
    assert_eq!(registered(&restored(&copy)), ["zoo.t member {}"]);
}

#[test]
fn options_that_change_plan_the_difference_and_undo_one_by_one() {
    let database = protected("");
    let mut owner = database.connect(OWNER);
    let mut dumps = vec![database.schema()];
    let mut changes = vec![];
    for options in [
        ", scope => 'member'",
        ", permissions => '{\"select\": \"member\", \"delete\": [\"admin\", \"t:x\"]}'",
        ", shared => 'body IS NULL', roles => '{public}'",
        ", roles => '{anon,authenticated,anon}'",
        ", roles => '{authenticated,anon}', scope => 'member', shared => 'body IS NULL'",
        "",
    ] {
        let run = format!("protect_table('zoo.t'{options})");
        changes.push(apply(&mut owner, &run));
        assert_eq!(call(&mut owner, &run), [], "{run}");
        assert!(registered(&database)[0].ends_with("{}"), "{run}: {:?}", registered(&database));
        dumps.push(database.schema());
    }
    assert_eq!(dumps.first(), dumps.last(), "the first options again");
    for (change, before) in changes.iter().zip(&dumps).rev() {
        apply(&mut owner, &format!("undo({change})"));
        tenant_guard_tests::database::assert_same(&database.schema(), before, "undone");
        assert!(registered(&database)[0].ends_with("{}"), "{:?}", registered(&database));
    }
}

#[test]
fn roles_that_have_columns_only_get_their_rows() {
    let database = protected("");
    let mut admin = database.admin();
    execute(
        &mut admin,
        "REVOKE ALL ON zoo.t FROM authenticated; GRANT SELECT (id, body), INSERT (id, body), UPDATE (body), DELETE ON zoo.t TO authenticated",
    );
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    assert_eq!(alice.out("SELECT id, body FROM zoo.t").rows, ["1|a"]);
    alice
        .try_commit("INSERT INTO zoo.t (id, body) VALUES (3, 'new')")
        .expect("the tenant by default");
    assert_eq!(alice.try_commit("UPDATE zoo.t SET body = 'x'").expect("hers").touched, 2);
    alice.refused("SELECT organization_id FROM zoo.t", &["42501"]);
    assert_eq!(alice.try_commit("DELETE FROM zoo.t").expect("hers").touched, 2);
    assert_eq!(number(&mut admin, "SELECT count(*) FROM zoo.t"), 1);
}
