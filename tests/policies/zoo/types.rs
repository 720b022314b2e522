//! Ids of every type that a tenant may have.

use crate::case::{Case, NUMBERS, PLAIN, TEXTS};

zoo! {
    text_ids: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id text NOT NULL, body text)",
        ids: TEXTS,
        ..PLAIN
    };
    varchar_ids: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id varchar(40) NOT NULL, body text)",
        ids: TEXTS,
        ..PLAIN
    };
    text_ids_that_differ_in_case_and_spaces_only: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id text NOT NULL, body text)",
        ids: ["acme", "Acme "],
        ..PLAIN
    };
    text_ids_that_are_the_same_uuid_in_two_spellings: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id text NOT NULL, body text)",
        ids: ["aaaaaaaa-0000-4000-8000-000000000001", "AAAAAAAA-0000-4000-8000-000000000001"],
        ..PLAIN
    };
    text_ids_with_quotes_and_backslashes: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id text NOT NULL, body text)",
        ids: ["it's", "' OR 'a' = 'a"],
        ..PLAIN
    };
    bigint_ids: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id bigint NOT NULL, body text)",
        ids: ["9007199254740993", "9007199254740992"],
        ..PLAIN
    };
    int_ids: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id int NOT NULL, body text)",
        ids: NUMBERS,
        ..PLAIN
    };
    smallint_ids: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id smallint NOT NULL, body text)",
        ids: NUMBERS,
        ..PLAIN
    };
    a_domain_over_uuid: Case {
        ddl: r#"CREATE DOMAIN zoo."Org" AS uuid NOT NULL; CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id zoo."Org", body text)"#,
        ..PLAIN
    };
    a_domain_over_text: Case {
        ddl: "CREATE DOMAIN zoo.slug AS text CHECK (VALUE <> ''); CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id zoo.slug, body text)",
        ids: TEXTS,
        ..PLAIN
    };
    a_domain_over_a_domain_over_varchar: Case {
        ddl: "CREATE DOMAIN zoo.word AS varchar(30); CREATE DOMAIN zoo.slug AS zoo.word;
              CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id zoo.slug NOT NULL, body text)",
        ids: TEXTS,
        ..PLAIN
    };
    a_domain_over_bigint: Case {
        ddl: "CREATE DOMAIN zoo.number AS bigint CHECK (VALUE > 0); CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id zoo.number, body text)",
        ids: NUMBERS,
        ..PLAIN
    };
    a_nullable_tenant_with_rows_of_nobody: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid, body text);
              INSERT INTO zoo.t VALUES (900, NULL, 'nobody''s'), (901, NULL, NULL)",
        attacks: &["UPDATE zoo.t SET organization_id = NULL", "INSERT INTO zoo.t VALUES (950, NULL, 'x')",
                   "UPDATE zoo.t SET organization_id = {t} WHERE organization_id IS NULL", "UPDATE zoo.t SET organization_id = DEFAULT"],
        blind: &["SELECT * FROM zoo.t WHERE organization_id IS NULL"],
        ..PLAIN
    };
}
