//! Who belongs where is what the membership table says, in each shape that people give it.

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};
use tenant_guard_tests::Database;

/// One shape of the tables: the types of its ids, and people and organizations of that type.
struct Shape {
    user_type: &'static str,
    org_type: &'static str,
    people: [&'static str; 2],
    orgs: [&'static str; 2],
    /// What is no id of that type.
    nonsense: &'static str,
}

const SHAPES: &[Shape] = &[
    Shape {
        user_type: "uuid",
        org_type: "uuid",
        people: ["00000000-0000-4000-8000-00000000a11c", "00000000-0000-4000-8000-000000000b0b"],
        orgs: ["aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"],
        nonsense: "42",
    },
    Shape {
        user_type: "text",
        org_type: "text",
        people: ["auth0|alice's \u{1f511}", "user_2b0b"],
        orgs: ["org a", "org_B"],
        nonsense: "org_b",
    },
    Shape {
        user_type: "varchar(40)",
        org_type: "bigint",
        people: ["alice", "bob"],
        orgs: ["9007199254740993", "-2"],
        nonsense: "9007199254740992",
    },
    Shape {
        user_type: "bigint",
        org_type: "integer",
        people: ["7", "8"],
        orgs: ["1", "2"],
        nonsense: "99999999999",
    },
    Shape {
        user_type: "text",
        org_type: "\"Acme Co\".\"Org Id\"",
        people: ["Ünïcode", "unicode"],
        orgs: ["A:1", "a:1"],
        nonsense: "A:2",
    },
];

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Shape {
    fn tables(&self) -> String {
        let (user, org) = (self.user_type, self.org_type);
        let [[alice, bob], [a, b]] = [self.people, self.orgs].map(|two| two.map(quoted));
        format!(
            r#"CREATE SCHEMA "Acme Co";
               CREATE DOMAIN "Acme Co"."Org Id" AS text CHECK (VALUE <> '');
               CREATE TABLE "Acme Co".auth_users (auth_id {user} PRIMARY KEY, organization_id {org} NOT NULL);
               CREATE TABLE "Acme Co"."Member Ships" ("User" {user}, "Org" {org}, "Role" text, PRIMARY KEY ("User", "Org"));
               CREATE TABLE "Acme Co"."Notes" (organization_id {org} NOT NULL, body text);
               INSERT INTO "Acme Co".auth_users VALUES ({alice}, {a}), ({bob}, {b});
               INSERT INTO "Acme Co"."Member Ships" VALUES ({alice}, {a}, 'admin'), ({bob}, {b}, 'viewer');
               INSERT INTO "Acme Co"."Notes" VALUES ({a}, 'a'), ({b}, 'b'), ({b}, 'b');
               GRANT USAGE ON SCHEMA "Acme Co" TO {VISITOR};
               GRANT SELECT, INSERT ON "Acme Co"."Notes" TO {VISITOR};"#
        )
    }
}

const REGISTRATIONS: [&str; 2] = [
    r#"use_membership('"Acme Co".auth_users', 'auth_id', 'organization_id')"#,
    r#"use_membership('"Acme Co"."Member Ships"', 'User', 'Org', 'Role')"#,
];

#[track_caller]
fn claim(client: &mut Client, user: &str, org: Option<&str>) {
    let mut pairs = format!("'sub', {}", quoted(user));
    if let Some(org) = org {
        pairs.push_str(&format!(", 'org_id', {}", quoted(org)));
    }
    let set =
        format!("SELECT set_config('request.jwt.claims', json_build_object({pairs})::text, true)");
    execute(client, &set);
}

fn org(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.org_id_text()")
}

fn notes(client: &mut Client) -> i64 {
    number(client, r#"SELECT count(*) FROM "Acme Co"."Notes""#)
}

#[test]
fn a_claimed_organization_is_believed_of_its_members_only() {
    for shape in SHAPES {
        for registration in REGISTRATIONS {
            let database = Database::fresh();
            database.load(&shape.tables());
            execute(&mut database.admin(), &format!("SELECT tenant_guard.{registration}"));
            execute(
                &mut database.connect(OWNER),
                r#"SELECT tenant_guard.protect_table('"Acme Co"."Notes"')"#,
            );
            let mut client = database.connect(VISITOR);
            let ([alice, bob], [a, b]) = (shape.people, shape.orgs);
            let what = format!("{} {registration}", shape.org_type);
            for (person, claimed, seen) in [
                (alice, Some(a), 1),
                (bob, Some(b), 2),
                (alice, Some(b), 0),
                (bob, Some(a), 0),
                (alice, None, 0),
                (alice, Some(shape.nonsense), 0),
                (shape.nonsense, Some(a), 0),
                ("", Some(a), 0),
                ("nobody", Some(b), 0),
            ] {
                execute(&mut client, "BEGIN");
                claim(&mut client, person, claimed);
                assert_eq!(notes(&mut client), seen, "{what} {person} {claimed:?}");
                let active = org(&mut client);
                assert_eq!(active.as_deref(), claimed.filter(|_| seen > 0), "{what} {person}");
                execute(&mut client, "ROLLBACK; BEGIN");
                // The same by choice.
                claim(&mut client, person, None);
                let chosen = claimed.unwrap_or(b);
                let set = format!("SELECT tenant_guard.set_org_text({})", quoted(chosen));
                let member = format!("SELECT tenant_guard.is_member_text({})", quoted(chosen));
                let is_member = text(&mut client, &member);
                assert_eq!(is_member.as_deref(), Some(if seen > 0 { "t" } else { "f" }), "{what}");
                if seen > 0 {
                    execute(&mut client, &set);
                    assert_eq!(notes(&mut client), seen, "{what}");
                } else {
                    let sqlstate = if person.is_empty() { "28000" } else { "42501" };
                    expect_clear_error(&mut client, &set, sqlstate);
                }
                execute(&mut client, "ROLLBACK");
            }
            let (own, other) = (quoted(a), quoted(b));
            execute(&mut client, "BEGIN");
            claim(&mut client, alice, Some(a));
            execute(
                &mut client,
                &format!(r#"INSERT INTO "Acme Co"."Notes" VALUES ({own}, 'mine'); SAVEPOINT s"#),
            );
            let into_other = format!(r#"INSERT INTO "Acme Co"."Notes" VALUES ({other}, 'theirs')"#);
            tenant_guard_tests::sql::expect_error(&mut client, &into_other, "42501");
        }
    }
}

#[test]
fn a_new_spelling_of_an_id_is_the_same_id_or_none() {
    let shape = &SHAPES[0];
    let database = Database::fresh();
    database.load(&shape.tables());
    execute(&mut database.admin(), &format!("SELECT tenant_guard.{}", REGISTRATIONS[1]));
    let mut client = database.connect(VISITOR);
    let ([alice, _], [a, _]) = (shape.people, shape.orgs);
    for (spelling, same) in [
        (a.to_uppercase(), true),
        (format!("{{{a}}}"), true),
        (a.replace('-', ""), true),
        (format!(" {a}"), false),
        (format!("{a}\\n"), false),
        (format!("{a}0"), false),
    ] {
        execute(&mut client, "BEGIN");
        claim(&mut client, alice, Some(&spelling));
        let found = org(&mut client);
        // Whether braces and missing hyphens are read is not decided here; nobody else's may come out.
        assert!(found.is_none() || (same && found.as_deref() == Some(a)), "{spelling}: {found:?}");
        execute(&mut client, "COMMIT");
    }
}

/// Carol and Dave in tables of text, with organizations that have a status and projects, and roles in an array.
pub const LIVELY: &str = "
    CREATE SCHEMA app;
    CREATE TABLE app.orgs (id text PRIMARY KEY, state text NOT NULL);
    CREATE TABLE app.projects (id text PRIMARY KEY, org text NOT NULL REFERENCES app.orgs);
    CREATE TABLE app.members (person text, org text REFERENCES app.orgs, roles text[], revoked_at timestamptz, PRIMARY KEY (person, org));
    INSERT INTO app.orgs VALUES ('a', 'active'), ('b', 'trial'), ('s', 'suspended');
    INSERT INTO app.projects VALUES ('pa', 'a'), ('pb', 'b'), ('ps', 's');
    INSERT INTO app.members VALUES
      ('carol', 'a', '{viewer}', NULL), ('carol', 'b', '{admin,billing}', NULL), ('carol', 's', '{admin}', NULL),
      ('dave', 'a', '{admin}', now()), ('dave', 'b', NULL, NULL);
    GRANT USAGE ON SCHEMA app TO visitor;";

pub const REGISTER_LIVELY: &str =
    "SELECT tenant_guard.use_membership('app.members', 'person', 'org', 'roles',
    project_table => 'app.projects', project_org_column => 'org', organizations => 'app.orgs',
    status_column => 'state', active_statuses => '{active,trial}', active => 'revoked_at IS NULL')";

fn lively() -> Database<'static> {
    let database = Database::fresh();
    database.load(LIVELY);
    execute(&mut database.admin(), REGISTER_LIVELY);
    database
}

#[test]
fn a_suspended_organization_is_nobodys() {
    let database = lively();
    let mut client = database.connect(VISITOR);
    let seen = "SELECT tenant_guard.org_id_text(), tenant_guard.org_ids_text()::text, tenant_guard.is_member_text('s'),
                       tenant_guard.org_role_text('s'), tenant_guard.has_role('admin')";
    execute(&mut client, "BEGIN");
    claim(&mut client, "carol", Some("s"));
    let none = [None, Some("{a,b}".to_owned()), Some("f".to_owned()), None, Some("f".to_owned())];
    assert_eq!(rows(&mut client, seen), [none]);
    execute(&mut client, "SAVEPOINT s");
    for call in ["set_org_text('s')", "validate_org_text('s')", "set_org_text('s', 'ps')"] {
        expect_clear_error(&mut client, &format!("SELECT tenant_guard.{call}"), "42501");
        execute(&mut client, "ROLLBACK TO s");
    }
    execute(&mut client, "ROLLBACK");
    // Activated by somebody else, it is there in the next transaction; suspended, it is gone again.
    for (state, expected) in [("trial", Some("s")), ("suspended", None), ("active", Some("s"))] {
        database.load(&format!("UPDATE app.orgs SET state = '{state}' WHERE id = 's'"));
        execute(&mut client, "BEGIN");
        claim(&mut client, "carol", Some("s"));
        assert_eq!(org(&mut client).as_deref(), expected, "{state}");
        execute(&mut client, "COMMIT");
    }
    // The token's word is not enough either, where tokens count.
    database.load("UPDATE app.orgs SET state = 'suspended' WHERE id = 's'");
    let set = format!("ALTER DATABASE {} SET tenant_guard.org_check = 'claim'", database.name);
    execute(&mut database.admin(), &set);
    let mut client = database.connect(VISITOR);
    for (claimed, expected) in [("s", None), ("a", Some("a")), ("unheard of", None)] {
        execute(&mut client, "BEGIN");
        claim(&mut client, "mallory", Some(claimed));
        assert_eq!(org(&mut client).as_deref(), expected, "{claimed}");
        execute(&mut client, "COMMIT");
    }
}

#[test]
fn a_project_of_another_organization_is_refused() {
    let database = lively();
    let mut client = database.connect(VISITOR);
    let project = "SELECT tenant_guard.project_id_text()";
    for (org, project_claimed, expected) in [
        ("a", "pa", Some("pa")),
        ("a", "pb", None),
        ("a", "none", None),
        ("s", "ps", None),
        ("b", "pb", Some("pb")),
    ] {
        execute(&mut client, "BEGIN");
        execute(
            &mut client,
            &format!(
                r#"SET LOCAL request.jwt.claims = '{{"sub":"carol","org_id":"{org}","project_id":"{project_claimed}"}}'"#
            ),
        );
        assert_eq!(text(&mut client, project).as_deref(), expected, "{org} {project_claimed}");
        execute(&mut client, "COMMIT; BEGIN");
        claim(&mut client, "carol", None);
        let set = format!("SELECT tenant_guard.set_org_text('{org}', '{project_claimed}')");
        match expected {
            Some(_) => execute(&mut client, &set),
            None => drop(expect_clear_error(&mut client, &set, "42501")),
        }
        execute(&mut client, "ROLLBACK");
    }
    // A claimed project does not follow into another organization.
    execute(&mut client, "BEGIN");
    execute(
        &mut client,
        r#"SET LOCAL request.jwt.claims = '{"sub":"carol","org_id":"a","project_id":"pa"}'"#,
    );
    execute(&mut client, "SELECT tenant_guard.set_org_text('b')");
    assert_eq!(text(&mut client, project), None);
}

#[test]
fn an_inactive_membership_is_none() {
    let database = lively();
    let mut client = database.connect(VISITOR);
    execute(&mut client, "BEGIN");
    claim(&mut client, "dave", Some("a"));
    let seen = "SELECT tenant_guard.org_id_text(), tenant_guard.org_ids_text()::text, tenant_guard.is_member_text('a')";
    assert_eq!(rows(&mut client, seen), [[None, Some("{b}".to_owned()), Some("f".to_owned())]]);
    expect_clear_error(&mut client, "SELECT tenant_guard.set_org_text('a')", "42501");
    execute(&mut client, "ROLLBACK");
    database.load("UPDATE app.members SET revoked_at = NULL WHERE person = 'dave'");
    execute(&mut client, "BEGIN");
    claim(&mut client, "dave", Some("a"));
    let seen = rows(&mut client, seen);
    assert_eq!(seen, [[Some("a".to_owned()), Some("{a,b}".to_owned()), Some("t".to_owned())]]);
}
