//! Tables without the tenant column, which reach it along foreign keys.

use crate::case::{Case, NUMBERS, PLAIN};

const CHILD: Case = Case {
    tenant: "",
    columns: "id, parent_id, body",
    values: "{n}, {p}, 'row {n}'",
    whose: "parent_id = {p}",
    hand_over: "parent_id = {p}",
    ..PLAIN
};

zoo! {
    one_hop_to_a_protected_parent: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        first: "SELECT tenant_guard.protect_table('zoo.parents')",
        warns: &["zoo.t is protected along parent_id -> zoo.parents"],
        ..CHILD
    };
    one_hop_to_an_unprotected_parent: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        ..CHILD
    };
    members_of_every_organization_along_a_key: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        first: "SELECT tenant_guard.protect_table('zoo.parents')",
        options: ", scope => 'member'",
        ..CHILD
    };
    permissions_along_a_key: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        options: r#", permissions => '{"select": "member", "update": "admin", "delete": "t:delete"}'"#,
        claims: [r#", "app_metadata": {"roles": ["admin"]}"#, r#", "app_metadata": {"roles": ["admin", "x"]}"#],
        may: "su",
        ..CHILD
    };
    shared_rows_along_a_key: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int REFERENCES zoo.parents, body text);
              INSERT INTO zoo.t VALUES (900, NULL, 'for all')",
        options: ", shared => 'parent_id IS NULL'",
        shared: "parent_id IS NULL",
        attacks: &["UPDATE zoo.t SET parent_id = NULL", "UPDATE zoo.t SET parent_id = {p} WHERE id = 900", "DELETE FROM zoo.t WHERE parent_id IS NULL",
                   "INSERT INTO zoo.t VALUES (950, NULL, 'x')"],
        ..CHILD
    };
    ones_own_rows_along_a_key: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL, owner uuid);
              INSERT INTO zoo.parents VALUES (1, {t}, NULL), (2, {o}, NULL);
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int REFERENCES zoo.parents, owner uuid, body text);
              INSERT INTO zoo.t VALUES (900, 1, NULL, 'nobody''s'), (901, 2, {u}, 'one''s own in the other organization')",
        options: ", owner_column => 'owner'",
        columns: "id, parent_id, owner, body",
        values: "{n}, {p}, {u}, 'row {n}'",
        whose: "parent_id = {p} AND owner = {u}",
        blind: &["SELECT * FROM zoo.t WHERE id >= 900"],
        ..CHILD
    };
    two_hops: Case {
        ddl: "CREATE TABLE zoo.grand (id bigint PRIMARY KEY, organization_id bigint NOT NULL);
              CREATE TABLE zoo.parents (id int PRIMARY KEY, grand_id int NOT NULL REFERENCES zoo.grand, id2 int);
              INSERT INTO zoo.grand VALUES (11, {t}), (12, {o}); INSERT INTO zoo.parents VALUES (1, 11), (2, 12);
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        first: "SELECT tenant_guard.protect_table('zoo.grand'); SELECT tenant_guard.protect_table('zoo.parents')",
        ids: NUMBERS,
        ..CHILD
    };
    a_hop_over_a_composite_key: Case {
        ddl: r#"CREATE TABLE zoo.parents (a int, "b b" text, organization_id uuid NOT NULL, PRIMARY KEY (a, "b b"));
              INSERT INTO zoo.parents VALUES (1, 'x', {t}), (2, 'x', {o}), (2, 'y', {t});
              CREATE TABLE zoo.t (id int PRIMARY KEY, "b b" varchar(9) NOT NULL, parent_id smallint NOT NULL, body text,
                FOREIGN KEY (parent_id, "b b") REFERENCES zoo.parents)"#,
        columns: r#"id, parent_id, "b b", body"#,
        values: "{n}, {p}, 'x', 'row {n}'",
        attacks: &["UPDATE zoo.t SET parent_id = 2"],
        ..CHILD
    };
    a_hop_over_a_nullable_key: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o}), (3, NULL);
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int REFERENCES zoo.parents, body text);
              INSERT INTO zoo.t VALUES (900, NULL, 'of nobody'), (901, 3, 'of a parent of nobody')",
        first: "SELECT tenant_guard.protect_table('zoo.parents')",
        attacks: &["UPDATE zoo.t SET parent_id = NULL", "UPDATE zoo.t SET parent_id = 3", "INSERT INTO zoo.t VALUES (950, NULL, '')"],
        blind: &["SELECT * FROM zoo.t WHERE parent_id IS NULL"],
        ..CHILD
    };
    of_several_keys_the_named_one: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, second int REFERENCES zoo.parents, body text)",
        columns: "id, parent_id, second, body",
        values: "{n}, {p}, 3 - {p}, 'row {n}'",
        options: ", via => 'parent_id'",
        ..CHILD
    };
    a_parent_of_the_same_name_in_another_schema: Case {
        ddl: "CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY, organization_id uuid NOT NULL, parent_id int, body text);
              INSERT INTO other.t VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES other.t, body text)",
        first: "SELECT tenant_guard.protect_table('other.t')",
        ..CHILD
    };
    a_child_that_is_called_as_the_alias: Case {
        ddl: "CREATE TABLE zoo.tenant_guard_2 (id int PRIMARY KEY, organization_id uuid NOT NULL, parent_id int, tenant_guard_1 int);
              INSERT INTO zoo.tenant_guard_2 VALUES (1, {t}, 1), (2, {o}, 2);
              CREATE TABLE zoo.tenant_guard_1 (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.tenant_guard_2, body text, tenant_guard_1 int)",
        table: "zoo.tenant_guard_1",
        ..CHILD
    };
    a_child_that_is_called_as_the_alias_of_the_second_hop: Case {
        ddl: "CREATE TABLE zoo.grand (id int PRIMARY KEY, organization_id uuid NOT NULL, parent_id int);
              CREATE TABLE zoo.parents (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.grand);
              INSERT INTO zoo.grand VALUES (2, {t}, 2), (1, {o}, 1); INSERT INTO zoo.parents VALUES (1, 2), (2, 1);
              CREATE TABLE zoo.tenant_guard_2 (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        table: "zoo.tenant_guard_2",
        ..CHILD
    };
    a_partitioned_child: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int, parent_id int NOT NULL REFERENCES zoo.parents, body text) PARTITION BY RANGE (id);
              CREATE TABLE zoo.t_low PARTITION OF zoo.t FOR VALUES FROM (0) TO (102);
              CREATE TABLE zoo.t_high PARTITION OF zoo.t DEFAULT",
        conflict: "",
        ..CHILD
    };
    an_inherited_child: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text);
              CREATE TABLE zoo.leaf (x int) INHERITS (zoo.t)",
        also: "INSERT INTO zoo.leaf VALUES ({n} + 10, {p}, 'leaf {n}')",
        ..CHILD
    };
    a_parent_with_a_domain_over_text: Case {
        ddl: "CREATE DOMAIN zoo.slug AS text; CREATE TABLE zoo.parents (id text PRIMARY KEY, organization_id zoo.slug NOT NULL);
              INSERT INTO zoo.parents VALUES ('1', {t}), ('2', {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id varchar(4) NOT NULL REFERENCES zoo.parents, body text)",
        ids: crate::case::TEXTS,
        values: "{n}, '{p}', 'row {n}'",
        whose: "parent_id = '{p}'",
        hand_over: "parent_id = '{p}'",
        ..CHILD
    };
    a_hostile_search_path: Case {
        ddl: "CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
              INSERT INTO zoo.parents VALUES (1, {t}), (2, {o});
              CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text)",
        admin: "CREATE SCHEMA hostile;
              CREATE FUNCTION hostile.org_id() RETURNS uuid LANGUAGE sql AS $$ SELECT {o}::uuid $$;
              CREATE FUNCTION hostile.yes(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
              CREATE FUNCTION hostile.yes(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
              CREATE FUNCTION hostile.yes(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
              CREATE FUNCTION hostile.yes(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT true';
              CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = uuid, RIGHTARG = uuid);
              CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = oid, RIGHTARG = oid);
              CREATE OPERATOR hostile.= (FUNCTION = hostile.yes, LEFTARG = name, RIGHTARG = name);
              CREATE FUNCTION hostile.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text $$;
              CREATE TABLE hostile.parents (id int PRIMARY KEY, organization_id uuid); INSERT INTO hostile.parents VALUES (1, {t}), (2, {t});
              CREATE TABLE hostile.pg_class (oid oid); CREATE TABLE hostile.protection (x int); GRANT USAGE ON SCHEMA hostile TO PUBLIC",
        session: "SET LOCAL search_path = hostile, zoo, tenant_guard, pg_catalog;",
        ..CHILD
    };
}
