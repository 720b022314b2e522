//! A run over tenants runs nobody else's code, leaves nothing of one tenant for the next, and does not go where it may not.

use postgres::Client;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER};
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, rows};
use tenant_guard_tests::Database;

use crate::runs_over_tenants::{counts, marks, tenants};

#[test]
fn code_that_others_could_put_where_a_run_works_is_not_run() {
    let database = Database::fresh();
    tenants(&database, "postgres", 3);
    let mut admin = database.admin();
    execute(&mut admin, &format!("GRANT USAGE ON SCHEMA t001, t002 TO {OTHER_OWNER}"));
    execute(&mut admin, &format!("CREATE SCHEMA evil AUTHORIZATION {OTHER_OWNER}"));
    let mut other = database.connect(OTHER_OWNER);
    let refused = |admin: &mut Client, sql: &str, options: &str| {
        let run = format!("CALL tenant_guard.run_for_tenants('{sql}'{options})");
        let error = expect_clear_error(admin, &run, "42501");
        assert!(error.detail().is_some_and(|d| d.contains(OTHER_OWNER)), "{error:?}");
        let last =
            "SELECT tenant_guard.cancel_tenant_run(max(run_id)) FROM tenant_guard.tenant_runs";
        execute(admin, last);
    };

    // A trigger, also when the privilege to make one is gone.
    execute(&mut admin, &format!("GRANT TRIGGER ON t001.marks TO {OTHER_OWNER}"));
    refused(&mut admin, "INSERT INTO marks DEFAULT VALUES", ", slugs => '{t001}'");
    execute(
        &mut other,
        "CREATE FUNCTION evil.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.who := current_user; RETURN NEW; END $$;
         CREATE TRIGGER spy BEFORE INSERT ON t001.marks FOR EACH ROW EXECUTE FUNCTION evil.spy()",
    );
    execute(&mut admin, &format!("REVOKE TRIGGER ON t001.marks FROM {OTHER_OWNER}"));
    refused(&mut admin, "INSERT INTO marks DEFAULT VALUES", ", slugs => '{t001}'");

    // An operator that fits better than PostgreSQL's own, made while that was allowed.
    execute(&mut admin, &format!("GRANT CREATE ON SCHEMA t002 TO {OTHER_OWNER}"));
    execute(
        &mut other,
        "CREATE FUNCTION evil.same(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT false';
         CREATE OPERATOR t002.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = evil.same)",
    );
    execute(&mut admin, &format!("REVOKE CREATE ON SCHEMA t002 FROM {OTHER_OWNER}"));
    refused(&mut admin, "SELECT ''a''::varchar = ''a''::varchar", ", slugs => '{t002}'");

    // A schema that is searched as well.
    refused(&mut admin, "SELECT 1", ", slugs => '{t003}', shared => '{evil}'");
    assert_eq!(marks(&database), [(0, 3)]);
    execute(&mut admin, "CREATE SCHEMA good");
    let run = "CALL tenant_guard.run_for_tenants('INSERT INTO marks DEFAULT VALUES', slugs => '{t003}', shared => '{good}')";
    execute(&mut admin, run);
    assert_eq!(marks(&database), [(0, 2), (1, 1)]);
}

#[test]
fn whoever_took_on_another_role_for_a_run_is_not_found_behind_it() {
    let database = Database::fresh();
    tenants(&database, OWNER, 1);
    execute(
        &mut database.connect(OWNER),
        "CREATE FUNCTION t001.spy() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN PERFORM set_config('role', 'none', true); NEW.who := current_user; RETURN NEW; END $$;
         CREATE TRIGGER spy BEFORE INSERT ON t001.marks FOR EACH ROW EXECUTE FUNCTION t001.spy();
         CREATE FUNCTION t001.login() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RESET SESSION AUTHORIZATION; RETURN NEW; END $$;
         CREATE TABLE t001.others (who text DEFAULT current_user);
         CREATE CONSTRAINT TRIGGER login AFTER INSERT ON t001.others DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION t001.login()",
    );
    let mut admin = database.admin();
    for (taken, table) in [("ROLE", "marks"), ("SESSION AUTHORIZATION", "others")] {
        execute(&mut admin, &format!("SET {taken} {OWNER}"));
        let run =
            format!("CALL tenant_guard.run_for_tenants('INSERT INTO {table} DEFAULT VALUES')");
        let error = expect_error(&mut admin, &run, "42501");
        assert!(error.message().contains("t001"), "{error:?}");
        let last =
            "SELECT tenant_guard.cancel_tenant_run(max(run_id)) FROM tenant_guard.tenant_runs";
        execute(&mut admin, last);
        execute(&mut admin, &format!("RESET {taken}"));
    }
    assert_eq!(marks(&database), [(0, 1)]);
    // Whoever logged in as the owner has nothing behind it, and may take on any role of its own.
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CALL tenant_guard.run_for_tenants('INSERT INTO marks DEFAULT VALUES')");
    assert_eq!(
        number(&mut owner, &format!("SELECT count(*) FROM t001.marks WHERE who = '{OWNER}'")),
        1
    );
}

#[test]
fn nothing_of_a_tenant_is_left_for_the_next() {
    let database = Database::fresh();
    tenants(&database, OWNER, 3);
    let mut client = database.connect(OWNER);
    let mine =
        "CREATE TEMP TABLE mine (a int); PREPARE mine AS SELECT 1; SELECT pg_advisory_lock(1)";
    execute(&mut client, mine);
    let run = "CREATE TEMP TABLE IF NOT EXISTS kept AS SELECT current_schema()::text AS slug;
               CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''SELECT 1'';
               INSERT INTO marks SELECT now(), slug FROM kept; INSERT INTO mine VALUES (1);
               DECLARE open CURSOR FOR SELECT * FROM kept; DECLARE held CURSOR WITH HOLD FOR SELECT 1;
               PREPARE again AS SELECT 1; EXECUTE mine; SELECT pg_advisory_xact_lock(4);
               SELECT pg_advisory_lock(-2), pg_advisory_lock(-2), pg_advisory_lock_shared(-3, 3)";
    execute(&mut client, &format!("CALL tenant_guard.run_for_tenants('{run}')"));
    let whose = "SELECT string_agg(m.slug || '=' || m.who, ' ' ORDER BY m.slug)
                   FROM (SELECT 't001', who FROM t001.marks UNION ALL SELECT 't002', who FROM t002.marks
                         UNION ALL SELECT 't003', who FROM t003.marks) m(slug, who)";
    let whose = rows(&mut database.admin(), whose);
    assert_eq!(whose[0][0].as_deref(), Some("t001=t001 t002=t002 t003=t003"));
    let left = "SELECT (SELECT string_agg(name, ' ') FROM pg_prepared_statements WHERE from_sql),
                       (SELECT string_agg(objid::text, ' ') FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
                       (SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
                       (SELECT count(*) FROM pg_cursors WHERE is_holdable) + (SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema())";
    let left = rows(&mut client, left);
    assert_eq!(left[0], ["mine", "1", "mine", "0"].map(|text| Some(text.to_owned())));
    assert_eq!(number(&mut client, "SELECT count(*) FROM mine"), 3);

    // Also where it failed, which undoes neither.
    let run = "CALL tenant_guard.run_for_tenants('PREPARE again AS SELECT 1; SELECT pg_advisory_lock(5); SELECT 1 / 0', on_error => 'continue')";
    execute(&mut client, run);
    let codes = "SELECT string_agg(DISTINCT sqlstate, ' ') FROM tenant_guard.tenant_run_results WHERE run_id = 2";
    assert_eq!(rows(&mut client, codes)[0][0].as_deref(), Some("22012"));
    let locks =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    assert_eq!(number(&mut client, locks), 1);
}

#[test]
fn a_tenant_that_raises_what_a_cancel_raises_holds_up_nobody() {
    let database = Database::fresh();
    tenants(&database, OWNER, 3);
    let mut client = database.connect(OWNER);
    let run = "DO $d$ BEGIN IF current_schema = ''t001'' THEN RAISE query_canceled; END IF; END $d$; INSERT INTO marks DEFAULT VALUES";
    let run = format!("CALL tenant_guard.run_for_tenants('{run}', on_error => 'continue')");
    execute(&mut client, &run);
    assert_eq!(counts(&mut client, 1), ("finished".to_owned(), 2, 1, 0));
    assert_eq!(marks(&database), [(0, 1), (1, 2)]);
}

#[test]
fn a_tenant_archived_since_is_left_alone() {
    let database = Database::fresh();
    tenants(&database, OWNER, 2);
    let mut client = database.connect(OWNER);
    let mark = "INSERT INTO marks DEFAULT VALUES";
    execute(
        &mut client,
        &format!("SELECT tenant_guard.begin_tenant_run('{mark}', on_error => 'continue')"),
    );
    execute(&mut client, "SELECT tenant_guard.archive_tenant_schema('t001')");
    execute(&mut client, "CALL tenant_guard.resume_tenant_run(1)");
    assert_eq!(counts(&mut client, 1), ("finished".to_owned(), 1, 1, 0));
    assert_eq!(number(&mut client, "SELECT count(*) FROM t001.marks"), 0);
    execute(&mut client, "SELECT tenant_guard.restore_tenant_schema('t001')");
    execute(&mut client, "CALL tenant_guard.resume_tenant_run(1, retry_failed => true)");
    assert_eq!(marks(&database), [(1, 2)]);
}
