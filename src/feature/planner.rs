//! From the catalog to the plan of `add_feature`. Pure.

use super::columns::{self, Wanted};
use super::machinery::{self, Kept};
use super::options::Feature;
use super::references::{self, TENANT_COLUMN};
use super::surroundings::Surroundings;
use super::{audit_call, indexes, keys, removal};
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object, Plan, Step};

pub const AUDIT_ROW: &str = "tenant_guard_audit_row";

/// Plans what a table and all that inherits from it lack. Columns are added to the table itself, and
/// PostgreSQL hands them down; partitions get their parent's indexes, triggers and constraints, tables
/// that inherit get their own; a policy everybody needs.
pub fn add(family: &[Table], features: &[Feature], around: &Surroundings) -> Result<Plan> {
    let root = &family[0];
    let mut plan = Plan::new("add_feature", root.qualified());
    check(root, features)?;
    if features.iter().any(|f| matches!(f, Feature::SoftDelete(_))) {
        family.iter().try_for_each(check_deletable)?;
    }
    for feature in features {
        if matches!(feature, Feature::Status(_)) {
            status_type(&mut plan, around);
        }
        let wanted = columns::of(feature, root, around)?;
        if *feature == Feature::DualId {
            keys::check_family(family, &wanted)?;
        }
        columns::plan(&mut plan, root, feature.name(), &wanted)?;
    }
    machinery_of(&mut plan, family, features, around)?;
    Ok(plan)
}

/// All but the columns.
pub fn machinery_of(
    plan: &mut Plan,
    family: &[Table],
    features: &[Feature],
    around: &Surroundings,
) -> Result<()> {
    let root = &family[0];
    let tenant = tenant_column(root, features);
    let mut taken = around.taken.clone();
    let apart = |t: &&Table| !t.is_partition || t.oid == root.oid;
    for table in family.iter().filter(apart) {
        for feature in features {
            match feature {
                Feature::DualId => keys::plan_unique(plan, table),
                Feature::Tenant(_) | Feature::Project(_) => {
                    let key = references::foreign_key(feature, table, tenant.as_deref(), around)?;
                    references::plan_foreign_key(plan, table, &key);
                }
                Feature::SoftDelete(_) => indexes::partial_unique(plan, table, "public_id"),
                _ => {}
            }
        }
        for (columns, why) in wanted_indexes(features, tenant.as_deref()) {
            indexes::index(plan, table, &columns, why, &mut taken);
        }
        machinery::conventions(plan, table, &kept(table, features));
        if features.iter().any(|f| matches!(f, Feature::SoftDelete(_))) {
            machinery::soft_delete_triggers(plan, table, true);
        }
    }
    if features.iter().any(|f| matches!(f, Feature::SoftDelete(_))) {
        family.iter().for_each(|table| machinery::policy(plan, table, true));
    }
    for feature in features {
        if let Feature::Audit(options) = feature {
            audit(plan, root, options.tenant_column.as_deref());
        }
    }
    Ok(())
}

fn check(root: &Table, features: &[Feature]) -> Result<()> {
    let unfit = |why: &str, hint: String| Error::FeatureUnfit {
        feature: features.first().map_or("", Feature::name),
        table: root.qualified(),
        why: why.into(),
        hint,
    };
    if root.is_partition {
        let parent = root.parents.first().map(|p| qualified(&p.schema, &p.name));
        return Err(unfit(
            "It is a partition, and has the columns and triggers of its partitioned table.",
            format!("Add the feature to {}: its partitions follow.", parent.unwrap_or_default()),
        ));
    }
    if root.of_type.is_some() {
        return Err(unfit(
            "It is a table of a type (CREATE TABLE ... OF), and columns come from the type.",
            "ALTER TABLE ... NOT OF makes it an ordinary table.".into(),
        ));
    }
    Ok(())
}

/// What no soft deletion can do: hand its rows to a trigger as a table of them, and move them by their mark.
fn check_deletable(table: &Table) -> Result<()> {
    let unfit = |why: String, hint: String| {
        Err(Error::FeatureUnfit { feature: "soft_delete", table: table.qualified(), why, hint })
    };
    if let Some(trigger) = table.triggers.iter().find(|t| t.row_with_transition) {
        return unfit(
            format!(
                "Its trigger {} fires FOR EACH ROW and reads the rows of the whole statement, and a row that is marked instead of deleted is in no such statement.",
                quote(&trigger.name)
            ),
            "Let the trigger fire FOR EACH STATEMENT, or go without the table of rows (REFERENCING).".into(),
        );
    }
    let marks = removal::columns_of("soft_delete");
    if let Some(column) = table.partition_columns.iter().find(|c| marks.contains(&c.as_str())) {
        return unfit(
            format!(
                "It is partitioned by {}, and a row that is marked stays where it is.",
                quote(column)
            ),
            "Partition the table by something else, such as created_at.".into(),
        );
    }
    Ok(())
}

/// The tenant's column, where the table has it or gets it.
fn tenant_column(root: &Table, features: &[Feature]) -> Option<String> {
    let added = features.iter().find(|f| matches!(f, Feature::Tenant(_)));
    match added {
        Some(feature) => Some(references::column_name(feature).to_string()),
        None => root.column(TENANT_COLUMN).map(|c| c.name.clone()),
    }
}

type Index = (Vec<String>, &'static str);

fn wanted_indexes(features: &[Feature], tenant: Option<&str>) -> Vec<Index> {
    let mut indexes: Vec<Index> = Vec::new();
    for feature in features {
        match feature {
            Feature::Tenant(_) => indexes.push((
                tenant.map(str::to_string).into_iter().collect(),
                "every query of a tenant looks its rows up by this column",
            )),
            Feature::Project(_) => indexes.push((
                tenant
                    .into_iter()
                    .chain([references::column_name(feature)])
                    .map(str::to_string)
                    .collect(),
                "a project's rows are looked up within its organization",
            )),
            Feature::Timestamps => {
                indexes.push((vec!["created_at".into()], "lists show the newest rows first"));
            }
            _ => {}
        }
    }
    indexes
}

/// What the trigger keeps already, and what it is to keep besides.
fn kept(table: &Table, features: &[Feature]) -> Kept {
    let mut kept = Kept::of(table);
    for feature in features {
        match feature {
            Feature::Timestamps => kept.timestamps = true,
            Feature::Actors(_) => kept.actors = true,
            Feature::Version(_) => kept.version = true,
            Feature::Status(status) => {
                let before = kept.status.take().flatten();
                kept.status = Some(status.transitions.clone().or(before));
            }
            _ => {}
        }
    }
    kept
}

pub fn status_type(plan: &mut Plan, around: &Surroundings) {
    let Some(status) = around.status.as_ref().filter(|s| !s.there) else { return };
    let labels: Vec<String> = status.labels.iter().map(|l| literal(l)).collect();
    plan.push(Step::new(
        Object::in_schema(Kind::Type, &status.schema, &status.name),
        format!("create type {}", status.name),
        "the statuses that a row may have",
        format!("CREATE TYPE {} AS ENUM ({})", status.sql(), labels.join(", ")),
        format!("DROP TYPE {}", status.sql()),
    ));
}

fn audit(plan: &mut Plan, root: &Table, tenant_column: Option<&str>) {
    let there = root.trigger(AUDIT_ROW);
    let asked = there.map(audit_call::Options::of);
    if asked.as_ref().is_some_and(|o| tenant_column.is_none() || o.tenant() == tenant_column) {
        return;
    }
    let wanted = asked.clone().unwrap_or_default().with_tenant(tenant_column);
    plan.push(Step::new(
        Object::in_table(Kind::Trigger, &root.schema, &root.name, AUDIT_ROW),
        "enable the audit trail",
        "who changed which row, and what it was before, is kept",
        wanted.enable(root),
        asked.map_or_else(|| audit_call::disable(root), |options| options.enable(root)),
    ));
}

/// For create_table: every column of the features, those before the caller's own first.
pub fn all_columns(
    features: &[Feature],
    table: &Table,
    around: &Surroundings,
) -> Result<(Vec<Wanted>, Vec<Wanted>)> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for feature in features {
        let wanted = columns::of(feature, table, around)?;
        match feature {
            Feature::DualId | Feature::Tenant(_) | Feature::Project(_) => before.extend(wanted),
            _ => after.extend(wanted),
        }
    }
    Ok((before, after))
}
