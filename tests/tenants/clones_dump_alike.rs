//! `pg_dump -s` of a clone is that of its template, but for the schema's name.

use tenant_guard_tests::cluster::shared;
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::sql::{execute, rows, text};
use tenant_guard_tests::Database;

/// The dump of one schema, with `called` in the place of its name.
fn dump_of(database: &Database, schema: &str, called: &str) -> String {
    let dump = database.dump(&["--schema-only", &format!("--schema=\"{schema}\"")]);
    let mut out = String::with_capacity(dump.len());
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut rest = dump.as_str();
    while let Some(at) = rest.find(schema) {
        let (before, after) = (&rest[..at], &rest[at + schema.len()..]);
        let word = !part(before.chars().next_back()) && !part(after.chars().next());
        out += before;
        out += if word { called } else { schema };
        rest = after;
    }
    out + rest
}

fn clone(database: &Database, slug: &str, template: &str, options: &str) -> Vec<String> {
    let call = format!(
        "SELECT action FROM tenant_guard.create_tenant_schema('{slug}', '{template}', tenant_role => 'none'{options})"
    );
    let found = rows(&mut database.admin(), &call);
    found.into_iter().map(|row| row[0].clone().expect("an action")).collect()
}

#[test]
fn a_zoo_and_the_clone_of_its_clone_dump_alike() {
    let database = Database::fresh_in(shared());
    let mut admin = database.admin();
    execute(&mut admin, include_str!("zoo.sql"));
    let original = dump_of(&database, "zoo", "zoo");
    assert!(original.lines().count() > 1000, "the zoo is large");
    for (slug, template) in [("zoo_b", "zoo"), ("zoo_c", "zoo_b")] {
        let actions = clone(&database, slug, template, ", trust_template => true");
        let left: Vec<&String> =
            actions.iter().filter(|a| a.starts_with("not carried over")).collect();
        assert!(left.is_empty(), "{left:?}");
        assert_same(&dump_of(&database, slug, "zoo"), &original, slug);
    }
    assert_eq!(
        text(
            &mut admin,
            "SELECT count(DISTINCT fingerprint)::text FROM tenant_guard.tenant_schemas"
        )
        .as_deref(),
        Some("1"),
        "one structure, one fingerprint"
    );
}

#[test]
fn names_of_any_kind_and_extensions_in_public_dump_alike() {
    let database = Database::fresh_in(shared());
    let mut admin = database.admin();
    execute(
        &mut admin,
        r#"CREATE TYPE "Größe é" AS ENUM ('a');
           CREATE DOMAIN "Zahl é über alles, und ihr Name ist dreiundsechzig Bytes lang.." AS int CHECK (VALUE > 0);
           CREATE TABLE "t.""x" (id "Größe é", n "Zahl é über alles, und ihr Name ist dreiundsechzig Bytes lang..",
             "select" text DEFAULT 'it''s \ $$');
           CREATE SEQUENCE "a.b""c" OWNED BY "t.""x"."select";
           CREATE TABLE filters (id int PRIMARY KEY, k text);
           -- The name of the query hides the table's: deparsed, the table has its schema.
           CREATE VIEW hidden AS WITH filters AS (SELECT f.id FROM public.filters f) SELECT id FROM filters;
           CREATE FUNCTION named() RETURNS bigint LANGUAGE sql SET search_path = public AS
             'SELECT count(*) FROM public.filters, "public"."t.""x"'"#,
    );
    if !database.lacks("pg_trgm") {
        execute(&mut admin, "CREATE EXTENSION pg_trgm");
        execute(&mut admin, "CREATE INDEX idx_trgm ON filters USING gin (k gin_trgm_ops)");
    }
    let clone_actions = clone(&database, "public_b", "public", "");
    assert!(clone_actions.iter().any(|a| a.starts_with("create function named")));
    // What everybody may do in public is no line of its dump, and its search_path has the extensions' schema beside.
    let without = |dump: String| -> String {
        dump.replace("SET search_path TO 'public', 'public'", "SET search_path TO 'public'")
            .lines()
            .filter(|l| !l.contains("SCHEMA public") && !l.starts_with("-- ") && !l.is_empty())
            .filter(|l| *l != "--")
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_same(
        &without(dump_of(&database, "public_b", "public")),
        &without(dump_of(&database, "public", "public")),
        "public",
    );
}

#[test]
fn circles_and_casts_that_nobody_names_dump_alike() {
    let database = Database::fresh_in(shared());
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE SCHEMA ring; SET search_path = ring;
         CREATE TABLE rows (id int PRIMARY KEY, x text);
         -- The view needs the function, whose body needs the view, and whose argument the table.
         CREATE FUNCTION f(a rows) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE MATERIALIZED VIEW counted AS SELECT id, f(rows) AS n FROM rows;
         CREATE OR REPLACE FUNCTION f(a rows) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM counted; END;
         CREATE FUNCTION fact(n int) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE OR REPLACE FUNCTION fact(n int) RETURNS int LANGUAGE sql
           BEGIN ATOMIC SELECT CASE WHEN n < 1 THEN 1 ELSE n * fact(n - 1) END; END;
         CREATE VIEW itself AS SELECT * FROM rows;
         CREATE OR REPLACE VIEW itself AS SELECT * FROM itself;
         -- What uses the cast comes early: a function takes its rows.
         CREATE TYPE state AS ENUM ('new');
         CREATE FUNCTION number(state) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
         CREATE CAST (state AS int) WITH FUNCTION number(state) AS IMPLICIT;
         CREATE TABLE states (state state, CHECK (state > 0));
         CREATE VIEW above AS SELECT state + 1 AS n FROM states;
         CREATE FUNCTION aa(above) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION aa(states) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    let actions = clone(&database, "ring_b", "ring", "");
    assert!(!actions.iter().any(|a| a.starts_with("not carried over")), "{actions:?}");
    assert_same(&dump_of(&database, "ring_b", "ring"), &dump_of(&database, "ring", "ring"), "ring");
}

#[test]
fn what_goes_with_an_extension_and_comments_on_parts_of_partitions_dump_alike() {
    let database = Database::fresh_in(shared());
    let mut admin = database.admin();
    execute(
        &mut admin,
        "CREATE SCHEMA parts; SET search_path = parts;
         CREATE TABLE r (id int PRIMARY KEY) PARTITION BY LIST (id);
         CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
         CREATE TABLE p (a int PRIMARY KEY, b int REFERENCES r, c int CONSTRAINT ck CHECK (c > 0)) PARTITION BY LIST (a);
         CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
         CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER told AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION told();
         COMMENT ON CONSTRAINT p1_pkey ON p1 IS 'a key'; COMMENT ON CONSTRAINT ck ON p1 IS 'a check';
         COMMENT ON CONSTRAINT p_b_fkey ON p1 IS 'a foreign key'; COMMENT ON TRIGGER told ON p1 IS 'a trigger';
         CREATE TABLE t (id int); CREATE INDEX \"an index\" ON t (id);
         CREATE TRIGGER \"it's\" AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION told();
         CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM t;
         ALTER FUNCTION told() DEPENDS ON EXTENSION tenant_guard;
         ALTER INDEX \"an index\" DEPENDS ON EXTENSION tenant_guard;
         ALTER TRIGGER \"it's\" ON t DEPENDS ON EXTENSION tenant_guard;
         ALTER MATERIALIZED VIEW counted DEPENDS ON EXTENSION tenant_guard",
    );
    let original = dump_of(&database, "parts", "parts");
    assert_eq!(original.matches("DEPENDS ON EXTENSION").count(), 4, "{original}");
    clone(&database, "parts_b", "parts", "");
    assert_same(&dump_of(&database, "parts_b", "parts"), &original, "parts");
    let comments = |schema: &str| {
        let sql = format!(
            "SELECT d.description FROM pg_description d LEFT JOIN pg_constraint k ON k.oid = d.objoid LEFT JOIN pg_trigger g ON g.oid = d.objoid
             WHERE coalesce(k.conrelid, g.tgrelid) = '{schema}.p1'::regclass ORDER BY 1"
        );
        rows(&mut database.admin(), &sql)
    };
    assert_eq!(comments("parts_b"), comments("parts"));
    assert_eq!(comments("parts").len(), 4);
}
