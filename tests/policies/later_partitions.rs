//! Tables that come to hang under a protected one later are protected by themselves.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::fixtures::{ALICE, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, rows, text};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

use crate::stage::{asking, fresh, grant_everything};

fn partitioned(options: &str) -> Database<'static> {
    let database = fresh();
    database.load(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, body text) PARTITION BY RANGE (id);
         CREATE TABLE zoo.base (id int, organization_id uuid NOT NULL, body text)",
    );
    grant_everything(&database);
    for table in ["t", "base"] {
        apply(&mut database.connect(OWNER), &format!("protect_table('zoo.{table}'{options})"));
    }
    database
}

/// Its rows of A and B are kept apart, asked by itself, and neither drift nor anything to do is left.
#[track_caller]
fn is_protected(database: &Database, table: &str, root: &str) {
    let mut admin = database.admin();
    execute(&mut admin, &format!("INSERT INTO {table} (id, organization_id) VALUES (11, '{ORG_A}'), (12, '{ORG_B}'); GRANT ALL ON {table} TO authenticated; GRANT USAGE ON SCHEMA {} TO authenticated", &table[..table.find('.').expect("a schema")]));
    let mut alice = asking(database, ALICE, &format!(r#""{ORG_A}""#));
    let mine = format!("SELECT count(*) FROM {table} WHERE organization_id = '{ORG_A}'");
    let mine = number(&mut admin, &mine);
    assert!(mine > 0);
    assert_eq!(alice.number(&format!("SELECT count(*) FROM {table}")), mine, "{table}");
    assert_eq!(alice.out(&format!("DELETE FROM {table}")).touched, mine as u64, "{table}");
    alice.refused(
        &format!("INSERT INTO {table} (id, organization_id) VALUES (13, '{ORG_B}')"),
        &["42501"],
    );
    execute(
        &mut admin,
        &format!("REVOKE TRUNCATE, REFERENCES, TRIGGER ON {table} FROM authenticated"),
    );
    let mut owner = database.connect(OWNER);
    let drift = "SELECT table_name, drift FROM tenant_guard.protected_tables WHERE drift <> '{}' OR drift IS NULL";
    assert_eq!(rows(&mut owner, drift), Vec::<Vec<Option<String>>>::new(), "{table}");
    assert_eq!(call(&mut owner, &format!("protect_table('{root}')")), [], "{table}");
}

#[test]
fn a_partition_that_is_made_later() {
    let database = partitioned("");
    database.load("CREATE TABLE zoo.p PARTITION OF zoo.t FOR VALUES FROM (0) TO (100)");
    is_protected(&database, "zoo.p", "zoo.t");
}

#[test]
fn a_partition_that_is_made_later_of_a_partition() {
    let database = partitioned("");
    database.load(
        "CREATE TABLE zoo.p PARTITION OF zoo.t FOR VALUES FROM (0) TO (100) PARTITION BY LIST (id)",
    );
    database
        .load("CREATE SCHEMA \"Else\"; CREATE TABLE \"Else\".\"P p\" PARTITION OF zoo.p DEFAULT");
    is_protected(&database, "\"Else\".\"P p\"", "zoo.t");
}

#[test]
fn a_partition_that_is_attached_later() {
    let database = partitioned("");
    database.load(&format!(
        "CREATE TABLE zoo.p (body text, organization_id uuid NOT NULL, id int); INSERT INTO zoo.p VALUES ('', '{ORG_A}', 1), ('', '{ORG_B}', 2);
         ALTER TABLE zoo.t ATTACH PARTITION zoo.p FOR VALUES FROM (0) TO (100)"
    ));
    is_protected(&database, "zoo.p", "zoo.t");
}

#[test]
fn a_tree_of_partitions_that_is_attached_later() {
    let database = partitioned("");
    database.load(
        "CREATE TABLE zoo.p (id int, organization_id uuid NOT NULL, body text) PARTITION BY LIST (id);
         CREATE TABLE zoo.leaf PARTITION OF zoo.p DEFAULT;
         ALTER TABLE zoo.t ATTACH PARTITION zoo.p FOR VALUES FROM (0) TO (100)",
    );
    is_protected(&database, "zoo.p", "zoo.t");
    is_protected(&database, "zoo.leaf", "zoo.t");
}

#[test]
fn a_protected_table_that_is_attached_later() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TABLE zoo.p (id int, organization_id uuid NOT NULL, body text)");
    apply(&mut owner, "protect_table('zoo.p')");
    execute(&mut owner, "ALTER TABLE zoo.t ATTACH PARTITION zoo.p FOR VALUES FROM (0) TO (100)");
    is_protected(&database, "zoo.p", "zoo.t");
}

#[test]
fn a_table_that_inherits_later() {
    let database = partitioned("");
    database.load("CREATE TABLE zoo.child (more text) INHERITS (zoo.base)");
    is_protected(&database, "zoo.child", "zoo.base");
}

#[test]
fn a_table_that_is_made_to_inherit_later() {
    let database = partitioned("");
    database.load(
        "CREATE TABLE zoo.joined (id int, organization_id uuid NOT NULL, body text); ALTER TABLE zoo.joined INHERIT zoo.base",
    );
    is_protected(&database, "zoo.joined", "zoo.base");
}

#[test]
fn a_partition_with_a_policy_of_its_own_is_refused() {
    let database = partitioned("");
    database.load("CREATE TABLE zoo.p (id int, organization_id uuid NOT NULL, body text); CREATE POLICY open ON zoo.p USING (true)");
    expect_clear_error(
        &mut database.connect(OWNER),
        "ALTER TABLE zoo.t ATTACH PARTITION zoo.p FOR VALUES FROM (0) TO (100)",
        "55000",
    );
    let attached = "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'zoo.p'::regclass";
    assert_eq!(number(&mut database.admin(), attached), 0);
}

#[test]
fn a_partition_gets_what_the_table_has_by_now() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t', permissions => '{\"select\": \"member\"}')");
    execute(&mut owner, "CREATE TABLE zoo.p PARTITION OF zoo.t DEFAULT");
    let policies = "SELECT string_agg(polname, ' ' ORDER BY polname) FROM pg_policy WHERE polrelid = 'zoo.p'::regclass";
    assert_eq!(
        text(&mut owner, policies).as_deref(),
        Some("tenant_guard_select tenant_guard_tenant")
    );
}

#[test]
fn the_superuser_may_switch_it_off_and_the_owner_may_not() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    for trick in [
        "SET SESSION AUTHORIZATION postgres",
        "ALTER EVENT TRIGGER tenant_guard_watch DISABLE",
        "SET event_triggers = off",
        "SET session_replication_role = replica",
        "INSERT INTO tenant_guard.enforcement VALUES ('zoo', 'off', '{}')",
        "DELETE FROM tenant_guard.protection",
    ] {
        assert!(owner.batch_execute(trick).is_err(), "{trick}");
    }
    let mut fresh_session = database.connect(OWNER);
    execute(&mut fresh_session, "SET tenant_guard.enforcement = off; CREATE TABLE zoo.p PARTITION OF zoo.t FOR VALUES FROM (0) TO (100)");
    let open = "SELECT count(*) FROM pg_class WHERE oid = 'zoo.p'::regclass AND NOT relrowsecurity";
    assert_eq!(number(&mut owner, open), 0);
    let mut admin = database.admin();
    execute(
        &mut admin,
        "SET tenant_guard.enforcement = off; CREATE TABLE zoo.q PARTITION OF zoo.t DEFAULT",
    );
    let open = "SELECT count(*) FROM pg_class WHERE oid = 'zoo.q'::regclass AND NOT relrowsecurity";
    assert_eq!(number(&mut admin, open), 1);
}

#[test]
fn a_partition_of_somebody_who_pretends_to_restore_is_closed_or_told() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "SET row_security = off; SET check_function_bodies = off; SELECT set_config('search_path', '', false);
         CREATE TABLE zoo.p PARTITION OF zoo.t FOR VALUES FROM (0) TO (100)",
    );
    let told = "SELECT (SELECT count(*) FROM tenant_guard.protected_tables WHERE drift <> '{}')
                     + (SELECT count(*) FROM pg_class WHERE oid = 'zoo.p'::regclass AND relrowsecurity)";
    assert_eq!(number(&mut database.connect(OWNER), told), 1);
}

#[test]
fn undo_and_the_way_out_reach_later_partitions() {
    let database = partitioned("");
    let before = database.schema();
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TABLE zoo.p PARTITION OF zoo.t DEFAULT");
    let own = number(&mut owner, "SELECT max(id) FROM tenant_guard.change");
    apply(&mut owner, &format!("undo({own})"));
    let policies = "SELECT count(*) FROM pg_policy WHERE polrelid = 'zoo.p'::regclass";
    assert_eq!(number(&mut owner, policies), 0);
    apply(&mut owner, "protect_table('zoo.t')");
    apply(&mut owner, "unprotect_table('zoo.t')");
    assert_eq!(number(&mut owner, policies), 0);
    execute(&mut owner, "DROP TABLE zoo.p");
    apply(&mut owner, "protect_table('zoo.t')");
    tenant_guard_tests::database::assert_same(&database.schema(), &before, "as at first");
}

#[test]
fn a_detached_partition_stays_closed() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "CREATE TABLE zoo.p PARTITION OF zoo.t DEFAULT; ALTER TABLE zoo.t DETACH PARTITION zoo.p",
    );
    execute(&mut database.admin(), &format!("INSERT INTO zoo.p VALUES (1, '{ORG_A}'), (2, '{ORG_B}'); GRANT SELECT ON zoo.p TO authenticated"));
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    assert_eq!(alice.number("SELECT count(*) FROM zoo.p"), 1);
}

#[test]
fn a_protected_partition_of_an_open_table_is_told() {
    let database = fresh();
    database.load(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL); CREATE TABLE zoo.child () INHERITS (zoo.t)",
    );
    let (mut owner, heard) = crate::stage::connect_listening(&database, OWNER);
    // Whoever reads zoo.t reads the rows of zoo.child past its policies.
    match owner.batch_execute("SELECT * FROM tenant_guard.protect_table('zoo.child')") {
        Err(error) => {
            assert!(error.as_db_error().is_some_and(|e| e.message().contains("zoo.t")), "{error:?}")
        }
        Ok(()) => {
            let heard = heard.lock().expect("no panic in the lock");
            assert!(heard.iter().any(|h| h.contains("zoo.t ")), "no word of zoo.t: {heard:?}");
        }
    }
}

#[test]
fn what_hangs_later_under_a_table_that_is_protected_along_a_key() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
         INSERT INTO zoo.parents VALUES (1, '{ORG_A}'), (2, '{ORG_B}');
         CREATE TABLE zoo.t (id int, parent_id int REFERENCES zoo.parents) PARTITION BY RANGE (id);
         CREATE TABLE zoo.base (id int, parent_id int REFERENCES zoo.parents)"
    ));
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    for table in ["parents", "t", "base"] {
        apply(&mut owner, &format!("protect_table('zoo.{table}')"));
    }
    execute(&mut owner, "CREATE TABLE zoo.p PARTITION OF zoo.t FOR VALUES FROM (0) TO (100)");
    execute(&mut owner, "CREATE TABLE zoo.child () INHERITS (zoo.base)");
    for table in ["zoo.p", "zoo.child"] {
        execute(
            &mut database.admin(),
            &format!(
                "INSERT INTO {table} VALUES (1, 1), (2, 2); GRANT ALL ON {table} TO authenticated"
            ),
        );
        let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
        assert_eq!(alice.number(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
}

#[test]
fn a_foreign_table_is_no_partition_of_a_protected_table() {
    let database = partitioned("");
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere",
    );
    let (mut heard_admin, heard) = crate::stage::connect_listening(&database, "postgres");
    match heard_admin.batch_execute(
        "CREATE FOREIGN TABLE zoo.f PARTITION OF zoo.t FOR VALUES FROM (0) TO (100) SERVER far",
    ) {
        Err(error) => {
            assert!(error.as_db_error().is_some_and(|e| e.message().contains("zoo.f")), "{error:?}")
        }
        Ok(()) => {
            let heard = heard.lock().expect("no panic in the lock");
            assert!(heard.iter().any(|h| h.contains("zoo.f")), "no word of zoo.f: {heard:?}");
        }
    }
}

#[test]
fn a_tree_with_a_foreign_table_is_refused_or_told() {
    let database = fresh();
    database.load("CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL) PARTITION BY RANGE (id)");
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere; GRANT USAGE ON FOREIGN SERVER far TO app_owner;
         CREATE FOREIGN TABLE zoo.f PARTITION OF zoo.t DEFAULT SERVER far; ALTER FOREIGN TABLE zoo.f OWNER TO app_owner",
    );
    let original = database.schema();
    let (mut owner, heard) = crate::stage::connect_listening(&database, OWNER);
    let protect = "SELECT * FROM tenant_guard.protect_table('zoo.t')";
    match owner.batch_execute(protect) {
        Err(error) => {
            let error = error.as_db_error().expect("an answer");
            tenant_guard_tests::sql::assert_clear(error, protect);
            assert!(format!("{error:?}").contains("zoo.f"), "{error:?}");
            tenant_guard_tests::database::assert_same(&database.schema(), &original, "half of it");
        }
        Ok(()) => {
            let heard = heard.lock().expect("no panic in the lock");
            assert!(heard.iter().any(|h| h.contains("zoo.f")), "no word of zoo.f: {heard:?}");
        }
    }
}

#[test]
fn a_table_that_is_protected_otherwise_obeys_the_table_it_is_attached_to() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TABLE zoo.p (id int, organization_id uuid NOT NULL, body text)");
    apply(&mut owner, "protect_table('zoo.p', scope => 'member')");
    execute(&mut owner, "ALTER TABLE zoo.t ATTACH PARTITION zoo.p FOR VALUES FROM (0) TO (100)");
    // Whichever options win: one call settles it, and two registrations do not pull at one table.
    call(&mut owner, "protect_table('zoo.t')");
    let drift = "SELECT table_name, drift FROM tenant_guard.protected_tables WHERE drift <> '{}' OR drift IS NULL";
    assert_eq!(rows(&mut owner, drift), Vec::<Vec<Option<String>>>::new());
}

#[test]
fn a_partition_of_a_protected_table_is_not_opened_by_itself() {
    let database = partitioned("");
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TABLE zoo.p PARTITION OF zoo.t DEFAULT");
    let opened = owner.batch_execute("SELECT * FROM tenant_guard.unprotect_table('zoo.p')");
    let told = "SELECT count(*) FROM tenant_guard.protected_tables WHERE drift <> '{}'";
    let floor = "SELECT count(*) FROM pg_policy WHERE polrelid = 'zoo.p'::regclass AND polname = 'tenant_guard_tenant'";
    let closed = number(&mut owner, floor) == 1;
    assert!(closed || number(&mut owner, told) == 1, "open, and nobody is told: {opened:?}");
    // Options of its own for a partition would be lost with the next call for the table above it.
    let own =
        owner.batch_execute("SELECT * FROM tenant_guard.protect_table('zoo.p', scope => 'member')");
    if own.is_ok() {
        assert_eq!(number(&mut owner, told), 1, "another scope below, and nobody is told");
    }
}

#[test]
fn a_child_of_two_protected_tables_stays_closed_when_one_of_them_is_opened() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (organization_id uuid NOT NULL, body text); CREATE TABLE zoo.second (organization_id uuid NOT NULL, size int);
         CREATE TABLE zoo.child () INHERITS (zoo.t, zoo.second); INSERT INTO zoo.child VALUES ('{ORG_A}'), ('{ORG_B}')"
    ));
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    apply(&mut owner, "protect_table('zoo.second')");
    let drift = "SELECT table_name, drift FROM tenant_guard.protected_tables WHERE drift <> '{}' OR drift IS NULL";
    assert_eq!(rows(&mut owner, drift), Vec::<Vec<Option<String>>>::new());
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    for table in ["zoo.child", "zoo.t", "zoo.second"] {
        assert_eq!(alice.number(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    apply(&mut owner, "unprotect_table('zoo.t')");
    let seen = alice.number("SELECT count(*) FROM zoo.child");
    assert!(seen == 1 || !rows(&mut owner, drift).is_empty(), "open, and nobody is told");
}
