//! Statements that ask for odd things: system columns, whole rows, tables under other names, errors with values.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::fixtures::{ALICE, BOB, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, number, text};
use tenant_guard_tests::steps::apply;

use crate::stage::{asking, fresh, grant_everything, protected};

const SECRET: &str = "the other tenant's secret";

#[test]
fn no_error_message_holds_another_tenants_value() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, body text UNIQUE, number int, during int4range, EXCLUDE USING gist (during WITH &&));
         INSERT INTO zoo.t VALUES (1, '{ORG_A}', '1', 1, '[0,2)'), (2, '{ORG_B}', '{}', 0, '[10,424242)')",
        SECRET.replace('\'', "''")
    ));
    grant_everything(&database);
    apply(&mut database.connect(OWNER), "protect_table('zoo.t')");
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    let secret = SECRET.replace('\'', "''");
    for sql in [
        "SELECT body::int FROM zoo.t".to_string(),
        "SELECT 1 / number FROM zoo.t".to_string(),
        "SELECT * FROM zoo.t WHERE body::int = 1".to_string(),
        "SELECT * FROM zoo.t WHERE 1 / number > 0 ORDER BY body::int".to_string(),
        "UPDATE zoo.t SET id = 1 WHERE body::int = 1".to_string(),
        "DELETE FROM zoo.t WHERE 1 / number > 0 AND body::int = 1".to_string(),
        "SELECT a.id FROM zoo.t a JOIN (VALUES ('1')) v(x) ON a.body::int = v.x::int".to_string(),
        "SELECT id FROM zoo.t GROUP BY id HAVING max(body::int) = 1".to_string(),
    ] {
        alice.try_out(&sql).unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    }
    for sql in [
        format!("INSERT INTO zoo.t (id, body) VALUES (3, '{secret}')"),
        "INSERT INTO zoo.t (id, during) VALUES (3, '[20,21)')".to_string(),
        format!("INSERT INTO zoo.t (id, body) VALUES (3, '{secret}') ON CONFLICT (body) DO UPDATE SET id = 4 RETURNING *"),
    ] {
        execute(&mut alice.client, &format!("BEGIN; {}", alice.opening));
        let error = alice.client.batch_execute(&sql).expect_err(&sql);
        let all = format!("{:?}", error.as_db_error().expect("an answer"));
        assert!(!all.contains("424242") && !all.contains(ORG_B), "{sql}\n{all}");
        execute(&mut alice.client, "ROLLBACK");
    }
}

#[test]
fn neither_system_columns_nor_other_joins_reach_a_row() {
    let database = protected("");
    let mut admin = database.admin();
    let place = text(&mut admin, "SELECT ctid::text FROM zoo.t WHERE id = 2").expect("a place");
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    for sql in [
        format!("SELECT * FROM zoo.t WHERE ctid = '{place}'"),
        format!("DELETE FROM zoo.t WHERE ctid = '{place}' RETURNING *"),
        format!("UPDATE zoo.t SET body = 'x' WHERE ctid = '{place}' RETURNING *"),
        "SELECT * FROM zoo.t WHERE xmin IS NOT NULL AND id = 2".to_string(),
        "SELECT b.* FROM zoo.t a FULL JOIN zoo.t b ON false WHERE b.id = 2".to_string(),
        "SELECT b.* FROM zoo.t a, LATERAL (SELECT * FROM zoo.t b WHERE b.id <> a.id) b".to_string(),
        "SELECT * FROM (TABLE zoo.t) x WHERE id = 2".to_string(),
        "SELECT * FROM zoo.t TABLESAMPLE BERNOULLI (100) WHERE id = 2".to_string(),
        "WITH RECURSIVE r AS (SELECT id FROM zoo.t UNION SELECT t.id FROM zoo.t, r WHERE t.id = r.id + 1) SELECT * FROM r WHERE id = 2".to_string(),
        "UPDATE zoo.t SET body = (SELECT string_agg(body, ',') FROM zoo.t o WHERE o.id = 2) WHERE body IS NULL RETURNING *".to_string(),
        "DELETE FROM zoo.t USING zoo.t o WHERE o.id = 2 RETURNING o.*".to_string(),
        "SELECT query_to_xml('SELECT * FROM zoo.t WHERE id = 2', false, true, '')::text LIKE '%<id>%' WHERE (query_to_xml('SELECT * FROM zoo.t WHERE id = 2', false, true, ''))::text LIKE '%<id>%'".to_string(),
        "SELECT table_to_xml('zoo.t', false, true, '') WHERE table_to_xml('zoo.t', false, true, '')::text LIKE '%>b<%'".to_string(),
        "SELECT * FROM pg_stats WHERE tablename = 't' AND schemaname = 'zoo'".to_string(),
    ] {
        if sql.contains("_to_xml(") && database.lacks("xml") {
            continue;
        }
        let done = alice.out(&sql);
        assert_eq!(done.rows, Vec::<String>::new(), "{sql}");
    }
    assert_eq!(number(&mut admin, "SELECT count(*) FROM zoo.t WHERE id = 2 AND body = 'b'"), 1);
}

#[test]
fn the_organization_may_change_within_a_connection_and_within_a_transaction() {
    let database = protected("");
    let mut asker = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    let switch =
        format!(r#"SET LOCAL request.jwt.claims = '{{"sub": "{BOB}", "org_id": "{ORG_B}"}}'"#);
    let done = asker.out(&format!("SELECT id FROM zoo.t; {switch}; SELECT id FROM zoo.t"));
    assert_eq!(done.rows, ["2"]);
    // A cursor goes on with what it began with; no row of both.
    let done = asker
        .out(&format!("DECLARE c CURSOR FOR SELECT id FROM zoo.t; {switch}; FETCH ALL FROM c"));
    assert!(done.rows.len() <= 1, "{done:?}");
    let done = asker.out(&format!("SAVEPOINT s; {switch}; ROLLBACK TO s; SELECT id FROM zoo.t"));
    assert_eq!(done.rows, ["1"]);
    let done = asker.out("SET LOCAL request.jwt.claims = ''; SELECT id FROM zoo.t");
    assert_eq!(done.rows, Vec::<String>::new());
}

#[test]
fn parallel_plans_and_generic_plans_obey() {
    let database = protected("");
    let mut admin = database.admin();
    execute(
        &mut admin,
        &format!("INSERT INTO zoo.t SELECT n, CASE n % 2 WHEN 0 THEN '{ORG_A}'::uuid ELSE '{ORG_B}' END, 'x' FROM generate_series(10, 20009) n; ANALYZE zoo.t"),
    );
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    let parallel = "SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
                    SET LOCAL max_parallel_workers_per_gather = 4; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off;
                    SET LOCAL enable_indexonlyscan = off;";
    let plan = alice.out(&format!("{parallel} EXPLAIN SELECT count(*) FROM zoo.t")).rows.join("\n");
    assert!(plan.contains("Parallel"), "{plan}");
    for settings in [
        parallel,
        "SET LOCAL plan_cache_mode = force_generic_plan;",
        "SET LOCAL enable_hashagg = off; SET LOCAL jit = on; SET LOCAL jit_above_cost = 0;",
    ] {
        let done = alice.out(&format!(
            "{settings} SELECT count(*), count(DISTINCT organization_id) FROM zoo.t"
        ));
        assert_eq!(done.rows, ["10001|1"], "{settings}");
    }
}
