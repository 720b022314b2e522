//! What a session of an ordinary role, with SQL and settings of its own, tries to bend: when the library
//! is loaded, what a registered condition means, which table is asked, and how long a key counts.

use postgres::Client;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{
    execute, expect_clear_error, number, rows, session_claims, text, try_rows,
};
use tenant_guard_tests::Database;

/// A function that asks the extension only when it runs, and a table that workers scan.
fn lazily(database: &Database) {
    database.load(&format!(
        "CREATE SCHEMA lazy; GRANT USAGE ON SCHEMA lazy TO PUBLIC;
         CREATE TABLE lazy.big AS SELECT generate_series(1, 20000) AS i; ANALYZE lazy.big;
         GRANT SELECT ON lazy.big TO {VISITOR};
         CREATE FUNCTION lazy.ask(i int) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE
           AS $$ BEGIN PERFORM tenant_guard.uid_text(); RETURN true; END $$;
         CREATE FUNCTION lazy.contacts(i int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE STABLE
           AS $$ BEGIN RETURN (SELECT count(*) FROM crm.contacts); END $$"
    ));
}

const PARALLEL: &str =
    "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0";

#[test]
fn loading_the_library_in_a_parallel_query_does_not_lose_the_settings() {
    let database = verified_crm();
    lazily(&database);
    for (leader, workers) in [("on", 2), ("off", 2), ("on", 0)] {
        let mut client = database.connect(VISITOR);
        execute(&mut client, PARALLEL);
        execute(
            &mut client,
            &format!("SET parallel_leader_participation = {leader}; SET max_parallel_workers = {workers}"),
        );
        execute(&mut client, &session_claims(CAROL, Some(ORG_B)));
        // Refused, or without rows: either will do.
        for asked in [
            "SELECT count(*) FROM lazy.big WHERE lazy.ask(i)",
            "SELECT max(lazy.contacts(i)) FROM lazy.big",
        ] {
            if let Ok(found) = try_rows(&mut client, asked) {
                assert_ne!(found, [[Some(CONTACTS_OF_B.to_string())]], "{asked}");
            }
        }
        assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None, "{leader} {workers}");
        assert_eq!(contacts(&mut client), 0, "{leader} {workers}");
        assert_eq!(text(&mut client, "SHOW tenant_guard.trust").as_deref(), Some("verified"));
        let alice = token_of(&mut client, ALICE, Some(ORG_A));
        execute(&mut client, &authenticate_session(&alice));
        assert_eq!(contacts(&mut client), CONTACTS_OF_A);
    }
}

#[test]
fn a_setting_that_the_administrator_misspelled_opens_nothing() {
    let database = verified_crm();
    let misspelled = format!("ALTER DATABASE {} SET tenant_guard.trust = 'verify'", database.name);
    // From a session that does not know the setting yet, which takes any value.
    let mut admin = database.cluster.admin();
    execute(&mut admin, &misspelled);
    let mut client = database.connect(VISITOR);
    execute(&mut client, &session_claims(CAROL, Some(ORG_B)));
    assert_eq!(text(&mut client, "SELECT tenant_guard.uid_text()"), None);
    assert_eq!(contacts(&mut client), 0);
    let why = "SELECT verdict FROM tenant_guard.explain_identity() WHERE setting = 'identity'";
    let why = text(&mut client, why).expect("a verdict");
    assert!(why.contains("tenant_guard.trust"), "{why}");
    let refused =
        format!("SELECT tenant_guard.authenticate('{}')", token_of(&mut client, ALICE, None));
    expect_clear_error(&mut client, &refused, "42501");
}

/// Members with a condition on their rows, and what Alice sees in a session that is set up so.
fn seen_under(condition: &str, member: &str, settings: &[&str]) -> Vec<i64> {
    let database = verified_crm();
    database.load(&format!(
        "CREATE TABLE crm.timed (user_id uuid PRIMARY KEY, organization_id uuid NOT NULL, ends_on date, ends_at timestamp, email text);
         INSERT INTO crm.timed VALUES ('{ALICE}', '{ORG_A}', {member})"
    ));
    let register = format!(
        "SELECT * FROM tenant_guard.use_membership('crm.timed', 'user_id', 'organization_id', active => {})",
        quoted(condition)
    );
    execute(&mut database.admin(), &register);
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    let mut seen = Vec::new();
    for setting in settings {
        execute(&mut client, setting);
        execute(&mut client, &format!("BEGIN; {}", authenticate(&alice)));
        seen.push(contacts(&mut client));
        execute(&mut client, "COMMIT");
        execute(&mut client, "DISCARD ALL");
    }
    seen
}

fn quoted(text: &str) -> String {
    format!("$condition${text}$condition$")
}

#[test]
fn a_condition_means_the_same_in_every_session() {
    let zones = ["SET timezone = 'XXX+167'", "SELECT 1", "SET timezone = 'XXX-167'"];
    let ended = "(now() - interval '5 days')::date, now() - interval '3 days', ''";
    for condition in ["ends_on >= current_date", "ends_at > now()", "ends_at > localtimestamp"] {
        assert_eq!(seen_under(condition, ended, &zones), [0, 0, 0], "{condition}");
    }
    let lasting = "(now() + interval '5 days')::date, now() + interval '3 days', ''";
    for condition in ["ends_on >= current_date", "ends_at > now()"] {
        assert_eq!(seen_under(condition, lasting, &zones), [CONTACTS_OF_A; 3], "{condition}");
    }
    let settings =
        ["SET standard_conforming_strings = off", "SELECT 1", "SET transform_null_equals = on"];
    let lookalike = "NULL, NULL, 'alice@acmeXexample'";
    let condition = r"email ~ '@acme\.example$'";
    assert_eq!(seen_under(condition, lookalike, &settings), [0, 0, 0]);
    assert_eq!(seen_under("ends_on = NULL", lookalike, &settings), [0, 0, 0]);
}

#[test]
fn a_strangers_table_of_the_registered_name_is_not_asked() {
    let database = verified_crm();
    let mut owner = database.connect(OWNER);
    execute(&mut owner, &format!("GRANT CREATE, USAGE ON SCHEMA crm TO {OTHER_OWNER}"));
    execute(&mut owner, "ALTER TABLE crm.members RENAME TO members_old");
    let mut stranger = database.connect(OTHER_OWNER);
    execute(
        &mut stranger,
        &format!(
            "CREATE TABLE crm.members (user_id uuid PRIMARY KEY, organization_id uuid, role text);
             INSERT INTO crm.members VALUES ('{MALLORY}', '{ORG_B}', 'owner')"
        ),
    );
    let mut client = database.connect(VISITOR);
    let mallory = token_of(&mut client, MALLORY, Some(ORG_B));
    execute(&mut client, &authenticate_session(&mallory));
    assert_eq!(text(&mut client, "SELECT tenant_guard.org_id_text()"), None);
    assert_eq!(contacts(&mut client), 0);
    let set = format!("SELECT tenant_guard.set_org('{ORG_B}')");
    let error = expect_clear_error(&mut client, &set, "55000");
    assert!(error.message().contains("gone or changed"), "{error:?}");
    // The owner's own table of that name is the one registered.
    execute(&mut stranger, "DROP TABLE crm.members");
    execute(&mut owner, "ALTER TABLE crm.members_old RENAME TO members");
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    execute(&mut client, &authenticate_session(&alice));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
}

#[test]
fn a_key_that_is_retired_ends_in_a_transaction_that_stays_open_too() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    let verify = format!("SELECT tenant_guard.verify_token('{alice}') ->> 'sub'");
    execute(&mut client, "BEGIN");
    for _ in 0..3 {
        execute(&mut client, &authenticate(&alice));
        assert_eq!(text(&mut client, &verify).as_deref(), Some(ALICE));
    }
    execute(&mut client, "SAVEPOINT s");
    execute(&mut database.admin(), &format!("SELECT tenant_guard.retire_key('{KID}')"));
    expect_clear_error(&mut client, &verify, "28000");
    execute(&mut client, "ROLLBACK TO s");
    expect_clear_error(&mut client, &authenticate(&alice), "28000");
}

#[test]
fn what_an_attacker_puts_into_an_event_is_cut() {
    let database = protected_crm();
    let mut client: Client = database.connect(VISITOR);
    let long = format!("{}\nLOG:  forged", "x".repeat(50_000)).replace('\n', "\\n");
    execute(
        &mut client,
        &format!("BEGIN; SET LOCAL request.jwt.claims = '{{\"sub\": \"{long}\"}}'"),
    );
    execute(&mut client, "SELECT tenant_guard.pre_request(); SET LOCAL request.jwt.claims = '{}'");
    execute(&mut client, "SELECT tenant_guard.uid_text(); COMMIT");
    let mut admin = database.admin();
    assert_eq!(
        rows(&mut admin, "SELECT count(*) FROM tenant_guard.security_event"),
        [[Some("1".into())]]
    );
    assert!(
        number(&mut admin, "SELECT max(octet_length(user_id)) FROM tenant_guard.security_event")
            <= 256
    );
}
