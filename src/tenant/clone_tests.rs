//! The planner of tenant schemas, without a server.

use super::clone::{plan, Target};
use crate::catalog::{Column, Constraint, Named, Other, Policy, Schema, Sequence, Table, Trigger};
use crate::error::Error;
use crate::plan::{Kind, Plan};

fn template(tables: Vec<Table>) -> Schema {
    Schema {
        name: "Temp Late".into(),
        owner: "owner".into(),
        comment: None,
        usable: true,
        tables,
        ..Schema::default()
    }
}

fn target() -> Target {
    Target {
        slug: "acme".into(),
        role: Some("tenant_acme".into()),
        role_created: true,
        caller: "owner".into(),
        callers_path: "\"$user\", public".into(),
        ..Target::default()
    }
}

fn table(name: &str, parents: &[&str]) -> Table {
    let parent = |name: &&str| Named { schema: "Temp Late".into(), name: (*name).into() };
    Table {
        oid: u32::from(name.as_bytes()[0]),
        schema: "Temp Late".into(),
        name: name.into(),
        kind: "r".into(),
        persistence: "p".into(),
        replica_identity: "d".into(),
        parents: parents.iter().map(parent).collect(),
        columns: vec![Column {
            name: "id".into(),
            quoted: "id".into(),
            r#type: "integer".into(),
            is_local: true,
            ..Column::default()
        }],
        ..Table::default()
    }
}

fn check(name: &str, definition: &str, is_local: bool) -> Constraint {
    Constraint {
        name: name.into(),
        kind: "c".into(),
        definition: definition.into(),
        is_local,
        ..Constraint::default()
    }
}

fn position(plan: &Plan, action: &str) -> usize {
    plan.steps.iter().position(|s| s.action == action).unwrap_or_else(|| panic!("no step {action}"))
}

fn sql<'a>(plan: &'a Plan, action: &str) -> &'a str {
    &plan.steps[position(plan, action)].sql
}

#[test]
fn parents_are_made_before_what_inherits_from_them() {
    let tables =
        vec![table("c", &["b"]), table("b", &["a", "z"]), table("a", &[]), table("z", &[])];
    let plan = plan(&template(tables), &target()).unwrap();
    let made = ["a", "b", "c", "z"].map(|name| position(&plan, &format!("create table {name}")));
    assert!(made[0] < made[1] && made[1] < made[2] && made[3] < made[1]);
    // All of its columns are its own: their order stays.
    assert!(!sql(&plan, "create table b").contains("INHERITS"));
    let after: Vec<&str> =
        plan.steps[made[1] + 1..made[1] + 3].iter().map(|s| s.sql.as_str()).collect();
    assert_eq!(after, ["ALTER TABLE acme.b INHERIT acme.a", "ALTER TABLE acme.b INHERIT acme.z"]);
    let mut child = table("b", &["a", "z"]);
    child.columns[0].is_local = false;
    let inherited = template(vec![child, table("a", &[]), table("z", &[])]);
    let plan = super::clone::plan(&inherited, &target()).unwrap();
    assert!(sql(&plan, "create table b").ends_with("INHERITS (acme.a, acme.z)"));
}

#[test]
fn bare_names_mean_the_new_schema_from_its_making_until_the_callers_path_returns() {
    let plan = plan(&template(vec![table("t", &[])]), &target()).unwrap();
    let paths: Vec<_> = plan.steps.iter().filter(|s| s.object.kind == Kind::Path).collect();
    assert_eq!(paths.len(), 2);
    assert_eq!(
        paths[0].sql,
        "SELECT pg_catalog.set_config('search_path', 'acme, pg_catalog, pg_temp', false)"
    );
    assert_eq!(paths[0].undo, Some(paths[1].sql.clone()));
    assert_eq!(paths[1].undo, Some(paths[0].sql.clone()));
    assert_eq!(plan.checks.len(), 2, "nothing may point back, and nobody may do more");
}

#[test]
fn what_tables_need_and_is_not_carried_refuses_the_clone_and_the_rest_is_told() {
    let mut schema = template(vec![table("t", &[])]);
    schema.others = vec![Other { object: "view v".into(), needed: false }];
    assert_eq!(plan(&schema, &target()).unwrap().findings.len(), 1);
    schema.others.push(Other { object: "function f()".into(), needed: true });
    let refused = plan(&schema, &target());
    assert!(
        matches!(refused, Err(Error::CannotClone { objects, .. }) if objects == ["function f()"])
    );
}

#[test]
fn a_trigger_that_the_caller_may_not_make_refuses_the_clone() {
    let mut audited = table("t", &[]);
    audited.triggers = vec![Trigger {
        name: "audit".into(),
        definition: "CREATE TRIGGER ...".into(),
        enabled: "A".into(),
        inherited: false,
        row_with_transition: false,
        conditional: false,
        function: Named { schema: "tenant_guard".into(), name: "audit_row".into() },
        executable: false,
        arguments_hex: String::new(),
        comment: None,
    }];
    let refused = plan(&template(vec![audited]), &target());
    assert!(
        matches!(refused, Err(Error::NotPermitted { detail, .. }) if detail.contains("tenant_guard.audit_row"))
    );
}

#[test]
fn a_table_whose_policies_are_for_other_roles_is_told() {
    let policy = |roles: &[&str]| Policy {
        name: "p".into(),
        command: "ALL".into(),
        permissive: true,
        roles: roles.iter().map(|r| (*r).to_string()).collect(),
        using: Some("true".into()),
        check: None,
        comment: None,
    };
    for (roles, findings) in [(&["authenticated"][..], 1), (&[], 0), (&["tenant_acme"], 0)] {
        let closed = Table { row_security: true, policies: vec![policy(roles)], ..table("t", &[]) };
        let plan = plan(&template(vec![closed]), &target()).unwrap();
        assert_eq!(plan.findings.len(), findings, "{roles:?}");
    }
}

#[test]
fn a_check_that_is_not_validated_stays_so_and_its_valid_child_too() {
    let parent = Table {
        constraints: vec![check("k", "CHECK (id > 0) NOT VALID", true)],
        ..table("p", &[])
    };
    let child =
        Table { constraints: vec![check("k", "CHECK (id > 0)", false)], ..table("c", &["p"]) };
    let plan = plan(&template(vec![parent, child]), &target()).unwrap();
    assert!(!sql(&plan, "create table p").contains("CHECK"));
    assert_eq!(
        sql(&plan, "add constraint k"),
        "ALTER TABLE acme.p ADD CONSTRAINT k CHECK (id > 0) NOT VALID"
    );
    assert_eq!(
        sql(&plan, "validate constraint k"),
        "ALTER TABLE ONLY acme.c VALIDATE CONSTRAINT k"
    );
}

#[test]
fn a_sequence_of_an_identity_column_comes_with_the_column() {
    let mut schema = template(vec![table("t", &[])]);
    schema.tables[0].columns[0].identity = "a".into();
    schema.sequences = vec![Sequence {
        oid: 0,
        name: "odd".into(),
        r#type: "bigint".into(),
        start: 5,
        increment: 2,
        min: 1,
        max: 99,
        cache: 1,
        cycle: true,
        persistence: "p".into(),
        owned_by: Some(crate::catalog::OwnedBy {
            table: "t".into(),
            column: "id".into(),
            identity: true,
        }),
        comment: None,
    }];
    let plan = plan(&schema, &target()).unwrap();
    assert!(!plan.steps.iter().any(|s| s.action == "create sequence odd"));
    assert!(sql(&plan, "create table t").contains(
        "id integer GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME acme.odd START WITH 5 INCREMENT BY 2 MINVALUE 1 MAXVALUE 99 CACHE 1 CYCLE)"
    ));
}

#[test]
fn an_owner_that_is_its_own_tenant_keeps_its_rights_when_undone() {
    let own = Target { role: Some("owner".into()), role_created: false, ..target() };
    let plan = plan(&template(vec![table("t", &[])]), &own).unwrap();
    let grants = |k| matches!(k, Kind::TableGrants | Kind::SchemaGrants);
    assert!(!plan.steps.iter().any(|s| grants(s.object.kind)));
}
