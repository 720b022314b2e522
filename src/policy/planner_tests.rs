//! The planner, table-driven, without a server.

use super::harden::index_name;
use super::model::{policies, Tenancy, FLOOR};
use super::options::{Call, Existing, IndexMode, Options, Scope};
use super::planner::{protect, unprotect, Site, World};
use crate::catalog::{
    Column, ForeignKey, IdType, Index, Named, Policy, Table, TenantColumn, Trigger,
};
use crate::error::{Error, Result};
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
        permissions: None,
        project_column: None,
        owner_column: None,
        via: None,
        shared: None,
        kept: vec![],
        of_schema: false,
    }
}

const CALL: Call = Call { existing: Existing::Refuse, index: IndexMode::Build };

fn site() -> Site {
    Site {
        taken: vec![],
        api_roles: vec!["authenticated".into()],
        unbound: vec![],
        organization: None,
    }
}

/// With the server's spelling taken to be the one that was written.
fn plan_of(family: &[Table], options: &Options, call: Call, keys: &[ForeignKey]) -> Result<Plan> {
    let normal = |_: &Table, text: &str| Ok(text.to_string());
    let registered = Some(options.clone());
    let site = site();
    let world =
        World { site: &site, keys, registered: registered.as_ref(), normal: &normal, above: None };
    protect(family, options, call, world)
}

fn planned(family: &[Table], options: &Options) -> Plan {
    plan_of(family, options, CALL, &[]).unwrap()
}

fn actions(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.action.as_str()).collect()
}

/// The table as it is once the plan was applied.
fn protected(name: &str, options: &Options) -> Table {
    let mut table = table(name);
    let tenancy = Tenancy::of_column(&table, "org").unwrap();
    table.policies =
        policies(&table, &tenancy, options, &|_: &Table, text: &str| Ok(text.to_string())).unwrap();
    table.columns[0].default = Some("tenant_guard.org_id()".into());
    if options.scope == Scope::Member {
        table.triggers = vec![keep_tenant("org")];
    }
    table.row_security = true;
    table.force_row_security = true;
    table.indexes = vec![index(&["org"])];
    table
}

fn index(columns: &[&str]) -> Index {
    Index {
        name: "i".into(),
        method: "btree".into(),
        valid: true,
        columns: columns.iter().map(|c| Some((*c).to_string())).collect(),
        ..Index::default()
    }
}

fn keep_tenant(column: &str) -> Trigger {
    let hex: String = column.bytes().map(|b| format!("{b:02x}")).collect();
    Trigger {
        name: "tenant_guard_keep_tenant".into(),
        definition: format!("CREATE TRIGGER tenant_guard_keep_tenant AFTER UPDATE ON crm.t FOR EACH ROW WHEN (old.{column} IS DISTINCT FROM new.{column}) EXECUTE FUNCTION tenant_guard.keep_tenant('{column}')"),
        enabled: "O".into(),
        inherited: false,
        row_with_transition: false,
        conditional: false,
        function: Named { schema: "tenant_guard".into(), name: "keep_tenant".into() },
        executable: true,
        arguments_hex: hex + "00",
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
            "set default of org",
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
    assert_eq!(planned(&[there], &member).steps.len(), 3, "the floor, and a trigger");
}

#[test]
fn a_replaced_policy_comes_back_with_its_comment_when_undone() {
    let mut table = table("contacts");
    table.policies = vec![foreign_policy("old one")];
    let replace = Call { existing: Existing::Replace, ..CALL };
    let plan = plan_of(std::slice::from_ref(&table), &options(), replace, &[]).unwrap();
    let undo: Vec<_> = plan.steps[..2].iter().rev().map(|s| s.undo.as_deref().unwrap()).collect();
    assert!(undo[0].starts_with(
        "CREATE POLICY \"old one\" ON crm.contacts AS PERMISSIVE FOR SELECT TO PUBLIC"
    ));
    assert_eq!(undo[1], "COMMENT ON POLICY \"old one\" ON crm.contacts IS 'old'");
}

#[test]
fn a_dropped_trigger_comes_back_with_its_state_and_its_comment_when_undone() {
    let mut there = protected("contacts", &Options { scope: Scope::Member, ..options() });
    there.triggers[0].enabled = "D".into();
    there.triggers[0].comment = Some("ours".into());
    let definition = there.triggers[0].definition.clone();
    let plan = planned(&[there], &options());
    let steps: Vec<_> = plan.steps.iter().filter(|s| s.object.kind == Kind::Trigger).collect();
    let undo: Vec<_> = steps.iter().rev().map(|s| s.undo.as_deref().unwrap()).collect();
    assert_eq!(
        undo,
        [
            definition.as_str(),
            "ALTER TABLE crm.contacts DISABLE TRIGGER tenant_guard_keep_tenant",
            "COMMENT ON TRIGGER tenant_guard_keep_tenant ON crm.contacts IS 'ours'",
        ]
    );
    assert_eq!(steps[2].lock.as_deref(), Some("ACCESS EXCLUSIVE on crm.contacts"));
}

#[test]
fn foreign_policies_are_refused_or_kept_with_a_finding() {
    let mut table = table("contacts");
    table.policies = vec![foreign_policy("old one")];
    let refused = plan_of(std::slice::from_ref(&table), &options(), CALL, &[]);
    assert!(
        matches!(refused, Err(Error::ExistingPolicies { policies, .. }) if policies == ["\"old one\""])
    );
    let keep = Call { existing: Existing::Keep, ..CALL };
    assert_eq!(plan_of(&[table], &options(), keep, &[]).unwrap().findings.len(), 1);
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
        index_name(&table("t"), &["org"], &taken(&["idx_t_org", "idx_t_org_1"])),
        "idx_t_org_2"
    );
    let elsewhere = vec![Named { schema: "other".into(), name: "idx_t_org".into() }];
    assert_eq!(index_name(&table("t"), &["org"], &elsewhere), "idx_t_org");
    let long = index_name(&table(&"é".repeat(40)), &["org"], &[]);
    assert!(long.len() <= 63 && long.starts_with("idx_é"));
    let next = index_name(&table(&"é".repeat(40)), &["org"], &taken(&[&long]));
    assert!(next.len() <= 63 && next.ends_with("_1"));
}

#[test]
fn the_tenant_column_must_exist_and_hold_ids() {
    let with = |column: &str| Options { tenant_column: column.into(), ..options() };
    let refused = |column| plan_of(&[table("t")], &with(column), CALL, &[]).unwrap_err();
    assert!(
        matches!(refused("x"), Error::NoSuchColumn { columns, .. } if columns == ["org", "at"])
    );
    assert!(matches!(refused("at"), Error::WrongColumnType { found, .. } if found == "date"));
}

#[test]
fn the_way_out_drops_the_floor_last_and_opens_the_table_only_when_no_policy_is_left() {
    let mut table = protected("contacts", &options());
    let plan = unprotect(std::slice::from_ref(&table), Some(&options())).unwrap();
    assert_eq!(
        actions(&plan),
        [
            "remove the registered protection",
            "drop default of org",
            "drop policy tenant_guard_select",
            "drop policy tenant_guard_insert",
            "drop policy tenant_guard_update",
            "drop policy tenant_guard_delete",
            "drop policy tenant_guard_tenant",
            "no force row level security",
            "disable row level security",
        ]
    );

    assert_eq!(plan.findings.len(), 1, "it says that the table is open");

    table.policies.push(foreign_policy("theirs"));
    let plan = unprotect(&[table], None).unwrap();
    assert_eq!((plan.steps.len(), plan.findings.len()), (5, 1), "row-level security stays on");
}

fn key(from: u32, columns: &[&str], to: u32, name: &str, tenant: bool) -> ForeignKey {
    ForeignKey {
        constraint: format!("{from}_{to}_{}", columns.join("_")),
        from,
        to,
        schema: "crm".into(),
        name: name.into(),
        columns: columns.iter().map(|c| (*c).to_string()).collect(),
        referenced: columns.iter().map(|_| "id".to_string()).collect(),
        operators: columns.iter().map(|_| "=".to_string()).collect(),
        on_delete: "a".into(),
        on_update: "a".into(),
        readable: true,
        protected: true,
        tenant: tenant.then(|| TenantColumn {
            name: "org".into(),
            quoted: "org".into(),
            r#type: "uuid".into(),
            base_type: "uuid".into(),
            domain: false,
            fuzzy: false,
            not_null: true,
        }),
    }
}

fn child() -> Table {
    let columns = ["id", "project", "lead", "self"].map(|name| column(name, "bigint")).to_vec();
    Table { oid: 1, columns, ..table("tasks") }
}

#[test]
fn the_one_shortest_way_to_the_tenant_is_found_and_every_name_in_it_is_qualified() {
    let keys = [
        key(1, &["self"], 1, "tasks", false),
        key(1, &["lead"], 3, "leads", false),
        key(3, &["owner"], 4, "owners", true),
        key(1, &["project"], 2, "projects", true),
    ];
    let plan = plan_of(&[child()], &options(), CALL, &keys).unwrap();
    let floor = plan.steps.iter().find(|s| s.action.ends_with(FLOOR)).unwrap();
    assert!(
        floor.sql.contains(
            "EXISTS ( SELECT FROM crm.projects tenant_guard_1 WHERE (tenant_guard_1.id = tasks.project) AND (tenant_guard_1.org = (tenant_guard.context()).org_id)"
        ),
        "{}",
        floor.sql
    );
    assert!(actions(&plan).contains(&"create index idx_tasks_project"));
    let via = Options { via: Some("lead".into()), ..options() };
    let plan = plan_of(&[child()], &via, CALL, &keys).unwrap();
    assert!(plan.steps[2].sql.contains("(tenant_guard_2.id = tenant_guard_1.owner)"));
}

#[test]
fn several_shortest_ways_are_listed_and_none_is_an_error_too() {
    let keys = [key(1, &["project"], 2, "projects", true), key(1, &["lead"], 3, "leads", true)];
    let refused = plan_of(&[child()], &options(), CALL, &keys).unwrap_err();
    assert!(
        matches!(&refused, Error::AmbiguousPath { paths, .. } if paths == &["project -> crm.projects", "lead -> crm.leads"]),
        "{refused:?}"
    );
    let with = |via: &str| Options { via: Some(via.into()), ..options() };
    assert!(plan_of(&[child()], &with("lead"), CALL, &keys).is_ok());
    assert!(matches!(plan_of(&[child()], &with("self"), CALL, &keys), Err(Error::NoPath { .. })));
    assert!(matches!(
        plan_of(&[child()], &with("nope"), CALL, &keys),
        Err(Error::NoSuchColumn { .. })
    ));
    let of_its_own = plan_of(&[table("t")], &with("at"), CALL, &[]);
    assert!(matches!(of_its_own, Err(Error::WrongOption { option: "via", .. })));
}

#[test]
fn a_cycle_of_foreign_keys_ends_the_search() {
    let keys = [key(1, &["project"], 2, "a", false), key(2, &["b"], 1, "tasks", false)];
    let refused = plan_of(&[child()], &options(), CALL, &keys);
    assert!(matches!(refused, Err(Error::NoSuchColumn { .. })));
}

#[test]
fn a_tenant_column_of_another_type_than_the_organizations_is_told() {
    let normal = |_: &Table, text: &str| Ok(text.to_string());
    let organization = Some((IdType::Integer, "crm.members".into(), "organization_id".into()));
    let site = Site { organization, ..site() };
    let world = World { site: &site, keys: &[], registered: None, normal: &normal, above: None };
    let plan = protect(&[table("t")], &options(), CALL, world).unwrap();
    assert!(plan.findings.iter().any(|f| f.message.contains("holds other ids")));
}

#[test]
fn shared_rows_have_a_floor_for_each_command_and_are_nobodys_to_write() {
    let shared = Options { shared: Some("org IS NULL".into()), ..options() };
    let plan = planned(&[table("t")], &shared);
    let sql = |name: &str| {
        let action = format!("create policy {name}");
        plan.steps.iter().find(|s| s.action == action).unwrap().sql.clone()
    };
    assert!(sql(FLOOR).contains("FOR SELECT") && sql(FLOOR).contains("OR (org IS NULL)"));
    for (name, command) in [
        ("tenant_guard_tenant_insert", "FOR INSERT"),
        ("tenant_guard_tenant_update", "FOR UPDATE"),
        ("tenant_guard_tenant_delete", "FOR DELETE"),
    ] {
        let sql = sql(name);
        assert!(sql.contains("AS RESTRICTIVE") && sql.contains(command), "{sql}");
        assert!(sql.contains("AND ((org IS NULL) IS NOT TRUE)"), "{sql}");
    }
    // Back to one floor: those by command go.
    let protected = protected("t", &shared);
    let back = planned(&[protected], &options());
    assert!(actions(&back).contains(&"drop policy tenant_guard_tenant_delete"));
}

#[test]
fn a_command_that_permissions_do_not_name_has_no_grant() {
    let permissions = super::permissions::Permissions::parse(
        &serde_json::json!({"select": "member", "update": ["own", "admin", "leads:write"]}),
    );
    let options = Options {
        permissions: Some(permissions.unwrap()),
        owner_column: Some("org2".into()),
        ..options()
    };
    let mut table = table("t");
    table.columns.push(column("org2", "uuid"));
    let plan = planned(&[table.clone()], &options);
    let created: Vec<&str> =
        actions(&plan).into_iter().filter(|a| a.starts_with("create policy")).collect();
    assert_eq!(
        created,
        [
            "create policy tenant_guard_tenant",
            "create policy tenant_guard_select",
            "create policy tenant_guard_update"
        ]
    );
    let update = plan.steps.iter().find(|s| s.action.ends_with("tenant_guard_update")).unwrap();
    assert!(
        update.sql.contains("(( SELECT tenant_guard.has_role('admin') OR tenant_guard.has_permission('leads:write') AS permitted) OR (org2 = ( SELECT tenant_guard.uid() AS uid)))"),
        "{}",
        update.sql
    );
    // In several organizations a role counts in its own only.
    let member = Options { scope: Scope::Member, ..options };
    let plan = planned(&[table], &member);
    let update = plan.steps.iter().find(|s| s.action.ends_with("tenant_guard_update")).unwrap();
    assert!(
        update
            .sql
            .contains("tenant_guard.permitted_org_ids(VARIADIC ARRAY['admin', 'leads:write'])"),
        "{}",
        update.sql
    );
}
