//! Roles and permissions hold in the organization that they were given in, and in no other.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, rows, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

use crate::memberships_decide::{LIVELY, REGISTER_LIVELY};

#[track_caller]
fn claim(client: &mut Client, claims: &str) {
    execute(client, &format!("BEGIN; SET LOCAL request.jwt.claims = '{claims}'"));
}

fn roles(client: &mut Client) -> String {
    text(client, "SELECT tenant_guard.roles()::text").expect("never NULL")
}

fn org(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.org_id_text()")
}

#[test]
fn of_several_claimed_organizations_none_is_active_until_one_is_chosen() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    claim(&mut client, &format!(r#"{{"sub":"{CAROL}","org_id":["{ORG_A}","{ORG_B}"]}}"#));
    assert_eq!(org(&mut client), None);
    assert_eq!(contacts(&mut client), 0);
    execute(&mut client, &format!("SAVEPOINT s; SELECT tenant_guard.set_org('{ORG_B}')"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    execute(&mut client, "ROLLBACK TO s");
    assert_eq!(org(&mut client), None);
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_A}')"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, "ROLLBACK");
    claim(&mut client, &format!(r#"{{"sub":"{ALICE}","org_id":["{ORG_A}","{ORG_B}"]}}"#));
    expect_clear_error(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"), "42501");
}

#[test]
fn a_choice_is_void_for_the_next_user_of_the_transaction() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    claim(&mut client, &format!(r#"{{"sub":"{CAROL}"}}"#));
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B);
    for person in [MALLORY, ALICE, ""] {
        execute(&mut client, &format!(r#"SET LOCAL request.jwt.claims = '{{"sub":"{person}"}}'"#));
        assert_eq!(org(&mut client), None, "{person}");
        assert_eq!(contacts(&mut client), 0, "{person}");
    }
    execute(&mut client, &format!(r#"SET LOCAL request.jwt.claims = '{{"sub":"{CAROL}"}}'"#));
    assert_eq!(contacts(&mut client), CONTACTS_OF_B, "hers still");
}

#[test]
fn the_tokens_roles_do_not_follow_into_another_organization() {
    let database = Database::fresh();
    database.load(TENANCY);
    // Without a column of roles, they are the token's.
    apply(&mut database.admin(), "use_membership('crm.members', 'user_id', 'organization_id')");
    let mut client = database.connect(VISITOR);
    let token = |org: &str| {
        format!(
            r#"{{"sub":"{CAROL}",{org}"app_metadata":{{"roles":["admin"],"permissions":["leads:*"]}}}}"#
        )
    };
    let seen = "SELECT tenant_guard.roles()::text, tenant_guard.permissions()::text, tenant_guard.has_role('admin'),
                       tenant_guard.has_permission('leads:write')";
    let all = ["{admin}", "{leads:*}", "t", "t"].map(|text| Some(text.to_owned()));
    let nothing = ["{}", "{}", "f", "f"].map(|text| Some(text.to_owned()));
    claim(&mut client, &token(&format!(r#""org_id":"{ORG_A}","#)));
    assert_eq!(rows(&mut client, seen).concat(), all);
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"));
    assert_eq!(rows(&mut client, seen).concat(), nothing);
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_A}')"));
    assert_eq!(rows(&mut client, seen).concat(), all);
    execute(&mut client, "SAVEPOINT s");
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"));
    expect_clear_error(&mut client, "SELECT tenant_guard.require_role('admin')", "42501");
    execute(&mut client, "ROLLBACK");
    // A token of several organizations does not say in which of them it means the roles.
    claim(&mut client, &token(&format!(r#""org_id":["{ORG_A}","{ORG_B}"],"#)));
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_A}')"));
    assert_eq!(rows(&mut client, seen).concat(), nothing);
    execute(&mut client, "ROLLBACK");
    // Nor does one of an organization that the user is not in.
    claim(&mut client, &token(r#""org_id":"cccccccc-0000-4000-8000-000000000003","#));
    assert_eq!(rows(&mut client, seen).concat(), nothing);
}

#[test]
fn where_memberships_have_roles_the_tokens_are_nothing() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    for (org, expected) in [(ORG_A, "{viewer}"), (ORG_B, "{admin}")] {
        claim(
            &mut client,
            &format!(
                r#"{{"sub":"{CAROL}","org_id":"{org}","user_role":"owner","permissions":["*"]}}"#
            ),
        );
        assert_eq!(roles(&mut client), expected);
        let may =
            "SELECT tenant_guard.has_role('owner') OR tenant_guard.has_permission('leads:read')";
        assert_eq!(text(&mut client, may).as_deref(), Some("f"));
        execute(&mut client, "COMMIT");
    }
    // The column gone, there are none; the token does not step in.
    database.load("ALTER TABLE crm.members DROP COLUMN role");
    claim(&mut client, &format!(r#"{{"sub":"{CAROL}","org_id":"{ORG_B}","user_role":"owner"}}"#));
    assert_eq!(roles(&mut client), "{}");
    assert_eq!(org(&mut client).as_deref(), Some(ORG_B));
}

#[test]
fn roles_in_an_array_count_each_and_permissions_come_by_wildcard_and_inheritance() {
    let database = Database::fresh();
    database.load(LIVELY);
    let mut admin = database.admin();
    execute(&mut admin, REGISTER_LIVELY);
    for call in [
        "set_role_permissions('viewer', '{leads:read,reports:*}')",
        "set_role_permissions('admin', '{leads:*,a:b:*}', inherits => '{viewer}')",
        "set_role_permissions('billing', '{invoices:pay}')",
        "set_role_permissions('owner', '{*}', inherits => '{admin}')",
    ] {
        execute(&mut admin, &format!("SELECT tenant_guard.{call}"));
    }
    let mut client = database.connect(VISITOR);
    let may = |client: &mut Client, permission: &str| {
        let asked = format!("SELECT tenant_guard.has_permission('{permission}')");
        text(client, &asked).as_deref() == Some("t")
    };
    claim(&mut client, r#"{"sub":"carol","org_id":"b"}"#);
    assert_eq!(roles(&mut client), "{admin,billing,viewer}");
    for permission in [
        "leads:read",
        "leads:write",
        "leads:x:y",
        "reports:read",
        "invoices:pay",
        "a:b:c",
        "leads:*",
    ] {
        assert!(may(&mut client, permission), "{permission}");
    }
    for permission in [
        "",
        "*",
        "leads",
        "leads:",
        "leadsx:read",
        "LEADS:read",
        "invoices:*",
        "invoices:pay:twice",
        "a:c",
        "a:*",
        "b",
        " leads:read",
    ] {
        assert!(!may(&mut client, permission), "{permission}");
    }
    execute(&mut client, "SELECT tenant_guard.set_org_text('a')");
    assert_eq!(roles(&mut client), "{viewer}");
    assert!(may(&mut client, "leads:read") && !may(&mut client, "leads:write"));
    expect_clear_error(
        &mut client,
        "SELECT tenant_guard.require_permission('leads:write')",
        "42501",
    );
    execute(&mut client, "ROLLBACK");
    // A NULL for roles is none.
    claim(&mut client, r#"{"sub":"dave","org_id":"b"}"#);
    assert_eq!((org(&mut client).as_deref(), roles(&mut client).as_str()), (Some("b"), "{}"));
    assert!(!may(&mut client, "leads:read"));
    execute(&mut client, "COMMIT");
    // What an administrator changes holds in the sessions that are open.
    execute(&mut admin, "SELECT tenant_guard.set_role_permissions('viewer', NULL)");
    claim(&mut client, r#"{"sub":"carol","org_id":"a"}"#);
    assert!(!may(&mut client, "leads:read"));
    for (permissions, inherits) in [
        ("{leads:*:read}", "{}"),
        ("{le*}", "{}"),
        ("{*:read}", "{}"),
        ("{a::b}", "{}"),
        ("{\" \"}", "{}"),
        ("{x:y}", "{owner}"),
    ] {
        let call = format!(
            "SELECT tenant_guard.set_role_permissions('admin', '{permissions}', '{inherits}')"
        );
        expect_clear_error(&mut admin, &call, "22023");
    }
}
