//! A database that knows nothing of Supabase: none of its roles, subjects and ids as they come.

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, rows, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// A database's types of ids, two people who each belong to one organization, and how one is chosen.
struct Plain {
    user_type: &'static str,
    org_type: &'static str,
    people: [&'static str; 2],
    orgs: [&'static str; 2],
    set_org: &'static str,
}

const PLAIN: [Plain; 3] = [
    Plain {
        user_type: "text",
        org_type: "uuid",
        people: ["auth0|7", "auth0|8"],
        orgs: ["aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"],
        set_org: "set_org",
    },
    Plain {
        user_type: "bigint",
        org_type: "bigint",
        people: ["7", "8"],
        orgs: ["42", "9007199254740993"],
        set_org: "set_org_text",
    },
    Plain {
        user_type: "integer",
        org_type: "text",
        people: ["7", "8"],
        orgs: ["org_7", "auth0|8"],
        set_org: "set_org_text",
    },
];

/// An organization in the user's own row, and in a table of memberships.
const REGISTRATIONS: [&str; 2] = [
    "use_membership('shop.users', 'id', 'company')",
    "use_membership('shop.memberships', 'person', 'company', 'position')",
];

const SUPABASE_ROLES: &str =
    "SELECT count(*) FROM pg_roles WHERE rolname IN ('anon', 'authenticated', 'authenticator', 'service_role')";

impl Plain {
    fn database(&self, registration: &str) -> Database<'static> {
        let database = Database::fresh();
        assert_eq!(number(&mut database.admin(), SUPABASE_ROLES), 0);
        settle(&database);
        trust_tokens(&database);
        let (user, org) = (self.user_type, self.org_type);
        let ([ann, ben], [a, b]) = (self.people, self.orgs);
        database.load(&format!(
            "CREATE SCHEMA shop;
             CREATE TABLE shop.users (id {user} PRIMARY KEY, company {org} NOT NULL);
             CREATE TABLE shop.memberships (person {user}, company {org}, position text, PRIMARY KEY (person, company));
             CREATE TABLE shop.orders (number int PRIMARY KEY, company {org} NOT NULL);
             INSERT INTO shop.users VALUES ('{ann}', '{a}'), ('{ben}', '{b}');
             INSERT INTO shop.memberships VALUES ('{ann}', '{a}', 'chief'), ('{ben}', '{b}', 'clerk');
             INSERT INTO shop.orders VALUES (1, '{a}'), (2, '{a}'), (3, '{b}');
             GRANT USAGE ON SCHEMA shop TO {VISITOR};
             GRANT SELECT, INSERT, UPDATE, DELETE ON shop.orders TO {VISITOR}"
        ));
        apply(&mut database.admin(), registration);
        apply(
            &mut database.connect(OWNER),
            "protect_table('shop.orders', tenant_column => 'company')",
        );
        database
    }

    /// Begins a transaction with a token that names no organization.
    #[track_caller]
    fn begin(&self, client: &mut Client, person: &str) {
        let token = token_of(client, person, None);
        execute(client, "BEGIN");
        execute(client, &authenticate(&token));
        assert_eq!(text(client, "SELECT tenant_guard.uid_text()").as_deref(), Some(person));
    }

    fn choose(&self, org: &str) -> String {
        format!("SELECT tenant_guard.{}('{org}')", self.set_org)
    }
}

fn orders(client: &mut Client) -> Vec<String> {
    let found = rows(client, "SELECT number FROM shop.orders ORDER BY number");
    found.into_iter().map(|row| row[0].clone().expect("a number")).collect()
}

#[test]
fn a_token_and_a_choice_show_the_rows_of_an_organization() {
    for plain in &PLAIN {
        for registration in REGISTRATIONS {
            let database = plain.database(registration);
            let mut client = database.connect(VISITOR);
            let ([ann, ben], [a, b]) = (plain.people, plain.orgs);
            let what = format!("{} {} {registration}", plain.user_type, plain.org_type);
            let none: [&str; 0] = [];
            assert_eq!(orders(&mut client), none, "{what}");
            for (person, own, other, seen) in
                [(ann, a, b, &["1", "2"][..]), (ben, b, a, &["3"][..])]
            {
                plain.begin(&mut client, person);
                assert_eq!(orders(&mut client), none, "{what}: none is chosen");
                execute(&mut client, "SAVEPOINT s");
                expect_clear_error(&mut client, &plain.choose(other), "42501");
                execute(&mut client, "ROLLBACK TO s");
                let chosen = text(&mut client, &plain.choose(own));
                assert_eq!(chosen.as_deref(), Some(own), "{what}");
                assert_eq!(orders(&mut client), seen, "{what}");
                execute(&mut client, &format!("INSERT INTO shop.orders VALUES (4, '{own}')"));
                let into_other = format!("INSERT INTO shop.orders VALUES (5, '{other}')");
                expect_error(&mut client, &into_other, "42501");
                execute(&mut client, "ROLLBACK");
                assert_eq!(orders(&mut client), none, "{what}");
            }
            // One who is in no table, and one whose id is of another type.
            for stranger in ["9", "auth0|9", "00000000-0000-4000-8000-000000000b0b", "7 "] {
                plain.begin(&mut client, stranger);
                expect_clear_error(&mut client, &plain.choose(a), "42501");
                execute(&mut client, "ROLLBACK");
            }
        }
    }
}

#[test]
fn an_organization_that_the_token_names_is_active_without_a_choice() {
    for plain in &PLAIN {
        for registration in REGISTRATIONS {
            let database = plain.database(registration);
            let mut client = database.connect(VISITOR);
            let ([ann, _], [a, b]) = (plain.people, plain.orgs);
            for (claimed, seen) in [(a, &["1", "2"][..]), (b, &[][..])] {
                let token = token_of(&mut client, ann, Some(claimed));
                execute(&mut client, "BEGIN");
                execute(&mut client, &authenticate(&token));
                assert_eq!(orders(&mut client), seen, "{registration} {claimed}");
                execute(&mut client, "COMMIT");
            }
        }
    }
}

#[test]
fn the_policies_are_for_everybody_where_there_is_no_role_for_them() {
    let database = PLAIN[0].database(REGISTRATIONS[0]);
    let roles = rows(
        &mut database.admin(),
        "SELECT DISTINCT roles::text FROM pg_policies WHERE schemaname = 'shop'",
    );
    assert_eq!(roles, [[Some("{public}".to_owned())]]);
}
