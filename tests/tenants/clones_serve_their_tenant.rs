//! Rows, sequences, rights and functions of a clone are its own.

use tenant_guard_tests::cluster::{OWNER, VISITOR};
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, rows, text};
use tenant_guard_tests::Database;

const TEMPLATE: &str = "
    CREATE SCHEMA shop;
    CREATE TYPE shop.state AS ENUM ('new', 'sold');
    CREATE TABLE shop.owners (id int PRIMARY KEY, partner int);
    CREATE TABLE shop.items (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner int REFERENCES shop.owners, state shop.state DEFAULT 'new',
        states shop.state[], twice int GENERATED ALWAYS AS (owner * 2) STORED);
    ALTER TABLE shop.owners ADD FOREIGN KEY (partner) REFERENCES shop.owners;
    CREATE TABLE shop.log (id serial, at date) PARTITION BY RANGE (at);
    CREATE TABLE shop.log_old PARTITION OF shop.log FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
    CREATE TABLE shop.log_rest PARTITION OF shop.log DEFAULT;
    CREATE FUNCTION shop.told() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'fired'; END$$;
    INSERT INTO shop.owners VALUES (1, 2), (2, 1);
    INSERT INTO shop.items (owner, state, states) SELECT 1 + n % 2, 'sold', '{new,sold}' FROM generate_series(1, 50) n;
    INSERT INTO shop.log (at) VALUES ('2010-05-05'), ('2025-05-05');
    CREATE TRIGGER told BEFORE INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.told();
    CREATE MATERIALIZED VIEW shop.sold AS SELECT count(*) AS n FROM shop.items WHERE state = 'sold';
    CREATE FUNCTION shop.count_items() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = shop, pg_temp AS
      $$BEGIN RETURN (SELECT count(*) FROM shop.items) + 0 * (SELECT count(*) FROM log); END$$;
    CREATE FUNCTION shop.dynamic() RETURNS bigint LANGUAGE plpgsql AS
      $$DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM shop.items' INTO n; RETURN n; END$$;";

fn create(database: &Database, slug: &str, options: &str) -> Vec<Vec<Option<String>>> {
    let call = format!("SELECT action FROM tenant_guard.create_tenant_schema('{slug}', 'shop', tenant_role => 'none'{options})");
    rows(&mut database.connect(OWNER), &call)
}

#[test]
fn rows_and_sequences_come_when_asked_for_and_functions_read_their_own() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let actions = create(&database, "empty", "");
    assert!(
        actions
            .iter()
            .flatten()
            .flatten()
            .any(|a| a.contains("not carried over") && a.contains("dynamic()")),
        "SQL in a string is told: {actions:?}"
    );
    create(&database, "whole", ", with_data => 'all'");
    create(&database, "part_shop", ", with_data => '{owners,log}'");
    let mut owner = database.connect(OWNER);
    for (schema, items, owners, log) in
        [("empty", 0, 0, 0), ("whole", 50, 2, 2), ("part_shop", 0, 2, 2)]
    {
        for (table, expected) in
            [("items", items), ("owners", owners), ("log", log), ("log_old", i64::from(log > 0))]
        {
            assert_eq!(
                number(&mut owner, &format!("SELECT count(*) FROM {schema}.{table}")),
                expected,
                "{schema}.{table}"
            );
        }
        assert_eq!(
            number(&mut owner, &format!("SELECT n FROM {schema}.sold")),
            items,
            "{schema}.sold"
        );
        assert_eq!(
            number(&mut owner, &format!("SELECT {schema}.count_items()")),
            items,
            "{schema}"
        );
        assert_eq!(
            number(&mut owner, &format!("SELECT {schema}.dynamic()")),
            50,
            "text is not rewritten"
        );
    }
    assert_eq!(
        text(&mut owner, "SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM whole.items i"),
        text(&mut owner, "SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM shop.items i"),
    );
    assert_eq!(number(&mut owner, "SELECT nextval('whole.items_id_seq')"), 51);
    assert_eq!(number(&mut owner, "SELECT nextval('empty.items_id_seq')"), 1);
    assert_eq!(number(&mut owner, "SELECT nextval('part_shop.log_id_seq')"), 3);
    expect_error(&mut owner, "INSERT INTO whole.items (owner) VALUES (1)", "P0001");
    // A row whose owner is not copied has no owner.
    let call = "SELECT * FROM tenant_guard.create_tenant_schema('half', 'shop', tenant_role => 'none', with_data => '{items}')";
    expect_error(&mut owner, call, "23503");
    assert_eq!(number(&mut owner, "SELECT count(*) FROM pg_namespace WHERE nspname = 'half'"), 0);
}

#[test]
fn rows_that_policies_hide_are_not_left_out_silently() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let mut owner = database.connect(OWNER);
    execute(
        &mut owner,
        "ALTER TABLE shop.owners ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    );
    let call = "SELECT * FROM tenant_guard.create_tenant_schema('whole', 'shop', tenant_role => 'none', with_data => 'all')";
    expect_error(&mut owner, call, "42501");
    assert_eq!(number(&mut owner, "SELECT count(*) FROM pg_namespace WHERE nspname = 'whole'"), 0);
    // Without rows it is cloned, closed as it is.
    create(&database, "closed", "");
    let forced = "SELECT count(*) FROM pg_class WHERE relnamespace = 'closed'::regnamespace AND relrowsecurity AND relforcerowsecurity";
    assert_eq!(number(&mut owner, forced), 1);
}

#[test]
fn default_privileges_open_nothing_that_the_template_keeps_closed() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "REVOKE EXECUTE ON FUNCTION shop.count_items() FROM PUBLIC");
    execute(&mut owner, &format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {VISITOR}"));
    execute(&mut owner, &format!("ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {VISITOR}"));
    create(&database, "acme", "");
    let mut visitor = database.connect(VISITOR);
    expect_error(&mut visitor, "SELECT * FROM acme.items", "42501");
    execute(&mut owner, &format!("GRANT USAGE ON SCHEMA acme TO {VISITOR}"));
    expect_error(&mut visitor, "SELECT * FROM acme.items", "42501");
    expect_error(&mut visitor, "SELECT acme.count_items()", "42501");
}

#[test]
fn protection_audit_and_classes_are_registered_of_the_clone() {
    let database = Database::fresh();
    database.load(
        "CREATE SCHEMA crm;
         CREATE TABLE crm.organizations (id uuid PRIMARY KEY);
         CREATE TABLE crm.members (user_id uuid, organization_id uuid, role text, PRIMARY KEY (user_id, organization_id));
         CREATE TABLE crm.leads (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL, email text);",
    );
    let mut admin = database.admin();
    execute(&mut admin, "CREATE INDEX ON crm.members (organization_id)");
    execute(&mut admin, "SELECT * FROM tenant_guard.use_membership('crm.members', 'user_id', 'organization_id', 'role')");
    let mut owner = database.connect(OWNER);
    for call in [
        "protect_table('crm.leads', roles => '{public}')",
        "enable_audit('crm.leads')",
        "classify('crm.leads', 'email', 'pii')",
    ] {
        execute(&mut owner, &format!("SELECT * FROM tenant_guard.{call}"));
    }
    execute(
        &mut owner,
        "SELECT * FROM tenant_guard.create_tenant_schema('acme', 'crm', tenant_role => 'none')",
    );
    let same = "SELECT (SELECT (tenant_column, scope, roles, options, drift)::text FROM tenant_guard.protected_tables
                        WHERE table_schema = 'acme' AND table_name = 'leads')
                     = (SELECT (tenant_column, scope, roles, options, drift)::text FROM tenant_guard.protected_tables
                        WHERE table_schema = 'crm' AND table_name = 'leads')";
    assert_eq!(text(&mut owner, &format!("SELECT ({same})::text")).as_deref(), Some("true"));
    let class = "SELECT class FROM tenant_guard.classified_columns WHERE table_schema = 'acme'";
    assert_eq!(text(&mut owner, class).as_deref(), Some("pii"));
    let plans = "SELECT count(*) FROM tenant_guard.protect_table('acme.leads', roles => '{public}', dry_run => true)";
    assert_eq!(number(&mut owner, plans), 0, "nothing is missing");
}

#[test]
fn a_tenants_clone_has_the_new_tenants_role_in_the_old_ones_place() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let mut admin = database.admin();
    let call = |slug: &str, template: &str| {
        format!("SELECT * FROM tenant_guard.create_tenant_schema('{slug}', '{template}', trust_template => true)")
    };
    execute(&mut admin, &call("first_shop", "shop"));
    execute(&mut admin, "REVOKE DELETE ON first_shop.items FROM tenant_first_shop");
    execute(&mut admin, "CREATE POLICY own ON first_shop.items TO tenant_first_shop USING (true)");
    execute(&mut admin, &call("second_shop", "first_shop"));
    let may = |role: &str, table: &str, privilege: &str| {
        format!("SELECT has_table_privilege('{role}', '{table}', '{privilege}')::int")
    };
    for (role, table, privilege, expected) in [
        ("tenant_second_shop", "second_shop.items", "SELECT", 1),
        ("tenant_second_shop", "second_shop.items", "DELETE", 0),
        ("tenant_first_shop", "second_shop.items", "SELECT", 0),
        ("tenant_second_shop", "first_shop.items", "SELECT", 0),
    ] {
        assert_eq!(
            number(&mut admin, &may(role, table, privilege)),
            expected,
            "{role} {table} {privilege}"
        );
    }
    let roles =
        "SELECT array_to_string(roles, ',') FROM pg_policies WHERE schemaname = 'second_shop'";
    assert_eq!(text(&mut admin, roles).as_deref(), Some("tenant_second_shop"));
    execute(
        &mut admin,
        "SELECT * FROM tenant_guard.drop_tenant_schema('second_shop', 'second_shop')",
    );
    execute(
        &mut admin,
        "SELECT * FROM tenant_guard.drop_tenant_schema('first_shop', 'first_shop')",
    );
}

#[test]
fn a_quota_is_the_new_roles() {
    let database = Database::fresh();
    database.load(TEMPLATE);
    let mut admin = database.admin();
    let call = "SELECT * FROM tenant_guard.create_tenant_schema('limited_shop', 'shop', trust_template => true,
                  quotas => '{\"connection_limit\": 3, \"statement_timeout\": \"7s\"}', owner => 'app_owner')";
    execute(&mut admin, call);
    let quota = "SELECT r.rolconnlimit || ' ' || s.setconfig::text FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole = r.oid
                 WHERE r.rolname = 'tenant_limited_shop'";
    assert_eq!(text(&mut admin, quota).as_deref(), Some("3 {statement_timeout=7s}"));
    let others = "SELECT count(*) FROM pg_class WHERE relnamespace = 'limited_shop'::regnamespace AND relowner <> 'app_owner'::regrole";
    assert_eq!(number(&mut admin, others), 0);
    expect_clear_error(&mut admin, "SELECT * FROM tenant_guard.create_tenant_schema('x', 'shop', trust_template => true, quotas => '3')", "22023");
    execute(
        &mut admin,
        "SELECT * FROM tenant_guard.drop_tenant_schema('limited_shop', 'limited_shop')",
    );
}
