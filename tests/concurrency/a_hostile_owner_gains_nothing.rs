//! A role that owns something, and no more, lures an administrator into touching it: into cloning its template,
//! undoing its change, asking its membership table. None of its code may run with the administrator's rights,
//! and what others do in the meantime is not lost.

use std::thread;

use postgres::Client;
use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::fixtures::*;
use tenant_guard_tests::sql::{
    backend_pid, execute, expect_clear_error, expect_error, number, session_claims, text,
    waits_for_a_lock,
};
use tenant_guard_tests::steps::{apply, try_call};
use tenant_guard_tests::Database;

/// A schema of the owner's whose functions make their owner a superuser, if they run with the rights for it.
fn database_with_traps() -> Database<'static> {
    let database = Database::fresh();
    database.load(
        "CREATE SCHEMA trap AUTHORIZATION app_owner;
         SET ROLE app_owner;
         CREATE FUNCTION trap.spring() RETURNS int LANGUAGE plpgsql VOLATILE AS $f$
         BEGIN
           IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
             CREATE TABLE public.sprung (as_whom text);
           END IF;
           RETURN 1;
         END $f$;
         CREATE FUNCTION trap.spring(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN trap.spring(); END';
         CREATE FUNCTION trap.deferred() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM trap.spring(); RETURN NULL; END';",
    );
    database
}

fn assert_unsprung(database: &Database) {
    let sprung = "SELECT count(*) FROM pg_tables WHERE tablename = 'sprung'";
    assert_eq!(number(&mut database.admin(), sprung), 0, "code of the owner ran as a superuser");
}

const TEMPLATE: &str = "SET ROLE app_owner;
    CREATE SCHEMA tpl;
    CREATE TABLE tpl.t (v int, w int GENERATED ALWAYS AS (trap.spring(0)) STORED, CHECK (v > trap.spring(1)));
    CREATE INDEX ON tpl.t ((v + trap.spring(2))) WHERE v > trap.spring(3);";

#[test]
fn its_template_is_not_cloned_with_more_rights_than_its_own() {
    let database = database_with_traps();
    database.load(TEMPLATE);
    let clone =
        "SELECT * FROM tenant_guard.create_tenant_schema('lured', 'tpl', tenant_role => 'visitor')";
    expect_clear_error(&mut database.admin(), clone, "42501");
    assert_unsprung(&database);
}

#[test]
fn what_it_made_is_undone_and_made_again_with_its_own_rights() {
    let database = database_with_traps();
    database.load(TEMPLATE);
    let mut owner = database.connect(OWNER);
    let made = apply(&mut owner, "create_tenant_schema('lured', 'tpl', tenant_role => 'visitor')");
    let mut admin = database.admin();
    let undone = apply(&mut admin, &format!("undo({made})"));
    apply(&mut admin, &format!("undo({undone})"));
    assert_unsprung(&database);
    let owners = "SELECT string_agg(DISTINCT relowner::regrole::text, ', ') FROM pg_class WHERE relnamespace = 'lured'::regnamespace";
    assert_eq!(text(&mut admin, owners).as_deref(), Some("app_owner"));
}

#[test]
fn its_membership_table_runs_nothing_later_as_whoever_asked() {
    let database = database_with_traps();
    database.load(
        "SET ROLE app_owner;
         CREATE SCHEMA mem;
         CREATE TABLE mem.m (u uuid, o uuid);
         CREATE TABLE mem.queue (x int);
         CREATE CONSTRAINT TRIGGER later AFTER INSERT ON mem.queue DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION trap.deferred();
         CREATE FUNCTION mem.enqueue() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
         CREATE FUNCTION mem.fixed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN mem.enqueue(); END';
         CREATE INDEX ON mem.m (u) WHERE mem.fixed(1) > 0;
         CREATE INDEX ON mem.m (u);
         ",
    );
    let mut admin = database.admin();
    execute(&mut admin, "SELECT * FROM tenant_guard.use_membership('mem.m', 'u', 'o')");
    database.load(
        "SET ROLE app_owner;
         CREATE OR REPLACE FUNCTION mem.enqueue() RETURNS int LANGUAGE plpgsql VOLATILE AS
           'BEGIN INSERT INTO mem.queue VALUES (1); RETURN 1; END'",
    );
    execute(&mut admin, &session_claims(ALICE, None));
    // Refused or empty, either will do: what counts is what has run once it is committed.
    let _ = admin.batch_execute("SELECT tenant_guard.org_ids()");
    let _ = admin.batch_execute(&format!("SELECT tenant_guard.is_member('{ORG_A}')"));
    assert_unsprung(&database);
}

#[test]
fn its_policy_says_the_same_however_the_session_reads_backslashes() {
    let database = database_with_traps();
    database.load(
        r"SET ROLE app_owner;
          CREATE SCHEMA bs;
          CREATE TABLE bs.t (organization_id uuid, id int);
          CREATE POLICY p ON bs.t USING (id::text <> '\'')); SELECT trap.spring(); --');",
    );
    let mut owner = database.connect(OWNER);
    let change = apply(&mut owner, "protect_table('bs.t', existing => 'replace')");
    let policy = "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'p'";
    let mut admin = database.admin();
    execute(&mut admin, "SET standard_conforming_strings = off");
    apply(&mut admin, &format!("undo({change})"));
    assert_unsprung(&database);
    execute(&mut admin, "RESET standard_conforming_strings");
    let found = text(&mut admin, policy).expect("the policy is back");
    assert!(found.contains("trap.spring"), "as a text, not as a call: {found}");
}

#[test]
fn default_privileges_open_nothing_of_the_extension() {
    let database = Database::empty_in(tenant_guard_tests::cluster::shared());
    let mut admin = database.admin();
    execute(
        &mut admin,
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO visitor;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO visitor;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO visitor;
         CREATE EXTENSION tenant_guard",
    );
    let mut visitor = database.connect(VISITOR);
    for refused in [
        "UPDATE tenant_guard.membership SET table_schema = 'x'",
        "TRUNCATE tenant_guard.change CASCADE",
        "DELETE FROM tenant_guard.change_step",
        "INSERT INTO tenant_guard.tenant_schema VALUES ('x', 'x', NULL, 'x', true, now(), 'x')",
        "SELECT nextval('tenant_guard.change_id_seq')",
        "SELECT tenant_guard.register_membership(NULL)",
    ] {
        expect_error(&mut visitor, refused, "42501");
    }
}

#[test]
fn rows_that_come_while_undo_waits_are_not_lost() {
    let database = Database::fresh();
    database.load("SET ROLE app_owner; CREATE SCHEMA tpl; CREATE TABLE tpl.a (x int); CREATE TABLE tpl.z (x int)");
    let mut owner = database.connect(OWNER);
    let made = apply(&mut owner, "create_tenant_schema('race', 'tpl', tenant_role => 'visitor')");
    let mut reader = database.connect(VISITOR);
    execute(&mut reader, "BEGIN; SELECT * FROM race.z");
    let mut undoer = database.connect(OWNER);
    let pid = backend_pid(&mut undoer);
    let undo = thread::spawn(move || try_call(&mut undoer, &format!("undo({made})")));
    assert!(waits_for_a_lock(&mut database.admin(), pid, || undo.is_finished()));
    let mut writer = database.connect(VISITOR);
    let writes =
        thread::spawn(move || writer.batch_execute("INSERT INTO race.a VALUES (1)").is_ok());
    // The row is in before undo has the lock, or waits for it: either way undo must not drop it unseen.
    thread::sleep(std::time::Duration::from_millis(300));
    execute(&mut reader, "COMMIT");
    let undone = undo.join().expect("no panic").is_ok();
    let written = writes.join().expect("no panic");
    assert!(!(undone && written), "the row was written, and undo dropped its table");
}

#[test]
fn an_old_snapshot_leaves_no_old_registration_behind() {
    let database = protected_crm();
    database.load("SET ROLE app_owner; CREATE SCHEMA other; CREATE TABLE other.m (u uuid PRIMARY KEY, o uuid)");
    let mut session = database.connect(VISITOR);
    let organizations = |session: &mut Client| {
        number(session, "SELECT cardinality(tenant_guard.org_ids())::bigint")
    };
    execute(&mut session, &session_claims(CAROL, None));
    assert_eq!(organizations(&mut session), 2);
    execute(&mut session, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    execute(
        &mut database.admin(),
        "SELECT * FROM tenant_guard.use_membership('other.m', 'u', 'o')",
    );
    execute(&mut session, "SELECT count(*) FROM pg_class");
    organizations(&mut session);
    organizations(&mut session);
    execute(&mut session, "COMMIT");
    assert_eq!(
        organizations(&mut session),
        0,
        "the table that is registered no more is still believed"
    );
}

#[test]
fn undo_sees_everything_that_was_added_to_a_tenants_table() {
    let database = Database::fresh();
    database.load("SET ROLE app_owner; CREATE SCHEMA tpl; CREATE TABLE tpl.t (x int, y text)");
    let mut owner = database.connect(OWNER);
    let made = apply(&mut owner, "create_tenant_schema('acme', 'tpl', tenant_role => 'visitor')");
    for addition in [
        "CREATE INDEX ON acme.t (x)",
        "ALTER TABLE acme.t ADD CHECK (x > 0)",
        "ALTER TABLE acme.t ADD UNIQUE (x)",
        "ALTER TABLE acme.t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON acme.t USING (true)",
        "GRANT SELECT (x) ON acme.t TO PUBLIC",
        "GRANT TRUNCATE ON acme.t TO visitor",
        "COMMENT ON TABLE acme.t IS 'ours'",
        "COMMENT ON COLUMN acme.t.x IS 'ours'",
        "CREATE RULE r AS ON DELETE TO acme.t DO NOTHING",
        "ALTER TABLE acme.t SET (fillfactor = 50)",
        "ALTER TABLE acme.t ALTER y SET STORAGE EXTERNAL",
        "ALTER TABLE acme.t REPLICA IDENTITY FULL",
        "ALTER TABLE acme.t ALTER x SET DEFAULT 1",
        "CREATE VIEW acme.v AS SELECT 1",
        "CREATE FUNCTION acme.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        execute(&mut owner, &format!("BEGIN; {addition}"));
        expect_clear_error(
            &mut owner,
            &format!("SELECT * FROM tenant_guard.undo({made})"),
            "55000",
        );
        execute(&mut owner, "ROLLBACK");
    }
    apply(&mut owner, &format!("undo({made})"));
}
