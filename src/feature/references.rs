//! The features `tenant` and `project`: a column that refers to another table. Pure.

use super::columns::{organization_default, Wanted};
use super::options::{Feature, Reference};
use super::surroundings::{Surroundings, Target};
use crate::catalog::{IdType, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

pub const TENANT_COLUMN: &str = "organization_id";
pub const PROJECT_COLUMN: &str = "project_id";

pub fn column_name(feature: &Feature) -> &str {
    match feature {
        Feature::Project(reference) => reference.column.as_deref().unwrap_or(PROJECT_COLUMN),
        Feature::Tenant(reference) => reference.column.as_deref().unwrap_or(TENANT_COLUMN),
        _ => TENANT_COLUMN,
    }
}

pub fn columns(feature: &Feature, table: &Table, around: &Surroundings) -> Result<Vec<Wanted>> {
    let (reference, tenant) = match feature {
        Feature::Tenant(reference) => (reference, true),
        Feature::Project(reference) => (reference, false),
        _ => return Ok(vec![]),
    };
    let target = target(feature, table, around)?;
    let (key_type, id) = target.key_type()?;
    let r#type = match &reference.r#type {
        Some(given) => IdType::from_sql(given)
            .filter(|t| *t == id)
            .map(|_| given.clone())
            .ok_or_else(|| {
                unfit(
                    feature,
                    table,
                    format!(
                        "The key of {} is of type {key_type}, and type {given} was asked for.",
                        target.table.qualified()
                    ),
                    "Leave the type out: the column has that of the key.",
                )
            })?,
        // What is there already is right as long as it holds the same kind of id.
        None => match table.require_id_column(column_name(feature)) {
            Ok((there, kind)) if kind == id => there.r#type.clone(),
            _ => key_type,
        },
    };
    let name = column_name(feature).to_string();
    if table.column(&name).is_none()
        && table.may_have_rows
        && tenant
        && reference.backfill.is_none()
    {
        return Err(unfit(
            feature,
            table,
            format!("It may have rows, and nothing says whose they are: the column {} must not be NULL.", quote(&name)),
            "Say whose: tenant:{\"backfill\": \"an organization's id\"}; or add the column yourself, fill it, and call this again.",
        ));
    }
    Ok(vec![Wanted {
        name,
        r#type,
        not_null: tenant,
        default: tenant.then(|| organization_default(id).to_string()),
        backfill: backfill(feature, table, reference, id)?,
        why: if tenant {
            "whose row it is; a new one is the active organization's"
        } else {
            "which project of the organization the row belongs to"
        },
        ..Wanted::default()
    }])
}

fn backfill(
    feature: &Feature,
    table: &Table,
    reference: &Reference,
    id: IdType,
) -> Result<Option<String>> {
    let Some(value) = reference.backfill.as_ref().map(super::options::Scalar::text) else {
        return Ok(None);
    };
    if !id.holds(&value) {
        return Err(unfit(
            feature,
            table,
            format!("\"{value}\" is no id of the type of the key."),
            "Give an id that the key's type can hold.",
        ));
    }
    Ok(table.may_have_rows.then(|| literal(&value)))
}

fn unfit(feature: &Feature, table: &Table, why: String, hint: &str) -> Error {
    Error::FeatureUnfit {
        feature: feature.name(),
        table: table.qualified(),
        why,
        hint: hint.into(),
    }
}

fn target<'a>(feature: &Feature, table: &Table, around: &'a Surroundings) -> Result<&'a Target> {
    let (target, usual) = match feature {
        Feature::Project(_) => (&around.projects, "projects"),
        _ => (&around.organizations, "organizations"),
    };
    target.as_ref().ok_or_else(|| {
        unfit(
            feature,
            table,
            format!("Nothing says what it refers to: no table is registered, and its schema has no table {usual}."),
            "Name it: {\"references\": \"schema.table\"}; or register it with tenant_guard.use_membership.",
        )
    })
}

/// The foreign key of the feature: its columns, and what follows REFERENCES.
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub target: u32,
    pub definition: String,
}

/// `tenant_column` is the table's, where it has one or gets one.
pub fn foreign_key(
    feature: &Feature,
    table: &Table,
    tenant_column: Option<&str>,
    around: &Surroundings,
) -> Result<ForeignKey> {
    let target = target(feature, table, around)?;
    let column = column_name(feature).to_string();
    let mut columns = vec![column.clone()];
    let mut keys = vec![target.key.clone()];
    // A project of another organization is refused, where the table of projects allows to say so.
    if let (Feature::Project(_), Some(tenant)) = (feature, tenant_column) {
        let pair = [tenant.to_string(), target.key.clone()];
        let unique = same_type(table, tenant, target, around)
            && target.table.constraints.iter().any(|k| {
                matches!(k.kind.as_str(), "p" | "u")
                    && !k.deferrable
                    && k.columns.len() == 2
                    && pair.iter().all(|c| k.columns.contains(c))
            });
        if unique {
            columns.insert(0, tenant.to_string());
            keys.insert(0, tenant.to_string());
        }
    }
    let list = |names: &[String]| names.iter().map(|n| quote(n)).collect::<Vec<_>>().join(", ");
    let on_delete = if matches!(feature, Feature::Tenant(_)) { " ON DELETE CASCADE" } else { "" };
    Ok(ForeignKey {
        name: super::names::constraint(table, &columns, "fkey"),
        definition: format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}){on_delete}",
            list(&columns),
            qualified(&target.table.schema, &target.table.name),
            list(&keys)
        ),
        target: target.table.oid,
        columns,
    })
}

/// Whether the table's tenant column, which it may be about to get, is of the type of the target's.
fn same_type(table: &Table, tenant: &str, target: &Target, around: &Surroundings) -> bool {
    let theirs = target.table.column(tenant).map(|c| &c.base_type);
    let key = around.organizations.as_ref();
    let ours = table
        .column(tenant)
        .map(|c| &c.base_type)
        .or_else(|| key.and_then(|o| o.table.column(&o.key)).map(|c| &c.base_type));
    ours.is_some() && ours == theirs
}

pub fn plan_foreign_key(plan: &mut Plan, table: &Table, key: &ForeignKey) {
    let there = table.constraints.iter().find(|k| {
        k.kind == "f"
            && k.references.as_ref().is_some_and(|r| r.oid == key.target)
            && key.columns.iter().all(|c| k.columns.contains(c))
    });
    if let Some(there) = there {
        if !there.validated {
            unchecked(plan, table, &there.name);
        }
        return;
    }
    let name = super::names::free_constraint(table, &key.name);
    plan.push(Step::new(
        Object::in_table(Kind::Constraint, &table.schema, &table.name, &name),
        format!("add constraint {}", quote(&name)),
        "no row belongs to what is not there",
        format!(
            "ALTER TABLE {} ADD CONSTRAINT {} {}",
            table.qualified(),
            quote(&name),
            key.definition
        ),
        format!("ALTER TABLE {} DROP CONSTRAINT {}", table.qualified(), quote(&name)),
    ));
}

/// A foreign key that was added NOT VALID says nothing about the rows from before.
fn unchecked(plan: &mut Plan, table: &Table, name: &str) {
    let mut fix = Plan::new(&plan.operation, table.qualified());
    fix.push(Step::irreversible(
        Object::in_table(Kind::Constraint, &table.schema, &table.name, name),
        format!("validate constraint {}", quote(name)),
        "the rows that are there are checked too",
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.qualified(), quote(name)),
    ));
    plan.findings.push(Finding {
        severity: Severity::Warning,
        message: format!("constraint {} of {} is not validated", quote(name), table.qualified()),
        detail: "Rows from before it was added may belong to what is not there.".into(),
        hint: "Validate it, once those rows are right.".into(),
        fix: Some(fix),
    });
}
