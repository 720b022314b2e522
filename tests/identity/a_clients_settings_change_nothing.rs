//! What any client may set for its session changes no answer about who it is and where it belongs.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, rows, session_claims};

const SETTINGS: &[&str] = &[
    "row_security = off",
    "search_path = ''",
    "search_path = pg_temp, crm, tenant_guard",
    "client_encoding = 'LATIN1'",
    "client_encoding = 'SQL_ASCII'",
    "standard_conforming_strings = off",
    "backslash_quote = on",
    "array_nulls = off",
    "bytea_output = 'escape'",
    "DateStyle = 'SQL, DMY'",
    "TimeZone = 'Pacific/Kiritimati'",
    "IntervalStyle = 'sql_standard'",
    "extra_float_digits = -15",
    "quote_all_identifiers = on",
    "transform_null_equals = on",
    "plan_cache_mode = force_generic_plan",
    "plan_cache_mode = force_custom_plan",
    "enable_seqscan = off",
    "enable_indexscan = off; SET enable_bitmapscan = off",
    "check_function_bodies = off",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_read_only = on",
    "default_transaction_deferrable = on; SET default_transaction_read_only = on; SET default_transaction_isolation = 'serializable'",
    "work_mem = '64kB'",
    "jit = on; SET jit_above_cost = 0",
    "lc_numeric = 'C'; SET lc_monetary = 'C'; SET lc_time = 'C'",
    "statement_timeout = '1min'; SET lock_timeout = '1min'",
    "max_parallel_workers_per_gather = 0",
    "from_collapse_limit = 1; SET join_collapse_limit = 1; SET geqo_threshold = 2",
    "default_tablespace = ''; SET default_table_access_method = 'heap'",
    "client_min_messages = debug5; SET debug_print_plan = on; SET debug_pretty_print = on",
];

/// Everything that the extension says of the session, the organization chosen as well as claimed.
fn answers(client: &mut Client, identify: &str) -> Vec<Vec<Option<String>>> {
    let asked = format!(
        "SELECT tenant_guard.uid(), tenant_guard.uid_text(), tenant_guard.claims()::text, tenant_guard.org_id(),
                tenant_guard.org_ids()::text, tenant_guard.org_ids_text()::text, tenant_guard.is_member('{ORG_A}'),
                tenant_guard.is_member_text('{ORG_B}'), tenant_guard.org_role('{ORG_A}'), tenant_guard.roles()::text,
                tenant_guard.permissions()::text, tenant_guard.has_permission('leads:read'), tenant_guard.project_id_text(),
                tenant_guard.is_authenticated(), tenant_guard.email()"
    );
    execute(client, "BEGIN");
    execute(client, identify);
    let mut found = rows(client, &asked);
    for org in [ORG_A, ORG_B] {
        // Refused or not, by the SQLSTATE.
        execute(client, "SAVEPOINT s");
        let chosen = client.batch_execute(&format!("SELECT tenant_guard.set_org('{org}')"));
        let code = chosen.err().and_then(|error| error.code().map(|code| code.code().to_owned()));
        if code.is_some() {
            execute(client, "ROLLBACK TO s");
        }
        found.push(vec![code]);
        found.extend(rows(client, &asked));
    }
    execute(client, "COMMIT");
    found
}

/// Whether the answers are those of one who belongs somewhere.
fn belongs(answers: &[Vec<Option<String>>]) -> bool {
    answers.iter().any(|row| row.len() > 1 && row[3].is_some())
}

#[test]
fn of_a_session_behind_a_gateway() {
    let database = protected_crm();
    execute(
        &mut database.admin(),
        "SELECT tenant_guard.set_role_permissions('viewer', '{leads:read}')",
    );
    for person in [ALICE, CAROL, MALLORY] {
        let identify =
            format!("{} SELECT tenant_guard.pre_request()", session_claims(person, Some(ORG_A)));
        let expected = answers(&mut database.connect(VISITOR), &identify);
        assert_eq!(belongs(&expected), person != MALLORY);
        for setting in SETTINGS {
            let mut client = database.connect(VISITOR);
            execute(&mut client, &format!("SET {setting}"));
            assert_eq!(answers(&mut client, &identify), expected, "{person} {setting}");
        }
    }
}

#[test]
fn of_a_session_with_a_token() {
    let database = verified_crm();
    for person in [ALICE, CAROL, MALLORY] {
        let mut client = database.connect(VISITOR);
        let token = token_of(&mut client, person, Some(ORG_A));
        let identify = authenticate(&token);
        let expected = answers(&mut client, &identify);
        assert_eq!(belongs(&expected), person != MALLORY);
        for setting in SETTINGS {
            let mut client = database.connect(VISITOR);
            execute(&mut client, &format!("SET {setting}"));
            assert_eq!(answers(&mut client, &identify), expected, "{person} {setting}");
        }
    }
}

#[test]
fn with_row_security_off_a_protected_table_raises_and_shows_nothing() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    execute(&mut client, &session_claims(ALICE, Some(ORG_A)));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    execute(&mut client, "SET row_security = off");
    tenant_guard_tests::sql::expect_error(&mut client, "SELECT * FROM crm.contacts", "42501");
}
