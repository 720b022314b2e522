//! Roles and permissions hold in the organization that they were given in, and in no other.

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
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

/// Two organizations whose ids of text are one UUID, spelled in two ways.
#[test]
fn ids_of_text_that_differ_in_case_alone_are_two_organizations() {
    let (lower, upper) = (ORG_A, ORG_A.to_uppercase());
    let database = Database::fresh();
    database.load(&format!(
        "CREATE SCHEMA app;
         CREATE TABLE app.members (person text, org text, PRIMARY KEY (person, org));
         CREATE TABLE app.projects (id text PRIMARY KEY, org text NOT NULL);
         CREATE TABLE app.notes (organization_id text NOT NULL, body text);
         INSERT INTO app.members VALUES ('carol', '{lower}'), ('carol', '{upper}'), ('alice', '{lower}');
         INSERT INTO app.projects VALUES ('of lower', '{lower}'), ('of upper', '{upper}');
         INSERT INTO app.notes VALUES ('{lower}', 'lower'), ('{upper}', 'upper');
         GRANT USAGE ON SCHEMA app TO {VISITOR}; GRANT SELECT ON app.notes TO {VISITOR}"
    ));
    apply(
        &mut database.admin(),
        "use_membership('app.members', 'person', 'org', project_table => 'app.projects', project_org_column => 'org')",
    );
    apply(&mut database.connect(OWNER), "protect_table('app.notes')");
    let mut client = database.connect(VISITOR);
    let token = |person: &str, org: &str, project: &str| {
        format!(
            r#"{{"sub":"{person}","org_id":"{org}","project_id":"of {project}","app_metadata":{{"roles":["admin"],"permissions":["leads:*"]}}}}"#
        )
    };
    let seen = "SELECT (SELECT string_agg(body, ' ' ORDER BY body) FROM app.notes), tenant_guard.roles()::text,
                       tenant_guard.has_permission('leads:write'), tenant_guard.project_id_text()";
    let expected = |body: &str, roles: &str, may: &str, project: Option<&str>| {
        let [body, roles, may] = [body, roles, may].map(|text| Some(text.to_owned()));
        [[body, roles, may, project.map(str::to_owned)]]
    };
    let spellings = [(lower, upper.as_str(), "lower", "upper"), (&upper, lower, "upper", "lower")];
    for (named, other, name, other_name) in spellings {
        let set = |org: &str| format!("SELECT tenant_guard.set_org_text('{org}')");
        claim(&mut client, &token("carol", named, name));
        let of_named = format!("of {name}");
        let own = expected(name, "{admin}", "t", Some(&of_named));
        assert_eq!(rows(&mut client, seen), own, "{named}");
        assert_eq!(org(&mut client).as_deref(), Some(named));
        // In the other one the token's roles do not hold, nor does its project.
        assert_eq!(text(&mut client, &set(other)).as_deref(), Some(other));
        assert_eq!(rows(&mut client, seen), expected(other_name, "{}", "f", None), "{other}");
        assert_eq!(text(&mut client, &set(named)).as_deref(), Some(named));
        assert_eq!(
            rows(&mut client, seen),
            expected(name, "{admin}", "t", None),
            "back in {named}"
        );
        execute(&mut client, "SAVEPOINT s");
        for (org, project) in [(named, other_name), (other, name)] {
            let both = format!("SELECT tenant_guard.set_org_text('{org}', 'of {project}')");
            expect_clear_error(&mut client, &both, "42501");
            execute(&mut client, "ROLLBACK TO s");
        }
        execute(&mut client, "ROLLBACK");
        // Claimed, the project of the other one is none.
        claim(&mut client, &token("carol", named, other_name));
        assert_eq!(rows(&mut client, seen), expected(name, "{admin}", "t", None), "{named}");
        execute(&mut client, "ROLLBACK");
    }
    // Who belongs to the one does not belong to the other.
    claim(&mut client, &token("alice", &upper, "upper"));
    assert_eq!(org(&mut client), None);
    let asked = format!(
        "SELECT tenant_guard.is_member_text('{upper}'), tenant_guard.is_member_text('{lower}'),
                (SELECT count(*) FROM app.notes), tenant_guard.has_role('admin')"
    );
    let answers = ["f", "t", "0", "f"].map(|text| Some(text.to_owned()));
    assert_eq!(rows(&mut client, &asked), [answers]);
    expect_clear_error(
        &mut client,
        &format!("SELECT tenant_guard.set_org_text('{upper}')"),
        "42501",
    );
}

/// Ids that are equal without being the same: the collation of the column decides, each time alike.
#[test]
fn where_the_collation_takes_two_spellings_for_one_the_answer_does_not_change() {
    let database = Database::fresh();
    if database.lacks("icu") {
        return;
    }
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE COLLATION public.careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    );
    database.load(
        "CREATE SCHEMA app;
         CREATE TABLE app.members (person text, org text COLLATE public.careless, role text, PRIMARY KEY (person, org));
         INSERT INTO app.members VALUES ('carol', 'acme', 'admin'), ('carol', 'other', 'viewer'), ('dave', 'other', 'admin')",
    );
    apply(&mut admin, "use_membership('app.members', 'person', 'org', 'role')");
    let mut client = database.connect(VISITOR);
    let is_member = |client: &mut Client, org: &str| {
        text(client, &format!("SELECT tenant_guard.is_member_text('{org}')")).expect("never NULL")
    };
    for first in ["ACME", "acme", "Acme"] {
        for (person, expected) in [("carol", "t"), ("dave", "f")] {
            claim(&mut client, &format!(r#"{{"sub":"{person}"}}"#));
            for turn in 1..4 {
                assert_eq!(is_member(&mut client, first), expected, "{person} {first} {turn}");
            }
            // With a second organization, all are read at once.
            assert_eq!(is_member(&mut client, "other"), "t");
            assert_eq!(is_member(&mut client, "nothing"), "f");
            for spelling in [first, "ACME", "acme", "aCMe", first] {
                let what = format!("{person} {first}, then {spelling}");
                assert_eq!(is_member(&mut client, spelling), expected, "{what}");
            }
            execute(&mut client, "COMMIT; BEGIN");
            execute(
                &mut client,
                &format!(r#"SET LOCAL request.jwt.claims = '{{"sub":"{person}"}}'"#),
            );
            assert_eq!(is_member(&mut client, "other"), "t");
            assert_eq!(is_member(&mut client, first), expected, "{person}: {first} after another");
            execute(&mut client, "COMMIT");
        }
    }
    // Where the claim and the choice name it in another spelling, it is the table's.
    claim(&mut client, r#"{"sub":"carol","org_id":"ACME"}"#);
    for _ in 0..3 {
        assert_eq!(org(&mut client).as_deref(), Some("acme"));
        assert_eq!(roles(&mut client), "{admin}");
        assert_eq!(is_member(&mut client, "other"), "t");
    }
    let chosen = text(&mut client, "SELECT tenant_guard.set_org_text('Acme')");
    assert_eq!(chosen.as_deref(), Some("acme"));
    assert_eq!(roles(&mut client), "{admin}");
}
