//! The plan of `create_table`. Pure.

use super::columns::Wanted;
use super::options::Feature;
use super::surroundings::Surroundings;
use super::{planner, references};
use crate::catalog::{Column, Constraint, References, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, quote};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

/// A table that is to be, so far without a column.
#[must_use]
pub fn nothing_yet(schema: &str, name: &str) -> Table {
    Table {
        schema: schema.into(),
        name: name.into(),
        kind: "r".into(),
        persistence: "p".into(),
        owned: true,
        ..Table::default()
    }
}

/// The parts of the statement: what the features put before the caller's columns, and after them.
pub struct Parts {
    before: Vec<Wanted>,
    after: Vec<Wanted>,
    keys: Vec<references::ForeignKey>,
}

pub fn parts(table: &Table, features: &[Feature], around: &Surroundings) -> Result<Parts> {
    let (before, after) = planner::all_columns(features, table, around)?;
    let tenant = features.iter().find(|f| matches!(f, Feature::Tenant(_)));
    let tenant = tenant.map(|f| references::column_name(f).to_string());
    let mut keys = Vec::new();
    for feature in features.iter().filter(|f| matches!(f, Feature::Tenant(_) | Feature::Project(_)))
    {
        keys.push(references::foreign_key(feature, table, tenant.as_deref(), around)?);
    }
    Ok(Parts { before, after, keys })
}

impl Parts {
    /// The whole statement. Nothing of the fragment can reach past the line that it ends on.
    #[must_use]
    pub fn statement(&self, table: &Table, fragment: &str) -> String {
        let mut elements: Vec<String> = self.before.iter().map(Wanted::definition).collect();
        let fragment = fragment.trim();
        if !fragment.is_empty() {
            // A comment may be its last line: what comes after has to start on another.
            let end = if fragment.contains("--") { "\n  " } else { "" };
            elements.push(format!("{fragment}{end}"));
        }
        elements.extend(self.after.iter().map(Wanted::definition));
        let constraint =
            |k: &references::ForeignKey| format!("CONSTRAINT {} {}", quote(&k.name), k.definition);
        elements.extend(self.keys.iter().map(constraint));
        format!("CREATE TABLE {} (\n  {}\n)", table.qualified(), elements.join(",\n  "))
    }

    pub fn check_names(&self, given: &[String]) -> Result<()> {
        for (i, name) in given.iter().enumerate() {
            if given[..i].contains(name) {
                return Err(Error::BadColumns {
                    why: format!(
                        "The column {} is there twice: a feature has it, or it was given twice.",
                        quote(name)
                    ),
                });
            }
        }
        Ok(())
    }
}

pub fn plan(
    table: &Table,
    statement: String,
    parts: &Parts,
    features: &[Feature],
    around: &Surroundings,
    (protect, uniques): (bool, usize),
) -> Result<Plan> {
    let mut plan = Plan::new("create_table", table.qualified());
    planner::status_type(&mut plan, around);
    plan.push(Step::new(
        Object::table(Kind::Table, &table.schema, &table.name),
        format!("create table {}", quote(&table.name)),
        "the table with the columns of its features",
        statement,
        format!("DROP TABLE {}", table.qualified()),
    ));
    let made = plan.steps.len();
    let model = model(table, parts);
    planner::machinery_of(&mut plan, std::slice::from_ref(&model), features, around)?;
    let tenant = features.iter().find(|f| matches!(f, Feature::Tenant(_)));
    if let (true, Some(tenant)) = (protect, tenant) {
        let column = references::column_name(tenant);
        plan.push(Step::part_of_table(
            Object::in_table(Kind::Policy, &table.schema, &table.name, "tenant_guard_tenant"),
            "protect the table",
            "each organization sees its own rows alone",
            format!(
                "SELECT pg_catalog.count(*) FROM tenant_guard.protect_table({}, {})",
                literal(&table.qualified()),
                literal(column)
            ),
        ));
    }
    // All of it goes with the table.
    for step in &mut plan.steps[made..] {
        step.undo = Some(String::new());
    }
    let of_features = parts.before.iter().chain(&parts.after).filter(|c| c.unique).count();
    if uniques > of_features && features.iter().any(|f| matches!(f, Feature::SoftDelete(_))) {
        plan.findings.push(Finding {
            severity: Severity::Notice,
            message: format!("the UNIQUE constraints of {} count deleted rows too", table.qualified()),
            detail: "A new row cannot have the value of a deleted one.".into(),
            hint: format!("To have them among the rows that are not deleted: SELECT * FROM tenant_guard.add_feature({}, 'soft_delete').", literal(&table.qualified())),
            fix: None,
        });
    }
    Ok(plan)
}

/// The table as it will be once the statement has run, as far as the features made it.
fn model(table: &Table, parts: &Parts) -> Table {
    let mut model = table.clone();
    for wanted in parts.before.iter().chain(&parts.after) {
        model.columns.push(Column {
            name: wanted.name.clone(),
            quoted: quote(&wanted.name),
            r#type: wanted.r#type.clone(),
            not_null: wanted.not_null,
            ..Column::default()
        });
        if wanted.unique {
            model.constraints.push(Constraint {
                kind: "u".into(),
                columns: vec![wanted.name.clone()],
                ..Constraint::default()
            });
        }
    }
    for key in &parts.keys {
        model.constraints.push(Constraint {
            name: key.name.clone(),
            kind: "f".into(),
            columns: key.columns.clone(),
            validated: true,
            references: Some(References {
                oid: key.target,
                schema: String::new(),
                name: String::new(),
                columns: vec![],
                on_delete: String::new(),
                on_update: String::new(),
                ..References::default()
            }),
            ..Constraint::default()
        });
    }
    model
}
