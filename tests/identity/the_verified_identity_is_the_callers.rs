//! Where only tokens count: whoever's code runs, the identity is the caller's, and nothing raises it.

use postgres::Client;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::issuer::*;
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, rows, text};
use tenant_guard_tests::Database;

fn user(client: &mut Client) -> Option<String> {
    text(client, "SELECT tenant_guard.uid_text()")
}

#[test]
fn set_role_changes_rights_and_not_the_identity() {
    let database = verified_crm();
    let role = format!("reader_{}", database.name);
    execute(
        &mut database.admin(),
        &format!(
            "CREATE ROLE {role}; GRANT {role} TO {VISITOR}; GRANT USAGE ON SCHEMA crm TO {role};
             GRANT SELECT ON crm.contacts TO {role}"
        ),
    );
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    for (switch, current) in [
        (format!("SET LOCAL ROLE {role}"), role.as_str()),
        ("RESET ROLE".to_owned(), VISITOR),
        (format!("SET ROLE {role}"), &role),
        ("SET ROLE NONE".to_owned(), VISITOR),
    ] {
        execute(&mut client, &switch);
        assert_eq!(text(&mut client, "SELECT current_user::text").as_deref(), Some(current));
        assert_eq!(user(&mut client).as_deref(), Some(ALICE), "{switch}");
        assert_eq!(contacts(&mut client), CONTACTS_OF_A, "{switch}");
    }
    execute(&mut client, &format!("SET LOCAL ROLE {role}; SAVEPOINT s"));
    expect_error(&mut client, "DELETE FROM crm.contacts", "42501");
    execute(&mut client, "ROLLBACK TO s");
    expect_error(&mut client, &format!("SET ROLE {OWNER}"), "42501");
}

/// Functions of another role, which run with that role's rights.
const WRAPPED: &str = "
    CREATE SCHEMA wrapped;
    GRANT USAGE ON SCHEMA wrapped TO PUBLIC;
    CREATE FUNCTION wrapped.who() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
        AS 'SELECT tenant_guard.uid_text()';
    CREATE FUNCTION wrapped.org() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
        AS 'BEGIN RETURN tenant_guard.org_id_text(); END';
    CREATE FUNCTION wrapped.run(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        AS 'BEGIN EXECUTE statement; END';";

#[test]
fn code_of_another_owner_sees_the_callers_identity() {
    let database = verified_crm();
    execute(&mut database.connect(OTHER_OWNER), WRAPPED);
    let mut client = database.connect(VISITOR);
    let seen = "SELECT wrapped.who(), wrapped.org()";
    assert_eq!(rows(&mut client, seen), [[None, None]]);
    for (person, org) in [(ALICE, ORG_A), (BOB, ORG_B)] {
        let token = token_of(&mut client, person, Some(org));
        execute(&mut client, "BEGIN");
        execute(&mut client, &authenticate(&token));
        assert_eq!(rows(&mut client, seen), [[Some(person.to_owned()), Some(org.to_owned())]]);
        execute(&mut client, "COMMIT");
        assert_eq!(rows(&mut client, seen), [[None, None]]);
    }
}

#[test]
fn code_of_another_owner_cannot_raise_the_identity() {
    let database = verified_crm();
    execute(&mut database.connect(OTHER_OWNER), WRAPPED);
    let mut client = database.connect(VISITOR);
    let mallory = token_of(&mut client, MALLORY, Some(ORG_A));
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&mallory));
    execute(&mut client, "SAVEPOINT s");
    for (statement, sqlstate) in [
        (format!("SET tenant_guard.identity = 'verified::1:k{{\"sub\":\"{ALICE}\"}}'"), "42501"),
        (
            format!(
                "SET LOCAL tenant_guard.session_identity = 'verified::1:k{{\"sub\":\"{ALICE}\"}}'"
            ),
            "42501",
        ),
        ("SET tenant_guard.trust = 'gateway'".to_owned(), "42501"),
        (format!("SELECT tenant_guard.set_org('{ORG_A}')"), "42501"),
        ("SELECT tenant_guard.authenticate('a.b.c')".to_owned(), "28000"),
    ] {
        let wrapped = format!("SELECT wrapped.run($s${statement}$s$)");
        expect_error(&mut client, &wrapped, sqlstate);
        execute(&mut client, "ROLLBACK TO s");
        assert_eq!(user(&mut client).as_deref(), Some(MALLORY), "{statement}");
        assert_eq!(contacts(&mut client), 0, "{statement}");
    }
    // A token that is good is good from there too.
    execute(&mut client, &format!("SELECT wrapped.run($s${}$s$)", authenticate(&alice)));
    assert_eq!(contacts(&mut client), CONTACTS_OF_A);
}

#[test]
fn a_token_that_is_refused_leaves_the_identity_that_was_there() {
    let database = verified_crm();
    let mut client = database.connect(VISITOR);
    let alice = token_of(&mut client, ALICE, Some(ORG_A));
    execute(&mut client, "BEGIN");
    execute(&mut client, &authenticate(&alice));
    execute(&mut client, "SAVEPOINT s");
    expect_clear_error(&mut client, &authenticate("a.b.c"), "28000");
    execute(&mut client, "ROLLBACK TO s");
    assert_eq!(user(&mut client).as_deref(), Some(ALICE));
    // Refused inside a block that swallows the error: the same.
    execute(
        &mut client,
        "DO $$ BEGIN PERFORM tenant_guard.authenticate('a.b.c'); EXCEPTION WHEN OTHERS THEN NULL; END $$",
    );
    assert_eq!(user(&mut client).as_deref(), Some(ALICE));
}

/// The CRM with a table that workers scan.
fn database_with_facts() -> Database<'static> {
    let database = verified_crm();
    database.load(&format!(
        "CREATE TABLE crm.facts (id int, organization_id uuid NOT NULL);
         INSERT INTO crm.facts
         SELECT n, CASE n % 2 WHEN 0 THEN '{ORG_A}' ELSE '{ORG_B}' END::uuid FROM generate_series(1, 200) AS n;
         ALTER TABLE crm.facts SET (parallel_workers = 2);
         GRANT SELECT ON crm.facts TO {VISITOR};
         ANALYZE crm.facts"
    ));
    database
}

fn insist_on_workers(client: &mut Client) {
    let version = number(client, "SELECT current_setting('server_version_num')");
    let force = if version >= 160_000 { "debug_parallel_query" } else { "force_parallel_mode" };
    execute(
        client,
        &format!(
            "SET {force} = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
             SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
             SET parallel_leader_participation = off"
        ),
    );
}

#[test]
fn parallel_workers_have_the_verified_identity() {
    let database = database_with_facts();
    let mut client = database.connect(VISITOR);
    insist_on_workers(&mut client);
    let query = "SELECT DISTINCT tenant_guard.uid_text(), tenant_guard.org_id_text(), tenant_guard.claim('exp'),
                        tenant_guard.is_member(organization_id), organization_id
                   FROM crm.facts WHERE organization_id = tenant_guard.org_id()";
    let nobody = "SELECT count(*) FROM crm.facts WHERE tenant_guard.uid_text() IS NOT NULL";
    for (person, org) in [(ALICE, ORG_A), (BOB, ORG_B), (CAROL, ORG_B)] {
        let token = token_of(&mut client, person, Some(org));
        let in_transaction = format!("BEGIN; {}", authenticate(&token));
        for (begin, ends_with_commit) in
            [(in_transaction, true), (authenticate_session(&token), false)]
        {
            execute(&mut client, &begin);
            let plan =
                rows(&mut client, &format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}"));
            let plan: Vec<String> = plan.into_iter().filter_map(|row| row[0].clone()).collect();
            let launched = |line: &String| {
                line.trim().starts_with("Workers Launched:") && !line.ends_with(" 0")
            };
            assert!(plan.iter().any(launched), "{}", plan.join("\n"));
            let far = FAR.to_string();
            let seen = [person, org, &far, "t", org].map(|text| Some(text.to_owned()));
            assert_eq!(rows(&mut client, query), [seen]);
            if ends_with_commit {
                execute(&mut client, "COMMIT");
            } else {
                // Refused, and so the workers' answers stay.
                expect_error(&mut client, "RESET tenant_guard.session_identity", "42501");
                assert_eq!(rows(&mut client, query).len(), 1);
                execute(&mut client, "SELECT tenant_guard.forget()");
            }
            assert_eq!(number(&mut client, nobody), 0, "{person}");
        }
    }
}
