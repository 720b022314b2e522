//! The planners, table-driven, without a server.

use super::options::{self, Columns, Feature};
use super::planner::add;
use super::removal;
use super::surroundings::{EnumType, Surroundings, Target};
use crate::catalog::{Column, Constraint, Index, Named, Table, Trigger};
use crate::error::Error;
use crate::plan::Plan;

fn column(name: &str, r#type: &str) -> Column {
    Column {
        name: name.into(),
        quoted: name.into(),
        r#type: r#type.into(),
        base_type: r#type.into(),
        ..Column::default()
    }
}

fn table(name: &str) -> Table {
    Table {
        oid: 1,
        schema: "crm".into(),
        name: name.into(),
        kind: "r".into(),
        columns: vec![column("body", "text")],
        ..Table::default()
    }
}

fn features(texts: &[&str]) -> Vec<Feature> {
    let texts: Vec<_> = texts.iter().map(|t| Some((*t).to_string())).collect();
    options::parse_all(&texts).unwrap()
}

fn around() -> Surroundings {
    let mut organizations = table("organizations");
    organizations.oid = 7;
    organizations.columns = vec![column("id", "bigint")];
    let mut projects = table("projects");
    projects.oid = 8;
    projects.columns = vec![column("id", "uuid"), column("organization_id", "bigint")];
    projects.constraints = vec![unique("both", &["organization_id", "id"])];
    Surroundings {
        organizations: Some(Target { table: organizations, key: "id".into() }),
        projects: Some(Target { table: projects, key: "id".into() }),
        status: Some(EnumType {
            schema: "crm".into(),
            name: "t_status".into(),
            labels: vec!["it's".into(), "done".into()],
            there: false,
        }),
        actor: None,
        taken: vec![],
    }
}

fn unique(name: &str, columns: &[&str]) -> Constraint {
    Constraint {
        name: name.into(),
        kind: "u".into(),
        definition: format!("UNIQUE ({})", columns.join(", ")),
        columns: columns.iter().map(ToString::to_string).collect(),
        ..Constraint::default()
    }
}

fn trigger(name: &str, function: &str, events: &str, arguments: &[&str]) -> Trigger {
    let hex = arguments.iter().flat_map(|a| a.bytes().chain([0])).map(|b| format!("{b:02x}"));
    Trigger {
        name: name.into(),
        definition: format!("CREATE TRIGGER {name} BEFORE {events} ON crm.t FOR EACH ROW ..."),
        enabled: "O".into(),
        inherited: false,
        row_with_transition: false,
        conditional: false,
        function: Named { schema: "tenant_guard".into(), name: function.into() },
        executable: true,
        arguments_hex: hex.collect(),
        comment: None,
    }
}

fn planned(table: &Table, texts: &[&str]) -> Plan {
    add(std::slice::from_ref(table), &features(texts), &around()).unwrap()
}

fn sql(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.sql.as_str()).collect()
}

#[test]
fn the_tenant_column_has_the_type_of_the_key_and_the_helper_of_the_type() {
    assert_eq!(
        sql(&planned(&table("t"), &["tenant"])),
        [
            "ALTER TABLE crm.t ADD COLUMN organization_id bigint NOT NULL DEFAULT tenant_guard.org_id_bigint()",
            "ALTER TABLE crm.t ADD CONSTRAINT t_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES crm.organizations (id) ON DELETE CASCADE",
            "CREATE INDEX idx_t_organization_id ON crm.t (organization_id)",
        ]
    );
}

#[test]
fn a_table_that_may_have_rows_needs_to_know_whose_they_are() {
    let full = Table { may_have_rows: true, ..table("t") };
    let refused = add(std::slice::from_ref(&full), &features(&["tenant"]), &around());
    assert!(matches!(refused, Err(Error::FeatureUnfit { feature: "tenant", .. })));
    let plan = planned(&full, &["tenant:{\"backfill\": 7}"]);
    assert_eq!(
        sql(&plan)[..2],
        [
            "ALTER TABLE crm.t ADD COLUMN organization_id bigint NOT NULL DEFAULT '7'",
            "ALTER TABLE crm.t ALTER COLUMN organization_id SET DEFAULT tenant_guard.org_id_bigint()",
        ]
    );
    let unfit = add(&[full], &features(&["tenant:{\"backfill\": \"x\"}"]), &around());
    assert!(matches!(unfit, Err(Error::FeatureUnfit { .. })));
}

#[test]
fn a_project_is_tied_to_its_organization_where_the_tables_allow_it() {
    let fkey = |plan: &Plan| {
        sql(plan).iter().find(|s| s.contains("projects")).map(ToString::to_string).unwrap()
    };
    let both = planned(&table("t"), &["tenant", "project"]);
    assert!(fkey(&both).contains(
        "FOREIGN KEY (organization_id, project_id) REFERENCES crm.projects (organization_id, id)"
    ));
    let alone = planned(&table("t"), &["project"]);
    assert!(fkey(&alone).contains("FOREIGN KEY (project_id) REFERENCES crm.projects (id)"));
    let mut other = table("t");
    other.columns.push(column("organization_id", "uuid"));
    assert!(fkey(&planned(&other, &["project"])).contains("FOREIGN KEY (project_id)"));
}

#[test]
fn one_trigger_keeps_what_is_kept_already_and_what_is_new() {
    let mut there = table("t");
    let kept = ["version", "status:{\"a\":[\"b\"]}"];
    there.triggers =
        vec![trigger("tenant_guard_conventions", "keep_conventions", "INSERT OR UPDATE", &kept)];
    let plan = planned(&there, &["timestamps"]);
    let last = plan.steps.last().unwrap();
    assert!(last
        .sql
        .contains("keep_conventions('timestamps', 'version', 'status:{\"a\":[\"b\"]}')"));
    assert!(plan.steps.iter().any(|s| s.action == "drop trigger tenant_guard_conventions"));
}

#[test]
fn timestamps_alone_are_of_no_concern_to_an_insert() {
    for (texts, kind, events) in [
        (vec!["timestamps"], "r", "BEFORE UPDATE ON"),
        (vec!["timestamps"], "p", "BEFORE UPDATE ON"),
        (vec!["timestamps", "version"], "r", "BEFORE INSERT OR UPDATE ON"),
        (vec!["version"], "p", "BEFORE INSERT OR DELETE OR UPDATE ON"),
    ] {
        let table = Table { kind: kind.into(), ..table("t") };
        let plan = planned(&table, &texts);
        assert!(plan.steps.last().unwrap().sql.contains(events), "{texts:?} {kind}");
    }
}

#[test]
fn partitions_get_a_policy_and_nothing_else_and_cannot_be_changed_alone() {
    let root = Table { kind: "p".into(), ..table("t") };
    let part = Table { oid: 2, is_partition: true, ..table("t_1") };
    let plan = add(&[root, part.clone()], &features(&["soft_delete"]), &around()).unwrap();
    let of_part: Vec<_> =
        plan.steps.iter().filter(|s| s.object.table == "t_1").map(|s| &s.action).collect();
    assert_eq!(of_part, ["create policy tenant_guard_not_deleted"]);
    let refused = add(&[part], &features(&["access"]), &around());
    assert!(matches!(refused, Err(Error::FeatureUnfit { .. })));
}

#[test]
fn a_unique_constraint_gives_way_unless_something_relies_on_it() {
    let mut there = table("t");
    let mut late = unique("late", &["body"]);
    late.deferrable = true;
    there.constraints = vec![unique("u", &["body"]), late, unique("p", &["public_id"])];
    there.indexes = ["u", "late", "p"]
        .map(|name| Index {
            name: name.into(),
            definition: format!("CREATE UNIQUE INDEX {name} ON ONLY crm.t USING btree (body)"),
            method: "btree".into(),
            constraint: Some(name.into()),
            valid: true,
            ..Index::default()
        })
        .into();
    let plan = planned(&there, &["soft_delete"]);
    let about: Vec<_> =
        sql(&plan).into_iter().filter(|s| s.contains(" u ") || s.contains(".u ")).collect();
    assert_eq!(
        about,
        [
            "CREATE UNIQUE INDEX u ON crm.t USING btree (body) WHERE (NOT is_deleted)",
            "COMMENT ON INDEX crm.u IS 'tenant_guard: in place of UNIQUE (body)'",
        ]
    );
    assert!(sql(&plan).contains(&"ALTER TABLE crm.t DROP CONSTRAINT u"));
    assert_eq!(plan.findings.len(), 2);
    assert!(!sql(&plan).iter().any(|s| s.contains("late") || s.contains("INDEX p ")));
}

#[test]
fn a_status_is_quoted_and_its_type_made_before_its_column() {
    let plan = planned(&table("t"), &["status:it's,done"]);
    assert_eq!(sql(&plan)[0], "CREATE TYPE crm.t_status AS ENUM ('it''s', 'done')");
    assert!(sql(&plan)[1].ends_with("ADD COLUMN status crm.t_status NOT NULL DEFAULT 'it''s'"));
}

#[test]
fn a_column_of_another_type_is_refused() {
    for (name, r#type, feature) in [
        ("created_at", "date", "timestamps"),
        ("version", "bigint", "version"),
        ("is_deleted", "integer", "soft_delete"),
        ("organization_id", "uuid", "tenant"),
        ("id", "bigint", "dual_id"),
    ] {
        let mut there = table("t");
        there.columns.push(column(name, r#type));
        let refused = add(&[there], &features(&[feature]), &around());
        assert!(matches!(refused, Err(Error::FeatureUnfit { .. })), "{feature}");
    }
}

#[test]
fn dropping_columns_is_for_good_where_there_may_be_rows() {
    let mut there = table("t");
    there.columns.push(Column {
        not_null: true,
        default: Some("0".into()),
        ..column("access_count", "bigint")
    });
    let drop = |table: &Table, columns| {
        removal::drop(std::slice::from_ref(table), &[("access", columns)]).unwrap()
    };
    let kept = drop(&there, Columns::Keep);
    assert!(kept.steps.is_empty() && kept.findings.len() == 1);
    let gone = drop(&there, Columns::Drop);
    assert_eq!(
        gone.steps[0].undo.as_deref(),
        Some("ALTER TABLE crm.t ADD COLUMN access_count bigint NOT NULL DEFAULT 0")
    );
    there.may_have_rows = true;
    assert_eq!(drop(&there, Columns::Drop).steps[0].undo, None);
}

#[test]
fn a_protected_table_keeps_its_tenant_column_and_index() {
    let mut there = table("t");
    there.columns.push(column("organization_id", "bigint"));
    there.policies = vec![crate::catalog::Policy {
        name: "tenant_guard_tenant".into(),
        command: "ALL".into(),
        permissive: false,
        roles: vec![],
        using: None,
        check: None,
        comment: None,
    }];
    let refused = removal::drop(std::slice::from_ref(&there), &[("tenant", Columns::Drop)]);
    assert!(matches!(refused, Err(Error::FeatureUnfit { .. })));
    let kept = removal::drop(&[there], &[("tenant", Columns::Keep)]).unwrap();
    assert!(kept.steps.is_empty());
}
