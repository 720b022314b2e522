//! What somebody changes by hand is told as drift, and protect_table puts it right.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::sql::{execute, expect_clear_error, text};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

use crate::stage::{fresh, grant_everything};

fn drift(database: &Database) -> String {
    let drift =
        "SELECT string_agg(array_to_string(drift, ', '), ' ') FROM tenant_guard.protected_tables";
    text(&mut database.connect(OWNER), drift).expect("a protected table")
}

const TABLE: &str =
    "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, body text)";
const TREE: &str = "CREATE SCHEMA zoo; CREATE TABLE zoo.tree (id int, organization_id uuid NOT NULL, body text) PARTITION BY RANGE (id);
     CREATE TABLE zoo.t PARTITION OF zoo.tree DEFAULT";

/// Each change is seen, and gone after another call.
#[track_caller]
fn tells(ddl: &str, root: &str, changes: &[&str]) {
    let database = fresh();
    database.load(ddl);
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    let run = format!("protect_table('{root}')");
    apply(&mut owner, &run);
    let protected = database.schema();
    assert_eq!(drift(&database), "");
    let mut problems = Vec::new();
    for change in changes {
        execute(&mut owner, change);
        // Under a protected table it is put right at once.
        if drift(&database).is_empty() && database.schema() != protected {
            problems.push(format!("not told: {change}"));
        }
        call(&mut owner, &run);
        if database.schema() != protected {
            problems.push(format!("not put right: {change}"));
            let _ = owner.batch_execute("ALTER TABLE zoo.t ENABLE TRIGGER ALL");
            let _ = owner.batch_execute("DROP TRIGGER IF EXISTS tenant_guard_keep_tenant ON zoo.t");
            call(&mut owner, &run);
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_change_to_a_protected_table_is_told_and_put_right() {
    tells(
        TABLE,
        "zoo.t', scope => 'member",
        &[
            "ALTER TABLE zoo.t DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE zoo.t NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY tenant_guard_tenant ON zoo.t",
            "DROP POLICY tenant_guard_select ON zoo.t",
            "ALTER POLICY tenant_guard_tenant ON zoo.t USING (true)",
            "ALTER POLICY tenant_guard_tenant ON zoo.t WITH CHECK (true)",
            "ALTER POLICY tenant_guard_tenant ON zoo.t TO anon",
            "ALTER POLICY tenant_guard_update ON zoo.t TO PUBLIC",
            "DROP POLICY tenant_guard_insert ON zoo.t; CREATE POLICY tenant_guard_insert ON zoo.t FOR ALL TO authenticated USING (true)",
            "DROP TRIGGER tenant_guard_keep_tenant ON zoo.t",
            "ALTER TABLE zoo.t DISABLE TRIGGER tenant_guard_keep_tenant",
            "ALTER TABLE zoo.t ENABLE REPLICA TRIGGER tenant_guard_keep_tenant",
            "CREATE OR REPLACE TRIGGER tenant_guard_keep_tenant BEFORE UPDATE OF organization_id ON zoo.t FOR EACH ROW WHEN (false) EXECUTE FUNCTION tenant_guard.keep_tenant('organization_id')",
            "CREATE OR REPLACE TRIGGER tenant_guard_keep_tenant BEFORE UPDATE OF body ON zoo.t FOR EACH ROW EXECUTE FUNCTION tenant_guard.keep_tenant('organization_id')",
            "ALTER TABLE zoo.t ALTER organization_id DROP DEFAULT",
            "GRANT TRUNCATE ON zoo.t TO authenticated",
            "GRANT TRIGGER ON zoo.t TO PUBLIC",
            "GRANT REFERENCES (id) ON zoo.t TO anon",
        ],
    );
}

#[test]
fn every_change_to_a_partition_is_told_and_put_right() {
    tells(
        TREE,
        "zoo.tree",
        &[
            "ALTER TABLE zoo.t DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE zoo.t NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY tenant_guard_tenant ON zoo.t",
            "DROP POLICY tenant_guard_delete ON zoo.t",
            "ALTER POLICY tenant_guard_tenant ON zoo.t USING (true)",
            "GRANT TRUNCATE ON zoo.t TO authenticated",
            "ALTER TABLE zoo.t DISABLE TRIGGER USER",
        ],
    );
}

#[test]
fn a_table_that_is_protected_by_itself_and_under_another_is_told_for_both() {
    let database = fresh();
    database.load(TABLE);
    database.load("CREATE TABLE zoo.tree (LIKE zoo.t) PARTITION BY RANGE (id)");
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    apply(&mut owner, "protect_table('zoo.tree')");
    execute(&mut owner, "ALTER TABLE zoo.tree ATTACH PARTITION zoo.t DEFAULT");
    call(&mut owner, "protect_table('zoo.tree')");
    call(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "GRANT TRUNCATE ON zoo.t TO authenticated");
    let told =
        "SELECT string_agg(relation::regclass || ': ' || (drift <> '{}'), ' ' ORDER BY relation)
                FROM tenant_guard.protection_drifts()";
    assert_eq!(text(&mut owner, told).as_deref(), Some("zoo.t: true zoo.tree: true"));
    let alone = "SELECT bool_and(drift = tenant_guard.protection_drift(relation::regclass)) FROM tenant_guard.protection_drifts()";
    assert_eq!(text(&mut owner, alone).as_deref(), Some("t"));
}

#[test]
fn what_a_transaction_came_too_early_for_is_not_taken_for_empty() {
    let database = fresh();
    database.load(TABLE);
    let mut early = database.connect(OWNER);
    execute(&mut early, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    database.load("ALTER TABLE zoo.t ADD CONSTRAINT late CHECK (id > 0)");
    let plan = "SELECT FROM tenant_guard.protect_table('zoo.t', dry_run => true)";
    expect_clear_error(&mut early, plan, "40001");
    execute(&mut early, "ROLLBACK");
    execute(&mut early, plan);
}

#[test]
fn policies_of_others_are_told() {
    for (ddl, root) in [(TABLE, "zoo.t"), (TREE, "zoo.tree")] {
        let database = fresh();
        database.load(ddl);
        let mut owner = database.connect(OWNER);
        apply(&mut owner, &format!("protect_table('{root}')"));
        execute(&mut owner, "CREATE POLICY \"new One\" ON zoo.t USING (true)");
        assert!(drift(&database).contains("new One"), "{root}: {}", drift(&database));
    }
}

#[test]
fn other_names_and_places_are_no_drift() {
    let database = fresh();
    database.load(TABLE);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    for (change, table) in [
        ("ALTER TABLE zoo.t RENAME TO \"T t\"", "zoo.\"T t\""),
        ("CREATE SCHEMA far; ALTER TABLE zoo.\"T t\" SET SCHEMA far", "far.\"T t\""),
        ("ALTER TABLE far.\"T t\" ADD COLUMN more text", "far.\"T t\""),
        ("ALTER TABLE far.\"T t\" OWNER TO other_owner", "far.\"T t\""),
    ] {
        let change = change.replace(
            "ALTER TABLE far.\"T t\" OWNER",
            "GRANT CREATE, USAGE ON SCHEMA far TO other_owner; ALTER TABLE far.\"T t\" OWNER",
        );
        execute(&mut owner, &change);
        assert_eq!(drift(&database), "", "{change}");
        assert_eq!(call(&mut owner, &format!("protect_table('{table}')")), [], "{change}");
    }
}

#[test]
fn a_renamed_tenant_column_is_told() {
    let database = fresh();
    database.load(TABLE);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "ALTER TABLE zoo.t RENAME organization_id TO org");
    let told = drift(&database);
    assert!(told.contains("organization_id"), "{told}");
    assert!(!told.contains("NoSuchColumn"), "in words, not in Rust: {told}");
    apply(&mut owner, "protect_table('zoo.t', tenant_column => 'org')");
    assert_eq!(drift(&database), "");
}

#[test]
fn undo_after_changes_by_hand_says_so_or_gives_back_the_original() {
    let database = fresh();
    database.load(TABLE);
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    let change = apply(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "DROP POLICY tenant_guard_select ON zoo.t");
    match owner.batch_execute(&format!("SELECT * FROM tenant_guard.undo({change})")) {
        Ok(()) => assert_same(&database.schema(), &original, "undone"),
        Err(error) => {
            let error = error.as_db_error().expect("an answer");
            assert_eq!(error.code().code(), "55000", "{error:?}");
            apply(&mut owner, &format!("undo({change}, force => true)"));
            assert_same(&database.schema(), &original, "undone by force");
        }
    }
}

#[test]
fn a_reserved_name_hides_no_policy_of_others() {
    let database = fresh();
    database.load(TABLE);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "CREATE POLICY tenant_guard_open ON zoo.t USING (true)");
    assert!(drift(&database).contains("tenant_guard_open"), "{}", drift(&database));
    let fresh_table = "CREATE TABLE zoo.second (organization_id uuid); CREATE POLICY tenant_guard_all ON zoo.second USING (true)";
    execute(&mut owner, fresh_table);
    expect_clear_error(
        &mut owner,
        "SELECT * FROM tenant_guard.protect_table('zoo.second')",
        "55000",
    );
}

#[test]
fn undo_of_a_table_with_another_name_by_now_is_clear_or_done() {
    let database = fresh();
    database.load(TABLE);
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    let change = apply(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "ALTER TABLE zoo.t RENAME TO other");
    let undo = format!("SELECT * FROM tenant_guard.undo({change})");
    if let Err(error) = owner.batch_execute(&undo) {
        let error = error.as_db_error().expect("an answer");
        assert_eq!(error.code().code(), "55000", "{error:?}");
        tenant_guard_tests::sql::assert_clear(error, &undo);
        execute(&mut owner, "ALTER TABLE zoo.other RENAME TO t");
        apply(&mut owner, &format!("undo({change})"));
    } else {
        execute(&mut owner, "ALTER TABLE zoo.other RENAME TO t");
    }
    assert_same(&database.schema(), &original, "undone");
}

#[test]
fn an_index_is_no_matter_of_safety_and_comes_back_with_the_next_call() {
    let database = fresh();
    database.load(TABLE);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t', index => 'skip')");
    assert_eq!(drift(&database), "");
    apply(&mut owner, "protect_table('zoo.t')");
    execute(&mut owner, "DROP INDEX zoo.idx_t_organization_id");
    assert_eq!(drift(&database), "");
    assert_eq!(call(&mut owner, "protect_table('zoo.t')").len(), 1);
}

#[test]
fn a_path_that_is_gone_is_told_and_shows_nothing() {
    for change in [
        "ALTER TABLE zoo.child DROP CONSTRAINT child_t_fkey",
        "ALTER TABLE zoo.t RENAME organization_id TO org",
        "ALTER TABLE zoo.t DROP organization_id CASCADE",
        "DROP TABLE zoo.t CASCADE",
    ] {
        let database = fresh();
        database.load(
            "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL);
             CREATE TABLE zoo.child (id int, t int NOT NULL REFERENCES zoo.t);
             INSERT INTO zoo.t VALUES (1, gen_random_uuid()); INSERT INTO zoo.child VALUES (1, 1)",
        );
        grant_everything(&database);
        let mut owner = database.connect(OWNER);
        apply(&mut owner, "protect_table('zoo.child')");
        execute(&mut owner, change);
        let told = drift(&database);
        assert!(!told.is_empty(), "{change}");
        assert!(!told.contains(" { "), "{change}: in words: {told}");
        let mut nobody = crate::stage::Asker::new(&database, "authenticated", None);
        assert_eq!(nobody.number("SELECT count(*) FROM zoo.child"), 0, "{change}");
    }
}

#[test]
fn a_tenant_column_that_is_dropped_leaves_a_closed_table() {
    let database = fresh();
    database.load(TABLE);
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    tenant_guard_tests::sql::expect_error(
        &mut owner,
        "ALTER TABLE zoo.t DROP organization_id",
        "2BP01",
    );
    tenant_guard_tests::sql::expect_error(
        &mut owner,
        "ALTER TABLE zoo.t ALTER organization_id TYPE text",
        "0A000",
    );
    execute(&mut database.admin(), "INSERT INTO zoo.t VALUES (1, gen_random_uuid())");
    execute(&mut owner, "ALTER TABLE zoo.t DROP organization_id CASCADE");
    assert!(drift(&database).contains("organization_id"), "{}", drift(&database));
    let mut nobody = crate::stage::Asker::new(&database, "authenticated", None);
    assert_eq!(nobody.number("SELECT count(*) FROM zoo.t"), 0);
    call(&mut owner, "unprotect_table('zoo.t')");
    let left = "SELECT count(*)::text FROM pg_policy WHERE polrelid = 'zoo.t'::regclass";
    assert_eq!(text(&mut owner, left).as_deref(), Some("0"));
}
