//! What the role of one tenant may try to reach another tenant's schema: every spelling is refused.

use postgres::Client;
use tenant_guard_tests::cluster::{shared, OWNER};
use tenant_guard_tests::fixtures::{ALICE, MALLORY, ORG_A, ORG_B, TENANCY, USE_MEMBERSHIP};
use tenant_guard_tests::pooler::Pooler;
use tenant_guard_tests::sql::{
    claims, execute, expect_clear_error, expect_error, number, rows, text,
};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

/// Two tenants with roles that log in; `server` is a member of either, as an application's that serves both.
fn two_tenants() -> Database<'static> {
    static ROLES: std::sync::Once = std::sync::Once::new();
    ROLES.call_once(|| {
        execute(
            &mut shared().admin(),
            "CREATE ROLE ann LOGIN; CREATE ROLE ben LOGIN; CREATE ROLE server LOGIN; CREATE ROLE apart LOGIN NOINHERIT;
             GRANT ann, ben TO server; GRANT ann, ben TO apart",
        );
    });
    let database = Database::fresh();
    database.load(TENANCY);
    apply(&mut database.admin(), USE_MEMBERSHIP);
    database.load(
        "CREATE SCHEMA plan; CREATE TYPE plan.mood AS ENUM ('ok'); CREATE SEQUENCE plan.counter;
         CREATE TABLE plan.notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, mood plan.mood);
         CREATE TABLE plan.parts (id int, body text) PARTITION BY RANGE (id);
         CREATE TABLE plan.parts_1 PARTITION OF plan.parts FOR VALUES FROM (1) TO (9);
         COMMENT ON TABLE plan.notes IS 'seen by everybody'",
    );
    let mut owner = database.connect(OWNER);
    for (slug, role, organization) in [("acme", "ann", ORG_A), ("bolt", "ben", ORG_B)] {
        apply(&mut owner, &format!("create_tenant_schema('{slug}', 'plan', organization => '{organization}', tenant_role => '{role}')"));
    }
    execute(&mut owner, "INSERT INTO bolt.notes (body) VALUES ('secret'); INSERT INTO bolt.parts VALUES (1, 'secret')");
    database
}

#[test]
fn no_spelling_of_another_tenants_schema_is_accepted() {
    let database = two_tenants();
    let mut owner = database.connect(OWNER);
    // What only the other tenant's people made, and a large object of theirs.
    execute(
        &mut owner,
        "CREATE VIEW bolt.seen AS SELECT * FROM bolt.notes; GRANT SELECT ON bolt.seen TO ben, PUBLIC;
         CREATE FUNCTION bolt.tell() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = bolt AS 'SELECT body FROM notes'",
    );
    let mut ben = database.connect("ben");
    assert_eq!(
        number(&mut ben, "SELECT count(*) FROM bolt.seen"),
        1,
        "the tenant itself reaches them"
    );
    assert_eq!(number(&mut ben, "SELECT count(*) FROM bolt.tell()"), 1);
    let blob = number(&mut ben, "SELECT lo_from_bytea(0, 'secret')::bigint");
    let notes = number(&mut ben, "SELECT 'bolt.notes'::regclass::oid::bigint");
    for statement in [
        "SELECT * FROM bolt.notes",
        "SELECT * FROM \"bolt\".\"notes\"",
        "SELECT * FROM U&\"\\0062olt\".notes",
        "TABLE bolt.notes",
        "SELECT bolt.notes FROM bolt.notes",
        "SELECT * FROM bolt.seen",
        "SELECT * FROM bolt.tell()",
        "SELECT bolt.tell()",
        "CALL bolt.tell()",
        "SELECT 'ok'::bolt.mood",
        "SELECT NULL::bolt.notes",
        "SELECT 'bolt.notes'::regclass",
        "SELECT to_regclass('bolt.notes')::text::regclass",
        "SELECT 'bolt.counter'::regclass",
        "SELECT 'bolt.tell'::regproc",
        "SELECT nextval('bolt.counter')",
        "SELECT pg_get_viewdef('bolt.seen')",
        "SELECT * FROM bolt.parts",
        "SELECT * FROM bolt.parts_1",
        "COPY bolt.notes TO STDOUT",
        "BEGIN; LOCK TABLE bolt.notes IN ACCESS SHARE MODE",
        "INSERT INTO bolt.notes (body) VALUES ('x')",
        "UPDATE bolt.notes SET body = 'x'",
        "DELETE FROM bolt.notes",
        "TRUNCATE bolt.notes",
        "ANALYZE bolt.notes; SELECT 1/(SELECT count(*) FROM pg_stats WHERE schemaname = 'bolt')",
        "EXPLAIN SELECT * FROM bolt.notes",
        "CREATE TABLE bolt.mine (id int)",
        "CREATE TEMP TABLE like_it (LIKE bolt.notes)",
        "CREATE TEMP TABLE below (id int) INHERITS (bolt.notes)",
        "CREATE TEMP TABLE points (id int REFERENCES bolt.notes)",
        "CREATE TEMP VIEW peek AS SELECT * FROM bolt.notes",
        "DO $$ BEGIN EXECUTE 'SELECT * FROM bolt.notes'; END $$",
        "SELECT query_to_xml('SELECT * FROM bolt.notes', true, true, '')",
        "SELECT table_to_xml('bolt.notes', true, true, '')",
        "SELECT schema_to_xml('bolt', true, true, '')",
        "PREPARE p AS SELECT * FROM bolt.notes",
        "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM bolt.notes",
        "SET search_path = bolt; SELECT * FROM notes",
        "SET search_path = acme, bolt; SELECT * FROM seen",
        "SELECT set_config('search_path', 'bolt', false); SELECT * FROM tell()",
        "SET ROLE ben",
        "SET SESSION AUTHORIZATION ben",
        "ALTER SCHEMA bolt OWNER TO ann",
        "GRANT USAGE ON SCHEMA bolt TO ann",
        "SELECT tenant_guard.use_tenant('bolt')",
        "SELECT * FROM tenant_guard.tenant_drift('bolt')",
        "SELECT * FROM tenant_guard.sync_tenant_schema('bolt')",
        "SELECT * FROM tenant_guard.rename_tenant_schema('bolt', 'mine')",
        "SELECT * FROM tenant_guard.archive_tenant_schema('bolt')",
        "SELECT * FROM tenant_guard.move_tenant_schema('bolt', 'ann')",
        "SELECT * FROM tenant_guard.drop_tenant_schema('bolt', 'bolt')",
        "SELECT * FROM tenant_guard.create_tenant_schema('mine', 'bolt', tenant_role => 'ann')",
        "SELECT tenant_guard.amend_tenant_schema('bolt', '{\"tenant_role\": \"ann\"}')",
        "UPDATE tenant_guard.tenant_schema SET tenant_role = 'ann'",
        &format!("SELECT lo_get({blob})"),
        &format!("SELECT lo_open({blob}, 262144)"),
        &format!("SELECT lo_unlink({blob})"),
        &format!("SELECT loread(lo_open({blob}, 262144), 100)"),
        "SELECT * FROM pg_largeobject",
        &format!("SELECT pg_relation_size({notes}::oid::regclass); SELECT * FROM ONLY bolt.notes"),
    ] {
        assert_refused(&database, statement);
    }
    // More of them, one on a line.
    for statement in include_str!("attacks.txt").lines() {
        assert_refused(&database, statement);
    }
    let untouched = "SELECT string_agg(body, ',') FROM bolt.notes";
    assert_eq!(text(&mut owner, untouched).as_deref(), Some("secret"));
    // What the catalogs show, PostgreSQL shows everybody: names, definitions and comments, no row.
    let mut ann = database.connect("ann");
    let visible = "SELECT obj_description(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'bolt' AND relname = 'notes'";
    assert_eq!(text(&mut ann, visible).as_deref(), Some("seen by everybody"));
    // The extension tells less: each sees its own registration.
    let slugs = "SELECT string_agg(slug, ',') FROM tenant_guard.tenant_schemas";
    assert_eq!(text(&mut ann, slugs).as_deref(), Some("acme"));
}

#[track_caller]
fn assert_refused(database: &Database, statement: &str) {
    let mut ann = database.connect("ann");
    match ann.batch_execute(statement) {
        Ok(()) => panic!("accepted: {statement}"),
        Err(error) => {
            let code =
                error.code().unwrap_or_else(|| panic!("{statement}: {error:?}")).code().to_string();
            // Without USAGE an unqualified name is not there at all. Not every server knows xml.
            let known =
                ["42501", "42P01", "42883", "42704", "3F000", "22012", "0A000", "42804", "42809"];
            assert!(known.contains(&code.as_str()), "{statement}: {error:?}");
        }
    }
}

#[test]
fn use_tenant_takes_members_of_the_role_and_sets_nothing_else() {
    let database = two_tenants();
    for (role, acme, bolt) in [
        ("ann", true, false),
        ("ben", false, true),
        ("server", true, true),
        ("visitor", false, false),
        ("apart", false, false),
        (OWNER, true, true),
    ] {
        let mut client = database.connect(role);
        for (slug, may) in
            [("acme", acme), ("bolt", bolt), ("plan", false), ("public", false), ("nowhere", false)]
        {
            execute(&mut client, "BEGIN");
            let call = format!("SELECT tenant_guard.use_tenant('{slug}')");
            if may {
                execute(&mut client, &call);
                assert_eq!(text(&mut client, "SHOW search_path"), Some(format!("{slug}, pg_temp")));
                assert_eq!(text(&mut client, "SELECT current_user").as_deref(), Some(role));
            } else {
                expect_clear_error(&mut client, &call, "42501");
            }
            execute(&mut client, "ROLLBACK");
            assert_eq!(text(&mut client, "SHOW search_path").as_deref(), Some("\"$user\", public"));
        }
    }
    // One who has to become the tenant's role first.
    let mut apart = database.connect("apart");
    execute(&mut apart, "BEGIN; SET LOCAL ROLE ann; SELECT tenant_guard.use_tenant('acme'); INSERT INTO notes (body) VALUES ('x')");
    expect_error(&mut apart, "SELECT tenant_guard.use_tenant('bolt')", "42501");
}

#[test]
fn whoever_acts_for_a_user_acts_for_the_active_organization() {
    let database = two_tenants();
    let mut server = database.connect("server");
    let as_user = |client: &mut Client, user: &str, org: Option<&str>| {
        execute(client, "ROLLBACK");
        execute(client, "BEGIN");
        execute(client, &claims(user, org));
    };
    as_user(&mut server, ALICE, Some(ORG_A));
    execute(&mut server, "SELECT tenant_guard.use_tenant('acme')");
    as_user(&mut server, ALICE, Some(ORG_A));
    expect_clear_error(&mut server, "SELECT tenant_guard.use_tenant('bolt')", "42501");
    // No member of it, whatever the token says; and no organization at all.
    for (user, org) in [(ALICE, Some(ORG_B)), (MALLORY, Some(ORG_A)), (MALLORY, None)] {
        for slug in ["acme", "bolt"] {
            as_user(&mut server, user, org);
            expect_clear_error(
                &mut server,
                &format!("SELECT tenant_guard.use_tenant('{slug}')"),
                "42501",
            );
        }
    }
    // The organization alone gives nobody the right to the schema.
    let mut visitor = database.connect("visitor");
    as_user(&mut visitor, ALICE, Some(ORG_A));
    expect_clear_error(&mut visitor, "SELECT tenant_guard.use_tenant('acme')", "42501");
    execute(&mut visitor, "ROLLBACK");
    execute(&mut database.connect(OWNER), "GRANT USAGE ON SCHEMA acme, bolt TO visitor");
    as_user(&mut visitor, ALICE, Some(ORG_A));
    execute(&mut visitor, "SELECT tenant_guard.use_tenant('acme')");
    as_user(&mut visitor, ALICE, Some(ORG_A));
    expect_clear_error(&mut visitor, "SELECT tenant_guard.use_tenant('bolt')", "42501");
}

#[test]
fn behind_a_pooler_the_next_client_starts_with_its_own_path() {
    let database = two_tenants();
    let pooler = Pooler::start(shared(), &["server"], 1);
    pooler.answers(&database.name, "server");
    let connect = || {
        pooler.config(&database.name, "server").connect(postgres::NoTls).expect("a pooled session")
    };
    let (mut first, mut second) = (connect(), connect());
    for end in ["COMMIT", "ROLLBACK"] {
        for slug in ["acme", "bolt"] {
            first.batch_execute(&format!("BEGIN; SELECT tenant_guard.use_tenant('{slug}'); SAVEPOINT s; SELECT tenant_guard.use_tenant('acme'); ROLLBACK TO s")).expect("a member");
            assert_eq!(shown(&mut first), format!("{slug}, pg_temp"));
            first.batch_execute(end).expect("an end");
            assert_eq!(shown(&mut second), "\"$user\", public");
            // Outside a transaction it holds for its own statement.
            first
                .batch_execute(&format!("SELECT tenant_guard.use_tenant('{slug}')"))
                .expect("a member");
            assert_eq!(shown(&mut second), "\"$user\", public");
        }
    }
}

fn shown(client: &mut Client) -> String {
    rows(client, "SHOW search_path")[0][0].clone().expect("a path")
}

#[test]
fn an_archived_schema_is_its_owners_alone_until_it_is_restored() {
    let database = two_tenants();
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "GRANT USAGE ON SCHEMA bolt TO PUBLIC; GRANT USAGE, CREATE ON SCHEMA bolt TO ben WITH GRANT OPTION");
    execute(&mut database.connect("ben"), "GRANT USAGE ON SCHEMA bolt TO apart");
    let acl = "SELECT array_agg(a::text ORDER BY a::text)::text FROM pg_namespace, unnest(nspacl) a WHERE nspname = 'bolt'";
    let mut ben = database.connect("ben");
    execute(&mut ben, "PREPARE read AS SELECT * FROM bolt.notes; EXECUTE read");
    let archived = apply(&mut owner, "archive_tenant_schema('bolt')");
    assert_eq!(text(&mut owner, acl).as_deref(), Some("{app_owner=UC/app_owner}"));
    for statement in ["SELECT * FROM bolt.notes", "EXECUTE read", "SELECT 'bolt.notes'::regclass"] {
        expect_error(&mut ben, statement, "42501");
    }
    expect_clear_error(&mut ben, "SELECT tenant_guard.use_tenant('bolt')", "55000");
    expect_clear_error(&mut owner, "SELECT tenant_guard.use_tenant('bolt')", "55000");
    expect_clear_error(
        &mut ben,
        "SELECT * FROM tenant_guard.restore_tenant_schema('bolt')",
        "42501",
    );
    assert_eq!(number(&mut owner, "SELECT count(*) FROM bolt.notes"), 1, "the rows are kept");
    apply(&mut owner, "restore_tenant_schema('bolt')");
    execute(
        &mut ben,
        "BEGIN; SELECT tenant_guard.use_tenant('bolt'); SELECT * FROM notes; COMMIT; EXECUTE read",
    );
    let restored = text(&mut owner, acl).expect("privileges");
    assert!(
        restored.contains("ben=U*C*/app_owner") && restored.contains("=U/app_owner"),
        "{restored}"
    );
    let again = apply(&mut owner, "archive_tenant_schema('bolt')");
    assert_ne!(archived, again);
    apply(&mut owner, &format!("undo({again})"));
    assert_eq!(text(&mut owner, acl), Some(restored));
}
