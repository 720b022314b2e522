//! No function of the extension does anything to a table of someone else. Every function is found in the catalog and
//! called with arguments that aim at another owner's objects, so that a new one is held to it without a new test.

use crate::aim::{calls, functions};
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::database::trigger_functions;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{
    db_error, execute, expect_clear_error, expect_error, number, rows, session_claims, try_rows,
};
use tenant_guard_tests::steps::{apply, call, change_of};
use tenant_guard_tests::Database;

/// A protected and audited CRM with a tenant schema, all of it the owner's, and the change that protected it.
fn owners_database() -> (Database<'static>, i64) {
    let database = protected_crm();
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "enable_audit('crm.contacts', tenant_column => 'organization_id')");
    apply(&mut owner, "create_tenant_schema('acme', 'crm', tenant_role => 'app_owner')");
    let change = "SELECT max(id) FROM tenant_guard.change WHERE operation = 'protect_table'";
    let change = number(&mut database.admin(), change);
    execute(
        &mut database.admin(),
        "GRANT USAGE ON SCHEMA crm TO other_owner; GRANT ALL ON ALL TABLES IN SCHEMA crm TO other_owner",
    );
    // The right to make schemas has a test of its own.
    execute(
        &mut database.admin(),
        &format!("REVOKE CREATE ON DATABASE {} FROM other_owner", database.name),
    );
    (database, change)
}

/// Parameters through which a function is told what to touch.
const TARGETS: [&str; 5] = ["table", "membership", "template", "change_id", "slug"];

/// Called about tables of others: they write a query, note that somebody looked, tell what pg_policy shows
/// everybody, count what the catalog shows everybody, say nothing, or read what the caller may read of the audit trail.
const FOR_READERS: [&str; 11] = [
    "tenant_guard.audit_table_key",
    "tenant_guard.changes_between",
    "tenant_guard.row_as_of",
    "tenant_guard.row_history",
    "tenant_guard.table_as_of",
    "tenant_guard.page_query",
    "tenant_guard.template_fingerprint",
    "tenant_guard.recommend_strategy",
    "tenant_guard.log_access",
    "tenant_guard.protection_drift",
    "tenant_guard.has_floor",
];

/// Those that go by the caller's own rights on rows, or, unless a table is named, by the caller's own
/// tables or tenants: pg_regress/soft_delete, pg_regress/audit and runs_over_tenants show that they keep to them.
const OF_ONES_OWN: [&str; 5] = [
    "tenant_guard.restore_row",
    "tenant_guard.purge_deleted",
    "tenant_guard.undo_row",
    "tenant_guard.begin_tenant_run",
    "tenant_guard.run_for_tenants",
];

#[test]
fn no_function_changes_anything_of_another_owner() {
    let (database, change) = owners_database();
    let functions = functions(&mut database.admin());
    for known in [
        "protect_table",
        "enable_audit",
        "undo",
        "create_tenant_schema",
        "drop_tenant_schema",
        "sync_tenant_schema",
        "use_tenant",
        "use_membership",
    ] {
        let name = format!("tenant_guard.{known}");
        assert!(functions.iter().any(|function| function.name == name), "{known}");
    }
    let contents = || {
        let mut contents = database.contents();
        // What anybody does is recorded there, and log_event is for everybody.
        contents.remove("tenant_guard.security_event").expect("it is there");
        contents
    };
    let before = (database.schema(), contents());
    // Privileges on the tables, a schema of one's own, the right to create more: none of it is ownership.
    for role in [VISITOR, OTHER_OWNER] {
        let mut client = database.connect(role);
        execute(&mut client, &session_claims(MALLORY, None));
        let mut accepted = Vec::new();
        for function in &functions {
            let has = |wanted: &str| function.parameters.iter().any(|(name, _)| name == wanted);
            let slug = if function.name.contains("create") { "intruder" } else { "acme" };
            let own = OF_ONES_OWN.contains(&function.name.as_str());
            let own = own || FOR_READERS.contains(&function.name.as_str());
            let aims = !own && TARGETS.iter().any(|target| has(target));
            for call in calls(function, change, slug) {
                match try_rows(&mut client, &call) {
                    // It names nothing of anybody's, and so is about the caller's own.
                    Ok(_) if call.ends_with("()") => (),
                    Ok(_) => accepted.push(call),
                    Err(error) if aims => {
                        db_error(&error, &call, "42501");
                    }
                    Err(_) => (),
                }
            }
            let last = accepted.last();
            assert!(
                !aims || last.is_none_or(|call| !call.contains(&function.name)),
                "{role}: {last:?}"
            );
        }
        let after = (database.schema(), contents());
        assert_eq!(after, before, "{role}: one of {accepted:#?}");
    }
}

#[test]
fn a_dry_run_shows_a_stranger_nothing_of_anothers_table() {
    let (database, change) = owners_database();
    let mut client = database.connect(OTHER_OWNER);
    for call in [
        "protect_table('crm.invoices', dry_run => true)",
        "unprotect_table('crm.contacts', dry_run => true)",
        "enable_audit('crm.invoices', dry_run => true)",
        "disable_audit('crm.contacts', dry_run => true)",
        "drop_tenant_schema('acme', 'acme', dry_run => true)",
        "tenant_drift('acme')",
        "sync_tenant_schema('acme', dry_run => true)",
        "rename_tenant_schema('acme', 'mine', dry_run => true)",
        "archive_tenant_schema('acme', dry_run => true)",
        "move_tenant_schema('acme', 'other_owner', dry_run => true)",
        &format!("undo({change}, dry_run => true)"),
    ] {
        let call = format!("SELECT * FROM tenant_guard.{call}");
        expect_clear_error(&mut client, &call, "42501");
    }
}

#[test]
fn a_template_is_cloned_by_whoever_may_use_it_and_stays_as_it_is() {
    let database = protected_crm();
    execute(&mut database.admin(), "GRANT USAGE ON SCHEMA crm TO other_owner");
    let of_owner = |database: &Database| {
        let rows = database.contents().get("crm.contacts").cloned();
        (database.dump(&["-n", "crm"]), rows)
    };
    let before = of_owner(&database);
    let mut other = database.connect(OTHER_OWNER);
    // Making another role's template again runs what that role chose: not unasked.
    let unasked =
        "SELECT * FROM tenant_guard.create_tenant_schema('mine', 'crm', tenant_role => 'visitor')";
    expect_clear_error(&mut other, unasked, "42501");
    let clone =
        "create_tenant_schema('mine', 'crm', tenant_role => 'visitor', trust_template => true)";
    let made = call(&mut other, clone);
    assert_eq!(of_owner(&database), before);
    let not_mine = "SELECT count(*) FROM pg_class WHERE relnamespace = 'mine'::regnamespace AND relowner <> 'other_owner'::regrole";
    assert_eq!(number(&mut database.admin(), not_mine), 0);
    // What another one made under a slug stays his.
    let drop = "SELECT * FROM tenant_guard.drop_tenant_schema('mine', 'mine')";
    expect_clear_error(&mut database.connect(OWNER), drop, "42501");
    apply(&mut other, &format!("undo({})", change_of(&made, "create_tenant_schema")));

    execute(&mut database.admin(), "REVOKE USAGE ON SCHEMA crm FROM other_owner");
    expect_clear_error(&mut other, &format!("SELECT * FROM tenant_guard.{clone}"), "42501");
}

/// Whoever owns a table may attach them: they write the row that they are fired for and no other table, or refuse it.
const OF_THE_ROW: [&str; 3] = ["keep_conventions", "soft_delete", "keep_tenant"];

#[test]
fn a_trigger_function_cannot_be_attached_by_an_ordinary_role() {
    let (database, _) = owners_database();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE SCHEMA home AUTHORIZATION visitor");
    let mut client = database.connect(VISITOR);
    execute(
        &mut client,
        "CREATE TEMP TABLE contacts (id int PRIMARY KEY, organization_id uuid);
         CREATE TABLE home.contacts (id int PRIMARY KEY, organization_id uuid);
         CREATE VIEW home.seen AS TABLE home.contacts",
    );
    let functions = trigger_functions(&mut admin);
    assert!(!functions.is_empty(), "auditing works through triggers");
    let trail = database.contents();
    let writes_elsewhere = |f: &&String| !OF_THE_ROW.iter().any(|own| f.contains(own));
    for function in functions.iter().filter(writes_elsewhere) {
        for (moment, table) in [
            ("AFTER INSERT OR UPDATE OR DELETE", "pg_temp.contacts FOR EACH ROW"),
            ("AFTER INSERT OR UPDATE OR DELETE", "home.contacts FOR EACH ROW"),
            ("AFTER TRUNCATE", "home.contacts FOR EACH STATEMENT"),
            ("BEFORE INSERT", "home.contacts FOR EACH STATEMENT"),
            ("INSTEAD OF INSERT", "home.seen FOR EACH ROW"),
        ] {
            let attack =
                format!("CREATE TRIGGER forge {moment} ON {table} EXECUTE FUNCTION {function}");
            expect_error(&mut client, &attack, "42501");
        }
        expect_error(&mut client, &format!("SELECT {}", function), "42501");
    }
    execute(
        &mut client,
        &format!("INSERT INTO home.contacts VALUES (1, '{ORG_A}'); TRUNCATE home.contacts"),
    );
    assert_eq!(database.contents(), trail);
}

#[test]
fn a_trigger_function_attached_by_hand_forges_no_event_of_another_table() {
    let (database, _) = owners_database();
    // The migration role may attach it, with whatever arguments the real triggers have.
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE SCHEMA home; CREATE TABLE home.fake (LIKE crm.contacts INCLUDING ALL)",
    );
    let real = rows(
        &mut owner,
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'crm.contacts'::regclass AND NOT tgisinternal",
    );
    assert!(!real.is_empty());
    for definition in real {
        let definition = definition[0].clone().expect("a definition");
        let forged = definition.replace(" ON crm.contacts ", " ON home.fake ");
        assert_ne!(forged, definition);
        execute(&mut owner, &forged);
    }
    for attack in [
        format!("INSERT INTO home.fake (organization_id, name) VALUES ('{ORG_B}', 'forged')"),
        "UPDATE home.fake SET name = 'x'".to_owned(),
        "DELETE FROM home.fake".to_owned(),
        "TRUNCATE home.fake".to_owned(),
    ] {
        // To refuse is as good as to tell where the event came from.
        let _ = try_rows(&mut owner, &attack);
    }
    let lied = "SELECT count(*) FROM tenant_guard.audit_log WHERE (table_schema, table_name) <> ('home', 'fake')";
    assert_eq!(number(&mut database.admin(), lied), 0);
}

#[test]
fn administrative_functions_are_not_for_everyone() {
    let (database, _) = owners_database();
    let mut client = database.connect(VISITOR);
    let call =
        "SELECT * FROM tenant_guard.use_membership('crm.members', 'user_id', 'organization_id')";
    expect_error(&mut client, call, "42501");
    // Not even for the owner of a table that would do.
    execute(&mut database.admin(), "CREATE SCHEMA own AUTHORIZATION other_owner");
    let mut other = database.connect(OTHER_OWNER);
    execute(&mut other, "CREATE TABLE own.members (user_id uuid, organization_id uuid)");
    expect_error(&mut other, &call.replace("crm.", "own."), "42501");
}
