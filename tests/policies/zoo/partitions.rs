//! Partitions and inheriting tables, each of which can be asked by itself.

use crate::case::{Case, PLAIN};

const PARTED: Case = Case {
    columns: "id, part, body",
    values: "{n}, {n} % 3, 'row {n}'",
    conflict: "(id, part)",
    ..PLAIN
};

zoo! {
    partitions_by_range_with_a_default: Case {
        ddl: "CREATE TABLE zoo.t (id int, part int, organization_id uuid NOT NULL, body text, PRIMARY KEY (id, part)) PARTITION BY RANGE (part);
              CREATE TABLE zoo.t0 PARTITION OF zoo.t FOR VALUES FROM (0) TO (1);
              CREATE TABLE zoo.t1 PARTITION OF zoo.t FOR VALUES FROM (1) TO (2);
              CREATE TABLE zoo.t_rest PARTITION OF zoo.t DEFAULT",
        attacks: &["UPDATE zoo.t SET part = 2", "UPDATE zoo.t0 SET organization_id = {o}", "INSERT INTO zoo.t1 VALUES (77, 1, {o}, 'x')",
                   "UPDATE zoo.t SET part = 5, organization_id = {o}"],
        ..PARTED
    };
    partitions_by_the_tenant_itself: Case {
        ddl: "CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, body text, PRIMARY KEY (organization_id, id)) PARTITION BY LIST (organization_id);
              CREATE TABLE zoo.of_a PARTITION OF zoo.t FOR VALUES IN ({t});
              CREATE TABLE zoo.of_b PARTITION OF zoo.t FOR VALUES IN ({o});
              CREATE TABLE zoo.rest PARTITION OF zoo.t DEFAULT",
        conflict: "(organization_id, id)",
        attacks: &["UPDATE zoo.of_a SET organization_id = {o}", "UPDATE zoo.of_b SET organization_id = {o}", "DELETE FROM zoo.of_b WHERE id = {n}"],
        ..PLAIN
    };
    partitions_by_hash: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text) PARTITION BY HASH (id);
              CREATE TABLE zoo.h0 PARTITION OF zoo.t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
              CREATE TABLE zoo.h1 PARTITION OF zoo.t FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        ..PLAIN
    };
    partitions_of_partitions_in_other_schemas: Case {
        ddl: r#"CREATE SCHEMA "Old";
              CREATE TABLE zoo.t (id int, part int, organization_id uuid NOT NULL, body text, PRIMARY KEY (id, part)) PARTITION BY RANGE (part);
              CREATE TABLE "Old"."t" PARTITION OF zoo.t FOR VALUES FROM (0) TO (2) PARTITION BY LIST (part);
              CREATE TABLE "Old"."Zero" PARTITION OF "Old".t FOR VALUES IN (0);
              CREATE TABLE "Old"."One" PARTITION OF "Old".t DEFAULT PARTITION BY HASH (id);
              CREATE TABLE "Old"."One'0" PARTITION OF "Old"."One" FOR VALUES WITH (MODULUS 1, REMAINDER 0);
              CREATE TABLE zoo.rest PARTITION OF zoo.t DEFAULT"#,
        ..PARTED
    };
    attached_partitions_with_columns_in_another_order: Case {
        ddl: "CREATE TABLE zoo.t (gone text, id int, part int, organization_id uuid NOT NULL, body text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
              ALTER TABLE zoo.t DROP COLUMN gone;
              CREATE TABLE zoo.t0 (body text, organization_id uuid NOT NULL, x int, part int NOT NULL, y int, id int NOT NULL);
              ALTER TABLE zoo.t0 DROP COLUMN x, DROP COLUMN y;
              ALTER TABLE zoo.t ATTACH PARTITION zoo.t0 FOR VALUES IN (0, 1);
              CREATE TABLE zoo.t2 PARTITION OF zoo.t FOR VALUES IN (2)",
        ..PARTED
    };
    a_partitioned_table_without_partitions_but_the_default: Case {
        ddl: "CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, body text) PARTITION BY RANGE (id);
              CREATE TABLE zoo.everything PARTITION OF zoo.t DEFAULT",
        conflict: "",
        ..PLAIN
    };
    an_inherited_table_with_rows_of_its_own: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE TABLE zoo.child (more text) INHERITS (zoo.t)",
        also: "INSERT INTO zoo.child (id, organization_id, body) VALUES ({n} + 10, {t}, 'child {n}')",
        attacks: &["UPDATE zoo.child SET organization_id = {o}", "INSERT INTO zoo.child VALUES (77, {o}, 'x')"],
        ..PLAIN
    };
    inheritance_of_several_levels: Case {
        ddl: r#"CREATE SCHEMA "Else"; CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE TABLE zoo.child () INHERITS (zoo.t);
              CREATE TABLE "Else"."Grand Child" (PRIMARY KEY (id)) INHERITS (zoo.child)"#,
        also: r#"INSERT INTO zoo.child VALUES ({n} + 10, {t}, 'child {n}'); INSERT INTO "Else"."Grand Child" VALUES ({n} + 20, {t}, 'grandchild {n}')"#,
        ..PLAIN
    };
    a_child_of_two_parents: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE TABLE zoo.second (size int);
              CREATE TABLE zoo.child () INHERITS (zoo.second, zoo.t)",
        also: "INSERT INTO zoo.child (id, organization_id, body) VALUES ({n} + 10, {t}, 'child {n}')",
        ..PLAIN
    };
}
