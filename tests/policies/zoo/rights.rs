//! Who may do what within the organization: permissions, owners, projects, shared rows, kept policies.

use crate::case::{Case, PLAIN};

const T: &str = "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text)";
const OWNED: &str = "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, owner uuid, body text);
    INSERT INTO zoo.t VALUES (900, {t}, '99999999-0000-4000-8000-000000000099', 'a colleague''s'), (901, {t}, NULL, 'nobody''s'),
                             (902, {o}, {u}, 'one''s own in the other organization')";
const MY: Case = Case {
    ddl: OWNED,
    columns: "id, owner, body",
    values: "{n}, {u}, 'row {n}'",
    whose: "organization_id = {t} AND owner = {u}",
    hand_over: "organization_id = {t}",
    ..PLAIN
};
const ADMIN: &str = r#", "app_metadata": {"roles": ["admin"]}"#;
const VIEWER: &str = r#", "app_metadata": {"roles": ["viewer"]}"#;
const WORDS: &str = r#", permissions => '{"select": "member", "insert": ["admin", "owner"], "update": "leads:write", "delete": ["leads:delete:all", "admin"]}'"#;

zoo! {
    every_member_of_every_organization: Case { ddl: T, options: ", scope => 'member'", ..PLAIN };
    permissions_of_a_role: Case {
        ddl: T, options: WORDS, claims: [ADMIN, ADMIN], may: "sid", ..PLAIN
    };
    permissions_of_another_role: Case {
        ddl: T, options: WORDS, claims: [VIEWER, VIEWER], may: "s", ..PLAIN
    };
    permissions_by_a_permission: Case {
        ddl: T, options: WORDS,
        claims: [r#", "permissions": ["leads:write"]"#, r#", "permissions": "leads:write leads:read""#],
        may: "su",
        ..PLAIN
    };
    permissions_for_nobody: Case {
        ddl: T, options: r#", permissions => '{"select": "member", "insert": [], "update": null}'"#, claims: [ADMIN, ADMIN], may: "s", ..PLAIN
    };
    permissions_to_write_and_not_to_read: Case {
        ddl: T, options: r#", permissions => '{"insert": "member"}'"#, may: "i", ..PLAIN
    };
    permissions_of_members_scope: Case {
        ddl: T, options: r#", scope => 'member', permissions => '{"select": "member", "insert": "admin", "update": ["admin", "leads:write"], "delete": "admin"}'"#,
        claims: [ADMIN, ADMIN], ..PLAIN
    };
    permissions_whose_words_have_quotes: Case {
        ddl: T, options: r#", permissions => '{"select": "member", "insert": "it''s \"so\"", "update": "a\\b", "delete": "x'':y"}'"#,
        claims: [r#", "app_metadata": {"roles": ["it's \"so\""]}"#, r#", "app_metadata": {"roles": ["it's \"so\""]}"#], may: "si", ..PLAIN
    };
    ones_own_rows: Case {
        options: ", owner_column => 'owner'",
        attacks: &["UPDATE zoo.t SET owner = NULL", "UPDATE zoo.t SET owner = '99999999-0000-4000-8000-000000000099'",
                   "INSERT INTO zoo.t VALUES (950, {t}, '99999999-0000-4000-8000-000000000099', 'x')", "UPDATE zoo.t SET body = 'x' WHERE id >= 900",
                   "INSERT INTO zoo.t VALUES (900, {t}, {u}, 'x') ON CONFLICT (id) DO UPDATE SET owner = {u}"],
        blind: &["SELECT * FROM zoo.t WHERE id >= 900"],
        ..MY
    };
    ones_own_rows_by_a_text_column: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, owner varchar(50), body text);
              INSERT INTO zoo.t VALUES (900, {t}, 'somebody', 'a colleague''s'), (901, {t}, NULL, 'nobody''s')",
        options: ", owner_column => 'owner'",
        ..MY
    };
    ones_own_rows_in_every_organization: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, owner uuid, body text);
              INSERT INTO zoo.t VALUES (900, {t}, '99999999-0000-4000-8000-000000000099', 'a colleague''s')",
        options: ", owner_column => 'owner', scope => 'member'",
        ..MY
    };
    a_project_beside_the_organization: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, project_id uuid, body text);
              INSERT INTO zoo.t VALUES (900, {t}, '99999999-0000-4000-8000-000000000099', 'of another project'), (901, {t}, NULL, 'of none')",
        columns: "id, project_id, body",
        values: "{n}, '00000000-0000-4000-8000-00000000000{p}', 'row {n}'",
        whose: "organization_id = {t} AND project_id = '00000000-0000-4000-8000-00000000000{p}'",
        hand_over: "organization_id = {t}",
        options: ", project_column => 'project_id'",
        claims: [r#", "project_id": "00000000-0000-4000-8000-000000000001""#, r#", "project_id": "00000000-0000-4000-8000-000000000002""#],
        attacks: &["UPDATE zoo.t SET project_id = NULL", "UPDATE zoo.t SET project_id = '99999999-0000-4000-8000-000000000099'",
                   "INSERT INTO zoo.t (id, project_id) VALUES (950, '99999999-0000-4000-8000-000000000099')"],
        ..PLAIN
    };
    shared_rows_without_a_tenant: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid, body text); INSERT INTO zoo.t VALUES (900, NULL, 'for all'), (901, NULL, NULL)",
        options: ", shared => 'organization_id IS NULL'",
        shared: "organization_id IS NULL",
        attacks: &["UPDATE zoo.t SET organization_id = NULL", "UPDATE zoo.t SET organization_id = {t}", "UPDATE zoo.t SET body = 'x' WHERE organization_id IS NULL",
                   "DELETE FROM zoo.t WHERE organization_id IS NULL", "INSERT INTO zoo.t VALUES (950, NULL, 'mine')", "UPDATE zoo.t SET organization_id = {t} WHERE id = 900",
                   "INSERT INTO zoo.t VALUES (900, {t}, 'x') ON CONFLICT (id) DO UPDATE SET body = 'x'",
                   "MERGE INTO zoo.t USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET body = 'x'"],
        ..PLAIN
    };
    shared_rows_by_a_flag: Case {
        ddl: r#"CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid, body text, "Is Template" boolean);
              INSERT INTO zoo.t VALUES (900, {o}, 'for all', true), (901, NULL, NULL, true), (902, NULL, 'nobody', NULL)"#,
        options: r#", shared => '"Is Template"'"#,
        whose: r#"organization_id = {t} AND "Is Template" IS NOT TRUE"#,
        hand_over: "organization_id = {t}",
        shared: r#""Is Template""#,
        attacks: &[r#"UPDATE zoo.t SET "Is Template" = true"#, r#"INSERT INTO zoo.t VALUES (950, {t}, 'x', true)"#, r#"UPDATE zoo.t SET "Is Template" = NULL"#,
                   "DELETE FROM zoo.t WHERE id >= 900", r#"UPDATE zoo.t SET "Is Template" = false WHERE id = 900"#],
        ..PLAIN
    };
    shared_rows_of_owners: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid, owner uuid, body text);
              INSERT INTO zoo.t VALUES (900, NULL, NULL, 'for all'), (901, {t}, NULL, 'nobody''s'), (902, NULL, {u}, 'for all')",
        options: r#", shared => 'organization_id IS NULL', owner_column => 'owner'"#,
        shared: "organization_id IS NULL",
        attacks: &["UPDATE zoo.t SET organization_id = {t} WHERE id = 902", "UPDATE zoo.t SET organization_id = NULL"],
        ..MY
    };
    a_kept_policy_that_opens_everything: Case {
        ddl: "CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              ALTER TABLE zoo.t ENABLE ROW LEVEL SECURITY; CREATE POLICY everything ON zoo.t USING (true) WITH CHECK (true)",
        options: ", existing => 'keep'",
        warns: &["policy everything of zoo.t is kept"],
        ..PLAIN
    };
    a_replaced_policy: Case {
        ddl: r#"CREATE TABLE zoo.t (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
              ALTER TABLE zoo.t ENABLE ROW LEVEL SECURITY; CREATE POLICY "it's ""mine""" ON zoo.t AS RESTRICTIVE FOR UPDATE TO anon, authenticated USING (body = 'x');
              COMMENT ON POLICY "it's ""mine""" ON zoo.t IS 'old''s'"#,
        options: ", existing => 'replace'",
        ..PLAIN
    };
    policies_for_everybody: Case { ddl: T, options: ", roles => '{public}'", ..PLAIN };
    policies_for_several_roles: Case { ddl: T, options: ", roles => '{visitor,authenticated,anon}'", ..PLAIN };
}
