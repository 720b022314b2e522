//! Statements run over many tenants: exactly once each, whatever is killed, cancelled or started twice meanwhile.

use std::thread;

use postgres::Client;
use tenant_guard_tests::cluster::{Cluster, OTHER_OWNER, OWNER};
use tenant_guard_tests::sql::{
    backend_pid, execute, expect_clear_error, expect_error, number, rows, try_rows, wait_until,
};
use tenant_guard_tests::Database;

/// Tenant schemas t001, t002, ... of a role, each with a table that a run leaves its mark in.
pub fn tenants(database: &Database, role: &str, count: i32) {
    execute(
        &mut database.connect(role),
        &format!(
            "DO $$
             DECLARE slug text;
             BEGIN
               FOR i IN 1..{count} LOOP
                 slug := 't' || lpad(i::text, 3, '0');
                 EXECUTE format('CREATE SCHEMA %I', slug);
                 EXECUTE format('CREATE TABLE %I.marks (at timestamptz, who text)', slug);
                 PERFORM tenant_guard.register_tenant_schema(slug, 'template', NULL, '{role}', false);
               END LOOP;
             END $$"
        ),
    );
}

/// How often each tenant was marked, as 'count: number of tenants'.
pub fn marks(database: &Database) -> Vec<(i64, i64)> {
    let tables = rows(
        &mut database.admin(),
        "SELECT string_agg(format('SELECT count(*) AS n FROM %I.marks', slug), ' UNION ALL ') FROM tenant_guard.tenant_schema",
    );
    let each = tables[0][0].clone().expect("there are tenants");
    let counts = format!("SELECT n, count(*) FROM ({each}) marks GROUP BY n ORDER BY n");
    let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse().ok()).unwrap_or(-1);
    rows(&mut database.admin(), &counts).iter().map(|r| (number(&r[0]), number(&r[1]))).collect()
}

pub fn counts(client: &mut Client, run: i64) -> (String, i64, i64, i64) {
    let found = rows(
        client,
        &format!("SELECT state, done, failed, waiting + running FROM tenant_guard.tenant_runs WHERE run_id = {run}"),
    );
    let number = |i: usize| found[0][i].as_deref().expect("a count").parse().expect("a number");
    (found[0][0].clone().expect("a state"), number(1), number(2), number(3))
}

const MARK: &str =
    "INSERT INTO marks VALUES (clock_timestamp(), session_user || ''/'' || current_user);
                    SELECT pg_sleep(0.004)";

/// Five of 500 tenants fail, and the server is killed in the middle.
fn a_killed_migration_is_done_once_each(parallel: i32) {
    let cluster = Cluster::start();
    let database = Database::fresh_in(&cluster);
    tenants(&database, OWNER, 500);
    let mut owner = database.connect(OWNER);
    for slug in ["t007", "t100", "t250", "t333", "t500"] {
        execute(&mut owner, &format!("ALTER TABLE {slug}.marks ADD COLUMN added int"));
    }
    let mut client = database.connect(OWNER);
    let run = format!(
        "CALL tenant_guard.run_for_tenants('{MARK}; ALTER TABLE marks ADD COLUMN added int', on_error => 'continue', parallel => {parallel})"
    );
    let running = thread::spawn(move || try_rows(&mut client, &run).is_err());
    let done = "SELECT count(*) FROM tenant_guard.tenant_run_result WHERE state = 'done'";
    let mut admin = database.admin();
    wait_until(|| number(&mut admin, done) >= 150);
    cluster.kill_postmaster();
    assert!(
        running.join().expect("the session ends"),
        "the run was over before the server was killed"
    );
    cluster.restart();

    let mut client = database.connect(OWNER);
    let (state, done, failed, left) = counts(&mut client, 1);
    assert_eq!(state, "open");
    assert!(done >= 150 && left > 0 && done + failed + left == 500, "{done} {failed} {left}");
    assert_eq!(marks(&database).into_iter().find(|m| m.0 == 1), Some((1, done)));
    // To start over would do twice what is done.
    let again = format!(
        "CALL tenant_guard.run_for_tenants('{MARK}; ALTER TABLE marks ADD COLUMN added int')"
    );
    expect_clear_error(&mut client, &again, "55000");
    execute(
        &mut client,
        &format!("CALL tenant_guard.resume_tenant_run(1, parallel => {parallel})"),
    );

    assert_eq!(counts(&mut client, 1), ("finished".to_owned(), 495, 5, 0));
    assert_eq!(marks(&database), [(0, 5), (1, 495)]);
    let failures = "SELECT string_agg(slug || ' ' || sqlstate || ' ' || error, ', ' ORDER BY slug)
                      FROM tenant_guard.tenant_run_results WHERE run_id = 1 AND state = 'failed'";
    let message =
        |slug: &str| format!("{slug} 42701 column \"added\" of relation \"marks\" already exists");
    let wanted = ["t007", "t100", "t250", "t333", "t500"].map(message).join(", ");
    assert_eq!(rows(&mut client, failures)[0][0].as_deref(), Some(wanted.as_str()));
}

#[test]
fn a_killed_migration_is_resumed_where_it_stopped() {
    a_killed_migration_is_done_once_each(1);
}

#[test]
fn a_killed_migration_of_several_workers_is_resumed_where_it_stopped() {
    a_killed_migration_is_done_once_each(4);
}

#[test]
fn two_sessions_share_a_run_and_each_tenant_is_run_once() {
    let database = Database::fresh();
    tenants(&database, OWNER, 60);
    let mut first = database.connect(OWNER);
    let begun = number(&mut first, &format!("SELECT tenant_guard.begin_tenant_run('{MARK}')"));
    let call = format!("CALL tenant_guard.resume_tenant_run({begun})");
    let sessions: Vec<_> = (0..3)
        .map(|_| {
            let (mut client, call) = (database.connect(OWNER), call.clone());
            thread::spawn(move || execute(&mut client, &call))
        })
        .collect();
    for session in sessions {
        session.join().expect("no session fails");
    }
    assert_eq!(counts(&mut first, begun), ("finished".to_owned(), 60, 0, 0));
    assert_eq!(marks(&database), [(1, 60)]);
}

#[test]
fn the_same_statements_are_not_started_twice_at_once() {
    let database = Database::fresh();
    tenants(&database, OWNER, 40);
    let call = format!("CALL tenant_guard.run_for_tenants('{MARK}')");
    let sessions: Vec<_> = (0..4)
        .map(|_| {
            let (mut client, call) = (database.connect(OWNER), call.clone());
            thread::spawn(move || try_rows(&mut client, &call).map_err(|e| e.code().cloned()))
        })
        .collect();
    let ended: Vec<_> = sessions.into_iter().map(|s| s.join().expect("it ends")).collect();
    assert_eq!(ended.iter().filter(|e| e.is_ok()).count(), 1, "{ended:?}");
    let codes: Vec<_> = ended.iter().filter_map(|e| e.as_ref().err()).flatten().collect();
    assert!(codes.iter().all(|code| code.code() == "55000"), "{codes:?}");
    assert_eq!(marks(&database), [(1, 40)]);
}

#[test]
fn a_locked_tenant_is_tried_again_and_holds_up_nobody() {
    let database = Database::fresh();
    tenants(&database, OWNER, 10);
    let mut holder = database.connect(OWNER);
    execute(&mut holder, "BEGIN; LOCK TABLE t003.marks");
    let mut client = database.connect(OWNER);
    let run = "CALL tenant_guard.run_for_tenants('ALTER TABLE marks ADD COLUMN a int', lock_timeout => '20ms', retries => 0, slugs => '{t003}')";
    let error = expect_clear_error(&mut client, run, "55P03");
    assert!(error.message().contains("t003"), "{error:?}");

    let running = thread::spawn(move || {
        let run = "CALL tenant_guard.run_for_tenants('ALTER TABLE marks ADD COLUMN b int', lock_timeout => '20ms', retries => 50)";
        execute(&mut client, run);
    });
    let mut admin = database.admin();
    let others =
        "SELECT count(*) FROM tenant_guard.tenant_run_result WHERE run_id = 2 AND state = 'done'";
    wait_until(|| number(&mut admin, others) == 9);
    let tried = "SELECT count(*) FROM tenant_guard.tenant_run_result WHERE run_id = 2 AND slug = 't003' AND attempts > 1 AND sqlstate = '55P03'";
    wait_until(|| number(&mut admin, tried) == 1);
    execute(&mut holder, "COMMIT");
    running.join().expect("the run succeeds");
    let last = rows(
        &mut admin,
        "SELECT state, sqlstate, attempts > 2 FROM tenant_guard.tenant_run_results WHERE run_id = 2 AND slug = 't003'",
    );
    assert_eq!(last[0], [Some("done".to_owned()), None, Some("t".to_owned())]);
}

#[test]
fn workers_have_the_callers_rights_and_no_more() {
    let database = Database::fresh();
    tenants(&database, OWNER, 30);
    // A superuser who took on another role gave away what that role has not, and so have the workers.
    let mut admin = database.admin();
    execute(&mut admin, &format!("SET ROLE {OWNER}"));
    execute(&mut admin, &format!("CALL tenant_guard.run_for_tenants('{MARK}', parallel => 4)"));
    execute(&mut admin, "RESET ROLE");
    let tables = "SELECT string_agg(format('SELECT who FROM %I.marks', slug), ' UNION ') FROM tenant_guard.tenant_schema";
    let each = rows(&mut admin, tables)[0][0].clone().expect("tenants");
    let who: Vec<String> =
        rows(&mut admin, &format!("{each} ORDER BY 1")).into_iter().flatten().flatten().collect();
    assert_eq!(who, [format!("{OWNER}/{OWNER}"), format!("postgres/{OWNER}")]);
    assert_eq!(marks(&database), [(1, 30)]);
}

#[test]
fn nobody_goes_on_with_what_another_role_started() {
    let database = Database::fresh();
    tenants(&database, OWNER, 3);
    let mut owner = database.connect(OWNER);
    let run = number(&mut owner, "SELECT tenant_guard.begin_tenant_run('SELECT 1')");
    for call in [
        "CALL tenant_guard.resume_tenant_run({run})",
        "SELECT tenant_guard.run_next_tenant({run})",
        "SELECT tenant_guard.start_run_helpers({run}, 4)",
        "SELECT tenant_guard.cancel_tenant_run({run})",
        "SELECT tenant_guard.report_tenant_run({run})",
    ] {
        let call = call.replace("{run}", &run.to_string());
        // A superuser least of all: the statements would run with all rights.
        for role in ["postgres", OTHER_OWNER] {
            expect_clear_error(&mut database.connect(role), &call, "42501");
        }
    }
    let seen = "SELECT count(*) FROM tenant_guard.tenant_run_results";
    assert_eq!(number(&mut owner, seen), 3);
    assert_eq!(number(&mut database.connect(OTHER_OWNER), seen), 0);
}

#[test]
fn a_cancelled_run_takes_its_workers_along_and_leaves_the_rest_waiting() {
    let database = Database::fresh();
    tenants(&database, OWNER, 12);
    let mut client = database.connect(OWNER);
    let pid = backend_pid(&mut client);
    let run = "INSERT INTO marks VALUES (now()); SELECT pg_sleep(CASE WHEN current_schema < ''t004'' THEN 0 ELSE 30 END)";
    let call = format!("CALL tenant_guard.run_for_tenants('{run}', parallel => 4)");
    let running = thread::spawn(move || try_rows(&mut client, &call).is_err());
    let mut admin = database.admin();
    let standing = "SELECT coalesce(max(done * 100 + running), 0) FROM tenant_guard.tenant_runs";
    wait_until(|| number(&mut admin, standing) == 304);
    let whose =
        "SELECT count(DISTINCT pid) FROM tenant_guard.tenant_run_results WHERE state = 'running'";
    assert_eq!(number(&mut admin, whose), 4);
    execute(&mut admin, &format!("SELECT pg_cancel_backend({pid})"));
    assert!(running.join().expect("the session ends"));
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'tenant_guard fleet runner' AND datname = current_database()";
    wait_until(|| number(&mut admin, workers) == 0);
    let mut client = database.connect(OWNER);
    assert_eq!(counts(&mut client, 1), ("open".to_owned(), 3, 0, 9));
    assert_eq!(marks(&database), [(0, 9), (1, 3)]);
    execute(&mut client, "SELECT tenant_guard.cancel_tenant_run(1)");
    expect_clear_error(&mut client, "CALL tenant_guard.resume_tenant_run(1)", "55000");
}

#[test]
fn a_failed_canary_leaves_the_others_alone() {
    let database = Database::fresh();
    tenants(&database, OWNER, 20);
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "ALTER TABLE t002.marks ADD COLUMN added int");
    let run = "CALL tenant_guard.run_for_tenants('ALTER TABLE marks ADD COLUMN added int', canary => 3, on_error => 'continue', parallel => 3)";
    expect_clear_error(&mut owner, run, "42701");
    let (state, done, failed, left) = counts(&mut owner, 1);
    assert_eq!((state.as_str(), failed), ("stopped", 1));
    assert!(done <= 2 && left >= 17, "{done} {left}");
    expect_clear_error(&mut owner, "CALL tenant_guard.resume_tenant_run(1)", "55000");
    execute(&mut owner, "ALTER TABLE t002.marks DROP COLUMN added");
    execute(&mut owner, "CALL tenant_guard.resume_tenant_run(1, retry_failed => true)");
    assert_eq!(counts(&mut owner, 1), ("finished".to_owned(), 20, 0, 0));
}

#[test]
fn statements_run_with_the_rights_of_nobody_who_trusts_the_schemas_owner_less() {
    let database = Database::fresh();
    tenants(&database, OTHER_OWNER, 1);
    execute(
        &mut database.connect(OTHER_OWNER),
        "CREATE FUNCTION t001.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.who := current_user; RETURN NEW; END $$;
         CREATE TRIGGER spy BEFORE INSERT ON t001.marks FOR EACH ROW EXECUTE FUNCTION t001.spy()",
    );
    let mut admin = database.admin();
    let run = "CALL tenant_guard.run_for_tenants('INSERT INTO marks DEFAULT VALUES'";
    expect_clear_error(&mut admin, &format!("{run})"), "42501");
    assert_eq!(marks(&database), [(0, 1)]);
    execute(&mut admin, "SELECT tenant_guard.cancel_tenant_run(1)");
    execute(&mut admin, &format!("{run}, trust_owners => true)"));
    assert_eq!(number(&mut admin, "SELECT count(*) FROM t001.marks WHERE who = 'postgres'"), 1);
    // Whoever neither owns a schema nor works in it does not even see it.
    let mut stranger = database.connect(OWNER);
    expect_clear_error(&mut stranger, &format!("{run})"), "22023");
    expect_error(&mut stranger, &format!("{run}, slugs => '{{t001}}')"), "3F000");
}

#[test]
fn a_tenant_is_seen_at_work_before_it_is_done() {
    let database = Database::fresh();
    tenants(&database, OWNER, 3);
    let mut holder = database.connect(OWNER);
    execute(&mut holder, "BEGIN; LOCK TABLE t002.marks");
    let mut client = database.connect(OWNER);
    let pid = backend_pid(&mut client);
    let running = thread::spawn(move || {
        execute(
            &mut client,
            "CALL tenant_guard.run_for_tenants('INSERT INTO marks DEFAULT VALUES')",
        );
    });
    let mut other = database.connect(OWNER);
    let seen = format!(
        "SELECT count(*) FROM tenant_guard.tenant_run_results
          WHERE (slug, state) IN (('t001', 'done'), ('t002', 'running'), ('t003', 'waiting')) AND coalesce(pid, {pid}) = {pid}"
    );
    wait_until(|| number(&mut other, &seen) == 3);
    execute(&mut holder, "COMMIT");
    running.join().expect("the run succeeds");
    assert_eq!(counts(&mut other, 1), ("finished".to_owned(), 3, 0, 0));
}
