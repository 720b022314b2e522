//! Templates, sessions and roles that are unlike most, and clones that are like their template all the same.

use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER, VISITOR};
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error, number, rows, text};
use tenant_guard_tests::Database;

use postgres::Client;

fn create(slug: &str, options: &str) -> String {
    format!("create_tenant_schema('{slug}', 'shop', tenant_role => 'none'{options})")
}

fn not_carried(database: &Database, slug: &str) -> Vec<String> {
    let sql = format!(
        "SELECT action FROM tenant_guard.{} WHERE action LIKE 'not carried%' ORDER BY 1",
        create(slug, "")
    );
    rows(&mut database.admin(), &sql).into_iter().flatten().flatten().collect()
}

/// The statements of a call.
fn call(client: &mut Client, call: &str) -> Vec<String> {
    let steps = rows(client, &format!("SELECT sql FROM tenant_guard.{call}"));
    steps.into_iter().flatten().flatten().collect()
}

/// What the session shows of it afterwards is its own again.
const STRANGE: &str = "SET DateStyle = 'Postgres, DMY'; SET TimeZone = 'Asia/Kolkata'; SET IntervalStyle = sql_standard;
    SET extra_float_digits = -10; SET array_nulls = off; SET default_toast_compression = pglz;
    SET transform_null_equals = on; SET standard_conforming_strings = off; SET escape_string_warning = off;";

#[test]
fn values_are_the_same_whatever_the_session_writes_and_the_schema_casts() {
    let database = Database::fresh();
    database.load(
        "CREATE SCHEMA shop; SET search_path = shop;
         CREATE TYPE state AS ENUM ('new', 'old');
         CREATE TYPE reading AS (value float8, at timestamptz, took interval, day date, \"path %s\" text);
         CREATE DOMAIN known AS state CHECK (VALUE IS NOT NULL);
         CREATE TABLE readings (id int, reading reading, readings reading[], state state, known known,
           at timestamptz DEFAULT '2026-01-02 03:04:05+00', words text[] DEFAULT '{NULL,\"NULL\",a\\\\b}',
           factor float8 DEFAULT 1.2345678901234567);
         INSERT INTO readings VALUES
           (1, ROW(1.2345678901234567, '2026-01-02 03:04:05+00', '-1 day 2 hours', '2026-02-01', 'a\\b'), NULL, 'new', 'new'),
           (2, ROW(NULL, NULL, NULL, NULL, NULL), ARRAY[ROW(0.1, NULL, '1 mon', NULL, ''), NULL]::reading[], NULL, 'old');
         CREATE FUNCTION told(state) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'old'$$;
         CREATE FUNCTION heard(text) RETURNS state IMMUTABLE LANGUAGE sql AS $$SELECT 'old'::shop.state$$;",
    );
    let values = |schema: &str| {
        let sql = format!("SELECT r::text FROM {schema}.readings r ORDER BY id");
        rows(&mut database.connect(OWNER), &sql)
    };
    let all = ", with_data => 'all'";
    let mut strange = database.connect(OWNER);
    execute(&mut strange, STRANGE);
    call(&mut strange, &create("by_run", all));
    assert_eq!(text(&mut strange, "SHOW extra_float_digits").as_deref(), Some("-10"));
    // Pasted, in such a session too.
    let plan = call(&mut strange, &create("by_paste", &format!("{all}, dry_run => true")));
    database.paste_well(OWNER, &format!("{STRANGE}\nBEGIN;\n{}\nCOMMIT;", plan.join("\n")));
    execute(
        &mut database.connect(OWNER),
        "CREATE CAST (shop.state AS text) WITH FUNCTION shop.told(shop.state);
         CREATE CAST (text AS shop.state) WITH FUNCTION shop.heard(text) AS ASSIGNMENT",
    );
    call(&mut strange, &create("with_casts", all));
    for schema in ["by_run", "by_paste", "with_casts"] {
        assert_eq!(values(schema), values("shop"), "{schema}");
    }
    let default = "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = '{}.readings'::regclass ORDER BY adnum";
    let defaults = |schema: &str| rows(&mut database.admin(), &default.replace("{}", schema));
    assert_eq!(defaults("by_paste"), defaults("shop"));
}

#[test]
fn defaults_of_the_session_and_of_the_maker_change_nothing() {
    let database = Database::fresh();
    database.load(&format!(
        "CREATE SCHEMA shop; SET search_path = shop;
         CREATE TYPE state AS ENUM ('new'); CREATE DOMAIN share AS int; CREATE SEQUENCE numbers;
         CREATE FUNCTION told() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION secret() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE PROCEDURE done(a int) LANGUAGE plpgsql AS 'BEGIN END';
         REVOKE EXECUTE ON FUNCTION secret() FROM PUBLIC; GRANT EXECUTE ON FUNCTION secret() TO {VISITOR};
         CREATE TABLE items (id int); GRANT SELECT ON items TO {VISITOR};
         ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
         ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
         ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO {OTHER_OWNER};
         ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {OTHER_OWNER};
         ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO {OTHER_OWNER}"
    ));
    call(&mut database.connect(OWNER), &create("acme", ""));
    let may = |schema: &str| {
        let sql = format!(
            "SELECT r, has_function_privilege(r, '{schema}.told()', 'EXECUTE'), has_function_privilege(r, '{schema}.secret()', 'EXECUTE'),
                    has_function_privilege(r, '{schema}.done(int)', 'EXECUTE'), has_type_privilege(r, '{schema}.state', 'USAGE'),
                    has_type_privilege(r, '{schema}.share', 'USAGE'), has_table_privilege(r, '{schema}.items', 'SELECT')
             FROM unnest('{{{VISITOR},{OTHER_OWNER}}}'::text[]) r"
        );
        let sql = format!("SELECT t::text FROM ({sql}) t");
        rows(&mut database.admin(), &sql)
    };
    assert_eq!(may("acme"), may("shop"));
    assert_eq!(may("shop")[0][0].as_deref(), Some("(visitor,t,t,t,t,t,t)"));

    let mut elsewhere = database.admin();
    let elsewhere_now = "SELECT count(*) FROM pg_class WHERE reltablespace <> 0 AND relnamespace = 'beta'::regnamespace";
    execute(&mut elsewhere, "SET default_tablespace = pg_global");
    call(&mut elsewhere, &create("beta", ", trust_template => true"));
    assert_eq!(text(&mut elsewhere, "SHOW default_tablespace").as_deref(), Some("pg_global"));
    assert_eq!(number(&mut database.admin(), elsewhere_now), 0);
}

#[test]
fn an_ordinary_role_gives_everything_to_whose_it_is_to_be() {
    let database = Database::fresh();
    execute(
        &mut database.admin(),
        &format!(
            "DO $$BEGIN CREATE ROLE shop_hand NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$;
             GRANT shop_hand TO {OWNER}; CREATE SCHEMA shop AUTHORIZATION {OWNER}; GRANT ALL ON SCHEMA shop TO shop_hand;
             SET ROLE shop_hand; SET search_path = shop;
             CREATE TABLE items (id serial, \"a.b\" int); CREATE TYPE state AS ENUM ('new'); CREATE DOMAIN share AS int;
             CREATE FUNCTION told() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
             CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM items;
             -- A name with a dot, and a column's privilege of the owner.
             CREATE TABLE \"x.y\" (\"a.b\" int); GRANT UPDATE (\"a.b\") ON \"x.y\" TO shop_hand;
             RESET ROLE; REVOKE ALL ON SCHEMA shop FROM shop_hand; CREATE TABLE mine (id int); ALTER TABLE mine OWNER TO {OWNER}"
        ),
    );
    let owners = |schema: &str| {
        let sql = format!(
            "SELECT relname || ' ' || relowner::regrole FROM pg_class WHERE relnamespace = '{schema}'::regnamespace
             UNION ALL SELECT proname || ' ' || proowner::regrole FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace
             UNION ALL SELECT typname || ' ' || typowner::regrole FROM pg_type WHERE typnamespace = '{schema}'::regnamespace
             UNION ALL SELECT has_schema_privilege('shop_hand', '{schema}', 'CREATE')::text ORDER BY 1"
        );
        rows(&mut database.admin(), &sql)
    };
    let trust = ", trust_template => true";
    call(&mut database.connect(OWNER), &create("acme", trust));
    assert_eq!(owners("acme"), owners("shop"));
    call(&mut database.admin(), &create("by_admin", trust));
    assert_eq!(owners("by_admin"), owners("shop"));
    call(
        &mut database.connect(OWNER),
        &create("handed", &format!("{trust}, owner => 'shop_hand'")),
    );
    let strangers = "SELECT count(*) FROM pg_class WHERE relnamespace = 'handed'::regnamespace AND relowner <> 'shop_hand'::regrole";
    assert_eq!(number(&mut database.admin(), strangers), 0);
}

#[test]
fn rows_older_than_a_check_of_a_domain_come_along() {
    let database = Database::fresh();
    database.load(
        "CREATE SCHEMA shop; CREATE DOMAIN shop.share AS int; CREATE TABLE shop.items (share shop.share);
         INSERT INTO shop.items VALUES (50);
         ALTER DOMAIN shop.share ADD CONSTRAINT small CHECK (VALUE < 10) NOT VALID",
    );
    let mut owner = database.connect(OWNER);
    call(&mut owner, &create("acme", ", with_data => 'all'"));
    assert_eq!(number(&mut owner, "SELECT share FROM acme.items"), 50);
    expect_error(&mut owner, "INSERT INTO acme.items VALUES (60)", "23514");
}

#[test]
fn what_cannot_be_there_twice_refuses_the_clone_or_is_told() {
    let database = Database::fresh();
    execute(
        &mut database.admin(),
        "CREATE SCHEMA shop; CREATE SCHEMA beside; SET search_path = shop;
         CREATE TABLE visits (at int, n int) PARTITION BY RANGE (at);
         CREATE TABLE beside.visits_1 PARTITION OF visits FOR VALUES FROM (1) TO (2);
         CREATE TABLE pages (id int PRIMARY KEY); ALTER TABLE visits ADD FOREIGN KEY (n) REFERENCES pages;
         CREATE STATISTICS beside.of_visits ON at, n FROM visits;
         CREATE TABLE beside.others (a int, b int); CREATE STATISTICS of_others ON a, b FROM beside.others;
         CREATE TYPE state AS ENUM ('new');
         CREATE FUNCTION beside.number(state) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
         CREATE CAST (state AS int) WITH FUNCTION beside.number(state)",
    );
    assert_eq!(
        not_carried(&database, "acme"),
        [
            "not carried over: cast from state to integer",
            "not carried over: statistics beside.of_visits of visits",
            "not carried over: statistics object of_others",
            "not carried over: table beside.visits_1"
        ]
    );
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE TABLE beside.logs (at int) PARTITION BY LIST (at); CREATE TABLE shop.\"logs é\" PARTITION OF beside.logs DEFAULT",
    );
    let error = expect_clear_error(
        &mut admin,
        &format!("SELECT * FROM tenant_guard.{}", create("beta", "")),
        "0A000",
    );
    assert!(
        error.detail().is_some_and(|d| d.contains("beside.logs") && d.contains("\"logs é\"")),
        "{error:?}"
    );
    assert_eq!(number(&mut admin, "SELECT count(*) FROM pg_namespace WHERE nspname = 'beta'"), 0);
}

#[test]
fn foreign_keys_come_however_their_tables_are_made() {
    let database = Database::fresh();
    database.load(
        "CREATE SCHEMA shop; CREATE SCHEMA beside; CREATE TABLE beside.lands (code text PRIMARY KEY); SET search_path = shop;
         CREATE TABLE later (id int PRIMARY KEY, early int);
         CREATE TABLE deferred (id int, CONSTRAINT deferred_key UNIQUE (id) DEFERRABLE);
         CREATE UNIQUE INDEX deferred_index ON deferred (id);
         CREATE TABLE indexed (a int, b int); CREATE UNIQUE INDEX indexed_pair ON indexed (b, a);
         CREATE TABLE early (id int PRIMARY KEY, up int REFERENCES early, land text REFERENCES beside.lands ON DELETE SET NULL,
           later int REFERENCES later DEFERRABLE INITIALLY DEFERRED, of_deferred int REFERENCES deferred (id),
           x int, y int, FOREIGN KEY (x, y) REFERENCES indexed (a, b) MATCH FULL);
         ALTER TABLE later ADD CONSTRAINT later_early FOREIGN KEY (early) REFERENCES early,
           ADD CONSTRAINT later_self FOREIGN KEY (id) REFERENCES later NOT VALID;
         CREATE TABLE parts (id int PRIMARY KEY, early int REFERENCES early) PARTITION BY RANGE (id);
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (9);
         CREATE TABLE heirs (z int REFERENCES early) INHERITS (indexed)",
    );
    let mut owner = database.connect(OWNER);
    let keys = |client: &mut Client, schema: &str| {
        let sql = format!(
            "SELECT conrelid::regclass::text, conname, convalidated::text, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE contype = 'f' AND connamespace = '{schema}'::regnamespace ORDER BY conrelid::regclass::text COLLATE \"C\", conname"
        );
        execute(client, &format!("SET search_path = {schema}"));
        let found = rows(client, &sql);
        execute(client, "RESET search_path");
        found
    };
    let meant = keys(&mut owner, "shop");
    assert_eq!(meant.len(), 10);
    for (slug, options) in [
        ("full", ", with_data => 'all'"),
        ("a_few", ", with_data => '{later,early}'"),
        ("bare", ""),
    ] {
        let steps = call(&mut owner, &create(slug, options));
        assert!(steps.iter().any(|sql| sql.contains("FOREIGN KEY")), "{slug}");
        assert_eq!(keys(&mut owner, slug), meant, "{slug}");
    }
    // Back again, whichever refers to which; and what is gone already is left out.
    let undo = "SELECT count(*) FROM (SELECT max(id) AS id FROM tenant_guard.change) c, tenant_guard.undo(c.id";
    execute(&mut owner, "BEGIN; DROP TABLE bare.parts, bare.deferred CASCADE");
    let refused = expect_clear_error(&mut owner, &format!("{undo})"), "55000");
    assert!(refused.message().contains("altered"), "{refused:?}");
    execute(&mut owner, "ROLLBACK; BEGIN; DROP TABLE bare.parts, bare.deferred CASCADE");
    assert!(number(&mut owner, &format!("{undo}, force => true)")) > 0);
    assert_eq!(number(&mut owner, "SELECT count(*) FROM pg_namespace WHERE nspname = 'bare'"), 0);
    execute(&mut owner, "ROLLBACK");
    assert!(number(&mut owner, &format!("{undo})")) > 0);
    assert_eq!(keys(&mut owner, "full"), meant);
    assert_eq!(number(&mut owner, "SELECT count(*) FROM pg_namespace WHERE nspname = 'bare'"), 0);
}

#[test]
fn privileges_that_somebody_takes_on_the_way_refuse_the_clone() {
    let database = Database::fresh();
    database.load(&format!(
        "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, name text); CREATE TYPE shop.state AS ENUM ('new');
         GRANT SELECT ON shop.orders TO {VISITOR}; GRANT UPDATE (name) ON shop.orders TO {VISITOR};
         GRANT REFERENCES (tableoid) ON shop.orders TO {VISITOR}; REVOKE USAGE ON TYPE shop.state FROM PUBLIC"
    ));
    let mut admin = database.admin();
    for (number_of_it, taken) in [
        format!("REVOKE SELECT ON %I.orders FROM {VISITOR}"),
        format!("REVOKE UPDATE (name) ON %I.orders FROM {VISITOR}"),
        format!("REVOKE REFERENCES (tableoid) ON %I.orders FROM {VISITOR}"),
        "GRANT USAGE ON TYPE %I.state TO PUBLIC".to_string(),
    ]
    .iter()
    .enumerate()
    {
        let slug = format!("taken_{number_of_it}");
        execute(
            &mut admin,
            &format!(
                "CREATE FUNCTION public.takes() RETURNS event_trigger LANGUAGE plpgsql AS $$
                 BEGIN
                   IF pg_trigger_depth() = 0 AND current_setting('takes.busy', true) IS DISTINCT FROM 'yes' THEN
                     PERFORM set_config('takes.busy', 'yes', true);
                     EXECUTE format('{taken}', '{slug}');
                     PERFORM set_config('takes.busy', '', true);
                   END IF;
                 END $$;
                 CREATE EVENT TRIGGER takes ON ddl_command_end WHEN TAG IN ('GRANT', 'REVOKE') EXECUTE FUNCTION public.takes()"
            ),
        );
        let mut owner = database.connect(OWNER);
        let clone = format!("SELECT FROM tenant_guard.{}", create(&slug, ""));
        expect_clear_error(&mut owner, &clone, "55000");
        execute(&mut admin, "DROP EVENT TRIGGER takes; DROP FUNCTION public.takes()");
        let left = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{slug}'");
        assert_eq!(number(&mut admin, &left), 0, "{taken}");
    }
    execute(
        &mut database.connect(OWNER),
        &format!("SELECT FROM tenant_guard.{}", create("whole", "")),
    );
}
