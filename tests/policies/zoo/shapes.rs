//! Columns, owners, triggers and views.

use tenant_guard_tests::cluster::OTHER_OWNER;

use crate::case::{Case, PLAIN};

const T: &str = "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text)";

zoo! {
    generated_columns: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text,
                shout text GENERATED ALWAYS AS (upper(body)) STORED, whose text GENERATED ALWAYS AS (organization_id::text) STORED)",
        ..PLAIN
    };
    a_generated_tenant: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id text GENERATED ALWAYS AS (split_part(path, '/', 1)) STORED, path text NOT NULL, body text)",
        generated: true,
        ids: ["acme", "bolt"],
        columns: "id, path, body",
        values: "{n}, {t} || '/x', 'row {n}'",
        hand_over: "path = {t} || '/y'",
        ..PLAIN
    };
    a_generated_tenant_in_partitions: Case {
        ddl: "CREATE TABLE zoo.t (id int, part int, organization_id text GENERATED ALWAYS AS (split_part(path, '/', 1)) STORED, path text NOT NULL, body text)
                PARTITION BY LIST (part);
              CREATE TABLE zoo.t0 PARTITION OF zoo.t FOR VALUES IN (0, 1);
              CREATE TABLE zoo.t2 PARTITION OF zoo.t DEFAULT",
        generated: true,
        ids: ["acme", "bolt"],
        columns: "id, part, path, body",
        values: "{n}, {n} % 3, {t} || '/x', 'row {n}'",
        hand_over: "part = 2 - part, path = {t} || '/y'",
        conflict: "",
        ..PLAIN
    };
    a_default_of_the_tables_own: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL DEFAULT (current_setting('request.jwt.claims', true)::json ->> 'org_id')::uuid, body text)",
        ..PLAIN
    };
    as_many_columns_as_there_can_be: Case {
        ddl: "DO $$ BEGIN EXECUTE 'CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text, '
                || (SELECT string_agg('c' || n || ' int', ', ') FROM generate_series(1, 1597) n) || ')'; END $$",
        ..PLAIN
    };
    an_unlogged_table: Case {
        ddl: "CREATE UNLOGGED TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text)",
        ..PLAIN
    };
    toasted_rows: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text); ALTER TABLE zoo.t ALTER body SET STORAGE EXTERNAL",
        values: "{n}, repeat('row {n} ', 5000)",
        ..PLAIN
    };
    a_typed_table: Case {
        ddl: "CREATE TYPE zoo.row AS (id int, organization_id uuid, body text); CREATE TABLE zoo.t OF zoo.row (PRIMARY KEY (id))",
        ..PLAIN
    };
    a_table_of_another_owner: Case {
        ddl: T,
        admin: "ALTER TABLE zoo.t OWNER TO other_owner",
        ..PLAIN
    };
    a_table_that_its_owner_protects: Case {
        ddl: T,
        admin: "ALTER TABLE zoo.t OWNER TO other_owner; GRANT USAGE, CREATE ON SCHEMA zoo TO other_owner",
        protector: OTHER_OWNER,
        ..PLAIN
    };
    a_table_of_a_group: Case {
        ddl: T,
        admin: "ALTER TABLE zoo.t OWNER TO team",
        ..PLAIN
    };
    a_trigger_that_changes_the_tenant: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE FUNCTION zoo.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.body LIKE 'to %' THEN NEW.organization_id := substr(NEW.body, 4)::uuid; END IF; RETURN NEW; END $$;
              CREATE TRIGGER a_move BEFORE INSERT OR UPDATE ON zoo.t FOR EACH ROW EXECUTE FUNCTION zoo.move();
              CREATE TRIGGER zz_move BEFORE INSERT OR UPDATE ON zoo.t FOR EACH ROW EXECUTE FUNCTION zoo.move()",
        attacks: &["UPDATE zoo.t SET body = 'to ' || {o}", "INSERT INTO zoo.t VALUES (77, {t}, 'to ' || {o})",
                   "INSERT INTO zoo.t VALUES (77, {o}, 'to ' || {o})",
                   "MERGE INTO zoo.t USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET body = 'to ' || {o}"],
        ..PLAIN
    };
    a_trigger_that_changes_the_tenant_for_members: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE FUNCTION zoo.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.body LIKE 'to %' THEN NEW.organization_id := substr(NEW.body, 4)::uuid; END IF; RETURN NEW; END $$;
              CREATE TRIGGER zz_move BEFORE INSERT OR UPDATE ON zoo.t FOR EACH ROW EXECUTE FUNCTION zoo.move()",
        options: ", scope => 'member'",
        attacks: &["UPDATE zoo.t SET body = 'to ' || {o}"],
        ..PLAIN
    };
    a_rule_on_the_table: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text); CREATE TABLE zoo.log (id int);
              CREATE RULE log AS ON UPDATE TO zoo.t DO ALSO INSERT INTO zoo.log VALUES (NEW.id)",
        conflict: "",
        merge: false,
        ..PLAIN
    };
    views_that_read_as_their_owner: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE VIEW zoo.open AS SELECT * FROM zoo.t;
              CREATE VIEW zoo.nested WITH (security_invoker = true) AS SELECT * FROM zoo.open;
              CREATE VIEW zoo.barrier WITH (security_barrier = true) AS SELECT id, body FROM zoo.t WHERE id > 0;
              CREATE MATERIALIZED VIEW zoo.stored AS SELECT * FROM zoo.t",
        warns: &["view zoo.open reads zoo.t as its owner", "view zoo.barrier reads zoo.t as its owner", "materialized view zoo.stored holds rows of zoo.t"],
        attacks: &["UPDATE zoo.open SET body = 'x'", "DELETE FROM zoo.nested", "INSERT INTO zoo.open VALUES (77, {o}, 'x')"],
        ..PLAIN
    };
    views_that_read_as_whoever_asks: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE VIEW zoo.v WITH (security_invoker = on) AS SELECT * FROM zoo.t;
              CREATE VIEW zoo.nested WITH (security_invoker = 1) AS SELECT * FROM zoo.v;
              CREATE VIEW zoo.ruled WITH (security_invoker = yes) AS SELECT max(id) AS id FROM zoo.t;
              CREATE RULE gone AS ON DELETE TO zoo.ruled DO INSTEAD DELETE FROM zoo.t",
        attacks: &["UPDATE zoo.v SET organization_id = {o}", "UPDATE zoo.nested SET organization_id = {o}", "DELETE FROM zoo.nested WHERE id = {n}",
                   "INSERT INTO zoo.nested VALUES (77, {o}, 'x')", "DELETE FROM zoo.ruled"],
        blind: &["SELECT * FROM zoo.v WHERE id = {n}", "SELECT * FROM zoo.nested WHERE id = {n}", "SELECT * FROM zoo.ruled WHERE id = {n}"],
        ..PLAIN
    };
    a_published_table: Case {
        ddl: T,
        admin: "CREATE PUBLICATION \"All Rows\" FOR TABLE zoo.t",
        warns: &["zoo.t is published by \"All Rows\""],
        ..PLAIN
    };
    a_table_published_with_its_schema: Case {
        ddl: T,
        admin: "CREATE PUBLICATION everything FOR ALL TABLES; CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA zoo",
        warns: &["everything", "of_schema"],
        ..PLAIN
    };
}
