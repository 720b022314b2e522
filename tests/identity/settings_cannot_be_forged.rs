//! No setting of the extension can be set by an ordinary role: by no statement, not at connection
//! start, and not before the library is loaded.

use postgres::{Client, NoTls};
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{
    execute, expect_clear_error, expect_error, number, rows, session_claims, try_rows,
};
use tenant_guard_tests::Database;

/// Those that `SHOW ALL` and pg_settings tell of, each with what an attacker would like there.
const ADMINISTRATIVE: &[(&str, &str)] = &[
    ("allow_session_identity", "off"),
    ("audit_max_value", "64"),
    ("jwt_audience", "mallory"),
    ("jwt_clock_skew", "600"),
    ("jwt_issuer", "mallory"),
    ("jwt_require_expiry", "off"),
    ("durable_security_events", "on"),
    ("enforcement", "off"),
    ("max_claims_size", "16777216"),
    ("max_events_per_second", "1000000"),
    ("max_refusals_per_second", "1"),
    ("max_security_event_size", "1TB"),
    ("org_check", "claim"),
    ("trust", "gateway"),
];

/// Those that are anybody's to set: they say nothing about who is asking.
const OF_USERS: &[&str] = &["deletion_reason", "reason", "request_id", "show_deleted"];

/// Those that are hidden: the extension's own.
const PROTECTED: &[&str] = &["identity", "session_identity", "org"];

fn forged() -> Vec<(&'static str, String)> {
    let claims = format!(r#"{{"sub":"{CAROL}","org_id":"{ORG_B}"}}"#);
    let sealed = [
        format!("verified::6:{KID}{claims}"),
        format!("verified:{FAR}000000:6:{KID}{claims}"),
        format!("gateway:{claims}"),
        claims.clone(),
        "nobody".into(),
    ];
    let mut forged: Vec<(&str, String)> = Vec::new();
    for value in sealed {
        forged.push(("identity", value.clone()));
        forged.push(("session_identity", value));
    }
    forged.push(("org", format!("36:36:{MALLORY}{ORG_B}")));
    forged.push(("org", format!("36:36:{CAROL}{ORG_B}")));
    forged.extend(ADMINISTRATIVE.iter().map(|(name, value)| (*name, (*value).to_owned())));
    forged
}

/// Every statement that sets it, or puts it back to what it was at the start.
fn attempts(name: &str, value: &str) -> Vec<String> {
    let setting = format!("tenant_guard.{name}");
    vec![
        format!("SET {setting} = '{value}'"),
        format!("SET SESSION {setting} TO '{value}'"),
        format!("SET LOCAL {setting} = '{value}'"),
        format!("SELECT set_config('{setting}', '{value}', false)"),
        format!("SELECT set_config('{setting}', '{value}', true)"),
        format!("SELECT set_config('{}', '{value}', true)", setting.to_uppercase()),
        format!("SET {setting} TO DEFAULT"),
        format!("RESET {setting}"),
        format!("DO $$ BEGIN PERFORM set_config('{setting}', '{value}', false); END $$"),
        format!(
            "CREATE FUNCTION pg_temp.forge() RETURNS text LANGUAGE sql SET {setting} = '{value}' \
             AS 'SELECT tenant_guard.uid_text()'; SELECT pg_temp.forge()"
        ),
        format!(
            "CREATE FUNCTION pg_temp.forge_later() RETURNS text LANGUAGE sql AS 'SELECT tenant_guard.uid_text()'; \
             ALTER FUNCTION pg_temp.forge_later() SET {setting} = '{value}'; SELECT pg_temp.forge_later()"
        ),
    ]
}

/// Who the session is, what it sees, and every setting.
#[track_caller]
fn state(client: &mut Client) -> Vec<Option<String>> {
    execute(client, "SELECT tenant_guard.uid_text()");
    let names = ADMINISTRATIVE.iter().map(|(name, _)| *name).chain(PROTECTED.iter().copied());
    let settings: Vec<String> =
        names.map(|name| format!("nullif(current_setting('tenant_guard.{name}'), '')")).collect();
    let query = format!(
        "SELECT tenant_guard.uid_text(), tenant_guard.org_id_text(), tenant_guard.claims()::text,
                (SELECT count(*) FROM crm.contacts), {}",
        settings.join(", ")
    );
    rows(client, &query).remove(0)
}

/// A session with options as it starts: refused at once, or left as it would be without them, or, where
/// the client's value hid the administrator's, nobody's, whatever claims or tokens it shows.
#[track_caller]
fn with_options(database: &Database, options: &str, before: &[Option<String>]) {
    let Ok(mut client) = database.config(VISITOR).options(options).connect(NoTls) else {
        return;
    };
    let nobody = [None, None, None, Some("0".to_owned())];
    for statement in ["SELECT 1", "RESET ALL", "DISCARD ALL", "SET tenant_guard.trust = 'verified'"]
    {
        // Refused is as good as taken without effect.
        let _ = try_rows(&mut client, statement);
        execute(&mut client, &session_claims(CAROL, Some(ORG_B)));
        let now = state(&mut client);
        assert_eq!(now[..4], nobody, "{options}, {statement}");
        expect_error(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"), "28000");
        in_a_worker_too(&mut client, &format!("{options}, {statement}"));
        if now == before {
            continue;
        }
        // A good token helps nobody here: for whom it is meant was hidden too.
        let good = token_of(&mut client, ALICE, Some(ORG_A));
        for call in ["authenticate", "verify_token"] {
            let refused = format!("SELECT tenant_guard.{call}('{good}')");
            expect_clear_error(&mut client, &refused, "42501");
        }
        expect_clear_error(&mut client, "SELECT tenant_guard.pre_request()", "42501");
    }
}

/// A parallel worker is another process, which knows nothing of how the session connected.
#[track_caller]
fn in_a_worker_too(client: &mut Client, how: &str) {
    let version = number(client, "SELECT current_setting('server_version_num')");
    let force = if version >= 160_000 { "debug_parallel_query" } else { "force_parallel_mode" };
    execute(client, &format!("SET {force} = on"));
    let asked = "SELECT tenant_guard.uid_text(), tenant_guard.org_id_text()";
    assert_eq!(rows(client, asked), [[None, None]], "{how}, in a worker");
    assert_eq!(contacts(client), 0, "{how}, in a worker");
    execute(client, &format!("RESET {force}"));
}

/// A session of the visitor in its pristine state.
fn untouched(database: &Database) -> Vec<Option<String>> {
    let state = state(&mut database.connect(VISITOR));
    assert_eq!(state[..4], [None, None, None, Some("0".to_owned())]);
    state
}

#[test]
fn every_setting_there_is_stands_in_the_lists_above() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    execute(&mut client, "SELECT tenant_guard.uid_text()");
    let shown = rows(
        &mut client,
        "SELECT name, context FROM pg_settings WHERE name LIKE 'tenant\\_guard.%' ORDER BY name",
    );
    let administrative = ADMINISTRATIVE.iter().map(|(name, _)| (*name, "superuser"));
    let of_users = OF_USERS.iter().map(|name| (*name, "user"));
    let mut expected: Vec<Vec<Option<String>>> = administrative
        .chain(of_users)
        .map(|(name, context)| vec![Some(format!("tenant_guard.{name}")), Some(context.into())])
        .collect();
    expected.sort();
    assert_eq!(shown, expected);
    for name in PROTECTED {
        execute(&mut client, &format!("SHOW tenant_guard.{name}"));
    }
    // What is no setting cannot be made one, and used to confuse people.
    expect_error(&mut client, "SET tenant_guard.user_id = 'x'", "42602");
}

#[test]
fn an_administrator_sets_them_and_a_token_gives_the_identity() {
    let database = verified_crm();
    let mut admin = database.admin();
    execute(&mut admin, "SELECT tenant_guard.uid_text()");
    for (name, value) in ADMINISTRATIVE {
        execute(&mut admin, &format!("SET tenant_guard.{name} = '{value}'"));
    }
    let mut client = database.connect(VISITOR);
    let token = token_of(&mut client, CAROL, Some(ORG_B));
    execute(&mut client, &authenticate_session(&token));
    let carol = state(&mut client);
    assert_eq!(carol[..2], [Some(CAROL.to_owned()), Some(ORG_B.to_owned())]);
    assert_eq!(carol[3], Some(CONTACTS_OF_B.to_string()));
}

#[test]
fn once_the_library_is_loaded_every_way_to_set_them_is_refused() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let mallory = token_of(&mut client, MALLORY, Some(ORG_B));
    let before = untouched(&database);
    assert_eq!(state(&mut client), before);
    for (name, value) in forged() {
        for attempt in attempts(name, &value) {
            execute(&mut client, "BEGIN; SAVEPOINT s");
            expect_error(&mut client, &attempt, "42501");
            execute(&mut client, "ROLLBACK TO s");
            assert_eq!(state(&mut client), before, "{attempt}");
            execute(&mut client, &authenticate(&mallory));
            let authenticated = state(&mut client);
            assert_eq!(authenticated[0].as_deref(), Some(MALLORY));
            execute(&mut client, "SAVEPOINT s");
            expect_error(&mut client, &attempt, "42501");
            execute(&mut client, "ROLLBACK TO s");
            assert_eq!(state(&mut client), authenticated, "{attempt}, authenticated");
            execute(&mut client, "ROLLBACK");
        }
    }
    assert_eq!(state(&mut client), before);
}

#[test]
fn set_before_the_library_is_loaded_they_have_no_effect() {
    let database = verified_crm();
    let before = untouched(&database);
    for (name, value) in forged() {
        for attempt in attempts(name, &value) {
            for block in ["", "BEGIN"] {
                let mut client = database.connect(VISITOR);
                execute(&mut client, block);
                // Nobody knows the setting yet: PostgreSQL may take it, but it must not survive the loading.
                if try_rows(&mut client, &attempt).is_err() {
                    execute(&mut client, "ROLLBACK; BEGIN");
                }
                assert_eq!(state(&mut client), before, "{block} {attempt}");
                execute(&mut client, "COMMIT");
                assert_eq!(state(&mut client), before, "{block} {attempt}, then COMMIT");
            }
        }
    }
}

#[test]
fn set_before_loading_in_nested_savepoints_nothing_comes_back_with_a_rollback() {
    let database = verified_crm();
    let before = untouched(&database);
    for (name, value) in forged() {
        let set =
            |local: bool| format!("SELECT set_config('tenant_guard.{name}', '{value}', {local})");
        for load_early in [false, true] {
            let mut client = database.connect(VISITOR);
            for statement in
                [&set(false), "BEGIN", &set(true), "SAVEPOINT a", &set(false), "SAVEPOINT b"]
            {
                // Refused is as good as taken without effect.
                let _ = try_rows(&mut client, statement);
            }
            if load_early {
                let _ = try_rows(&mut client, "SELECT tenant_guard.uid_text()");
            }
            for statement in ["ROLLBACK TO b", "RELEASE a", "COMMIT", "ROLLBACK", "RESET ALL"] {
                let _ = try_rows(&mut client, statement);
                if try_rows(&mut client, "SELECT 1").is_ok() {
                    assert_eq!(state(&mut client), before, "{name} {value} {statement}");
                }
            }
        }
    }
}

#[test]
fn at_connection_start_they_are_refused_or_have_no_effect() {
    let database = verified_crm();
    let before = untouched(&database);
    for (name, value) in forged() {
        let value = value.replace(' ', "\\ ");
        for options in [
            format!("-c tenant_guard.{name}={value}"),
            format!("--tenant_guard.{name}={value}"),
            format!("--tenant-guard.{name}={value}"),
            format!("-c session_preload_libraries=tenant_guard -c tenant_guard.{name}={value}"),
            format!("-c local_preload_libraries=tenant_guard -c tenant_guard.{name}={value}"),
        ] {
            with_options(&database, &options, &before);
        }
    }
    // That it is refused is not because options are.
    let mut client = database
        .config(VISITOR)
        .options("-c work_mem=777kB")
        .connect(NoTls)
        .expect("options are taken");
    assert_eq!(rows(&mut client, "SHOW work_mem"), [[Some("777kB".to_owned())]]);
}

#[test]
fn no_option_at_connection_start_makes_the_gateways_claims_count_again() {
    let database = verified_crm();
    let before = untouched(&database);
    for name in ["tenant_guard.trust", "Tenant_Guard.TRUST", "TENANT_GUARD.trust"] {
        for value in ["gateway", "verified", "nonsense", ""] {
            with_options(&database, &format!("-c {name}={value}"), &before);
            with_options(&database, &format!("-c {name}=verified -c {name}={value}"), &before);
        }
    }
    // What is preloaded for the session comes after the client's options.
    let preload =
        format!("ALTER DATABASE {} SET session_preload_libraries = 'tenant_guard'", database.name);
    execute(&mut database.admin(), &preload);
    with_options(&database, "-c tenant_guard.trust=gateway", &before);
    assert_eq!(untouched(&database), before);
}

#[test]
fn an_option_at_connection_start_does_not_put_back_what_the_database_sets() {
    let database = verified_crm();
    let mut admin = database.admin();
    for (name, value) in [("jwt_audience", "ours"), ("allow_session_identity", "off")] {
        let set = format!("ALTER DATABASE {} SET tenant_guard.{name} = '{value}'", database.name);
        execute(&mut admin, &set);
    }
    let before = untouched(&database);
    for (name, _) in ADMINISTRATIVE {
        // Whatever it says: refused when the library is loaded, it must not leave the default behind.
        for value in ["verified", "gateway", "on", "1"] {
            with_options(&database, &format!("-c tenant_guard.{name}={value}"), &before);
        }
    }
}

#[test]
fn psql_with_pgoptions_gets_nothing() {
    let database = verified_crm();
    for (name, value) in forged() {
        let mut psql = database.cluster.tool("psql", &database.name, VISITOR);
        psql.env("PGOPTIONS", format!("-c tenant_guard.{name}={value}"));
        let query =
            "SELECT tenant_guard.uid_text(), tenant_guard.claims(), count(*) FROM crm.contacts";
        let output = psql.args(["-X", "-A", "-t", "-c", query]).output().expect("psql runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() || said.trim() == "||0", "{name} {value}: {said}");
    }
}

/// A role of its own, which may log in and read the contacts.
fn roamer(database: &Database) -> String {
    let role = format!("roamer_{}", database.name);
    execute(
        &mut database.admin(),
        &format!(
            "CREATE ROLE {role} LOGIN CREATEROLE; GRANT USAGE ON SCHEMA crm TO {role};
             GRANT SELECT ON crm.contacts TO {role}"
        ),
    );
    role
}

#[test]
fn as_defaults_of_role_or_database_they_are_refused() {
    let database = verified_crm();
    let role = roamer(&database);
    let before = state(&mut database.connect(&role));
    // The owner of a database sets its defaults, but not these.
    execute(&mut database.admin(), &format!("ALTER DATABASE {} OWNER TO {role}", database.name));
    for (name, value) in forged() {
        let clause = format!("SET tenant_guard.{name} = '{value}'");
        for loaded in [false, true] {
            for statement in [
                format!("ALTER ROLE {role} {clause}"),
                format!("ALTER ROLE CURRENT_USER {clause}"),
                format!("ALTER ROLE {role} IN DATABASE {} {clause}", database.name),
                format!("ALTER DATABASE {} {clause}", database.name),
                format!("ALTER ROLE ALL {clause}"),
                format!("ALTER SYSTEM {clause}"),
            ] {
                let mut client = database.connect(&role);
                if loaded {
                    execute(&mut client, "SELECT tenant_guard.uid_text()");
                }
                expect_error(&mut client, &statement, "42501");
            }
            let from_current =
                format!("{clause}; ALTER ROLE {role} SET tenant_guard.{name} FROM CURRENT");
            assert!(
                database.connect(&role).batch_execute(&from_current).is_err(),
                "{from_current}"
            );
        }
    }
    assert_eq!(state(&mut database.connect(&role)), before);
    let mut client = database.connect(&role);
    execute(&mut client, &format!("ALTER ROLE {role} SET work_mem = '777kB'"));
}

#[test]
fn defaults_that_an_administrator_set_are_not_taken_away() {
    let database = verified_crm();
    let role = roamer(&database);
    execute(&mut database.admin(), &format!("ALTER DATABASE {} OWNER TO {role}", database.name));
    let mut client = database.connect(&role);
    for statement in [
        format!("ALTER DATABASE {} RESET tenant_guard.trust", database.name),
        format!("ALTER DATABASE {} SET tenant_guard.trust TO DEFAULT", database.name),
    ] {
        expect_error(&mut client, &statement, "42501");
    }
    // RESET ALL leaves standing what its caller could not have set.
    execute(&mut client, &format!("ALTER DATABASE {} RESET ALL", database.name));
    let mut next = database.connect(VISITOR);
    execute(
        &mut next,
        &format!(r#"SET request.jwt.claims = '{{"sub":"{CAROL}","org_id":"{ORG_B}"}}'"#),
    );
    assert_eq!(state(&mut next)[..4], [None, None, None, Some("0".to_owned())]);
}
