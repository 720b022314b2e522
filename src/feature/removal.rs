//! From the catalog to the plan of `drop_feature`. Pure.

use super::machinery::{self, Kept};
use super::options::Columns;
use super::planner::AUDIT_ROW;
use super::{audit_call, indexes};
use crate::catalog::{Column, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, quote};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

/// The policy of protect_table: while it is there, the tenant column is in use.
const FLOOR: &str = "tenant_guard_tenant";

/// Plans taking the machinery of features away; their columns stay, with what is in them, unless they
/// are to be dropped.
pub fn drop(family: &[Table], features: &[(&'static str, Columns)]) -> Result<Plan> {
    let root = &family[0];
    let mut plan = Plan::new("drop_feature", root.qualified());
    for (feature, _) in features {
        if root.is_partition {
            return Err(Error::FeatureUnfit {
                feature,
                table: root.qualified(),
                why: "It is a partition: its columns and triggers are its partitioned table's."
                    .into(),
                hint: "Drop the feature from the partitioned table.".into(),
            });
        }
        if *feature == "soft_delete" {
            family.iter().for_each(|table| machinery::policy(&mut plan, table, false));
        }
    }
    for table in family.iter().filter(|t| !t.is_partition) {
        machinery_of(&mut plan, table, features);
    }
    for (feature, columns) in features {
        match columns {
            Columns::Drop => drop_columns(&mut plan, family, feature)?,
            Columns::Keep => keep_columns(&mut plan, family, feature)?,
        }
    }
    Ok(plan)
}

fn machinery_of(plan: &mut Plan, table: &Table, features: &[(&'static str, Columns)]) {
    let mut kept = Kept::of(table);
    for (feature, _) in features {
        match *feature {
            "timestamps" => kept.timestamps = false,
            "actors" => kept.actors = false,
            "version" => kept.version = false,
            "status" => kept.status = None,
            _ => {}
        }
    }
    machinery::conventions(plan, table, &kept);
    for (feature, _) in features {
        match *feature {
            "soft_delete" => {
                machinery::soft_delete_triggers(plan, table, false);
                indexes::whole_unique(plan, table);
            }
            "timestamps" => indexes::drop_index(plan, table, &["created_at".into()]),
            "tenant" if table.policy(FLOOR).is_none() => {
                indexes::drop_index(plan, table, &["organization_id".into()]);
            }
            "project" => {
                indexes::drop_index(plan, table, &["organization_id".into(), "project_id".into()]);
                indexes::drop_index(plan, table, &["project_id".into()]);
            }
            "audit" if table.trigger(AUDIT_ROW).is_some_and(|t| !t.inherited) => audit(plan, table),
            _ => {}
        }
    }
}

fn audit(plan: &mut Plan, table: &Table) {
    let asked = table.trigger(AUDIT_ROW).map(audit_call::Options::of).unwrap_or_default();
    plan.push(Step::new(
        Object::in_table(Kind::Trigger, &table.schema, &table.name, AUDIT_ROW),
        "disable the audit trail",
        "what was logged stays",
        audit_call::disable(table),
        asked.enable(table),
    ));
}

pub fn columns_of(feature: &str) -> &'static [&'static str] {
    match feature {
        "dual_id" => &["public_id"],
        "tenant" => &["organization_id"],
        "project" => &["project_id"],
        "timestamps" => &["created_at", "updated_at"],
        "actors" => &["created_by", "updated_by"],
        "soft_delete" => &["is_deleted", "deleted_at", "deleted_by", "deletion_reason"],
        "version" => &["version", "version_updated_at", "version_updated_by"],
        "status" => &["status", "status_changed_at", "status_changed_by"],
        "access" => &["last_accessed", "access_count"],
        _ => &[],
    }
}

/// Says what stays.
fn keep_columns(plan: &mut Plan, family: &[Table], feature: &'static str) -> Result<()> {
    let root = &family[0];
    let there: Vec<&str> =
        columns_of(feature).iter().copied().filter(|c| root.column(c).is_some()).collect();
    if there.is_empty() {
        return Ok(());
    }
    let mut fix = Plan::new("drop_feature", root.qualified());
    // Where they cannot be dropped as it stands, there is no fix to offer.
    let fix = drop_columns(&mut fix, family, feature).is_ok().then_some(fix);
    plan.findings.push(Finding {
        severity: Severity::Notice,
        message: format!("{} keeps its columns {}", root.qualified(), there.join(", ")),
        detail: "They stay with what is in them, and nothing keeps them any more.".into(),
        hint: format!(
            "To be rid of them: drop_feature(..., '{feature}:{{\"columns\": \"drop\"}}')."
        ),
        fix,
    });
    Ok(())
}

fn drop_columns(plan: &mut Plan, family: &[Table], feature: &'static str) -> Result<()> {
    let root = &family[0];
    if feature == "tenant" && family.iter().any(|t| t.policy(FLOOR).is_some()) {
        return Err(Error::FeatureUnfit {
            feature,
            table: root.qualified(),
            why: "It is protected, and its policies go by the column.".into(),
            hint: format!(
                "Take the protection away first: SELECT * FROM tenant_guard.unprotect_table({}).",
                literal(&root.qualified())
            ),
        });
    }
    let names: Vec<&str> =
        columns_of(feature).iter().copied().filter(|c| root.column(c).is_some()).collect();
    let uses = |columns: &[String]| columns.iter().any(|c| names.contains(&c.as_str()));
    for table in family.iter().filter(|t| !t.is_partition) {
        for constraint in
            table.constraints.iter().filter(|k| !k.inherited && k.kind != "c" && uses(&k.columns))
        {
            indexes::remove_constraint(plan, table, constraint, "it goes with its column");
        }
    }
    for table in family.iter().filter(|t| !t.is_partition) {
        indexes::drop_indexes_of(plan, table, &names);
    }
    let rows = family.iter().any(|t| t.may_have_rows);
    for column in names.iter().rev().filter_map(|name| root.column(name)) {
        drop_column(plan, root, column, rows);
    }
    Ok(())
}

fn drop_column(plan: &mut Plan, table: &Table, column: &Column, rows: bool) {
    let object = Object::in_table(Kind::Column, &table.schema, &table.name, &column.name);
    let action = format!("drop column {}", column.quoted);
    let sql = format!("ALTER TABLE {} DROP COLUMN {}", table.qualified(), quote(&column.name));
    plan.push(if rows {
        Step::irreversible(object, action, "with what is in it: no undo brings that back", sql)
    } else {
        let collation =
            column.collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
        let default = column.default.as_ref().map(|d| format!(" DEFAULT {d}")).unwrap_or_default();
        let undo = format!(
            "ALTER TABLE {} ADD COLUMN {} {}{collation}{}{default}",
            table.qualified(),
            quote(&column.name),
            column.r#type,
            if column.not_null { " NOT NULL" } else { "" },
        );
        Step::new(
            object,
            action,
            "the table has no rows: undo brings the column back as its last",
            sql,
            undo,
        )
    });
}
