//! The journal is read by the roles that own what it tells of, and by nobody else.

use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, text, try_rows};
use tenant_guard_tests::steps::{apply, call, try_call};
use tenant_guard_tests::Database;

/// How many rows a role sees; a refusal counts as none.
fn sees(database: &Database, role: &str, relation: &str, condition: &str) -> i64 {
    let query = format!("SELECT count(*) FROM tenant_guard.{relation} WHERE {condition}");
    match try_rows(&mut database.connect(role), &query) {
        Ok(found) => found[0][0].as_deref().expect("a count").parse().expect("a number"),
        Err(error) => {
            let code = error.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("42501"), "{query}\n{error:?}");
            0
        }
    }
}

#[test]
fn an_owner_reads_the_changes_to_his_own_tables_only() {
    let database = protected_crm();
    execute(
        &mut database.connect(OTHER_OWNER),
        "CREATE SCHEMA shop; CREATE TABLE shop.goods (id int PRIMARY KEY, organization_id uuid NOT NULL)",
    );
    let goods = apply(&mut database.connect(OTHER_OWNER), "protect_table('shop.goods')");
    let crm = "SELECT max(id) FROM tenant_guard.change WHERE operation = 'protect_table' AND target LIKE '%contacts%'";
    let crm = number(&mut database.admin(), crm);

    for (relation, column) in [("change", "id"), ("change_step", "change_id")] {
        let (of_crm, of_goods) = (format!("{column} = {crm}"), format!("{column} = {goods}"));
        assert!(sees(&database, OWNER, relation, &of_crm) > 0, "{relation}");
        assert_eq!(sees(&database, OWNER, relation, &of_goods), 0, "{relation}");
        assert!(sees(&database, OTHER_OWNER, relation, &of_goods) > 0, "{relation}");
        assert_eq!(sees(&database, OTHER_OWNER, relation, &of_crm), 0, "{relation}");
        assert_eq!(sees(&database, VISITOR, relation, "true"), 0, "{relation}");
    }
}

#[test]
fn the_journal_goes_with_the_table_to_its_next_owner() {
    let database = protected_crm();
    let of_contacts = "target LIKE '%contacts%'";
    assert!(sees(&database, OWNER, "change", of_contacts) > 0);
    execute(
        &mut database.admin(),
        "GRANT USAGE, CREATE ON SCHEMA crm TO other_owner; ALTER TABLE crm.contacts OWNER TO other_owner",
    );
    assert!(sees(&database, OTHER_OWNER, "change", of_contacts) > 0);
    assert_eq!(sees(&database, OWNER, "change", of_contacts), 0);

    let change = number(
        &mut database.admin(),
        "SELECT max(id) FROM tenant_guard.change WHERE operation = 'protect_table'",
    );
    let (schema, contents) = (database.schema(), database.contents());
    for force in ["false", "true"] {
        let undo = format!("SELECT * FROM tenant_guard.undo({change}, force => {force})");
        expect_clear_error(&mut database.connect(OWNER), &undo, "42501");
    }
    assert_eq!((database.schema(), database.contents()), (schema, contents));
    apply(&mut database.connect(OTHER_OWNER), &format!("undo({change})"));
}

#[test]
fn a_change_of_a_dropped_table_is_not_undone_on_its_namesake() {
    let database = protected_crm();
    execute(
        &mut database.admin(),
        "DROP TABLE crm.contacts; GRANT USAGE, CREATE ON SCHEMA crm TO other_owner",
    );
    execute(
        &mut database.connect(OTHER_OWNER),
        "CREATE TABLE crm.contacts (id int PRIMARY KEY, organization_id uuid NOT NULL, secret_of_app_owner text)",
    );
    let change = number(
        &mut database.admin(),
        "SELECT max(id) FROM tenant_guard.change WHERE operation = 'protect_table'",
    );
    let schema = database.schema();
    let undo = format!("undo({change})");
    assert!(try_call(&mut database.connect(OTHER_OWNER), &undo).is_err());
    assert_eq!(database.schema(), schema, "the namesake was never protected");
}

#[test]
fn no_owner_writes_the_journal_by_hand() {
    let database = protected_crm();
    let (schema, contents) = (database.schema(), database.contents());
    let mut owner = database.connect(OWNER);
    for statement in [
        "UPDATE tenant_guard.change SET applied_by = applied_by",
        "UPDATE tenant_guard.change_step SET undo = 'DROP TABLE crm.members;'",
        "DELETE FROM tenant_guard.change_step",
        "DELETE FROM tenant_guard.change",
        "TRUNCATE tenant_guard.change_step",
        "INSERT INTO tenant_guard.change_step OVERRIDING SYSTEM VALUE SELECT * FROM tenant_guard.change_step",
        "INSERT INTO tenant_guard.change OVERRIDING SYSTEM VALUE SELECT * FROM tenant_guard.change",
        "COPY tenant_guard.change_step FROM STDIN",
        "SELECT * FROM tenant_guard.change FOR UPDATE",
    ] {
        expect_error(&mut owner, statement, "42501");
    }
    assert_eq!((database.schema(), database.contents()), (schema, contents));
}

#[test]
fn a_change_that_touches_anothers_child_table_is_refused_whole() {
    let database = Database::fresh();
    execute(
        &mut database.admin(),
        "CREATE SCHEMA mixed; GRANT USAGE, CREATE ON SCHEMA mixed TO PUBLIC;
         CREATE TABLE mixed.parent (id int, organization_id uuid NOT NULL);
         CREATE TABLE mixed.child () INHERITS (mixed.parent);
         CREATE TABLE mixed.parted (id int, organization_id uuid NOT NULL) PARTITION BY LIST (id);
         CREATE TABLE mixed.part PARTITION OF mixed.parted DEFAULT;
         ALTER TABLE mixed.parent OWNER TO other_owner; ALTER TABLE mixed.child OWNER TO app_owner;
         ALTER TABLE mixed.parted OWNER TO other_owner; ALTER TABLE mixed.part OWNER TO app_owner;",
    );
    for function in tenant_guard_tests::database::trigger_functions(&mut database.admin()) {
        execute(
            &mut database.admin(),
            &format!("GRANT EXECUTE ON FUNCTION {function} TO other_owner"),
        );
    }
    let (schema, contents) = (database.schema(), database.contents());
    let mut other = database.connect(OTHER_OWNER);
    for table in ["mixed.parent", "mixed.parted"] {
        for call in ["protect_table", "enable_audit"] {
            let call = format!(
                "SELECT * FROM tenant_guard.{call}('{table}', tenant_column => 'organization_id')"
            );
            expect_clear_error(&mut other, &call, "42501");
        }
    }
    assert_eq!((database.schema(), database.contents()), (schema, contents));
}

#[test]
fn the_trail_shows_an_organization_its_own_and_an_owner_all_of_his_table() {
    let database = protected_crm();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "enable_audit('crm.contacts', tenant_column => 'organization_id')");
    for (person, org) in [(ALICE, ORG_A), (BOB, ORG_B)] {
        let mut client = visit(&database, person, Some(org));
        execute(&mut client, "UPDATE crm.contacts SET name = upper(name); COMMIT");
    }
    let all = "SELECT count(*) FROM tenant_guard.audit_log";
    assert_eq!(number(&mut visit(&database, ALICE, Some(ORG_A)), all), CONTACTS_OF_A);
    assert_eq!(number(&mut visit(&database, BOB, Some(ORG_B)), all), CONTACTS_OF_B);
    assert_eq!(number(&mut visit(&database, MALLORY, None), all), 0);
    assert_eq!(number(&mut database.connect(VISITOR), all), 0);
    assert_eq!(number(&mut owner, all), CONTACTS_OF_A + CONTACTS_OF_B);
    let stranger = try_rows(&mut database.connect(OTHER_OWNER), all);
    let seen = stranger.map(|found| found[0][0].clone());
    assert!(matches!(seen.as_ref().map(|n| n.as_deref()), Err(_) | Ok(Some("0"))), "{seen:?}");
    // The right to see the trail ends with the right to see the table.
    execute(&mut owner, "REVOKE SELECT ON crm.contacts FROM visitor");
    assert_eq!(number(&mut visit(&database, ALICE, Some(ORG_A)), all), 0);
    assert_eq!(
        text(&mut owner, "SELECT DISTINCT db_role FROM tenant_guard.audit_log").as_deref(),
        Some("visitor")
    );
    assert_eq!(
        call(&mut owner, "enable_audit('crm.contacts', tenant_column => 'organization_id')"),
        []
    );
}
