//! The active organization cannot be forged: not by SET, not at connection start, not before the library is loaded.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{claims, execute, expect_error, number, text, try_rows};
use tenant_guard_tests::Database;

/// Loads the library, as the first policy or helper of a session does.
fn load_library(client: &mut Client) {
    execute(client, "SELECT tenant_guard.uid_text()");
}

/// What `set_org` would store for Mallory, had she been let in.
fn forged() -> String {
    format!("{}:{}:{MALLORY}{ORG_B}", MALLORY.len(), ORG_B.len())
}

fn forgeries() -> Vec<String> {
    let forged = forged();
    vec![
        format!("SET tenant_guard.org = '{forged}'"),
        format!("SET SESSION tenant_guard.org TO '{forged}'"),
        format!("SET LOCAL tenant_guard.org = '{forged}'"),
        format!("SELECT set_config('tenant_guard.org', '{forged}', false)"),
        format!("SELECT set_config('tenant_guard.org', '{forged}', true)"),
        format!("SELECT set_config('TENANT_GUARD.Org', '{forged}', true)"),
        format!("UPDATE pg_settings SET setting = '{forged}' WHERE name = 'tenant_guard.org'; \
                 SELECT set_config('tenant_guard.org', '{forged}', true)"),
        "SET tenant_guard.org = DEFAULT".to_owned(),
        "SET tenant_guard.org TO ''".to_owned(),
        "RESET tenant_guard.org".to_owned(),
        format!("CREATE FUNCTION pg_temp.forge() RETURNS uuid LANGUAGE sql SET tenant_guard.org = '{forged}' \
                 AS 'SELECT tenant_guard.org_id()'; SELECT pg_temp.forge()"),
        format!("DO $$ BEGIN PERFORM set_config('tenant_guard.org', '{forged}', true); END $$"),
    ]
}

/// Mallory, who belongs to no organization, sees and changes nothing.
#[track_caller]
fn reaches_nothing(client: &mut Client, how: &str) {
    for helper in ["org_id()", "org_id_text()", "org_id_bigint()"] {
        let value = text(client, &format!("SELECT tenant_guard.{helper}"));
        assert_eq!(value, None, "{helper} after {how}");
    }
    assert_eq!(contacts(client), 0, "{how}");
    let touched = "WITH touched AS (UPDATE crm.contacts SET name = 'x' RETURNING 1) SELECT count(*) FROM touched";
    assert_eq!(number(client, touched), 0, "{how}");
}

fn is_mallory(client: &mut Client) {
    execute(client, &tenant_guard_tests::sql::session_claims(MALLORY, None));
}

#[test]
fn once_the_library_is_loaded_every_way_to_set_it_is_refused() {
    let database = protected_crm();
    for forgery in forgeries() {
        let mut client = database.connect(VISITOR);
        is_mallory(&mut client);
        load_library(&mut client);
        expect_error(&mut client, &forgery, "42501");
        reaches_nothing(&mut client, &forgery);
    }
}

#[test]
fn inside_a_transaction_with_a_context_it_is_refused_too() {
    let database = protected_crm();
    for forgery in forgeries() {
        let mut client = visit(&database, CAROL, None);
        execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_A}'); SAVEPOINT s"));
        expect_error(&mut client, &forgery, "42501");
        execute(&mut client, "ROLLBACK TO s");
        assert_eq!(contacts(&mut client), CONTACTS_OF_A, "{forgery}");
    }
}

#[test]
fn set_before_the_library_is_loaded_it_has_no_effect() {
    let database = protected_crm();
    for forgery in forgeries() {
        for block in ["", "BEGIN"] {
            let mut client = database.connect(VISITOR);
            is_mallory(&mut client);
            execute(&mut client, block);
            // Nobody knows the setting yet, so PostgreSQL may take it; it must not survive the loading.
            if try_rows(&mut client, &forgery).is_err() {
                execute(&mut client, "ROLLBACK; BEGIN");
            }
            let how = format!("{block} {forgery}, before the library");
            reaches_nothing(&mut client, &how);
        }
    }
}

#[test]
fn set_before_loading_inside_a_savepoint_it_does_not_come_back_with_a_rollback() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    is_mallory(&mut client);
    let set = |value: &str| format!("SELECT set_config('tenant_guard.org', '{value}', false)");
    let of_a = forged().replace(ORG_B, ORG_A);
    for statement in [&set(&forged()), "BEGIN", &set(&of_a), "SAVEPOINT s", &set(&forged())] {
        // Refused is as good as taken without effect.
        let _ = try_rows(&mut client, statement);
    }
    let _ = try_rows(&mut client, "SELECT tenant_guard.uid_text()");
    for statement in ["ROLLBACK TO s", "ROLLBACK"] {
        let _ = try_rows(&mut client, statement);
        reaches_nothing(&mut client, statement);
    }
}

#[test]
fn at_connection_start_it_is_refused_or_has_no_effect() {
    let database = protected_crm();
    let forged = forged();
    for options in [
        format!("-c tenant_guard.org={forged}"),
        format!("--tenant-guard.org={forged}"),
        format!("--tenant_guard.org={forged} -c role=visitor"),
        format!("-c session_preload_libraries=tenant_guard -c tenant_guard.org={forged}"),
        format!("-c local_preload_libraries=tenant_guard -c tenant_guard.org={forged}"),
    ] {
        let connected = database.config(VISITOR).options(&options).connect(postgres::NoTls);
        let Ok(mut client) = connected else { continue };
        is_mallory(&mut client);
        // Refused with the first question, it is refused with all.
        if client.batch_execute("SELECT tenant_guard.uid_text()").is_err() {
            expect_error(&mut client, "SELECT tenant_guard.org_id()", "42501");
            expect_error(&mut client, "SELECT count(*) FROM crm.contacts", "42501");
            continue;
        }
        reaches_nothing(&mut client, &options);
    }
}

#[test]
fn psql_with_pgoptions_gets_nothing() {
    let database = protected_crm();
    let forged = forged();
    let mut psql = database.cluster.tool("psql", &database.name, VISITOR);
    psql.env("PGOPTIONS", format!("-c tenant_guard.org={forged}"));
    psql.args([
        "-X",
        "-A",
        "-t",
        "-c",
        "SELECT count(*), tenant_guard.org_id_text() FROM crm.contacts",
    ]);
    let output = psql.output().expect("psql runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() || said.trim() == "0|", "{said}");
}

#[test]
fn as_a_default_of_role_or_database_it_is_refused_or_has_no_effect() {
    let database = protected_crm();
    let forged = forged();
    let mut admin = database.admin();
    let role = format!("roamer_{}", database.name);
    execute(
        &mut admin,
        &format!(
            "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA crm TO {role};
                  GRANT SELECT, UPDATE ON crm.contacts TO {role}"
        ),
    );
    for loaded in [false, true] {
        for statement in [
            format!("ALTER ROLE {role} SET tenant_guard.org = '{forged}'"),
            format!("ALTER ROLE {role} IN DATABASE {} SET tenant_guard.org = '{forged}'", database.name),
            format!("ALTER ROLE CURRENT_USER SET tenant_guard.org = '{forged}'"),
            format!("SET tenant_guard.org = '{forged}'; ALTER ROLE {role} SET tenant_guard.org FROM CURRENT"),
        ] {
            let mut client = database.connect(&role);
            if loaded {
                load_library(&mut client);
                expect_error(&mut client, &statement, "42501");
            } else {
                let _ = try_rows(&mut client, &statement);
            }
            let mut next = database.connect(&role);
            is_mallory(&mut next);
            reaches_nothing(&mut next, &statement);
        }
    }
}

#[test]
fn membership_is_asked_whatever_the_claims_say() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    for person in [MALLORY, ALICE] {
        execute(&mut client, "BEGIN");
        execute(&mut client, &claims(person, None));
        execute(&mut client, "SAVEPOINT s");
        for call in ["set_org", "set_org_text"] {
            let set = format!("SELECT tenant_guard.{call}('{ORG_B}')");
            tenant_guard_tests::sql::expect_clear_error(&mut client, &set, "42501");
            execute(&mut client, "ROLLBACK TO s");
        }
        assert_eq!(contacts(&mut client), 0);
        execute(&mut client, "ROLLBACK");
    }
    let set = format!("SELECT tenant_guard.set_org('{ORG_B}')");
    tenant_guard_tests::sql::expect_clear_error(&mut client, &set, "28000");
}

#[test]
fn an_ordinary_role_cannot_register_a_membership_table_of_its_own() {
    let database: Database = protected_crm();
    let mut client = visit(&database, MALLORY, None);
    execute(
        &mut client,
        &format!("CREATE TEMP TABLE members AS SELECT '{MALLORY}'::uuid AS user_id, '{ORG_B}'::uuid AS organization_id; SAVEPOINT s"),
    );
    expect_error(
        &mut client,
        "SELECT * FROM tenant_guard.use_membership('pg_temp.members', 'user_id', 'organization_id')",
        "42501",
    );
    execute(&mut client, "ROLLBACK TO s");
    let set = format!("SELECT tenant_guard.set_org('{ORG_B}')");
    expect_error(&mut client, &set, "42501");
}
