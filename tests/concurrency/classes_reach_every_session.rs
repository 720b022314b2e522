//! What safe_json found out about a table is forgotten in every session when somebody classifies a column.

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::ZOO;
use tenant_guard_tests::sql::{execute, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

const SHOWN: &str = "SELECT tenant_guard.safe_json(p) FROM shop.people p";

fn people() -> Database<'static> {
    let database = Database::fresh();
    database.load(ZOO);
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO visitor;
         CREATE TABLE shop.people (name text, phone text);
         CREATE TABLE shop.staff () INHERITS (shop.people);
         GRANT SELECT ON shop.people, shop.staff TO visitor;
         INSERT INTO shop.staff VALUES ('Ada', '0301234567')",
    );
    apply(&mut owner, "classify('shop.people', 'name', 'public')");
    apply(&mut owner, "classify('shop.people', 'phone', 'public')");
    database
}

#[test]
fn a_session_that_has_looked_before_shows_no_more_once_it_is_committed() {
    let database = people();
    let mut owner = database.connect(OWNER);
    let mut visitor = database.connect(VISITOR);
    let below = "SELECT tenant_guard.safe_json(s) FROM shop.staff s";
    let all = Some(r#"{"name": "Ada", "phone": "0301234567"}"#.to_owned());
    let less = Some(r#"{"name": "Ada"}"#.to_owned());
    assert_eq!((text(&mut visitor, SHOWN), text(&mut visitor, below)), (all.clone(), all.clone()));

    execute(&mut owner, "BEGIN");
    apply(&mut owner, "classify('shop.people', 'phone', 'pii')");
    assert_eq!((text(&mut owner, SHOWN), text(&mut owner, below)), (less.clone(), less.clone()));
    assert_eq!((text(&mut visitor, SHOWN), text(&mut visitor, below)), (all.clone(), all.clone()));
    execute(&mut owner, "ROLLBACK");
    assert_eq!((text(&mut owner, SHOWN), text(&mut owner, below)), (all.clone(), all));

    // Even in a transaction that has seen the table as it was.
    execute(&mut visitor, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    text(&mut visitor, SHOWN);
    apply(&mut owner, "classify('shop.people', 'phone', 'secret')");
    assert_eq!((text(&mut visitor, SHOWN), text(&mut visitor, below)), (less.clone(), less));
}

#[test]
fn readers_and_writers_are_not_in_the_way_and_a_second_classify_waits() {
    let database = people();
    let mut owner = database.connect(OWNER);
    let mut reader = database.connect(VISITOR);
    let mut writer = database.connect(OWNER);
    execute(&mut reader, "BEGIN; SELECT FROM shop.people");
    execute(&mut writer, "BEGIN; INSERT INTO shop.people VALUES ('Bob')");
    execute(&mut owner, "SET lock_timeout = '5s'; BEGIN");
    apply(&mut owner, "classify('shop.people', 'phone', 'pii')");

    let mut second = database.connect(OWNER);
    let waiting = std::thread::spawn(move || {
        let steps = "SELECT count(*) FROM tenant_guard.classify('shop.people', 'phone', 'pii')";
        text(&mut second, steps)
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!waiting.is_finished());
    execute(&mut owner, "COMMIT");
    assert_eq!(waiting.join().expect("an answer").as_deref(), Some("0"));
}
