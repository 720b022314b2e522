//! Somebody who belongs to two organizations reads both, and carries nothing from one to the other.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::fixtures::{ALICE, CAROL, ORG_A, ORG_B};
use tenant_guard_tests::sql::{execute, expect_clear_error, number, text};
use tenant_guard_tests::steps::apply;
use tenant_guard_tests::Database;

use crate::stage::{asking, connect_listening, fresh, grant_everything, protected, Asker};

fn carol(database: &Database) -> Asker {
    asking(database, CAROL, &format!(r#"["{ORG_A}", "{ORG_B}"]"#))
}

/// Row 1 is A's and stays A's, whatever Carol tries.
#[track_caller]
fn stays(database: &Database, statements: &[String]) {
    let mut carol = carol(database);
    assert_eq!(carol.number("SELECT count(*) FROM zoo.t"), 2, "she sees both");
    for sql in statements {
        if let Err((code, message)) = carol.try_commit(sql) {
            assert_eq!(code, "42501", "{sql}\n{message}");
        }
        let whose =
            text(&mut database.admin(), "SELECT organization_id::text FROM zoo.t WHERE id = 1");
        assert_eq!(whose.as_deref(), Some(ORG_A), "moved: {sql}");
    }
}

#[test]
fn no_statement_moves_a_row() {
    let database = protected(", scope => 'member'");
    execute(
        &mut database.admin(),
        "CREATE VIEW zoo.v WITH (security_invoker) AS SELECT organization_id AS o, id FROM zoo.t; GRANT ALL ON zoo.v TO authenticated",
    );
    let to = format!("organization_id = '{ORG_B}'");
    stays(
        &database,
        &[
            format!("UPDATE zoo.t SET {to}"),
            format!("UPDATE zoo.t SET {to} WHERE id = 1"),
            format!("UPDATE zoo.t SET {to} WHERE id = 1 RETURNING *"),
            format!("UPDATE zoo.t SET (body, organization_id) = ('x', '{ORG_B}') WHERE id = 1"),
            "UPDATE zoo.t t SET organization_id = o.organization_id FROM zoo.t o WHERE o.id = 2 AND t.id = 1".to_string(),
            format!("INSERT INTO zoo.t VALUES (1, '{ORG_B}', 'x') ON CONFLICT (id) DO UPDATE SET organization_id = excluded.organization_id"),
            format!("INSERT INTO zoo.t VALUES (1, '{ORG_A}', 'x') ON CONFLICT (id) DO UPDATE SET {to}"),
            format!("MERGE INTO zoo.t USING (SELECT 1) s ON id = 1 WHEN MATCHED THEN UPDATE SET {to}"),
            format!("UPDATE zoo.v SET o = '{ORG_B}' WHERE id = 1"),
            format!("DECLARE c CURSOR FOR SELECT * FROM zoo.t WHERE id = 1 FOR UPDATE; FETCH c; UPDATE zoo.t SET {to} WHERE CURRENT OF c"),
            "UPDATE zoo.t SET organization_id = DEFAULT WHERE id = 1".to_string(),
            format!("SET LOCAL session_replication_role = replica; UPDATE zoo.t SET {to}"),
            format!("ALTER TABLE zoo.t DISABLE TRIGGER ALL; UPDATE zoo.t SET {to}"),
        ],
    );
}

#[test]
fn a_trigger_of_the_tables_own_moves_no_row() {
    for timing in ["a_move", "zz_move"] {
        let database = fresh();
        database.load(&format!(
            "CREATE SCHEMA zoo;
             CREATE TABLE zoo.projects (id int PRIMARY KEY, organization_id uuid NOT NULL);
             CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, project_id int NOT NULL REFERENCES zoo.projects);
             INSERT INTO zoo.projects VALUES (1, '{ORG_A}'), (2, '{ORG_B}'); INSERT INTO zoo.t VALUES (1, '{ORG_A}', 1), (2, '{ORG_B}', 2);
             CREATE FUNCTION zoo.derive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               NEW.organization_id := (SELECT organization_id FROM zoo.projects WHERE id = NEW.project_id); RETURN NEW; END $$;
             CREATE TRIGGER {timing} BEFORE INSERT OR UPDATE ON zoo.t FOR EACH ROW EXECUTE FUNCTION zoo.derive()"
        ));
        grant_everything(&database);
        apply(&mut database.connect(OWNER), "protect_table('zoo.t', scope => 'member')");
        stays(&database, &["UPDATE zoo.t SET project_id = 2".to_string()]);
    }
}

#[test]
fn a_row_moves_not_even_into_another_partition() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo;
         CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, part int NOT NULL) PARTITION BY LIST (part);
         CREATE TABLE zoo.t1 PARTITION OF zoo.t FOR VALUES IN (1); CREATE TABLE zoo.t2 PARTITION OF zoo.t FOR VALUES IN (2);
         INSERT INTO zoo.t VALUES (1, '{ORG_A}', 1), (2, '{ORG_B}', 2)"
    ));
    grant_everything(&database);
    apply(&mut database.connect(OWNER), "protect_table('zoo.t', scope => 'member')");
    stays(
        &database,
        &[
            format!("UPDATE zoo.t SET part = 2, organization_id = '{ORG_B}' WHERE id = 1"),
            format!("UPDATE zoo.t1 SET organization_id = '{ORG_B}'"),
            format!("MERGE INTO zoo.t USING (SELECT 1) s ON id = 1 WHEN MATCHED THEN UPDATE SET part = 2, organization_id = '{ORG_B}'"),
        ],
    );
}

#[test]
fn a_row_moves_not_even_where_the_partitions_are_the_tenants() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo;
         CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL) PARTITION BY LIST (organization_id);
         CREATE TABLE zoo.t1 PARTITION OF zoo.t FOR VALUES IN ('{ORG_A}'); CREATE TABLE zoo.t2 PARTITION OF zoo.t DEFAULT;
         INSERT INTO zoo.t VALUES (1, '{ORG_A}'), (2, '{ORG_B}')"
    ));
    grant_everything(&database);
    apply(&mut database.connect(OWNER), "protect_table('zoo.t', scope => 'member')");
    stays(
        &database,
        &[
            format!("UPDATE zoo.t SET organization_id = '{ORG_B}' WHERE id = 1"),
            format!("UPDATE zoo.t SET organization_id = '{ORG_B}'"),
        ],
    );
}

#[test]
fn a_row_with_a_generated_tenant_moves_neither_in_its_table_nor_into_another_partition() {
    for partitions in [
        "", "PARTITION BY LIST (part); CREATE TABLE zoo.t1 PARTITION OF zoo.t FOR VALUES IN (1); CREATE TABLE zoo.t2 PARTITION OF zoo.t DEFAULT",
    ] {
        let database = fresh();
        database.load(&format!(
            "CREATE SCHEMA zoo;
             CREATE TABLE zoo.t (id int, organization_id text GENERATED ALWAYS AS (split_part(path, '/', 1)) STORED, path text NOT NULL, part int NOT NULL) {partitions};
             INSERT INTO zoo.t (id, path, part) VALUES (1, '{ORG_A}/x', 1), (2, '{ORG_B}/x', 2)"
        ));
        grant_everything(&database);
        let mut owner = database.connect(OWNER);
        let protect = "SELECT * FROM tenant_guard.protect_table('zoo.t', scope => 'member')";
        if !partitions.is_empty() {
            // No trigger sees a row with a generated tenant go into another partition.
            expect_clear_error(&mut owner, protect, "22023");
            continue;
        }
        execute(&mut owner, protect);
        stays(
            &database,
            &[
                format!("UPDATE zoo.t SET path = '{ORG_B}/y' WHERE id = 1"),
                format!("UPDATE zoo.t SET path = '{ORG_B}/y', part = 2 WHERE id = 1"),
            ],
        );
    }
}

#[test]
fn a_row_of_an_inheriting_table_moves_not_either() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL);
         CREATE TABLE zoo.child () INHERITS (zoo.t);
         INSERT INTO zoo.child VALUES (1, '{ORG_A}'), (2, '{ORG_B}')"
    ));
    grant_everything(&database);
    apply(&mut database.connect(OWNER), "protect_table('zoo.t', scope => 'member')");
    stays(
        &database,
        &[
            format!("UPDATE zoo.t SET organization_id = '{ORG_B}' WHERE id = 1"),
            format!("UPDATE zoo.child SET organization_id = '{ORG_B}'"),
        ],
    );
}

/// Carol views in A and administers B.
fn with_roles(options: &str) -> Database<'static> {
    let database = protected("");
    database.load(&format!(
        "CREATE TABLE zoo.members (user_id uuid, organization_id uuid, role text, PRIMARY KEY (user_id, organization_id));
         INSERT INTO zoo.members VALUES ('{CAROL}', '{ORG_A}', 'viewer'), ('{CAROL}', '{ORG_B}', 'admin'), ('{ALICE}', '{ORG_A}', 'admin')"
    ));
    apply(
        &mut database.admin(),
        "use_membership('zoo.members', 'user_id', 'organization_id', 'role')",
    );
    apply(&mut database.connect(OWNER), &format!("protect_table('zoo.t'{options})"));
    database
}

const ADMINS_WRITE: &str = r#", permissions => '{"select": "member", "insert": "admin", "update": "admin", "delete": ["admin", "t:delete"]}'"#;

#[test]
fn a_role_in_one_organization_gives_nothing_in_the_other() {
    for (scope, claims, choose) in [
        ("member", format!(r#"["{ORG_A}", "{ORG_B}"]"#), ""),
        ("active", format!(r#""{ORG_A}""#), ""),
        ("active", format!(r#""{ORG_A}""#), "SELECT tenant_guard.set_org('B');"),
        ("active", format!(r#""{ORG_B}""#), "SELECT tenant_guard.set_org('A');"),
    ] {
        let database = with_roles(&format!("{ADMINS_WRITE}, scope => '{scope}'"));
        let mut carol = asking(&database, CAROL, &claims);
        let choose =
            choose.replace("'A'", &format!("'{ORG_A}'")).replace("'B'", &format!("'{ORG_B}'"));
        carol.opening.push_str(&choose);
        let in_b = scope == "member" || choose.contains(ORG_B);
        let mine = if in_b { 1 } else { 0 };
        for statement in [
            "UPDATE zoo.t SET body = 'carol'",
            "DELETE FROM zoo.t",
            "MERGE INTO zoo.t USING (SELECT 1) s ON id = 2 WHEN MATCHED THEN DELETE",
        ] {
            assert_eq!(
                carol.out(statement).touched,
                mine,
                "{scope} {claims} {choose}: {statement}"
            );
        }
        carol.refused(&format!("INSERT INTO zoo.t VALUES (3, '{ORG_A}', 'x')"), &["42501"]);
        carol.refused(
            &format!("INSERT INTO zoo.t VALUES (1, '{ORG_B}', 'x') ON CONFLICT (id) DO UPDATE SET body = 'x'"),
            &["42501"],
        );
        let own = carol.try_out(&format!("INSERT INTO zoo.t VALUES (3, '{ORG_B}', 'x')"));
        assert_eq!(own.is_ok(), in_b, "{scope} {claims} {choose}: {own:?}");
        let mut alice = asking(&database, ALICE, &format!(r#""{ORG_A}""#));
        assert_eq!(alice.out("UPDATE zoo.t SET body = 'alice'").touched, 1);
    }
}

#[test]
fn what_a_token_claims_of_roles_gives_nothing_beside_a_membership_table() {
    let database = with_roles(&format!("{ADMINS_WRITE}, scope => 'member'"));
    let claims = format!(
        r#"{{"sub": "{CAROL}", "org_id": "{ORG_A}", "app_metadata": {{"roles": ["admin"]}}, "permissions": ["t:delete"], "user_role": "admin"}}"#
    );
    let mut carol = Asker::new(&database, "authenticated", Some(&claims));
    assert_eq!(carol.out("UPDATE zoo.t SET body = 'carol' WHERE id = 1").touched, 0);
    let mut admin = database.admin();
    execute(&mut admin, &format!("DELETE FROM zoo.members WHERE user_id = '{CAROL}'"));
    assert_eq!(carol.number("SELECT count(*) FROM zoo.t"), 0, "she left");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM zoo.t"), 2);
}

#[test]
fn that_a_foreign_key_can_move_a_row_is_said() {
    let database = fresh();
    database.load(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.parents (id int PRIMARY KEY, organization_id uuid NOT NULL);
         CREATE TABLE zoo.t (id int PRIMARY KEY, parent_id int REFERENCES zoo.parents)",
    );
    let (mut owner, heard) = connect_listening(&database, OWNER);
    apply(&mut owner, "protect_table('zoo.t', scope => 'member')");
    let heard = heard.lock().expect("no panic in the lock");
    assert!(heard.iter().any(|h| h.contains("can move a row from one to the other")), "{heard:?}");
}

#[test]
fn a_foreign_key_that_cascades_moves_children_with_their_parent_only_for_administrators() {
    let database = fresh();
    database.load(&format!(
        "CREATE SCHEMA zoo; CREATE TABLE zoo.parents (id int, organization_id uuid NOT NULL, PRIMARY KEY (organization_id, id));
         CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, parent_id int,
           FOREIGN KEY (organization_id, parent_id) REFERENCES zoo.parents ON UPDATE CASCADE);
         INSERT INTO zoo.parents VALUES (1, '{ORG_A}'), (1, '{ORG_B}'), (7, '{ORG_A}');
         INSERT INTO zoo.t VALUES (1, '{ORG_A}', 7), (2, '{ORG_B}', 1)"
    ));
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    for table in ["parents", "t"] {
        apply(&mut owner, &format!("protect_table('zoo.{table}', scope => 'member')"));
    }
    stays(
        &database,
        &[
            format!("UPDATE zoo.parents SET organization_id = '{ORG_B}' WHERE id = 7"),
            format!("WITH p AS (UPDATE zoo.parents SET organization_id = '{ORG_B}' WHERE id = 7 RETURNING 1) SELECT * FROM p"),
        ],
    );
    let mut admin = database.admin();
    execute(
        &mut admin,
        &format!("UPDATE zoo.parents SET organization_id = '{ORG_B}' WHERE id = 7"),
    );
    let moved = text(&mut admin, "SELECT organization_id::text FROM zoo.t WHERE id = 1");
    assert_eq!(moved.as_deref(), Some(ORG_B));
}

#[test]
fn a_function_of_the_owners_moves_no_row_either() {
    let database = protected(", scope => 'member'");
    database.load(&format!(
        "CREATE FUNCTION zoo.move() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ UPDATE zoo.t SET organization_id = '{ORG_B}' WHERE id = 1 $$"
    ));
    stays(&database, &["SELECT zoo.move()".to_string()]);
}

#[test]
fn rows_move_neither_while_the_membership_ends_nor_by_another_organizations_choice() {
    let database = with_roles(", scope => 'member'");
    let mut carol = carol(&database);
    for choice in [ORG_A, ORG_B] {
        let choose = format!("SELECT tenant_guard.set_org('{choice}')");
        carol.refused(
            &format!("{choose}; UPDATE zoo.t SET organization_id = '{ORG_B}' WHERE id = 1"),
            &["42501"],
        );
        carol.refused(
            &format!("{choose}; UPDATE zoo.t SET organization_id = '{ORG_A}' WHERE id = 2"),
            &["42501"],
        );
    }
    execute(
        &mut database.admin(),
        &format!(
            "DELETE FROM zoo.members WHERE user_id = '{CAROL}' AND organization_id = '{ORG_A}'"
        ),
    );
    assert_eq!(carol.number("SELECT count(*) FROM zoo.t"), 1);
    assert_eq!(carol.out("UPDATE zoo.t SET body = 'x'").touched, 1);
}

/// A trigger for these events derives the tenant of a partitioned table's rows.
#[track_caller]
fn derived_in_partitions(events: &str, update: &str) {
    let database = fresh();
    database.load(&format!(
            "CREATE SCHEMA zoo; CREATE TABLE zoo.projects (id int PRIMARY KEY, organization_id uuid NOT NULL);
             CREATE TABLE zoo.t (id int, organization_id uuid NOT NULL, project_id int NOT NULL) PARTITION BY LIST (project_id);
             CREATE TABLE zoo.t1 PARTITION OF zoo.t FOR VALUES IN (1, 3); CREATE TABLE zoo.t2 PARTITION OF zoo.t FOR VALUES IN (2);
             INSERT INTO zoo.projects VALUES (1, '{ORG_A}'), (2, '{ORG_B}'), (3, '{ORG_B}');
             INSERT INTO zoo.t VALUES (1, '{ORG_A}', 1), (2, '{ORG_B}', 2);
             CREATE FUNCTION zoo.derive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               NEW.organization_id := (SELECT organization_id FROM zoo.projects WHERE id = NEW.project_id); RETURN NEW; END $$;
             CREATE TRIGGER zz_move BEFORE {events} ON zoo.t FOR EACH ROW EXECUTE FUNCTION zoo.derive()"
        ));
    grant_everything(&database);
    let mut owner = database.connect(OWNER);
    let protect = "SELECT * FROM tenant_guard.protect_table('zoo.t', scope => 'member')";
    if owner.batch_execute(protect).is_err() {
        // Refused is as good.
        return;
    }
    stays(&database, &[update.to_string()]);
}

#[test]
fn a_trigger_of_a_partitioned_tables_own_moves_no_row_within_its_partition() {
    derived_in_partitions("UPDATE", "UPDATE zoo.t SET project_id = 3 WHERE id = 1");
}

#[test]
fn a_trigger_of_a_partitioned_tables_own_moves_no_row_on_its_way_out_of_a_partition() {
    derived_in_partitions("UPDATE", "UPDATE zoo.t SET project_id = 2 WHERE id = 1");
}

#[test]
fn a_trigger_of_a_partitioned_tables_own_moves_no_row_on_its_way_into_a_partition() {
    derived_in_partitions("INSERT", "UPDATE zoo.t SET project_id = 2 WHERE id = 1");
}
