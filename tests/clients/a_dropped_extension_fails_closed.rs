//! DROP EXTENSION: refused while something depends on it; with CASCADE the tables close, and nothing is lost.

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{claims, execute, expect_error, number, rows, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

const DROP: &str = "DROP EXTENSION tenant_guard";
const CASCADE: &str = "DROP EXTENSION tenant_guard CASCADE";

/// PostgreSQL makes the schema that a control file names, and does not count it among the
/// extension's objects: it stays, empty, and the NOTICE of DROP EXTENSION says so.
#[test]
fn an_unused_extension_leaves_only_its_empty_schema() {
    let database = Database::empty_in(tenant_guard_tests::cluster::shared());
    database.load(ZOO);
    let original = database.schema();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE EXTENSION tenant_guard");
    execute(&mut admin, DROP);
    // Without CASCADE: refused if anything were left in it.
    execute(&mut admin, "DROP SCHEMA tenant_guard");
    assert_eq!(database.schema(), original);
}

#[test]
fn it_refuses_while_a_policy_depends_on_it() {
    let database = protected_crm();
    let before = database.schema();
    expect_error(&mut database.admin(), DROP, "2BP01");
    assert_eq!(database.schema(), before);
}

#[test]
fn it_refuses_while_a_table_is_audited() {
    let database = Database::fresh();
    database.load(TENANCY);
    apply(&mut database.connect(OWNER), "enable_audit('crm.contacts')");
    expect_error(&mut database.admin(), DROP, "2BP01");
}

#[test]
fn cascade_closes_the_tables_and_keeps_the_data() {
    let database = protected_crm();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "enable_audit('crm.contacts', tenant_column => 'organization_id')");
    let mut admin = database.admin();
    execute(&mut admin, CASCADE);

    let flags = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'crm.contacts'::regclass";
    assert_eq!(text(&mut admin, flags).as_deref(), Some("t"));
    assert_eq!(contacts(&mut admin), CONTACTS_OF_A + CONTACTS_OF_B);
    assert_eq!(contacts(&mut owner), 0, "the owner is forced, too");
    let mut visitor = database.connect(VISITOR);
    execute(&mut visitor, "BEGIN");
    execute(&mut visitor, &claims(ALICE, Some(ORG_A)));
    assert_eq!(contacts(&mut visitor), 0);
    let insert =
        format!("INSERT INTO crm.contacts (organization_id, name) VALUES ('{ORG_A}', 'x')");
    expect_error(&mut visitor, &insert, "42501");

    let left = rows(
        &mut admin,
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'crm.contacts'::regclass AND NOT tgisinternal",
    );
    assert_eq!(left, Vec::<Vec<Option<String>>>::new());
    // With the triggers gone the table works for whoever may write.
    execute(&mut admin, &insert);
    execute(&mut admin, "CREATE EXTENSION tenant_guard");
}

#[test]
fn cascade_keeps_tenant_schemas_with_their_data() {
    let database = Database::fresh();
    database.load(TENANCY);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "create_tenant_schema('north', 'crm', tenant_role => 'visitor')");
    execute(
        &mut owner,
        &format!(
            "INSERT INTO north.organizations VALUES ('{ORG_A}', 'A');
                  INSERT INTO north.contacts (organization_id, name) VALUES ('{ORG_A}', 'Nora')"
        ),
    );
    execute(&mut database.admin(), CASCADE);
    let kept = text(&mut database.admin(), "SELECT string_agg(name, ',') FROM north.contacts");
    assert_eq!(kept.as_deref(), Some("Nora"));
    assert_eq!(number(&mut owner, "SELECT count(*) FROM north.contacts"), 1);
}
