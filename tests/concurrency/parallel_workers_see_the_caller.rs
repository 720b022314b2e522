//! A parallel worker is another process: it must see the same identity and organization as its leader.

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{claims, execute, number, rows, session_claims, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// The CRM, and a table big enough for several workers, open to the visitor.
fn database_with_facts() -> Database<'static> {
    let database = protected_crm();
    database.load(&format!(
        "CREATE TABLE crm.facts (id int, organization_id uuid NOT NULL);
         INSERT INTO crm.facts
         SELECT n, CASE n % 2 WHEN 0 THEN '{ORG_A}' ELSE '{ORG_B}' END::uuid FROM generate_series(1, 200) AS n;
         ALTER TABLE crm.facts SET (parallel_workers = 2);
         GRANT SELECT ON crm.facts TO visitor;
         ANALYZE crm.facts"
    ));
    database
}

fn insist_on_workers(client: &mut Client) {
    execute(
        client,
        "SET LOCAL parallel_setup_cost = 0;
         SET LOCAL parallel_tuple_cost = 0;
         SET LOCAL min_parallel_table_scan_size = 0;
         SET LOCAL max_parallel_workers_per_gather = 2;
         SET LOCAL parallel_leader_participation = off",
    );
    let version = number(client, "SELECT current_setting('server_version_num')");
    let force = if version >= 160_000 { "debug_parallel_query" } else { "force_parallel_mode" };
    execute(client, &format!("SET LOCAL {force} = on"));
}

fn without_workers(client: &mut Client) {
    execute(client, "SET LOCAL max_parallel_workers_per_gather = 0");
}

/// The plan as it ran; fails unless workers did the work.
fn ran_in_workers(client: &mut Client, query: &str) {
    let plan = rows(client, &format!("EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF) {query}"));
    let plan: Vec<String> =
        plan.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let launched = plan
        .iter()
        .any(|line| line.trim().starts_with("Workers Launched:") && !line.ends_with(" 0"));
    assert!(launched, "{query}\n{}", plan.join("\n"));
}

fn begin(database: &Database, role: &str) -> Client {
    let mut client = database.connect(role);
    execute(&mut client, "BEGIN");
    execute(&mut client, &claims(CAROL, None));
    execute(&mut client, &format!("SELECT tenant_guard.set_org('{ORG_B}')"));
    client
}

#[test]
fn every_parallel_safe_helper_says_the_same_in_a_worker() {
    let database = database_with_facts();
    let helpers = rows(
        &mut database.admin(),
        "SELECT p.proname
           FROM pg_proc p
          WHERE p.pronamespace = 'tenant_guard'::regnamespace
            AND p.pronargs = 0 AND p.proparallel = 's' AND p.provolatile <> 'v'
            AND p.proname !~ '^require_project' -- there is none here
            AND has_function_privilege('visitor', p.oid, 'EXECUTE')
            AND NOT p.proretset AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
          ORDER BY 1",
    );
    let helpers: Vec<String> = helpers.into_iter().filter_map(|row| row[0].clone()).collect();
    for known in ["claims", "uid", "uid_text", "org_id", "org_id_text", "jwt_role"] {
        assert!(helpers.iter().any(|name| name == known), "{known} is PARALLEL SAFE");
    }
    for helper in helpers {
        let mut client = begin(&database, VISITOR);
        let serial = text(&mut client, &format!("SELECT tenant_guard.{helper}()::text"));
        insist_on_workers(&mut client);
        let query =
            format!("SELECT DISTINCT tenant_guard.{helper}()::text FROM crm.facts WHERE id > 0");
        ran_in_workers(&mut client, &query);
        assert_eq!(rows(&mut client, &query), [[serial]], "{helper}");
    }
}

#[test]
fn a_bare_helper_filters_alike_with_and_without_workers() {
    let database = database_with_facts();
    let mut client = begin(&database, VISITOR);
    let queries = [
        "SELECT count(*) FROM crm.facts WHERE organization_id = tenant_guard.org_id()",
        "SELECT count(*) FROM crm.facts WHERE tenant_guard.claim('sub') = tenant_guard.uid_text() AND id % 3 = 0",
        "SELECT count(*) FROM crm.facts WHERE organization_id = ANY (tenant_guard.org_ids())",
        "SELECT count(*) FROM crm.facts WHERE tenant_guard.is_member(organization_id)",
    ];
    without_workers(&mut client);
    let serial: Vec<i64> = queries.iter().map(|query| number(&mut client, query)).collect();
    assert_eq!(serial, [100, 66, 200, 200]);
    insist_on_workers(&mut client);
    ran_in_workers(&mut client, queries[0]);
    let parallel: Vec<i64> = queries.iter().map(|query| number(&mut client, query)).collect();
    assert_eq!(parallel, serial);
}

#[test]
fn a_protected_table_scanned_by_workers_shows_the_tenants_rows() {
    let database = database_with_facts();
    for scope in ["active", "member"] {
        let mut owner = database.connect(OWNER);
        let call = format!("protect_table('crm.facts', scope => '{scope}', index => 'skip')");
        tenant_guard_tests::steps::call(&mut owner, &call);
        let mut client = begin(&database, VISITOR);
        let query = "SELECT count(*) FROM crm.facts";
        let expected = number(&mut client, query);
        assert!(expected >= 100, "{scope}: {expected}");
        insist_on_workers(&mut client);
        ran_in_workers(&mut client, query);
        assert_eq!(number(&mut client, query), expected, "{scope}");
        execute(&mut client, "ROLLBACK; BEGIN");
        insist_on_workers(&mut client);
        assert_eq!(number(&mut client, query), 0, "{scope}: nobody");
    }
}

#[test]
fn what_a_parallel_query_read_too_early_is_forgotten() {
    let database = Database::fresh();
    database.load(&format!(
        "CREATE SCHEMA crm;
         GRANT USAGE ON SCHEMA crm TO visitor;
         CREATE TABLE crm.members (user_id uuid, organization_id uuid, PRIMARY KEY (user_id, organization_id));
         CREATE TABLE crm.facts (id int, organization_id uuid NOT NULL);
         INSERT INTO crm.facts SELECT n, '{ORG_B}' FROM generate_series(1, 20000) AS n;
         ALTER TABLE crm.facts SET (parallel_workers = 2);
         GRANT SELECT ON crm.facts TO visitor;
         ANALYZE crm.facts"
    ));
    let mut client = database.connect(VISITOR);
    execute(&mut client, &session_claims(MALLORY, Some(ORG_B)));
    // Its snapshot is of a time when the token was all that counted.
    execute(&mut client, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    execute(&mut client, "SELECT 1 FROM pg_class LIMIT 1");
    apply(&mut database.admin(), "use_membership('crm.members', 'user_id', 'organization_id')");
    insist_on_workers(&mut client);
    execute(&mut client, "SET LOCAL parallel_leader_participation = on");
    // The planner does not look at it: it is asked first while the query is running.
    let query =
        "SELECT count(*) FROM crm.facts WHERE organization_id = (tenant_guard.context()).org_id";
    ran_in_workers(&mut client, query);
    number(&mut client, query);
    execute(&mut client, "COMMIT");
    assert_eq!(text(&mut client, "SELECT tenant_guard.org_id_text()"), None);
    assert_eq!(number(&mut client, query), 0);
}
