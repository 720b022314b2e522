//! Words of `permissions` together, ids as numbers, and parents that are not protected.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::fixtures::{ALICE, BOB, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, number, text};
use tenant_guard_tests::steps::apply;

use crate::stage::{asking, connect_listening, fresh, grant_everything, Asker};

#[test]
fn owners_roles_and_permissions_each_open_what_they_are_named_for() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, owner text, body text);
         INSERT INTO zoo.t VALUES (1, '{ORG_A}', '{ALICE}', 'a'), (2, '{ORG_A}', '{BOB}', 'b'), (3, '{ORG_A}', NULL, 'c'), (4, '{ORG_B}', '{ALICE}', 'd')"
    ));
    grant_everything(&database);
    apply(
        &mut database.connect(OWNER),
        r#"protect_table('zoo.t', owner_column => 'owner',
             permissions => '{"select": ["own", "reader", "t:read"], "insert": "own", "update": ["own", "t:write"], "delete": ["admin", "*"]}')"#,
    );
    for (user, claims, seen, updated, deleted) in [
        (ALICE, "", 1, 1, 0),
        (ALICE, r#", "app_metadata": {"roles": ["reader"]}"#, 3, 1, 0),
        (ALICE, r#", "permissions": ["t:read"]"#, 3, 1, 0),
        (ALICE, r#", "permissions": ["t:read", "t:write"]"#, 3, 3, 0),
        (ALICE, r#", "permissions": ["t:*"]"#, 3, 3, 0),
        (ALICE, r#", "permissions": ["*"]"#, 3, 3, 3),
        (ALICE, r#", "app_metadata": {"roles": ["reader", "admin"]}"#, 3, 1, 3),
        (ALICE, r#", "app_metadata": {"roles": ["t:read", "own", "*"]}"#, 1, 1, 0),
        (ALICE, r#", "permissions": ["reader", "own", "admin"]"#, 1, 1, 0),
    ] {
        let claims = format!(r#"{{"sub": "{user}", "org_id": "{ORG_A}"{claims}}}"#);
        let mut asker = Asker::new(&database, "authenticated", Some(&claims));
        assert_eq!(asker.number("SELECT count(*) FROM zoo.t"), seen, "{claims}");
        assert_eq!(asker.out("UPDATE zoo.t SET body = 'x'").touched, updated, "{claims}");
        assert_eq!(asker.out("DELETE FROM zoo.t").touched, deleted, "{claims}");
        asker.out(&format!("INSERT INTO zoo.t (id, owner) VALUES (9, '{user}')"));
        asker.refused("INSERT INTO zoo.t (id, owner) VALUES (9, 'somebody')", &["42501"]);
        asker.refused(
            &format!("UPDATE zoo.t SET organization_id = '{ORG_B}' WHERE id = 1"),
            &["42501"],
        );
    }
}

#[test]
fn ids_in_tokens_that_are_numbers_keep_every_digit() {
    let database = fresh();
    database.load(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id bigint NOT NULL);
         INSERT INTO zoo.t VALUES (1, 9007199254740993), (2, 9007199254740992), (3, 1), (4, -1), (5, 9223372036854775807)",
    );
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    for scope in ["active", "member"] {
        apply(&mut owner, &format!("protect_table('zoo.t', scope => '{scope}')"));
        for (claim, seen) in [
            ("9007199254740993", "1"),
            ("9007199254740992", "2"),
            ("\"9007199254740993\"", "1"),
            ("9223372036854775807", "5"),
            ("9223372036854775808", ""),
            ("18446744073709551617", ""),
            ("1.5", ""),
            ("\"1 OR true\"", ""),
            ("true", ""),
            ("{}", ""),
            ("[[1]]", ""),
            ("\"\"", ""),
        ] {
            let mut asker = asking(&database, ALICE, claim);
            let rows = asker.out("SELECT id FROM zoo.t ORDER BY id").rows.join(",");
            assert_eq!(rows, seen, "{scope} {claim}");
        }
    }
}

#[test]
fn a_path_over_a_table_that_is_not_protected_is_said() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
         INSERT INTO zoo.parents VALUES (1, '{ORG_A}'), (2, '{ORG_B}');
         CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents); INSERT INTO zoo.t VALUES (1, 1), (2, 2)"
    ));
    grant_everything(&database);
    let (mut owner, heard) = connect_listening(&database, OWNER);
    apply(&mut owner, "protect_table('zoo.t')");
    let heard = heard.lock().expect("no panic in the lock").join("\n");
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    // Whoever may write the parents says whose the children are.
    let taken = alice
        .out(&format!(
            "UPDATE zoo.parents SET organization_id = '{ORG_A}'; SELECT count(*) FROM zoo.t"
        ))
        .rows;
    assert!(
        taken == ["1"]
            || heard.contains("zoo.parents, which says whose rows of zoo.t are, is not protected"),
        "taken, and nobody was told: {heard}"
    );
}

#[test]
fn a_parent_whose_policies_hide_it_hides_its_children() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL, owner uuid);
         INSERT INTO zoo.parents VALUES (1, '{ORG_A}', '{ALICE}'), (2, '{ORG_A}', '{BOB}'), (3, '{ORG_B}', '{ALICE}');
         CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents);
         INSERT INTO zoo.t VALUES (1, 1), (2, 2), (3, 3)"
    ));
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.parents', owner_column => 'owner')");
    apply(&mut owner, "protect_table('zoo.t')");
    let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
    assert_eq!(alice.out("SELECT id FROM zoo.t").rows, ["1"]);
    // Without SELECT on the parent there is an error, not an open table.
    execute(&mut database.admin(), "REVOKE ALL ON zoo.parents FROM authenticated");
    alice.refused("SELECT id FROM zoo.t", &["42501"]);
    alice.refused("DELETE FROM zoo.t", &["42501"]);
    assert_eq!(number(&mut database.admin(), "SELECT count(*) FROM zoo.t"), 3);
}

#[test]
fn a_temporary_table_is_protected_or_refused_and_leaves_nothing() {
    let database = fresh();
    let mut owner = database.connect(OWNER);
    execute(&mut owner, "CREATE TEMP TABLE t (id int, organization_id uuid)");
    if let Err(error) = owner.batch_execute("SELECT * FROM tenant_guard.protect_table('pg_temp.t')")
    {
        let error = error.as_db_error().expect("an answer");
        tenant_guard_tests::sql::assert_clear(error, "protect_table('pg_temp.t')");
    }
    drop(owner);
    let left = "SELECT count(*)::text FROM tenant_guard.protected_tables";
    assert_eq!(text(&mut database.connect(OWNER), left).as_deref(), Some("0"));
    // The connection's end drops the table a moment later.
    tenant_guard_tests::sql::wait_until(|| {
        number(
            &mut database.admin(),
            "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'",
        ) == 0
    });
    assert_eq!(
        number(&mut database.admin(), "SELECT count(*) FROM tenant_guard.protection"),
        0,
        "a registration of no table"
    );
}
