//! The planner of the audit triggers, without a server.

use super::options::{Options, Policy};
use super::planner::{disable, enable, tell_personal, TRIGGERS};
use crate::catalog::{Column, Constraint, Named, Table, Trigger};
use crate::error::Error;
use crate::plan::Plan;

fn table(oid: u32, name: &str, columns: &[&str]) -> Table {
    let column =
        |name: &&str| Column { name: (*name).into(), quoted: (*name).into(), ..Column::default() };
    Table {
        oid,
        schema: "crm".into(),
        name: name.into(),
        columns: columns.iter().map(column).collect(),
        ..Table::default()
    }
}

fn trigger(name: &str, argument: &str, enabled: &str) -> Trigger {
    let function = match name.rsplit('_').next() {
        Some("row") => "audit_row",
        Some("truncate") => "audit_truncate",
        _ => "audit_statement",
    };
    Trigger {
        name: name.into(),
        definition: format!("CREATE TRIGGER {name} ..."),
        enabled: enabled.into(),
        inherited: false,
        row_with_transition: false,
        conditional: false,
        function: Named { schema: "tenant_guard".into(), name: function.into() },
        executable: true,
        arguments_hex: argument.bytes().chain([0]).map(|b| format!("{b:02x}")).collect(),
        comment: None,
    }
}

/// The triggers that a table of its own has.
fn audited(argument: &str) -> Vec<Trigger> {
    let state = |name: &str| match name.rsplit('_').next() {
        Some("row") => "R",
        Some("truncate") => "A",
        _ => "O",
    };
    TRIGGERS.iter().map(|name| trigger(name, argument, state(name))).collect()
}

fn tenant(column: &str) -> Options {
    Options { tenant: Some(column.into()), ..Options::default() }
}

fn actions(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.action.as_str()).collect()
}

const ORG: &str = r#"{"tenant":"org"}"#;

#[test]
fn a_table_is_audited_by_statement_and_by_row_for_replication() {
    let plan = enable(&[table(1, "t", &["org"])], tenant("org")).unwrap();
    assert_eq!(
        actions(&plan),
        [
            "create trigger tenant_guard_audit_insert",
            "create trigger tenant_guard_audit_update",
            "create trigger tenant_guard_audit_delete",
            "create trigger tenant_guard_audit_truncate",
            "enable trigger tenant_guard_audit_truncate always",
            "create trigger tenant_guard_audit_row",
            "enable trigger tenant_guard_audit_row for replication",
        ]
    );
    let call = format!("EXECUTE FUNCTION tenant_guard.audit_statement('{ORG}')");
    assert!(plan.steps[0].sql.ends_with(&call), "{}", plan.steps[0].sql);
}

#[test]
fn the_tenant_column_is_found_taken_or_refused() {
    let argument = |columns: &[&str], options: Options| {
        enable(&[table(1, "t", columns)], options)
            .map(|plan| plan.steps[0].sql.split("audit_statement").nth(1).map(str::to_string))
    };
    assert_eq!(
        argument(&["organization_id"], Options::default()).unwrap().as_deref(),
        Some(r#"('{"tenant":"organization_id"}')"#)
    );
    assert_eq!(argument(&["x"], Options::default()).unwrap().as_deref(), Some("('{}')"));
    assert_eq!(
        argument(&["it's"], tenant("it's")).unwrap().as_deref(),
        Some(r#"('{"tenant":"it''s"}')"#)
    );
    assert!(matches!(argument(&["x"], tenant("y")), Err(Error::NoSuchColumn { .. })));
}

#[test]
fn what_is_there_is_left_and_what_differs_is_replaced() {
    let mut there = table(1, "t", &["org"]);
    there.triggers = audited(ORG);
    assert!(enable(std::slice::from_ref(&there), tenant("org")).unwrap().steps.is_empty());
    there.triggers[4].enabled = "D".into();
    let again = enable(std::slice::from_ref(&there), tenant("org")).unwrap();
    assert_eq!(actions(&again), ["enable trigger tenant_guard_audit_truncate always"]);
    assert!(again.steps[0].undo.as_deref().unwrap().contains(" DISABLE TRIGGER "));

    let other = enable(&[there], Options::default()).unwrap();
    assert_eq!(
        actions(&other)[..2],
        ["drop trigger tenant_guard_audit_insert", "create trigger tenant_guard_audit_insert"]
    );
}

#[test]
fn partitions_inherit_the_row_trigger_and_get_those_for_statements() {
    let leaf = Table { is_partition: true, ..table(2, "leaf", &["org"]) };
    let plan = enable(&[table(1, "t", &["org"]), leaf.clone()], tenant("org")).unwrap();
    let count = |action: &str| {
        plan.steps.iter().filter(|s| s.action == format!("create trigger {action}")).count()
    };
    assert_eq!(count("tenant_guard_audit_row"), 1);
    for name in ["insert", "update", "delete", "truncate"] {
        assert_eq!(count(&format!("tenant_guard_audit_{name}")), 2, "{name}");
    }
    assert_eq!(plan.steps.last().unwrap().object.table, "t");
    // Audited by itself, a partition gets all of them.
    assert_eq!(enable(&[leaf], Options::default()).unwrap().steps.len(), 7);
}

#[test]
fn a_family_that_inherits_is_audited_row_by_row() {
    let mut parent = table(1, "t", &["org"]);
    parent.triggers = audited(ORG);
    let child = table(2, "child", &["org", "extra"]);
    let plan = enable(&[parent, child], tenant("org")).unwrap();
    let actions = actions(&plan);
    for name in ["insert", "update", "delete"] {
        let drop = format!("drop trigger tenant_guard_audit_{name}");
        assert_eq!(actions.iter().filter(|a| **a == drop).count(), 1, "{name}");
    }
    assert_eq!(actions.last(), Some(&"enable trigger tenant_guard_audit_row always"));
    assert_eq!(
        actions.iter().filter(|a| **a == "enable trigger tenant_guard_audit_row always").count(),
        2
    );
}

#[test]
fn the_key_and_the_tenant_are_not_hidden() {
    let mut keyed = table(1, "t", &["id", "org", "email"]);
    keyed.constraints =
        vec![Constraint { kind: "p".into(), columns: vec!["id".into()], ..Constraint::default() }];
    let with = |column: &str, policy| Options {
        columns: [(column.to_string(), policy)].into(),
        ..tenant("org")
    };
    let asked =
        |options| enable(std::slice::from_ref(&keyed), options).map(|plan| plan.steps.len());
    assert!(asked(with("email", Policy::Mask)).is_ok());
    assert!(asked(with("id", Policy::Include)).is_ok());
    assert!(matches!(asked(with("id", Policy::Hash)), Err(Error::AuditPolicy { .. })));
    assert!(matches!(asked(with("org", Policy::Omit)), Err(Error::AuditPolicy { .. })));
    assert!(matches!(asked(with("none", Policy::Omit)), Err(Error::NoSuchColumn { .. })));
}

#[test]
fn the_log_is_not_audited() {
    let log = Table { schema: "tenant_guard".into(), ..table(1, "audit_event_2026_11", &[]) };
    assert!(matches!(enable(&[log], Options::default()), Err(Error::SystemTable { .. })));
}

#[test]
fn disabling_takes_what_is_the_tables_own_and_its_state_back_with_it() {
    let mut there = table(1, "t", &["org"]);
    there.triggers = vec![trigger("tenant_guard_audit_row", ORG, "R")];
    let plan = disable(std::slice::from_ref(&there));
    let undo: Vec<_> = plan.steps.iter().rev().map(|s| s.undo.as_deref().unwrap()).collect();
    assert_eq!(
        undo,
        [
            "CREATE TRIGGER tenant_guard_audit_row ...",
            "ALTER TABLE crm.t ENABLE REPLICA TRIGGER tenant_guard_audit_row"
        ]
    );
    there.triggers[0].inherited = true;
    assert!(disable(&[there]).steps.is_empty());
}

#[test]
fn a_key_that_tells_of_a_person_is_told_of() {
    let mut people = table(1, "people", &["email", "note"]);
    let told = |table: &Table| {
        let mut plan = Plan::new("enable_audit", table.qualified());
        tell_personal(&mut plan, table, &["email".to_string(), "note".to_string()]);
        plan.findings.iter().map(|f| f.message.clone()).collect::<Vec<_>>()
    };
    assert!(told(&people).is_empty());
    people.constraints.push(Constraint {
        kind: "p".into(),
        columns: vec!["email".into()],
        ..Constraint::default()
    });
    assert_eq!(told(&people), ["columns of crm.people are logged as they are: email"]);
}
