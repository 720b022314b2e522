//! An ordinary role that wants to read another organization's trail.

use postgres::{Client, NoTls};
use std::sync::mpsc::{channel, Receiver};
use std::sync::Mutex;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::*;
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// In every value of B's that nobody of A may see.
pub const SECRET: &str = "Barbara";

/// The CRM, audited; Barbara's row was changed once by B.
pub fn audited() -> Database<'static> {
    let database = protected_crm();
    apply(&mut database.connect(OWNER), "enable_audit('crm.contacts')");
    // So long that it is told once, and looked for after that.
    let mut admin = database.admin();
    execute(
        &mut admin,
        "ALTER TABLE crm.contacts ADD COLUMN notes text; ALTER TABLE crm.contacts ALTER notes SET STORAGE EXTERNAL;
         UPDATE crm.contacts SET notes = repeat(name || ' ', 1000)",
    );
    for (user, org) in [(ALICE, ORG_A), (BOB, ORG_B)] {
        let mut visitor = visit(&database, user, Some(org));
        execute(
            &mut visitor,
            &format!(
                "SET LOCAL tenant_guard.request_id = 'request of {user}';
                 UPDATE crm.contacts SET name = name || '!' WHERE name IN ('Ada', 'Barbara'); COMMIT"
            ),
        );
    }
    database
}

/// Alice's session, and what notices it got.
pub fn alice(database: &Database) -> (Client, Receiver<String>) {
    let (sender, heard) = channel();
    let sender = Mutex::new(sender);
    let mut config = database.config(VISITOR);
    config.notice_callback(move |notice| {
        let _ = sender.lock().expect("no panic in the lock").send(notice.message().to_owned());
    });
    let mut client = config.connect(NoTls).expect("the visitor can connect");
    execute(&mut client, &session_claims(ALICE, Some(ORG_A)));
    (client, heard)
}

#[test]
fn the_bytes_of_an_event_are_read_by_the_view_alone() {
    let database = audited();
    let mut admin = database.admin();
    // Each event of the other organization, by where it is.
    let theirs = rows(
        &mut admin,
        "SELECT log::text, place::text FROM tenant_guard.audit_events WHERE organization::text LIKE 'bbbb%'",
    );
    assert!(!theirs.is_empty());
    let (mut alice, _) = alice(&database);
    for event in theirs {
        let place =
            format!("{}::oid, '{}'", event[0].as_ref().unwrap(), event[1].as_ref().unwrap());
        for function in ["record", "old_record", "key", "changed", "organization_text"]
            .map(|f| format!("audit_{f}"))
        {
            let call = format!("SELECT tenant_guard.{function}({place})::text");
            assert_eq!(text(&mut alice, &call), None, "{call}");
            // Nor what is in another table, at a place that is none, or in bytes of her own.
            for place in ["'crm.contacts'::regclass, '(0,1)'", "0, '(0,1)'", "NULL, NULL"] {
                let call = format!("SELECT tenant_guard.{function}({place})::text");
                assert_eq!(text(&mut alice, &call), None, "{call}");
            }
            let call = format!("SELECT tenant_guard.{function}(1::int, 'I', '\\x0101'::bytea)");
            expect_error(&mut alice, &call, "42883");
        }
    }
}

/// Functions, operators and casts of her own that tell what they are given.
const LEAKS: &str = r"
SET search_path = pg_temp;
CREATE FUNCTION pg_temp.tell(v anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
  $$BEGIN RAISE NOTICE 'told %', v; RETURN true; END$$;
CREATE FUNCTION pg_temp.tell2(v text, w text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
  $$BEGIN RAISE NOTICE 'told % %', v, w; RETURN true; END$$;
CREATE OPERATOR pg_temp.<<<< (FUNCTION = pg_temp.tell2, LEFTARG = text, RIGHTARG = text, RESTRICT = scalarltsel);
CREATE FUNCTION pg_temp.raise(v jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
  $$BEGIN RETURN (v->>'name')::int > 0; END$$;";

#[test]
fn leaky_functions_and_operators_see_nothing_of_others() {
    let database = audited();
    let (mut alice, heard) = alice(&database);
    execute(&mut alice, LEAKS);
    let mut told = 0;
    for source in [
        "tenant_guard.audit_log",
        "tenant_guard.audit_events",
        "tenant_guard.changes_between('-infinity', 'infinity')",
        "tenant_guard.changes_between('-infinity', 'infinity', 'crm.contacts')",
        "tenant_guard.row_history('crm.contacts', '{\"id\": 4}')",
        "tenant_guard.table_as_of('crm.contacts', now())",
    ] {
        for condition in [
            "pg_temp.tell(e)",
            "e::text OPERATOR(pg_temp.<<<<) 'x'",
            "pg_temp.tell(to_jsonb(e))",
            "pg_temp.raise(to_jsonb(e))",
            "1 / (position('arbar' in e::text) - position('arbar' in e::text) + 1) > 0 AND pg_temp.tell(e::text)",
        ] {
            for query in [
                format!("SELECT count(*) FROM {source} e WHERE {condition}"),
                format!("SELECT * FROM {source} e WHERE {condition} ORDER BY 1 LIMIT 1"),
                format!("SELECT count(*) FROM {source} e JOIN tenant_guard.audit_layout l ON {condition}"),
                format!("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {source} e WHERE {condition}"),
            ] {
                let said = match try_rows(&mut alice, &query) {
                    Ok(rows) => format!("{rows:?}"),
                    Err(error) => format!("{error:?}"),
                };
                let said: String = heard.try_iter().chain([said]).collect();
                told += usize::from(said.contains("told") && said.contains("Ada"));
                assert!(
                    !said.contains(SECRET) && !said.contains("42617262617261"),
                    "{query}\n{}", said.chars().take(3000).collect::<String>()
                );
            }
        }
    }
    assert!(told > 0, "the leaks tell what she may see");
}

#[test]
fn statistics_tell_nothing_of_the_log() {
    let database = audited();
    execute(&mut database.admin(), "ANALYZE");
    let (mut alice, _) = alice(&database);
    let seen = "SELECT count(*) FROM pg_stats WHERE schemaname = 'tenant_guard'
         AND tablename IN ('audit_event', 'audit_context', 'audit_commit', 'audit_bulk', 'audit_secret')
         OR schemaname = 'tenant_guard' AND tablename LIKE 'audit_event%'";
    assert_eq!(number(&mut alice, seen), 0);
}

#[test]
fn history_gives_one_organization_nothing_of_another() {
    let database = audited();
    let mut admin = database.admin();
    let change =
        "SELECT transaction_id FROM tenant_guard.audit_log WHERE record->>'name' = 'Barbara!'";
    let transaction = text(&mut admin, change).expect("a transaction");
    let barbara = number(&mut admin, "SELECT id FROM crm.contacts WHERE name = 'Barbara!'");
    let key = format!("'{{\"id\": {barbara}}}'");
    let before = database.contents();
    let (mut alice, _) = alice(&database);
    for nothing in [
        format!("SELECT count(*) FROM tenant_guard.row_history('crm.contacts', {key})"),
        format!("SELECT count(tenant_guard.row_as_of('crm.contacts', {key}, now()))"),
        format!("SELECT count(tenant_guard.row_as_of('crm.contacts', {key}, '-infinity'))"),
        format!("SELECT count(*) FROM tenant_guard.transaction_changes('{transaction}')"),
        format!("SELECT count(*) FROM tenant_guard.table_as_of('crm.contacts', now()) r WHERE r->>'organization_id' <> '{ORG_A}'"),
        format!("SELECT count(*) FROM tenant_guard.table_as_of('crm.contacts', '-infinity') r WHERE r->>'organization_id' <> '{ORG_A}'"),
        format!("SELECT count(*) FROM tenant_guard.changes_between('-infinity', 'infinity') WHERE organization_id IS DISTINCT FROM '{ORG_A}'"),
    ] {
        assert_eq!(number(&mut alice, &nothing), 0, "{nothing}");
    }
    for dry in ["true", "false"] {
        for undo in [
            format!("undo_row('crm.contacts', {key}, dry_run => {dry})"),
            format!("undo_transaction('{transaction}', {dry})"),
            format!("undo_request('request of {BOB}', {dry})"),
        ] {
            expect_clear_error(&mut alice, &format!("SELECT * FROM tenant_guard.{undo}"), "P0002");
        }
    }
    drop(alice);
    assert_eq!(database.contents(), before);
}

#[test]
fn an_organization_of_her_own_choice_is_not_taken_at_its_word() {
    let database = audited();
    let mut visitor = database.connect(VISITOR);
    // Mallory is no member of B.
    execute(&mut visitor, &session_claims(MALLORY, Some(ORG_B)));
    let all = "SELECT count(*) FROM tenant_guard.audit_log";
    assert_eq!(number(&mut visitor, all), 0);
    for setting in
        ["tenant_guard.org_id", "tenant_guard.organization_id", "tenant_guard.organization"]
    {
        let _ = visitor.batch_execute(&format!("SET {setting} = '{ORG_B}'"));
    }
    assert_eq!(number(&mut visitor, all), 0);
    execute(&mut visitor, "RESET ALL");
    assert_eq!(number(&mut visitor, all), 0);
}

/// A parallel query keeps nothing that was read from the catalog: what it asks, it asks once.
#[test]
fn a_parallel_query_does_not_ask_anew_for_each_event() {
    let database = audited();
    let mut admin = database.admin();
    execute(
        &mut admin,
        &format!("INSERT INTO crm.contacts (organization_id, name) SELECT '{ORG_A}', 'many' FROM generate_series(1, 3000)"),
    );
    let setting = "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')";
    let setting = text(&mut admin, setting).expect("a setting");
    let (mut alice, _) = alice(&database);
    for client in [&mut admin, &mut alice] {
        // Each question would be a parallel query by itself, and start a process.
        execute(
            client,
            &format!(
                "SET {setting} = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
                 SET statement_timeout = '15s'"
            ),
        );
        let read =
            "SELECT count(record) FROM tenant_guard.audit_log WHERE record->>'name' = 'many'";
        assert_eq!(number(client, read), 3000);
    }
}
