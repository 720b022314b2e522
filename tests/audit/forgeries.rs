//! An ordinary role that wants to write to the log, to keep something out of it, or to have others run its code.

use crate::attacks::{alice, audited, SECRET};
use postgres::NoTls;
use std::sync::mpsc::channel;
use std::sync::Mutex;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::*;
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

#[test]
fn the_logs_tables_and_sequences_are_closed() {
    let database = audited();
    let mut admin = database.admin();
    let tables = rows(
        &mut admin,
        "SELECT c.oid::regclass, c.relkind FROM pg_class c
          WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relname LIKE 'audit\\_%' AND c.relkind IN ('r', 'p', 'S')
          ORDER BY 1",
    );
    assert!(tables.len() > 10, "{tables:?}");
    let (mut alice, _) = alice(&database);
    for table in &tables {
        let name = table[0].as_deref().expect("a name");
        let statements: Vec<String> = match table[1].as_deref() {
            Some("S") => {
                ["SELECT nextval('{}')", "SELECT setval('{}', 1)", "SELECT last_value FROM {}"]
                    .map(|s| s.replace("{}", name))
                    .to_vec()
            }
            _ => {
                let mut all = vec![
                    format!("INSERT INTO {name} DEFAULT VALUES"),
                    format!("DELETE FROM {name}"),
                    format!("TRUNCATE {name}"),
                    format!("COPY {name} FROM STDIN"),
                    format!("DO $$BEGIN EXECUTE 'LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE'; END$$"),
                    format!("ALTER TABLE {name} DISABLE TRIGGER ALL"),
                    format!("CREATE TRIGGER t AFTER INSERT ON {name} EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
                    format!("CREATE RULE r AS ON INSERT TO {name} DO INSTEAD NOTHING"),
                ];
                if name != "tenant_guard.audit_layout" {
                    all.push(format!("SELECT * FROM {name}"));
                    all.push(format!("SELECT ctid, tableoid FROM {name}"));
                    all.push(format!("COPY {name} TO STDOUT"));
                }
                all
            }
        };
        for statement in statements {
            expect_error(&mut alice, &statement, "42501");
        }
    }
    // What somebody grants by mistake opens no event.
    for table in tables.iter().filter(|t| t[1].as_deref() != Some("S")) {
        let name = table[0].as_deref().expect("a name");
        if name.contains("audit_layout") {
            continue;
        }
        execute(&mut admin, &format!("GRANT ALL ON {name} TO visitor"));
        assert_eq!(number(&mut alice, &format!("SELECT count(*) FROM {name}")), 0, "{name}");
        for statement in [format!("DELETE FROM {name}"), format!("TRUNCATE {name}")] {
            if let Err(error) = alice.batch_execute(&statement) {
                assert_eq!(error.code().map(|c| c.code()), Some("42501"), "{statement}");
            }
        }
        execute(&mut admin, &format!("REVOKE ALL ON {name} FROM visitor"));
    }
    let left = "SELECT count(*) > 3 FROM tenant_guard.audit_log";
    assert_eq!(text(&mut admin, left).as_deref(), Some("t"));
}

#[test]
fn events_cannot_be_forged_through_tables_of_ones_own() {
    let database = audited();
    let mut admin = database.admin();
    execute(&mut admin, "CREATE SCHEMA mine AUTHORIZATION visitor");
    let before = number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_event");
    let (mut alice, _) = alice(&database);
    execute(
        &mut alice,
        "CREATE TABLE mine.contacts (id int PRIMARY KEY, organization_id uuid, name text);
         CREATE TEMP TABLE contacts (id int PRIMARY KEY, organization_id uuid, name text)",
    );
    for table in ["mine.contacts", "pg_temp.contacts"] {
        for function in ["audit_statement", "audit_row", "audit_truncate"] {
            for when in [
                "AFTER INSERT ON {} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
                "AFTER INSERT ON {} FOR EACH ROW",
                "BEFORE TRUNCATE ON {} FOR EACH STATEMENT",
            ] {
                let when = when.replace("{}", table);
                let trigger = format!("CREATE TRIGGER tenant_guard_audit_x {when} EXECUTE FUNCTION tenant_guard.{function}()");
                expect_error(&mut alice, &trigger, "42501");
            }
        }
        expect_clear_error(
            &mut alice,
            &format!("SELECT tenant_guard.enable_audit('{table}')"),
            "42501",
        );
    }
    // By what copies triggers, or brings them along.
    execute(&mut alice, "CREATE TABLE mine.like (LIKE crm.contacts INCLUDING ALL)");
    expect_error(&mut alice, "CREATE TABLE mine.child () INHERITS (crm.contacts)", "42501");
    expect_error(&mut alice, "SELECT tenant_guard.audit_row()", "42501");
    execute(&mut alice, &format!("INSERT INTO mine.contacts VALUES (1, '{ORG_B}', 'forged'); INSERT INTO mine.like (organization_id, name) VALUES ('{ORG_B}', 'forged')"));
    assert_eq!(number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_event"), before);
}

#[test]
fn who_may_make_triggers_on_a_table_does_not_decide_what_is_logged_of_it() {
    let database = audited();
    let mut admin = database.admin();
    execute(&mut admin, "GRANT TRIGGER ON crm.contacts TO other_owner; CREATE SCHEMA theirs AUTHORIZATION other_owner; GRANT USAGE ON SCHEMA crm TO other_owner");
    let mut other = database.connect(OTHER_OWNER);
    execute(
        &mut other,
        "CREATE FUNCTION theirs.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    );
    for argument in [r#"{"columns": {"name": "omit", "organization_id": "omit"}}"#, "nonsense"] {
        execute(
            &mut other,
            &format!("CREATE TRIGGER tenant_guard_audit_a AFTER INSERT ON crm.contacts FOR EACH ROW EXECUTE FUNCTION theirs.f('{argument}')"),
        );
        execute(
            &mut admin,
            &format!(
                "INSERT INTO crm.contacts (organization_id, name) VALUES ('{ORG_B}', 'Boris')"
            ),
        );
        let logged = "SELECT concat(record->>'name', ' ', left(organization_id, 4)) FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 1";
        assert_eq!(text(&mut admin, logged).as_deref(), Some("Boris bbbb"));
        execute(&mut database.connect(OWNER), "DROP TRIGGER tenant_guard_audit_a ON crm.contacts");
    }
}

#[test]
fn tables_by_the_names_of_the_logs_take_nothing_from_it() {
    let database = audited();
    let (mut alice, _) = alice(&database);
    let names = [
        "audit_event",
        "audit_layout",
        "audit_context",
        "audit_commit",
        "audit_bulk",
        "pg_class",
        "pg_inherits",
        "pg_proc",
    ];
    for name in names {
        execute(
            &mut alice,
            &format!("CREATE TEMP TABLE {name} (id int, key uuid, description text)"),
        );
    }
    execute(
        &mut alice,
        "CREATE TYPE pg_temp.uuid AS (a int); CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false);
         CREATE FUNCTION pg_temp.audit_organization() RETURNS pg_catalog.uuid LANGUAGE sql AS $$SELECT 'bbbbbbbb-0000-4000-8000-000000000002'::pg_catalog.uuid$$;
         CREATE FUNCTION pg_temp.same(a integer, b integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
         CREATE OPERATOR pg_temp.= (FUNCTION = pg_temp.same, LEFTARG = integer, RIGHTARG = integer);
         SET search_path = pg_temp, pg_catalog, crm",
    );
    execute(
        &mut alice,
        "UPDATE crm.contacts SET name = 'Ada Lovelace' WHERE name OPERATOR(pg_catalog.=) 'Ada!'",
    );
    for query in [
        "tenant_guard.audit_log",
        "tenant_guard.changes_between('-infinity', 'infinity')",
        "tenant_guard.row_history('crm.contacts', '{\"id\": 1}')",
    ] {
        let seen = rows(&mut alice, &format!("SELECT record FROM {query}"));
        let seen = format!("{seen:?}");
        assert!(seen.contains("Ada Lovelace") && !seen.contains(SECRET), "{query}: {seen}");
    }
    for name in names {
        assert_eq!(
            number(&mut alice, &format!("SELECT count(*) FROM pg_temp.{name}")),
            0,
            "{name}"
        );
    }
}

#[test]
fn a_trigger_that_its_owner_disables_is_seen() {
    let database = audited();
    let mut owner = database.connect(OWNER);
    for sql in [
        "ALTER TABLE crm.contacts DISABLE TRIGGER tenant_guard_audit_update",
        "ALTER TABLE crm.contacts DISABLE TRIGGER USER",
        "DROP TRIGGER tenant_guard_audit_delete ON crm.contacts",
        "ALTER TRIGGER tenant_guard_audit_insert ON crm.contacts RENAME TO gone",
    ] {
        execute(&mut owner, sql);
        let missing = call(&mut owner, "enable_audit('crm.contacts', dry_run => true)");
        assert!(!missing.is_empty(), "{sql}");
        let _ = owner.batch_execute("DROP TRIGGER gone ON crm.contacts");
        apply(&mut owner, "enable_audit('crm.contacts')");
        assert!(
            call(&mut owner, "enable_audit('crm.contacts', dry_run => true)").is_empty(),
            "{sql}"
        );
    }
}

#[test]
fn odd_and_huge_words_from_outside_are_cut_and_kept() {
    let database = audited();
    let mut admin = database.admin();
    let (mut alice, _) = alice(&database);
    let huge = "ż".repeat(1 << 20);
    for setting in [
        "SET application_name = E'\\x01\\x7f ; DROP TABLE x --'".to_owned(),
        format!("SET tenant_guard.request_id = '{huge}'"),
        format!("SET tenant_guard.reason = '{huge}'"),
        format!("SET request.headers = '{{\"x-request-id\": \"{huge}\"}}'"),
        r#"SET request.headers = '{"x-request-id": "a\u0000b\ud800 \u2028"}'"#.to_owned(),
        r#"SET request.headers = '{"x-request-id": "a\u0000b"}'"#.to_owned(),
        format!("SET request.headers = '{}'", "[".repeat(60_000)),
        "SET request.headers = 'nonsense'".to_owned(),
        "SET tenant_guard.reason = E'\\x01'".to_owned(),
    ] {
        if alice.batch_execute(&setting).is_err() {
            continue;
        }
        execute(&mut alice, "UPDATE crm.contacts SET name = name || '.' WHERE name LIKE 'Ada%'");
    }
    let longest = "SELECT max(octet_length(c::text)) FROM tenant_guard.audit_context c";
    assert!(number(&mut admin, longest) < 8_000);
    assert!(
        number(&mut admin, "SELECT count(*) FROM tenant_guard.audit_log WHERE user_id IS NOT NULL")
            > 7
    );
}

#[test]
fn casts_and_checks_of_a_types_owner_do_not_run_while_events_are_written_or_read() {
    let database = Database::fresh();
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE SCHEMA planted AUTHORIZATION app_owner; GRANT USAGE ON SCHEMA planted TO PUBLIC",
    );
    let tell = "RAISE NOTICE 'planted code runs as %', current_user; ";
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        &format!(
            "CREATE TYPE planted.mood AS ENUM ('good', 'bad'); CREATE TYPE planted.pair AS (a int, b planted.mood);
             CREATE FUNCTION planted.to_j(planted.mood) RETURNS json LANGUAGE plpgsql AS $$BEGIN {tell} RETURN '1'; END$$;
             CREATE FUNCTION planted.to_j(planted.pair) RETURNS json LANGUAGE plpgsql AS $$BEGIN {tell} RETURN '1'; END$$;
             CREATE FUNCTION planted.to_t(planted.pair) RETURNS text LANGUAGE plpgsql AS $$BEGIN {tell} RAISE 'no'; END$$;
             CREATE CAST (planted.mood AS json) WITH FUNCTION planted.to_j(planted.mood);
             CREATE CAST (planted.pair AS json) WITH FUNCTION planted.to_j(planted.pair);
             CREATE CAST (planted.pair AS text) WITH FUNCTION planted.to_t(planted.pair);
             CREATE FUNCTION planted.ok(v int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN {tell} RETURN true; END$$;
             CREATE DOMAIN planted.checked AS int CHECK (planted.ok(VALUE));
             CREATE FUNCTION planted.lower(v int, w int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$BEGIN {tell} RETURN v - w; END$$;
             CREATE TYPE planted.span AS RANGE (subtype = int, subtype_diff = planted.lower);
             CREATE TABLE planted.t (id planted.checked PRIMARY KEY, m planted.mood, ms planted.mood[], p planted.pair, ps planted.pair[], s planted.span);
             GRANT ALL ON planted.t TO PUBLIC"
        ),
    );
    apply(&mut owner, "enable_audit('planted.t', truncate => 'rows')");
    execute(&mut owner, "INSERT INTO planted.t VALUES (1, 'good', '{bad}', ROW(1, 'bad'), ARRAY[ROW(2, 'bad')::planted.pair], '[1,3)')");
    let (sender, heard) = channel();
    let sender = Mutex::new(sender);
    let mut config = database.config("postgres");
    config.notice_callback(move |notice| {
        let _ = sender.lock().expect("no panic in the lock").send(notice.message().to_owned());
    });
    let mut session = config.connect(NoTls).expect("the superuser can connect");
    execute(&mut session, "SET search_path = planted");
    // What an UPDATE of the column itself runs is the superuser's own affair; here nothing of the type is assigned.
    for sql in [
        "UPDATE planted.t SET m = 'bad'",
        "DELETE FROM planted.t WHERE m = 'good'",
        "SELECT * FROM tenant_guard.audit_log",
        "SELECT * FROM tenant_guard.changes_between('-infinity', 'infinity')",
        "SELECT * FROM tenant_guard.table_as_of('planted.t', now() - interval '1 day')",
        "TRUNCATE planted.t",
        "SELECT * FROM tenant_guard.audit_log",
    ] {
        execute(&mut session, sql);
        let said: Vec<String> = heard.try_iter().collect();
        assert!(said.is_empty(), "{sql}: {said:?}");
    }
}

#[test]
fn temporary_tables_are_not_audited() {
    let database = audited();
    for role in ["postgres", OWNER] {
        let mut session = database.connect(role);
        execute(&mut session, "CREATE TEMP TABLE contacts (id int PRIMARY KEY, v text)");
        expect_clear_error(&mut session, "SELECT tenant_guard.enable_audit('contacts')", "42501");
    }
}

#[test]
fn the_trail_goes_with_the_table_to_its_new_owner() {
    let database = audited();
    let mut admin = database.admin();
    let all = "SELECT count(*) FROM tenant_guard.audit_log";
    let (before, mut owner, mut other) =
        (number(&mut admin, all), database.connect(OWNER), database.connect(OTHER_OWNER));
    assert_eq!((number(&mut owner, all), number(&mut other, all)), (before, 0));
    execute(&mut admin, "ALTER TABLE crm.contacts OWNER TO other_owner");
    assert_eq!((number(&mut owner, all), number(&mut other, all)), (0, before));
    // Nor by a table of the former name.
    execute(&mut admin, "ALTER TABLE crm.contacts RENAME TO people");
    execute(
        &mut owner,
        "CREATE TABLE crm.contacts (id bigint PRIMARY KEY, organization_id uuid, name text)",
    );
    assert_eq!(number(&mut owner, all), 0);
    expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.row_history('crm.contacts', '{\"id\": 1}')",
        "55000",
    );
    apply(&mut owner, "enable_audit('crm.contacts')");
    execute(&mut owner, "INSERT INTO crm.contacts VALUES (1)");
    assert_eq!(number(&mut owner, all), 1);
}

#[test]
fn undo_changes_nothing_that_its_caller_may_not_change() {
    let database = audited();
    let mut admin = database.admin();
    let ada = number(&mut admin, "SELECT id FROM crm.contacts WHERE name = 'Ada!'");
    let undo = format!("SELECT * FROM tenant_guard.undo_row('crm.contacts', '{{\"id\": {ada}}}')");
    let (mut alice, _) = alice(&database);
    // Without the privilege.
    execute(&mut admin, "REVOKE UPDATE ON crm.contacts FROM visitor");
    expect_error(&mut alice, &undo, "42501");
    execute(&mut admin, "GRANT UPDATE ON crm.contacts TO visitor");
    // Past a policy: the row is hers to read, and not to change.
    execute(
        &mut admin,
        "CREATE POLICY nobody ON crm.contacts AS RESTRICTIVE FOR UPDATE USING (false)",
    );
    expect_clear_error(&mut alice, &undo, "40001");
    execute(&mut admin, "DROP POLICY nobody ON crm.contacts");
    assert_eq!(
        text(&mut admin, &format!("SELECT name FROM crm.contacts WHERE id = {ada}")).as_deref(),
        Some("Ada!")
    );
    execute(&mut alice, &undo);
    assert_eq!(
        text(&mut admin, &format!("SELECT name FROM crm.contacts WHERE id = {ada}")).as_deref(),
        Some("Ada")
    );
}

#[test]
fn undo_tells_a_change_of_case_from_none() {
    let database = Database::fresh();
    if database.lacks("icu") {
        return;
    }
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE t (id int PRIMARY KEY, name text COLLATE loose)",
    );
    apply(&mut admin, "enable_audit('t')");
    execute(&mut admin, "INSERT INTO t VALUES (1, 'ada'); UPDATE t SET name = 'eve'");
    let event = number(&mut admin, "SELECT max(id) FROM tenant_guard.audit_log");
    execute(&mut admin, "ALTER TABLE t DISABLE TRIGGER ALL; UPDATE t SET name = 'EVE'; ALTER TABLE t ENABLE TRIGGER ALL");
    let undo = format!("SELECT * FROM tenant_guard.undo_row('t', '{{\"id\": 1}}', {event})");
    expect_clear_error(&mut admin, &undo, "40001");
}
