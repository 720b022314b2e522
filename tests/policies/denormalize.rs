//! denormalize_tenant: the tenant column in a child, held to the parent's.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::database::assert_same;
use tenant_guard_tests::fixtures::{ALICE, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, expect_error, number};
use tenant_guard_tests::steps::{apply, call};
use tenant_guard_tests::Database;

use crate::stage::{asking, fresh, grant_everything};

fn family(child: &str) -> Database<'static> {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
         INSERT INTO zoo.parents VALUES (1, '{ORG_A}'), (2, '{ORG_B}'); {child}"
    ));
    grant_everything(&database);
    database
}

const CHILD: &str = "CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, body text);
    INSERT INTO zoo.t SELECT n, 1 + n % 2, 'row ' || n FROM generate_series(1, 20) n";

/// The whole way: there, protected, attacked, and back. `filled`: how many rows have to have a tenant.
#[track_caller]
fn holds(database: &Database, options: &str, protect_parent: bool, filled: i64) {
    let mut owner = database.connect(OWNER);
    if protect_parent {
        apply(&mut owner, "protect_table('zoo.parents')");
    }
    let original = database.schema();
    let run = format!("denormalize_tenant('zoo.t'{options}");
    call(&mut owner, &format!("{run}, dry_run => true)"));
    assert_same(&database.schema(), &original, "a dry run changes nothing");
    let change = apply(&mut owner, &format!("{run})"));
    assert_eq!(call(&mut owner, &format!("{run})")), [], "again");
    let mut admin = database.admin();
    assert_eq!(
        number(&mut admin, "SELECT count(*) FROM zoo.t WHERE organization_id IS NOT NULL"),
        filled,
        "filled"
    );
    let wrong = "SELECT count(*) FROM zoo.t JOIN zoo.parents p ON p.id = t.parent_id WHERE t.organization_id <> p.organization_id";
    assert_eq!(number(&mut admin, wrong), 0);
    let forced =
        "SELECT count(*) FROM pg_class WHERE oid = 'zoo.parents'::regclass AND relforcerowsecurity";
    assert_eq!(number(&mut admin, forced), i64::from(protect_parent), "FORCE as before");
    expect_error(
        &mut admin,
        &format!("INSERT INTO zoo.t (id, parent_id, organization_id) VALUES (99, 2, '{ORG_A}')"),
        "23503",
    );
    expect_error(&mut admin, "UPDATE zoo.t SET parent_id = 3 - parent_id", "23503");

    let protection = apply(&mut owner, "protect_table('zoo.t')");
    let mut alice = asking(database, ALICE, &format!(r#""{ORG_A}""#));
    let mine = number(
        &mut admin,
        &format!("SELECT count(*) FROM zoo.t WHERE organization_id = '{ORG_A}'"),
    );
    assert_eq!(alice.number("SELECT count(*) FROM zoo.t"), mine);
    alice.refused("INSERT INTO zoo.t (id, parent_id) VALUES (98, 2)", &["23503", "42501"]);
    alice.refused("UPDATE zoo.t SET parent_id = 2", &["23503", "42501"]);
    alice.out("INSERT INTO zoo.t (id, parent_id) VALUES (98, 1)");
    execute(
        &mut admin,
        &format!("BEGIN; UPDATE zoo.parents SET organization_id = '{ORG_B}' WHERE id = 1"),
    );
    assert_eq!(
        number(
            &mut admin,
            &format!("SELECT count(*) FROM zoo.t WHERE organization_id = '{ORG_A}'")
        ),
        0,
        "follows the parent"
    );
    execute(&mut admin, "ROLLBACK");

    apply(&mut owner, &format!("undo({protection})"));
    apply(&mut owner, &format!("undo({change})"));
    assert_same(&database.schema(), &original, "undo gives back the original");
}

#[test]
fn a_child_of_an_open_parent() {
    holds(&family(CHILD), "", false, 20);
}

#[test]
fn a_child_of_a_protected_parent() {
    holds(&family(CHILD), "", true, 20);
}

#[test]
fn a_child_that_is_protected_along_the_key() {
    let database = family(CHILD);
    let mut owner = database.connect(OWNER);
    apply(&mut owner, "protect_table('zoo.parents')");
    apply(&mut owner, "protect_table('zoo.t')");
    let original = database.schema();
    let change = apply(&mut owner, "denormalize_tenant('zoo.t')");
    let mut admin = database.admin();
    assert_eq!(
        number(&mut admin, "SELECT count(*) FROM zoo.t WHERE organization_id IS NULL"),
        0,
        "filled"
    );
    let forced = "SELECT count(*) FROM pg_class WHERE relnamespace = 'zoo'::regnamespace AND relforcerowsecurity AND relrowsecurity";
    assert_eq!(number(&mut admin, forced), 2);
    apply(&mut owner, "protect_table('zoo.t')");
    let drift = "SELECT count(*) FROM tenant_guard.protected_tables WHERE drift <> '{}'";
    assert_eq!(number(&mut owner, drift), 0);
    let _ = (change, original);
}

#[test]
fn a_nullable_key_with_rows_of_nobody() {
    holds(
        &family(
            "CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int REFERENCES zoo.parents ON DELETE SET NULL, body text);
             INSERT INTO zoo.t VALUES (1, 1), (2, 2), (3, NULL)",
        ),
        "",
        true,
        2,
    );
}

#[test]
fn what_happens_to_a_child_when_its_parent_goes_stays_the_same() {
    for (action, left) in [
        ("ON DELETE CASCADE", 1),
        ("ON DELETE SET NULL", 2),
        ("ON DELETE CASCADE ON UPDATE CASCADE", 1),
        ("ON DELETE SET DEFAULT", 2),
    ] {
        let database = family(&format!(
            "CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int REFERENCES zoo.parents {action}, body text); INSERT INTO zoo.t VALUES (1, 1), (2, 2)"
        ));
        holds(&database, "", true, 2);
        apply(&mut database.connect(OWNER), "denormalize_tenant('zoo.t')");
        let mut admin = database.admin();
        execute(&mut admin, "DELETE FROM zoo.parents WHERE id = 1");
        assert_eq!(number(&mut admin, "SELECT count(*) FROM zoo.t"), left, "{action}");
        let still = format!("SELECT count(*) FROM zoo.t WHERE organization_id = '{ORG_A}'");
        assert_eq!(number(&mut admin, &still), left - 1, "{action}: it keeps its tenant");
    }
}

#[test]
fn deferrable_keys_stay_deferrable() {
    for definition in ["DEFERRABLE INITIALLY DEFERRED", "DEFERRABLE"] {
        let database = family(&format!(
            "CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents {definition}); INSERT INTO zoo.t VALUES (1, 1), (2, 2)"
        ));
        apply(&mut database.connect(OWNER), "denormalize_tenant('zoo.t')");
        let kept = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'zoo.t'::regclass AND contype = 'f'";
        let kept = tenant_guard_tests::sql::text(&mut database.admin(), kept).expect("a key");
        assert!(kept.ends_with(definition), "{definition} became {kept}");
    }
}

#[test]
fn one_of_several_keys() {
    holds(
        &family(
            "CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, second int REFERENCES zoo.parents, body text);
             INSERT INTO zoo.t VALUES (1, 1, 2), (2, 2, 1)",
        ),
        ", via => 'parent_id'",
        true,
        2,
    );
}

#[test]
fn partitioned_and_inherited_children() {
    for more in [
        "CREATE TABLE zoo.t (id int, parent_id int NOT NULL REFERENCES zoo.parents, body text) PARTITION BY RANGE (id);
         CREATE TABLE zoo.leaf PARTITION OF zoo.t DEFAULT; INSERT INTO zoo.t VALUES (1, 1), (2, 2)",
        "CREATE TABLE zoo.t (id int, parent_id int NOT NULL REFERENCES zoo.parents, body text);
         CREATE TABLE zoo.child () INHERITS (zoo.t); INSERT INTO zoo.t VALUES (1, 1); INSERT INTO zoo.child VALUES (2, 2)",
    ] {
        let database = family(more);
        // A foreign key is not inherited, so only what holds for the parent's own rows can be asked.
        let original = database.schema();
        let mut owner = database.connect(OWNER);
        apply(&mut owner, "protect_table('zoo.parents')");
        let change = apply(&mut owner, "denormalize_tenant('zoo.t')");
        assert_eq!(number(&mut database.admin(), "SELECT count(*) FROM zoo.t WHERE organization_id IS NULL"), 0);
        apply(&mut owner, &format!("undo({change})"));
        apply(&mut owner, "unprotect_table('zoo.parents')");
        let _ = original;
    }
}

#[test]
fn quoted_names_and_wide_keys() {
    let database = fresh();
    database.load(&format!(
        r#"CREATE SCHEMA "Zoo's"; CREATE TABLE "Zoo's"."Par ""ents""" ("A a" int, b text, "Org's" uuid NOT NULL, PRIMARY KEY ("A a", b));
         INSERT INTO "Zoo's"."Par ""ents""" VALUES (1, 'x', '{ORG_A}'), (2, 'x', '{ORG_B}');
         CREATE TABLE "Zoo's"."T t" (id int PRIMARY KEY, b varchar(5) NOT NULL, "P p" smallint NOT NULL,
           CONSTRAINT "to the ""parent""" FOREIGN KEY ("P p", b) REFERENCES "Zoo's"."Par ""ents""" ON DELETE CASCADE);
         INSERT INTO "Zoo's"."T t" VALUES (1, 'x', 1), (2, 'x', 2)"#
    ));
    let mut owner = database.connect(OWNER);
    apply(&mut owner, r#"protect_table('"Zoo''s"."Par ""ents"""', tenant_column => 'Org''s')"#);
    let original = database.schema();
    let change =
        apply(&mut owner, r#"denormalize_tenant('"Zoo''s"."T t"', tenant_column => 'Org''s')"#);
    let filled = r#"SELECT count(*) FROM "Zoo's"."T t" WHERE "Org's" IS NOT NULL"#;
    assert_eq!(number(&mut database.admin(), filled), 2);
    apply(&mut owner, &format!("undo({change})"));
    assert_same(&database.schema(), &original, "undo gives back the original");
}

#[test]
fn the_tables_own_triggers_do_not_see_it_as_a_users_update() {
    let database = family(
        "CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES zoo.parents, touched int NOT NULL DEFAULT 0);
         INSERT INTO zoo.t VALUES (1, 1), (2, 2);
         CREATE FUNCTION zoo.frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER frozen BEFORE UPDATE ON zoo.t FOR EACH ROW EXECUTE FUNCTION zoo.frozen()",
    );
    let mut owner = database.connect(OWNER);
    let original = database.schema();
    // A trigger that swallows updates leaves the column empty: that is refused, or filled all the same.
    let result = owner.batch_execute("SELECT * FROM tenant_guard.denormalize_tenant('zoo.t')");
    match result {
        Ok(()) => assert_eq!(
            number(
                &mut database.admin(),
                "SELECT count(*) FROM zoo.t WHERE organization_id IS NULL"
            ),
            0
        ),
        Err(_) => assert_same(&database.schema(), &original, "half of it"),
    }
}
