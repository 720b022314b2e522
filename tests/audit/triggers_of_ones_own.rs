//! Triggers that look like the extension's, and tables that come and go under an audited one.

use postgres::Client;
use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER};
use tenant_guard_tests::fixtures::ORG_A;
use tenant_guard_tests::sql::*;
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// A schema of each owner's; the first one may attach the audit triggers.
fn stage() -> Database<'static> {
    let database = Database::fresh();
    execute(
        &mut database.admin(),
        &format!(
            "CREATE SCHEMA m AUTHORIZATION {OWNER}; CREATE SCHEMA other AUTHORIZATION {OTHER_OWNER};
             GRANT EXECUTE ON FUNCTION tenant_guard.audit_statement(), tenant_guard.audit_row(), tenant_guard.audit_truncate() TO {OWNER}"
        ),
    );
    database
}

#[test]
fn a_trigger_of_the_name_has_nobody_audited_who_may_not_attach_the_real_one() {
    let database = stage();
    let mut other = database.connect(OTHER_OWNER);
    execute(
        &mut other,
        "CREATE FUNCTION other.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TABLE other.t (id int, organization_id uuid) PARTITION BY RANGE (id);
         CREATE TRIGGER tenant_guard_audit_row AFTER INSERT OR UPDATE OR DELETE ON other.t
           FOR EACH ROW EXECUTE FUNCTION other.f('{\"tenant\":\"organization_id\"}');
         CREATE TRIGGER tenant_guard_audit_truncate BEFORE TRUNCATE ON other.t EXECUTE FUNCTION other.f('{}')",
    );
    execute(
        &mut other,
        &format!(
            "CREATE TABLE other.t1 PARTITION OF other.t FOR VALUES FROM (0) TO (10);
             INSERT INTO other.t VALUES (1, '{ORG_A}');
             ALTER TABLE other.t DETACH PARTITION other.t1; ALTER TABLE other.t ADD COLUMN more text"
        ),
    );
    let mut admin = database.admin();
    let forged = "SELECT count(*) FROM tenant_guard.audit_event";
    assert_eq!(number(&mut admin, forged), 0);
    let attached = "SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'other.%' AND tgfoid::regproc::text LIKE 'tenant_guard.%'";
    assert_eq!(number(&mut admin, attached), 0);
    expect_error(&mut other, "SELECT * FROM tenant_guard.enable_audit('other.t')", "42501");
}

fn problems(client: &mut Client) -> Vec<Vec<Option<String>>> {
    rows(client, "SELECT covered, array_to_string(problems, ', ') FROM tenant_guard.audit_status() WHERE table_name = 't'")
}

#[test]
fn a_trigger_that_does_not_do_it_or_only_sometimes_does_not_count_as_one() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE TABLE m.t (id int PRIMARY KEY, v text, organization_id uuid);
         CREATE FUNCTION m.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    );
    apply(&mut owner, "enable_audit('m.t')");
    let all_well = [[Some("t".to_string()), Some(String::new())]];
    let missing = |name: &str| {
        [[Some("f".to_string()), Some(format!("trigger tenant_guard_audit_{name} is missing"))]]
    };
    assert_eq!(problems(&mut owner), all_well);
    let ours = "'{\"tenant\":\"organization_id\"}'";
    for (name, trigger) in [
        ("update", format!("AFTER UPDATE ON m.t REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION tenant_guard.audit_statement({ours})")),
        ("insert", format!("AFTER INSERT ON m.t FOR EACH STATEMENT EXECUTE FUNCTION m.f({ours})")),
        ("row", format!("AFTER UPDATE OF id ON m.t FOR EACH ROW EXECUTE FUNCTION tenant_guard.audit_row({ours})")),
        ("row", format!("AFTER INSERT OR UPDATE OR DELETE ON m.t FOR EACH ROW WHEN (false) EXECUTE FUNCTION tenant_guard.audit_row({ours})")),
    ] {
        execute(
            &mut owner,
            &format!("DROP TRIGGER tenant_guard_audit_{name} ON m.t; CREATE TRIGGER tenant_guard_audit_{name} {trigger}"),
        );
        assert_eq!(problems(&mut owner), missing(name), "{trigger}");
        apply(&mut owner, "enable_audit('m.t')");
        assert_eq!(problems(&mut owner), all_well, "{trigger}");
    }
}

#[test]
fn a_partition_that_is_detached_stays_audited_through_replication() {
    let database = stage();
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE TABLE m.p (id int PRIMARY KEY, organization_id uuid) PARTITION BY RANGE (id);
         CREATE TABLE m.t PARTITION OF m.p FOR VALUES FROM (0) TO (10)",
    );
    apply(&mut owner, "enable_audit('m.p')");
    execute(&mut owner, "ALTER TABLE m.p DETACH PARTITION m.t");
    assert_eq!(problems(&mut owner), [[Some("t".to_string()), Some(String::new())]]);
    execute(&mut owner, "INSERT INTO m.t VALUES (1)");
    let mut admin = database.admin();
    execute(&mut admin, "SET session_replication_role = replica; UPDATE m.t SET id = 2; RESET session_replication_role");
    let events = "SELECT operation FROM tenant_guard.row_history('m.t', '{\"id\": 2}')";
    let told: Vec<_> =
        rows(&mut admin, events).into_iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!(told, ["INSERT", "UPDATE"]);
    // And comes back, without a moment unaudited that others see.
    execute(
        &mut owner,
        "BEGIN; SELECT * FROM tenant_guard.disable_audit('m.t');
         ALTER TABLE m.p ATTACH PARTITION m.t FOR VALUES FROM (0) TO (10); COMMIT",
    );
    assert_eq!(problems(&mut owner), [[Some("t".to_string()), Some(String::new())]]);
}
