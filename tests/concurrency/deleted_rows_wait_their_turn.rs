//! Rows with conventions, changed by two sessions at the same moment.

use std::thread;

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::sql::{backend_pid, db_error, execute, rows, waits_for_a_lock};
use tenant_guard_tests::Database;

const TABLES: &str = "CREATE SCHEMA app;
    CREATE TABLE app.folders (id int PRIMARY KEY, name text);
    CREATE TABLE app.files (id int PRIMARY KEY, folder_id int REFERENCES app.folders ON DELETE CASCADE, size int);
    SELECT count(*) FROM tenant_guard.add_feature('app.folders', 'soft_delete', 'version');
    SELECT count(*) FROM tenant_guard.add_feature('app.files', 'soft_delete', 'version');
    INSERT INTO app.folders VALUES (1, 'a');
    INSERT INTO app.files VALUES (1, 1, 10), (2, 1, 20);";

/// The first session has run a statement and not committed; the second one runs its own. Gives what the
/// second one is answered, and the rows that come out.
fn second_meets_first(
    isolation: &str,
    first_runs: &str,
    second_runs: &str,
) -> (Result<u64, postgres::Error>, Vec<String>) {
    let database = Database::fresh();
    database.load(TABLES);
    let (mut first, mut second) = (database.connect(OWNER), database.connect(OWNER));
    let mut admin = database.admin();
    execute(&mut second, &format!("SET default_transaction_isolation = '{isolation}'"));
    let pid = backend_pid(&mut second);
    execute(&mut first, "BEGIN");
    execute(&mut first, first_runs);
    let owned = second_runs.to_owned();
    let waiting = thread::spawn(move || second.execute(&owned, &[]));
    assert!(waits_for_a_lock(&mut admin, pid, || waiting.is_finished()), "{second_runs}");
    execute(&mut first, "COMMIT");
    let answer = waiting.join().expect("the second session answers");
    let left = "SELECT format('folder %s %s %s %s', id, name, is_deleted, version) FROM app.folders
                UNION ALL SELECT format('file %s %s %s %s', id, size, is_deleted, version) FROM app.files ORDER BY 1";
    let left = rows(&mut admin, left).into_iter().map(|row| row[0].clone().expect("a row"));
    (answer, left.collect())
}

#[test]
fn a_row_that_two_delete_is_deleted_once() {
    let delete = "DELETE FROM app.folders";
    let (answer, left) = second_meets_first("read committed", delete, delete);
    assert_eq!(answer.expect("waiting is no error"), 0);
    assert_eq!(left, ["file 1 10 t 2", "file 2 20 t 2", "folder 1 a t 2"]);
}

#[test]
fn a_delete_keeps_what_another_wrote_meanwhile() {
    let (answer, left) = second_meets_first(
        "read committed",
        "UPDATE app.folders SET name = 'b'; UPDATE app.files SET size = 11 WHERE id = 1",
        "DELETE FROM app.folders",
    );
    assert_eq!(answer.expect("waiting is no error"), 0);
    assert_eq!(left, ["file 1 11 t 3", "file 2 20 t 2", "folder 1 b t 3"]);
}

#[test]
fn a_child_that_another_changes_is_waited_for() {
    let (answer, left) = second_meets_first(
        "read committed",
        "UPDATE app.files SET size = 11 WHERE id = 1; DELETE FROM app.files WHERE id = 2",
        "DELETE FROM app.folders",
    );
    assert_eq!(answer.expect("waiting is no error"), 0);
    assert_eq!(left, ["file 1 11 t 3", "file 2 20 t 2", "folder 1 a t 2"]);
}

#[test]
fn a_transaction_that_cannot_see_the_change_is_told_so() {
    let (answer, left) = second_meets_first(
        "repeatable read",
        "UPDATE app.files SET size = 11 WHERE id = 1",
        "DELETE FROM app.folders",
    );
    db_error(&answer.expect_err("it must not delete what it has not seen"), "DELETE", "40001");
    assert_eq!(left, ["file 1 11 f 2", "file 2 20 f 1", "folder 1 a f 1"]);
}

#[test]
fn of_two_updates_of_one_version_the_second_is_stale() {
    let update = "UPDATE app.folders SET name = name || '!', version = 1 WHERE id = 1";
    let (answer, left) = second_meets_first("read committed", update, update);
    // It finds the row as the first one left it, where its own version is the last one.
    let error = answer.expect_err("two cannot both have changed version 1");
    db_error(&error, update, "40001");
    assert_eq!(left[2], "folder 1 a! f 2");
}
