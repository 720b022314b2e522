//! The planner, table-driven, without a server.

use super::model::{Scope, FLOOR};
use super::planner::{index_name, protect, unprotect, Existing, IndexMode, Options};
use crate::catalog::{Column, Index, Named, Policy, Table};
use crate::error::Error;
use crate::plan::{Kind, Plan};

fn column(name: &str, base_type: &str) -> Column {
    Column {
        name: name.into(),
        quoted: name.into(),
        r#type: base_type.into(),
        base_type: base_type.into(),
        ..Column::default()
    }
}

fn table(name: &str) -> Table {
    Table {
        schema: "crm".into(),
        name: name.into(),
        kind: "r".into(),
        columns: vec![column("org", "uuid"), column("at", "date")],
        ..Table::default()
    }
}

fn options() -> Options {
    Options {
        tenant_column: "org".into(),
        scope: Scope::Active,
        roles: vec!["authenticated".into()],
        existing: Existing::Refuse,
        index: IndexMode::Build,
    }
}

fn planned(family: &[Table], options: &Options) -> Plan {
    protect(family, options, &[]).unwrap()
}

fn actions(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.action.as_str()).collect()
}

/// The table as it is once the plan was applied.
fn protected(name: &str, options: &Options) -> Table {
    let mut table = table(name);
    let (column, id) = (&table.columns[0], crate::catalog::IdType::Uuid);
    let condition = super::model::tenant_condition(column, id, options.scope);
    table.policies = super::model::policies(&condition, &options.roles);
    table.row_security = true;
    table.force_row_security = true;
    table.indexes = vec![index(&["org"])];
    table
}

fn index(columns: &[&str]) -> Index {
    Index {
        name: "i".into(),
        definition: String::new(),
        method: "btree".into(),
        constraint: None,
        valid: true,
        partial: false,
        clustered: false,
        replica_identity: false,
        columns: columns.iter().map(|c| Some((*c).to_string())).collect(),
        parent: None,
        comment: None,
    }
}

fn foreign_policy(name: &str) -> Policy {
    Policy {
        name: name.into(),
        command: "SELECT".into(),
        permissive: true,
        roles: vec![],
        using: Some("true".into()),
        check: None,
        comment: Some("old".into()),
    }
}

#[test]
fn an_open_table_is_enabled_forced_floored_granted_and_indexed() {
    let plan = planned(&[table("contacts")], &options());
    assert_eq!(
        actions(&plan),
        [
            "enable row level security",
            "force row level security",
            "create policy tenant_guard_tenant",
            "create policy tenant_guard_select",
            "create policy tenant_guard_insert",
            "create policy tenant_guard_update",
            "create policy tenant_guard_delete",
            "create index idx_contacts_org",
        ]
    );
    assert!(plan.steps[2].sql.contains("AS RESTRICTIVE FOR ALL TO PUBLIC"));
    assert!(plan.steps.iter().all(|s| s.undo.is_some() && !s.why.is_empty()));
}

#[test]
fn a_protected_table_needs_nothing() {
    let options = options();
    assert!(planned(&[protected("contacts", &options)], &options).steps.is_empty());
}

#[test]
fn only_what_differs_is_planned() {
    let there = protected("contacts", &options());
    let mut unforced = there.clone();
    unforced.force_row_security = false;
    assert_eq!(actions(&planned(&[unforced], &options())), ["force row level security"]);

    let mut widened = there.clone();
    let position = widened.policies.iter().position(|p| p.name == FLOOR).unwrap();
    widened.policies[position].using = Some("true".into());
    assert_eq!(
        actions(&planned(&[widened], &options())),
        ["drop policy tenant_guard_tenant", "create policy tenant_guard_tenant"]
    );

    let member = Options { scope: Scope::Member, ..options() };
    assert_eq!(planned(&[there], &member).steps.len(), 10);
}

#[test]
fn a_replaced_policy_comes_back_with_its_comment_when_undone() {
    let mut table = table("contacts");
    table.policies = vec![foreign_policy("old one")];
    let replace = Options { existing: Existing::Replace, ..options() };
    let plan = planned(std::slice::from_ref(&table), &replace);
    let undo: Vec<_> = plan.steps[..2].iter().rev().map(|s| s.undo.as_deref().unwrap()).collect();
    assert!(undo[0].starts_with(
        "CREATE POLICY \"old one\" ON crm.contacts AS PERMISSIVE FOR SELECT TO PUBLIC"
    ));
    assert_eq!(undo[1], "COMMENT ON POLICY \"old one\" ON crm.contacts IS 'old'");
}

#[test]
fn foreign_policies_are_refused_or_kept_with_a_finding() {
    let mut table = table("contacts");
    table.policies = vec![foreign_policy("old one")];
    let refused = protect(std::slice::from_ref(&table), &options(), &[]);
    assert!(
        matches!(refused, Err(Error::ExistingPolicies { policies, .. }) if policies == ["\"old one\""])
    );
    let keep = Options { existing: Existing::Keep, ..options() };
    assert_eq!(planned(&[table], &keep).findings.len(), 1);
}

#[test]
fn every_partition_gets_policies_and_only_the_parent_an_index() {
    let parent = Table {
        oid: 1,
        kind: "p".into(),
        partition_key: Some("LIST (org)".into()),
        ..table("events")
    };
    let leaf = Table { oid: 2, is_partition: true, ..table("events_a") };
    let plan = planned(&[parent, leaf], &options());
    let count = |kind| plan.steps.iter().filter(|s| s.object.kind == kind).count();
    assert_eq!((count(Kind::Policy), count(Kind::RowSecurity), count(Kind::Index)), (10, 4, 1));
}

#[test]
fn a_child_that_inherits_gets_an_index_of_its_own() {
    let parent = Table { oid: 1, ..table("notes") };
    let child = Table { oid: 2, ..table("notes_old") };
    let plan = planned(&[parent, child], &options());
    assert_eq!(plan.steps.iter().filter(|s| s.object.kind == Kind::Index).count(), 2);
}

#[test]
fn an_index_serves_only_when_it_leads_with_the_column_and_holds_every_row() {
    let unusable: [fn(&mut Index); 3] =
        [|i| i.valid = false, |i| i.partial = true, |i| i.method = "hash".into()];
    for spoil in unusable {
        let mut table = table("t");
        let mut spoiled = index(&["org"]);
        spoil(&mut spoiled);
        table.indexes = vec![spoiled, index(&["at", "org"])];
        assert!(!table.has_index_leading_with("org"));
    }
    let mut served = table("t");
    served.indexes = vec![index(&["org", "at"])];
    assert!(served.has_index_leading_with("org"));
}

#[test]
fn index_names_fit_and_avoid_each_other() {
    let taken = |names: &[&str]| -> Vec<Named> {
        names.iter().map(|n| Named { schema: "crm".into(), name: (*n).into() }).collect()
    };
    assert_eq!(
        index_name(&table("t"), "org", &taken(&["idx_t_org", "idx_t_org_1"])),
        "idx_t_org_2"
    );
    let elsewhere = vec![Named { schema: "other".into(), name: "idx_t_org".into() }];
    assert_eq!(index_name(&table("t"), "org", &elsewhere), "idx_t_org");
    let long = index_name(&table(&"é".repeat(40)), "org", &[]);
    assert!(long.len() <= 63 && long.starts_with("idx_é"));
    let next = index_name(&table(&"é".repeat(40)), "org", &taken(&[&long]));
    assert!(next.len() <= 63 && next.ends_with("_1"));
}

#[test]
fn the_tenant_column_must_exist_and_hold_ids() {
    let with = |column: &str| Options { tenant_column: column.into(), ..options() };
    let refused = |column| protect(&[table("t")], &with(column), &[]).unwrap_err();
    assert!(
        matches!(refused("x"), Error::NoSuchColumn { columns, .. } if columns == ["org", "at"])
    );
    assert!(matches!(refused("at"), Error::WrongColumnType { found, .. } if found == "date"));
}

#[test]
fn the_way_out_drops_the_floor_last_and_opens_the_table_only_when_no_policy_is_left() {
    let mut table = protected("contacts", &options());
    let plan = unprotect(std::slice::from_ref(&table));
    let floor = plan.steps.iter().position(|s| s.action.ends_with(FLOOR)).unwrap();
    assert_eq!(floor, 4);
    assert_eq!(actions(&plan)[5..], ["no force row level security", "disable row level security"]);

    assert_eq!(plan.findings.len(), 1, "it says that the table is open");

    table.policies.push(foreign_policy("theirs"));
    let plan = unprotect(&[table]);
    assert_eq!((plan.steps.len(), plan.findings.len()), (5, 1));
}
