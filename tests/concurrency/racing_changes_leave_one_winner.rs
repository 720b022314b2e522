//! Two sessions that make the same change at the same moment: one does it, the other finds it done.

use std::sync::Barrier;
use std::thread;

use postgres::Client;
use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{
    assert_clear, backend_pid, db_error, execute, number, waits_for_a_lock,
};
use tenant_guard_tests::steps::{apply, call, change_of, try_call, Step};
use tenant_guard_tests::Database;

type Answer = Result<Vec<Step>, postgres::Error>;

/// The first session has made its change and not committed; what does the second one do, and how does it end?
fn second_meets_first(database: &Database, text: &str, first_ends: &str) -> Answer {
    let (mut first, mut second) = (database.connect(OWNER), database.connect(OWNER));
    let mut admin = database.admin();
    let pid = backend_pid(&mut second);
    execute(&mut first, "BEGIN");
    apply(&mut first, text);
    let owned = text.to_owned();
    let waiting = thread::spawn(move || try_call(&mut second, &owned));
    assert!(
        waits_for_a_lock(&mut admin, pid, || waiting.is_finished()),
        "{text}: the second did not wait for the first"
    );
    execute(&mut first, first_ends);
    waiting.join().expect("the second session answers")
}

fn changes(database: &Database) -> i64 {
    number(&mut database.admin(), "SELECT count(*) FROM tenant_guard.change")
}

/// The schema that one undisturbed run leaves.
fn schema_after(text: &str) -> String {
    let database = Database::fresh();
    database.load(TENANCY);
    apply(&mut database.connect(OWNER), text);
    database.schema()
}

fn waits_and_finds_it_done(text: &str) {
    let database = Database::fresh();
    database.load(TENANCY);
    let steps = second_meets_first(&database, text, "COMMIT");
    assert_eq!(steps.expect("waiting is no error"), [], "{text}");
    assert_eq!(changes(&database), 1);
    assert_eq!(database.schema(), schema_after(text));
}

fn does_it_when_the_first_gives_up(text: &str) {
    let database = Database::fresh();
    database.load(TENANCY);
    let steps = second_meets_first(&database, text, "ROLLBACK");
    change_of(&steps.expect("the way is free"), text);
    assert_eq!(changes(&database), 1);
    assert_eq!(database.schema(), schema_after(text));
}

const PROTECT: &str = "protect_table('crm.contacts')";
const AUDIT: &str = "enable_audit('crm.contacts', tenant_column => 'organization_id')";

#[test]
fn a_second_protect_table_waits_and_finds_it_done() {
    waits_and_finds_it_done(PROTECT);
}

#[test]
fn a_second_protect_table_does_it_when_the_first_gives_up() {
    does_it_when_the_first_gives_up(PROTECT);
}

#[test]
fn a_second_enable_audit_waits_and_finds_it_done() {
    waits_and_finds_it_done(AUDIT);
}

#[test]
fn a_second_enable_audit_does_it_when_the_first_gives_up() {
    does_it_when_the_first_gives_up(AUDIT);
}

/// Both start together; returns their answers.
fn race(one: (Client, String), two: (Client, String)) -> [Answer; 2] {
    let barrier = Barrier::new(2);
    let run = |(mut client, text): (Client, String)| {
        barrier.wait();
        try_call(&mut client, &text)
    };
    thread::scope(|scope| {
        let one = scope.spawn(|| run(one));
        let two = scope.spawn(|| run(two));
        [one, two].map(|racer| racer.join().expect("both answer"))
    })
}

#[test]
fn of_two_simultaneous_protect_tables_exactly_one_is_in_the_journal() {
    let database = Database::fresh();
    database.load(TENANCY);
    for round in 0..12 {
        database.load(&format!(
            "CREATE TABLE crm.t{round} (id int PRIMARY KEY, organization_id uuid NOT NULL)"
        ));
        let text = format!("protect_table('crm.t{round}')");
        let before = changes(&database);
        let answers =
            race((database.connect(OWNER), text.clone()), (database.connect(OWNER), text.clone()));
        let done = answers.map(|answer| answer.unwrap_or_else(|error| panic!("{text}: {error:?}")));
        let winners = done.iter().filter(|steps| !steps.is_empty()).count();
        assert_eq!(winners, 1, "round {round}: {done:?}");
        assert_eq!(changes(&database), before + 1);
        assert_eq!(call(&mut database.connect(OWNER), &text), [], "nothing is left to do");
    }
}

#[test]
fn protecting_and_auditing_one_table_at_once_both_succeed() {
    let database = Database::fresh();
    database.load(TENANCY);
    for round in 0..8 {
        database.load(&format!(
            "CREATE TABLE crm.t{round} (id int PRIMARY KEY, organization_id uuid NOT NULL)"
        ));
        let texts = [
            format!("protect_table('crm.t{round}')"),
            format!("enable_audit('crm.t{round}', tenant_column => 'organization_id')"),
        ];
        let [one, two] = texts.clone().map(|text| (database.connect(OWNER), text));
        for (answer, text) in race(one, two).into_iter().zip(&texts) {
            change_of(&answer.unwrap_or_else(|error| panic!("{text}: {error:?}")), text);
        }
        let mut owner = database.connect(OWNER);
        for text in &texts {
            assert_eq!(call(&mut owner, text), [], "round {round}: nothing is left to do");
        }
    }
}

#[test]
fn of_two_simultaneous_undos_one_is_told_that_it_is_done() {
    let database = Database::fresh();
    database.load(TENANCY);
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    for round in 0..8 {
        let change = apply(&mut owner, PROTECT);
        let text = format!("undo({change})");
        let answers =
            race((database.connect(OWNER), text.clone()), (database.connect(OWNER), text.clone()));
        let mut winners = 0;
        for answer in answers {
            match answer {
                Ok(steps) => {
                    winners += 1;
                    change_of(&steps, &text);
                }
                Err(error) => assert_clear(&db_error(&error, &text, "55000"), &text),
            }
        }
        assert_eq!(winners, 1, "round {round}");
        assert_eq!(database.schema(), original);
    }
}

const CREATE: &str = "create_tenant_schema('east', 'crm', tenant_role => 'visitor')";

#[test]
fn a_second_create_tenant_schema_of_the_same_slug_waits_and_is_refused() {
    let database = Database::fresh();
    database.load(TENANCY);
    let refused = second_meets_first(&database, CREATE, "COMMIT").expect_err("the slug is taken");
    assert_clear(&db_error(&refused, CREATE, "42P06"), CREATE);
    assert_one_tenant(&database);
    assert_eq!(database.schema(), schema_after(CREATE));
}

#[test]
fn of_two_simultaneous_tenant_schemas_of_one_slug_one_is_made() {
    let database = Database::fresh();
    database.load(TENANCY);
    for _ in 0..6 {
        let answers = race(
            (database.connect(OWNER), CREATE.to_owned()),
            (database.connect(OWNER), CREATE.to_owned()),
        );
        let mut made = 0;
        for answer in answers {
            match answer {
                Ok(steps) => {
                    made += 1;
                    change_of(&steps, CREATE);
                }
                Err(error) => assert_clear(&db_error(&error, CREATE, "42P06"), CREATE),
            }
        }
        assert_eq!(made, 1);
        assert_one_tenant(&database);
        // Its steps have no way back, which `apply` insists on.
        execute(
            &mut database.connect(OWNER),
            "SELECT * FROM tenant_guard.drop_tenant_schema('east', 'east')",
        );
    }
}

#[test]
fn two_tenant_schemas_of_different_slugs_are_both_made() {
    let database = Database::fresh();
    database.load(TENANCY);
    let texts = ["west", "south"].map(|slug| CREATE.replace("east", slug));
    let [one, two] = texts.clone().map(|text| (database.connect(OWNER), text));
    for (answer, text) in race(one, two).into_iter().zip(&texts) {
        change_of(&answer.unwrap_or_else(|error| panic!("{text}: {error:?}")), text);
    }
    let registered = "SELECT count(*) FROM tenant_guard.tenant_schemas";
    assert_eq!(number(&mut database.admin(), registered), 2);
}

fn assert_one_tenant(database: &Database) {
    let mut admin = database.admin();
    for query in [
        "SELECT count(*) FROM tenant_guard.tenant_schemas WHERE slug = 'east'",
        "SELECT count(*) FROM pg_namespace WHERE nspname = 'east'",
    ] {
        assert_eq!(number(&mut admin, query), 1, "{query}");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'east'";
    assert_eq!(number(&mut admin, tables), 4, "every table of the template");
}

#[test]
fn a_clone_that_waited_for_a_change_of_its_template_has_all_of_it() {
    let database = Database::fresh();
    database.load("CREATE SCHEMA shop; CREATE TABLE shop.items (id int PRIMARY KEY)");
    let (mut first, mut second) = (database.connect(OWNER), database.connect(OWNER));
    let mut admin = database.admin();
    let pid = backend_pid(&mut second);
    execute(
        &mut first,
        "BEGIN; ALTER TABLE shop.items ADD n int; CREATE TYPE shop.state AS ENUM ('new');
         CREATE FUNCTION shop.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    let clone = "create_tenant_schema('acme', 'shop', tenant_role => 'none')";
    let waiting = thread::spawn(move || try_call(&mut second, clone));
    assert!(waits_for_a_lock(&mut admin, pid, || waiting.is_finished()));
    execute(&mut first, "COMMIT");
    waiting.join().expect("the second session answers").expect("waiting is no error");
    let there = "SELECT count(*) FROM (VALUES (to_regtype('acme.state')::oid), (to_regprocedure('acme.one()')::oid),
       ((SELECT attrelid FROM pg_attribute WHERE attrelid = 'acme.items'::regclass AND attname = 'n'))) v(oid) WHERE oid <> 0";
    assert_eq!(number(&mut admin, there), 3);
}
