//! Names that break whatever is not quoted.

use crate::case::{Case, PLAIN};

const LONG: &str = "zoo.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

zoo! {
    a_plain_table: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text)",
        ..PLAIN
    };
    mixed_case_names: Case {
        ddl: r#"CREATE SCHEMA "Acme"; CREATE TABLE "Acme"."LineItems" ("Id" int PRIMARY KEY, "OrgId" uuid NOT NULL, "Body" text)"#,
        table: r#""Acme"."LineItems""#,
        tenant: r#""OrgId""#,
        options: ", tenant_column => 'OrgId'",
        columns: r#""Id", "Body""#,
        row: r#""Id" = {n}"#,
        set: r#""Body" = 'changed'"#,
        conflict: r#"("Id")"#,
        ..PLAIN
    };
    names_with_spaces_and_quotes: Case {
        ddl: r#"CREATE SCHEMA "it's ""so"""; CREATE TABLE "it's ""so"""."a ""b"" 'c' $$ \ %I;" ("the id" int PRIMARY KEY, "o'r""g $1 %s" uuid NOT NULL, body text)"#,
        table: r#""it's ""so"""."a ""b"" 'c' $$ \ %I;""#,
        tenant: r#""o'r""g $1 %s""#,
        options: r#", tenant_column => 'o''r"g $1 %s'"#,
        columns: r#""the id", body"#,
        row: r#""the id" = {n}"#,
        conflict: r#"("the id")"#,
        ..PLAIN
    };
    keywords_as_names: Case {
        ddl: r#"CREATE SCHEMA "order"; CREATE TABLE "order"."select" ("user" int PRIMARY KEY, "table" uuid NOT NULL, "group" text)"#,
        table: r#""order"."select""#,
        tenant: r#""table""#,
        options: ", tenant_column => 'table'",
        columns: r#""user", "group""#,
        row: r#""user" = {n}"#,
        set: r#""group" = 'changed'"#,
        conflict: r#"("user")"#,
        ..PLAIN
    };
    unicode_names: Case {
        ddl: r#"CREATE SCHEMA "größe"; CREATE TABLE "größe"."表 Ñandú 🦙" (id int PRIMARY KEY, "организация" uuid NOT NULL, body text)"#,
        table: r#""größe"."表 Ñandú 🦙""#,
        tenant: r#""организация""#,
        options: ", tenant_column => 'организация'",
        ..PLAIN
    };
    names_of_63_bytes: Case {
        ddl: "CREATE TABLE zoo.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
              (id int PRIMARY KEY, ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo uuid NOT NULL, body text)",
        table: LONG,
        tenant: "ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo",
        options: ", tenant_column => 'ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo'",
        ..PLAIN
    };
    unicode_names_of_63_bytes: Case {
        ddl: r#"CREATE TABLE zoo."äääääääääääääääääääääääääääääää" (id int PRIMARY KEY, "öööööööööööööööööööööööööööööööo" uuid NOT NULL, body text)"#,
        table: r#"zoo."äääääääääääääääääääääääääääääää""#,
        tenant: r#""öööööööööööööööööööööööööööööööo""#,
        options: ", tenant_column => 'öööööööööööööööööööööööööööööööo'",
        ..PLAIN
    };
    the_same_name_in_several_schemas: Case {
        ddl: "CREATE SCHEMA a; CREATE SCHEMA b;
              CREATE TABLE a.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE TABLE b.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              CREATE TABLE zoo.idx_t_organization_id (id int)",
        session: "SET LOCAL search_path = a, b, zoo;",
        ..PLAIN
    };
}
