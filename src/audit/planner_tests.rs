//! The planner of the audit triggers, without a server.

use super::planner::{disable, enable};
use crate::catalog::{Column, Named, Table, Trigger};
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

fn trigger(name: &str, function: &str, arguments_hex: &str, enabled: &str) -> Trigger {
    Trigger {
        name: name.into(),
        definition: format!("CREATE TRIGGER {name} ..."),
        enabled: enabled.into(),
        inherited: false,
        row_with_transition: false,
        function: Named { schema: "tenant_guard".into(), name: function.into() },
        executable: true,
        arguments_hex: arguments_hex.into(),
        comment: None,
    }
}

fn actions(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.action.as_str()).collect()
}

/// "org" and its zero byte.
const ORG: &str = "6f726700";

#[test]
fn a_table_gets_a_row_and_a_truncate_trigger_that_fire_always() {
    let plan = enable(&[table(1, "t", &["org"])], Some("org".into())).unwrap();
    assert_eq!(
        actions(&plan),
        [
            "create trigger tenant_guard_audit_row",
            "enable trigger tenant_guard_audit_row always",
            "create trigger tenant_guard_audit_truncate",
            "enable trigger tenant_guard_audit_truncate always",
        ]
    );
    assert!(plan.steps[0].sql.ends_with("EXECUTE FUNCTION tenant_guard.audit_row('org')"));
}

#[test]
fn the_tenant_column_is_found_taken_or_refused() {
    let argument = |columns: &[&str], asked: Option<&str>| {
        enable(&[table(1, "t", columns)], asked.map(str::to_string))
            .map(|plan| plan.steps[0].sql.split("audit_row").nth(2).map(str::to_string))
    };
    assert_eq!(
        argument(&["organization_id"], None).unwrap().as_deref(),
        Some("('organization_id')")
    );
    assert_eq!(argument(&["x"], None).unwrap().as_deref(), Some("()"));
    assert_eq!(argument(&["it's"], Some("it's")).unwrap().as_deref(), Some("('it''s')"));
    assert!(matches!(argument(&["x"], Some("y")), Err(Error::NoSuchColumn { .. })));
}

#[test]
fn what_is_there_is_left_and_what_differs_is_replaced() {
    let mut audited = table(1, "t", &["org"]);
    audited.triggers = vec![
        trigger("tenant_guard_audit_row", "audit_row", ORG, "A"),
        trigger("tenant_guard_audit_truncate", "audit_truncate", "", "D"),
    ];
    let again = enable(std::slice::from_ref(&audited), Some("org".into())).unwrap();
    assert_eq!(actions(&again), ["enable trigger tenant_guard_audit_truncate always"]);
    assert!(again.steps[0].undo.as_deref().unwrap().contains(" DISABLE TRIGGER "));

    let other = enable(&[audited], None).unwrap();
    assert_eq!(
        actions(&other)[..2],
        ["enable trigger tenant_guard_audit_row as usual", "drop trigger tenant_guard_audit_row"]
    );
}

#[test]
fn partitions_inherit_the_row_trigger_and_get_a_truncate_trigger_of_their_own() {
    let leaf = Table { is_partition: true, ..table(2, "leaf", &["org"]) };
    let plan = enable(&[table(1, "t", &["org"]), leaf.clone()], Some("org".into())).unwrap();
    let rows =
        plan.steps.iter().filter(|s| s.action == "create trigger tenant_guard_audit_row").count();
    let truncates = plan
        .steps
        .iter()
        .filter(|s| s.action == "create trigger tenant_guard_audit_truncate")
        .count();
    assert_eq!((rows, truncates), (1, 2));
    // Audited by itself, a partition gets both.
    assert_eq!(enable(&[leaf], None).unwrap().steps.len(), 4);
}

#[test]
fn disabling_takes_what_is_the_tables_own_and_its_state_back_with_it() {
    let mut audited = table(1, "t", &["org"]);
    audited.triggers = vec![trigger("tenant_guard_audit_row", "audit_row", ORG, "A")];
    let plan = disable(std::slice::from_ref(&audited));
    let undo: Vec<_> = plan.steps.iter().rev().map(|s| s.undo.as_deref().unwrap()).collect();
    assert_eq!(
        undo,
        [
            "CREATE TRIGGER tenant_guard_audit_row ...",
            "ALTER TABLE crm.t ENABLE ALWAYS TRIGGER tenant_guard_audit_row"
        ]
    );
    audited.triggers[0].inherited = true;
    assert!(disable(&[audited]).steps.is_empty());
}
