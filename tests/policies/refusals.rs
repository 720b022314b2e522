//! What protect_table refuses, before anything is changed.

use tenant_guard_tests::cluster::{OTHER_OWNER, OWNER};
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::sql::{execute, expect_clear_error, expect_error};

use crate::stage::{fresh, grant_everything};

const TABLES: &str = "
    CREATE SCHEMA zoo;
    CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, owner uuid, size float8, body text);
    CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
    CREATE TABLE zoo.two_ways (id int PRIMARY KEY, buyer int REFERENCES zoo.parents, seller int REFERENCES zoo.parents);
    CREATE TABLE zoo.lonely (id int PRIMARY KEY);
    CREATE TABLE zoo.itself (id int PRIMARY KEY, above int REFERENCES zoo.itself);
    CREATE TABLE zoo.policed (id int PRIMARY KEY, organization_id uuid);
    CREATE POLICY \"old One\" ON zoo.policed USING (true);
    CREATE VIEW zoo.v AS SELECT * FROM zoo.t;
    CREATE MATERIALIZED VIEW zoo.m AS SELECT * FROM zoo.t;
    CREATE SEQUENCE zoo.s;
    CREATE TABLE zoo.tree (id int, organization_id uuid) PARTITION BY RANGE (id);
    CREATE TABLE zoo.leaf PARTITION OF zoo.tree DEFAULT;";

/// The arguments, the SQLSTATE, and a word that the error has to say.
const WRONG: &[(&str, &str, &str)] = &[
    ("'zoo.two_ways'", "22023", "buyer"),
    ("'zoo.two_ways'", "22023", "seller"),
    ("'zoo.two_ways', via => 'id'", "42703,22023", "id"),
    ("'zoo.two_ways', via => 'nothing'", "42703", "nothing"),
    ("'zoo.lonely'", "42703", "organization_id"),
    ("'zoo.itself'", "42703", "organization_id"),
    ("'zoo.t', tenant_column => 'Organization_ID'", "42703", "Organization_ID"),
    ("'zoo.t', tenant_column => 'size'", "42804", "size"),
    ("'zoo.t', tenant_column => 'ctid'", "42703,42804", "ctid"),
    ("'zoo.t', tenant_column => ''", "42703", "column"),
    ("'zoo.t', via => 'id'", "22023", "via"),
    ("'zoo.policed'", "55000", "old One"),
    ("'zoo.v'", "42809", "zoo.v"),
    ("'zoo.m'", "42809", "zoo.m"),
    ("'zoo.s'", "42809", "zoo.s"),
    ("'pg_catalog.pg_class'", "42501,42809", "pg_class"),
    ("'tenant_guard.protection'", "42501,42809", "protection"),
    ("NULL", "22004", "table"),
    ("'zoo.t', scope => 'Active'", "22023", "scope"),
    ("'zoo.t', scope => NULL", "22004", "scope"),
    ("'zoo.t', roles => '{}'", "22023", "roles"),
    ("'zoo.t', roles => '{nobody_at_all}'", "42704", "nobody_at_all"),
    ("'zoo.t', existing => 'drop'", "22023", "existing"),
    ("'zoo.t', index => 'yes'", "22023", "index"),
    ("'zoo.t', index => 'concurrently'", "25001", "CONCURRENTLY"),
    ("'zoo.t', permissions => '[]'", "22023", "permissions"),
    ("'zoo.t', permissions => '{\"read\": \"member\"}'", "22023", "read"),
    ("'zoo.t', permissions => '{\"update\": \"own\"}'", "22023", "own"),
    (
        "'zoo.t', owner_column => 'owner', permissions => '{\"update\": \"admin\"}'",
        "22023",
        "owner_column",
    ),
    ("'zoo.t', owner_column => 'nothing'", "42703", "nothing"),
    ("'zoo.t', owner_column => 'size'", "42804", "size"),
    ("'zoo.t', owner_column => 'organization_id'", "22023", "owner_column"),
    ("'zoo.t', project_column => 'owner', scope => 'member'", "22023", "project_column"),
    ("'zoo.t', shared => ''", "22023,42601", "shared"),
    ("'zoo.t', shared => 'nothing = 1'", "42703", "nothing"),
    ("'zoo.t', shared => 'id'", "42804,22023", "shared"),
    ("'zoo.t', shared => 'true) OR (true'", "22023,42601", "shared"),
    ("'zoo.t', shared => 'true; DROP TABLE zoo.t'", "22023,42601", "shared"),
    ("'zoo.t', shared => 'true -- '", "22023,42601", "shared"),
    ("'zoo.t', shared => 'random() > 0.5'", "22023", "shared"),
    ("'zoo.t', shared => 'EXISTS (SELECT FROM zoo.parents)'", "22023", "shared"),
    ("'zoo.t', shared => 'count(*) > 0'", "22023,42803", "shared"),
    ("'zoo.t', shared => 'row_number() over () > 0'", "22023,42P20", "shared"),
    ("'zoo.t', shared => '$1 > 0'", "22023,42P02", "shared"),
];

#[test]
fn wrong_arguments_are_refused_by_name_and_change_nothing() {
    let database = fresh();
    database.load(TABLES);
    let original = database.schema();
    let mut owner = database.connect(OWNER);
    let mut problems = Vec::new();
    for (arguments, codes, word) in WRONG {
        let sql = format!("SELECT * FROM tenant_guard.protect_table({arguments})");
        match owner.batch_execute(&sql) {
            Ok(()) => {
                problems.push(format!("{arguments}: accepted"));
                execute(
                    &mut database.admin(),
                    "SELECT tenant_guard.undo((SELECT max(id) FROM tenant_guard.change))",
                );
            }
            Err(error) => {
                let Some(error) = error.as_db_error() else { panic!("{sql}: {error:?}") };
                let all = format!(
                    "{} {} {}",
                    error.message(),
                    error.detail().unwrap_or(""),
                    error.hint().unwrap_or("")
                );
                if !codes.split(',').any(|code| code == error.code().code())
                    || !all.contains(word)
                    || error.hint().is_none()
                {
                    problems.push(format!("{arguments}: {} {all}", error.code().code()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert_same(&database.schema(), &original, "what is refused changes nothing");
}

#[test]
fn of_several_ways_to_a_tenant_all_are_listed() {
    let database = fresh();
    database.load(TABLES);
    let error = expect_clear_error(
        &mut database.connect(OWNER),
        "SELECT * FROM tenant_guard.protect_table('zoo.two_ways')",
        "22023",
    );
    let all =
        format!("{} {}", error.detail().unwrap_or_default(), error.hint().unwrap_or_default());
    assert!(all.contains("buyer -> zoo.parents") && all.contains("seller -> zoo.parents"), "{all}");
}

#[test]
fn only_the_owner_protects() {
    let database = fresh();
    database.load(TABLES);
    grant_everything(&database);
    let original = database.schema();
    for role in [OTHER_OWNER, "visitor"] {
        let mut other = database.connect(role);
        for call in [
            "protect_table('zoo.t')",
            "protect_table('zoo.t', dry_run => true)",
            "unprotect_table('zoo.t')",
            "denormalize_tenant('zoo.two_ways', via => 'buyer')",
            "register_protection('zoo.t', '{}')",
        ] {
            expect_error(&mut other, &format!("SELECT * FROM tenant_guard.{call}"), "42501");
        }
    }
    assert_same(&database.schema(), &original, "what is refused changes nothing");
}

#[test]
fn a_family_of_several_owners_is_refused_as_a_whole() {
    let database = fresh();
    database.load(TABLES);
    execute(&mut database.admin(), "ALTER TABLE zoo.leaf OWNER TO postgres");
    let original = database.schema();
    let refused = "SELECT * FROM tenant_guard.protect_table('zoo.tree')";
    expect_clear_error(&mut database.connect(OWNER), refused, "42501");
    assert_same(&database.schema(), &original, "half of it");
}

/// To a collation that is not deterministic another spelling is the same id: one tenant would see another's rows.
#[test]
fn ids_that_a_collation_takes_for_one_are_refused() {
    let database = fresh();
    if database.lacks("icu") {
        return;
    }
    database.load(
        "CREATE SCHEMA zoo;
         CREATE COLLATION zoo.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE DOMAIN zoo.org AS text COLLATE zoo.ci;
         CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id text COLLATE zoo.ci NOT NULL, owner text COLLATE zoo.ci, tenant uuid);
         CREATE TABLE zoo.by_domain (id int PRIMARY KEY, organization_id zoo.org NOT NULL);
         CREATE TABLE zoo.child (id int PRIMARY KEY, t_id int NOT NULL REFERENCES zoo.t)",
    );
    let mut owner = database.connect(OWNER);
    for call in [
        "protect_table('zoo.t')",
        "protect_table('zoo.t', 'tenant', owner_column => 'owner')",
        "protect_table('zoo.by_domain')",
        "protect_table('zoo.child')",
    ] {
        expect_clear_error(&mut owner, &format!("SELECT * FROM tenant_guard.{call}"), "42804");
    }
}
