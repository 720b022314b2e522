//! One connection serves many people: a pool hands it from request to request.

use postgres::Client;
use tenant_guard_tests::cluster::VISITOR;
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{claims, execute, expect_error, text};

const READ: &str = "SELECT name FROM crm.contacts ORDER BY name";

fn of_a() -> Vec<String> {
    ["Ada", "Alan", "Anita"].map(str::to_owned).to_vec()
}

fn of_b() -> Vec<String> {
    ["Barbara", "Brian"].map(str::to_owned).to_vec()
}

/// One request: a transaction of its own with one person's claims.
fn request(
    client: &mut Client,
    statement: &postgres::Statement,
    claims: &str,
    set_org: Option<&str>,
) -> Vec<String> {
    let mut transaction = client.transaction().expect("a transaction");
    transaction.batch_execute(claims).expect("the claims");
    if let Some(org) = set_org {
        let call = format!("SELECT tenant_guard.set_org('{org}')");
        transaction.batch_execute(&call).expect("a member may");
    }
    let found = transaction.query(statement, &[]).expect("a query");
    transaction.commit().expect("a commit");
    found.iter().map(|row| row.get(0)).collect()
}

fn serves_everyone_his_own(plan_cache_mode: &str) {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    execute(&mut client, &format!("SET plan_cache_mode = {plan_cache_mode}"));
    let statement = client.prepare(READ).expect("a statement");
    // After five executions PostgreSQL may switch to a generic plan: go well beyond.
    for _ in 0..8 {
        let by_claim = claims(ALICE, Some(ORG_A));
        assert_eq!(request(&mut client, &statement, &by_claim, None), of_a());
        let by_context = claims(CAROL, None);
        assert_eq!(request(&mut client, &statement, &by_context, Some(ORG_B)), of_b());
        assert!(request(&mut client, &statement, &by_context, None).is_empty());
        assert_eq!(request(&mut client, &statement, &claims(BOB, Some(ORG_B)), None), of_b());
        assert!(request(&mut client, &statement, "", None).is_empty());
    }
}

#[test]
fn a_prepared_statement_shows_each_identity_its_own_rows() {
    serves_everyone_his_own("auto");
}

#[test]
fn a_generic_plan_shows_each_identity_its_own_rows() {
    serves_everyone_his_own("force_generic_plan");
}

#[test]
fn a_custom_plan_shows_each_identity_its_own_rows() {
    serves_everyone_his_own("force_custom_plan");
}

#[test]
fn a_prepared_insert_checks_each_identity_anew() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    execute(&mut client, "SET plan_cache_mode = force_generic_plan");
    execute(
        &mut client,
        &format!("PREPARE add AS INSERT INTO crm.contacts (organization_id, name) VALUES ('{ORG_A}', 'new')"),
    );
    for _ in 0..7 {
        execute(&mut client, "BEGIN");
        execute(&mut client, &claims(ALICE, Some(ORG_A)));
        execute(&mut client, "EXECUTE add; COMMIT");
        execute(&mut client, "BEGIN");
        execute(&mut client, &claims(BOB, Some(ORG_B)));
        expect_error(&mut client, "EXECUTE add", "42501");
        execute(&mut client, "ROLLBACK");
        expect_error(&mut client, "EXECUTE add", "42501");
    }
}

#[test]
fn a_connection_given_back_keeps_no_identity() {
    let database = protected_crm();
    let mut client = database.connect(VISITOR);
    let statement = client.prepare(READ).expect("a statement");
    for reset in ["", "RESET ALL", "DISCARD ALL"] {
        assert_eq!(request(&mut client, &statement, &claims(CAROL, None), Some(ORG_A)), of_a());
        execute(&mut client, reset);
        // DISCARD ALL took the statement along, so ask with plain text.
        assert!(client.query(READ, &[]).expect("a query").is_empty(), "{reset}");
        for helper in ["uid_text()", "org_id_text()", "claims()", "jwt_role()"] {
            let value = text(&mut client, &format!("SELECT tenant_guard.{helper}"));
            assert_eq!(value, None, "{helper} after {reset}");
        }
    }
}

#[test]
fn a_cursor_held_open_keeps_the_rows_of_its_identity() {
    let database = protected_crm();
    let mut client = visit(&database, ALICE, Some(ORG_A));
    execute(&mut client, &format!("DECLARE mine CURSOR WITH HOLD FOR {READ}; COMMIT; BEGIN"));
    execute(&mut client, &claims(BOB, Some(ORG_B)));
    let found = client.query("FETCH ALL FROM mine", &[]).expect("rows");
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    assert_eq!(found, of_a(), "opened by Alice, materialised at her commit");
}
