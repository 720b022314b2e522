//! `denormalize_tenant`: the tenant column in a table that reaches its tenant along a foreign key only.

use super::findings::{deferrable, force, referential_actions};
use super::path::{self, Path};
use crate::catalog::{self, ForeignKey, Table, TenantColumn};
use crate::error::{Error, Result};
use crate::pg::ident::{qualified, quote, truncate, MAX_IDENTIFIER};
use crate::pg::types::{Name, PlannedStep, RegClass};
use crate::plan::{self, Kind, Object, Plan, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Gives a table the tenant column of the table that its foreign key leads to: adds it, fills it from there,
/// and puts (tenant, key) REFERENCES parent (tenant, key) in the place of the foreign key, so that the two
/// cannot differ. via names the foreign key's column where there are several ways. That is the recommended
/// way for children: policies compare one column, as cheap as on any table, where protect_table with via
/// looks the parent up for each row; it costs one column and one wider key, and rewrites the rows once.
/// Returns the steps; in a dry run nothing changes. The caller must own both tables. Protect the table
/// afterwards. Raises 42501, 42P01, 42703, 22023, 55P03.
///
/// Example: `SELECT * FROM tenant_guard.denormalize_tenant('crm.tasks', via => 'project_id');`
#[pg_extern(volatile, parallel_unsafe)]
fn denormalize_tenant(
    table: Option<RegClass>,
    via: default!(Option<Name>, "NULL"),
    tenant_column: default!(Option<Name>, "'organization_id'"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "denormalize_tenant", argument };
    let table = table.ok_or_else(|| null("table"))?;
    let tenant_column = tenant_column.ok_or_else(|| null("tenant_column"))?.0;
    let dry_run = dry_run.unwrap_or(false);
    Ok(denormalize(table, via.map(|v| v.0), &tenant_column, dry_run)?)
}

fn denormalize(
    table: RegClass,
    via: Option<String>,
    tenant_column: &str,
    dry_run: bool,
) -> Result<plan::Rows> {
    let family = catalog::table_family(table, dry_run)?;
    let child = &family[0];
    if child.column(tenant_column).is_some() {
        return plan::run(Plan::new("denormalize_tenant", child.qualified()), dry_run);
    }
    let keys = catalog::foreign_keys_from(child.oid, tenant_column)?;
    let path = path::find(child, tenant_column, via.as_deref(), &keys)?;
    let parent = catalog::table_family(RegClass(path.end().to), dry_run)?.swap_remove(0);
    plan::run(planned(child, &parent, &path)?, dry_run)
}

/// Pure.
fn planned(child: &Table, parent: &Table, path: &Path) -> Result<Plan> {
    let [key] = path.keys.as_slice() else {
        return Err(Error::WrongOption {
            option: "table",
            why: format!("table {} reaches its tenant over several tables ({})", child.qualified(), path.describe()),
            hint: format!("Begin at the end that is nearer to the tenant: denormalize_tenant the tables between, then {}.", child.qualified()),
        });
    };
    let Some(tenant) = &key.tenant else {
        return Err(Error::Internal { what: "a path has no end".into() });
    };
    let mut plan = Plan::new("denormalize_tenant", child.qualified());
    add_column(&mut plan, child, tenant);
    let bound: Vec<&Table> =
        [child, parent].into_iter().filter(|t| t.row_security && t.force_row_security).collect();
    for table in &bound {
        plan.push(force(&table.schema, &table.name, false));
    }
    fill(&mut plan, child, key, tenant);
    let columns = || key.columns.iter().filter_map(|c| child.column(c));
    if tenant.not_null && columns().all(|c| c.not_null) {
        not_null(&mut plan, child, tenant);
    }
    parent_key(&mut plan, parent, key, tenant);
    child_key(&mut plan, child, key, tenant)?;
    for table in bound.iter().rev() {
        plan.push(force(&table.schema, &table.name, true));
    }
    Ok(plan)
}

fn add_column(plan: &mut Plan, child: &Table, tenant: &TenantColumn) {
    let (table, column) = (child.qualified(), quote(&tenant.name));
    plan.push(
        Step::new(
            Object::in_table(Kind::Column, &child.schema, &child.name, &tenant.name),
            format!("add column {}", tenant.name),
            "each row says itself whose it is",
            format!("ALTER TABLE {table} ADD COLUMN {column} {}", tenant.r#type),
            format!("ALTER TABLE {table} DROP COLUMN {column}"),
        )
        .locking("ACCESS EXCLUSIVE", child),
    );
}

fn fill(plan: &mut Plan, child: &Table, key: &ForeignKey, tenant: &TenantColumn) {
    let conditions: Vec<String> = key
        .referenced
        .iter()
        .zip(&key.columns)
        .zip(&key.operators)
        .map(|((theirs, ours), operator)| {
            format!("parent.{} {operator} child.{}", quote(theirs), quote(ours))
        })
        .collect();
    plan.push(
        Step::new(
            Object::in_table(Kind::Column, &child.schema, &child.name, &tenant.name),
            format!("fill column {}", tenant.name),
            "every row belongs to the tenant of what it refers to",
            format!(
                "UPDATE {} AS child SET {column} = parent.{column} FROM {} AS parent WHERE {}",
                child.qualified(),
                qualified(&key.schema, &key.name),
                conditions.join(" AND "),
                column = quote(&tenant.name),
            ),
            "",
        )
        .locking("ROW EXCLUSIVE", child),
    );
}

fn not_null(plan: &mut Plan, child: &Table, tenant: &TenantColumn) {
    let alter = format!("ALTER TABLE {} ALTER COLUMN {}", child.qualified(), quote(&tenant.name));
    plan.push(
        Step::new(
            Object::in_table(Kind::Column, &child.schema, &child.name, &tenant.name),
            format!("set {} not null", tenant.name),
            "no row is nobody's",
            format!("{alter} SET NOT NULL"),
            format!("{alter} DROP NOT NULL"),
        )
        .locking("ACCESS EXCLUSIVE", child),
    );
}

fn with_tenant(tenant: &TenantColumn, columns: &[String]) -> String {
    let all = std::iter::once(&tenant.name).chain(columns);
    all.map(|c| quote(c)).collect::<Vec<_>>().join(", ")
}

/// What the wider foreign key points at.
fn parent_key(plan: &mut Plan, parent: &Table, key: &ForeignKey, tenant: &TenantColumn) {
    let wanted = |columns: &[String]| {
        columns.len() == key.referenced.len() + 1
            && columns.contains(&tenant.name)
            && key.referenced.iter().all(|c| columns.contains(c))
    };
    let there = |k: &&catalog::Constraint| matches!(k.kind.as_str(), "p" | "u") && !k.deferrable;
    if parent.constraints.iter().filter(there).any(|k| wanted(&k.columns)) {
        return;
    }
    let name = format!("{}_{}_{}_key", parent.name, tenant.name, key.referenced.join("_"));
    let name = truncate(&name, MAX_IDENTIFIER);
    let (table, quoted) = (parent.qualified(), quote(name));
    plan.push(
        Step::new(
            Object::in_table(Kind::Constraint, &parent.schema, &parent.name, name),
            format!("add constraint {name}"),
            "a foreign key points at a unique key",
            format!(
                "ALTER TABLE {table} ADD CONSTRAINT {quoted} UNIQUE ({})",
                with_tenant(tenant, &key.referenced)
            ),
            format!("ALTER TABLE {table} DROP CONSTRAINT {quoted}"),
        )
        .locking("ACCESS EXCLUSIVE", parent),
    );
}

/// The wider foreign key in the place of the simple one. It follows the parent's tenant, should an
/// administrator move it.
fn child_key(
    plan: &mut Plan,
    child: &Table,
    key: &ForeignKey,
    tenant: &TenantColumn,
) -> Result<()> {
    let there = child.constraints.iter().find(|k| k.name == key.constraint);
    let Some((constraint, to)) = there.and_then(|k| Some((k, k.references.as_ref()?))) else {
        return Err(Error::Internal { what: format!("foreign key {} is gone", key.constraint) });
    };
    let (table, name) = (child.qualified(), quote(&key.constraint));
    let mut actions = referential_actions(to);
    if !actions.contains("ON UPDATE") {
        actions += " ON UPDATE CASCADE";
    }
    actions += deferrable(constraint);
    let object = || Object::in_table(Kind::Constraint, &child.schema, &child.name, &key.constraint);
    plan.push(
        Step::new(
            object(),
            format!("widen foreign key {}", key.constraint),
            "a row refers to rows of its own tenant only",
            format!(
                "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {} ({}){actions}",
                with_tenant(tenant, &key.columns),
                qualified(&key.schema, &key.name),
                with_tenant(tenant, &key.referenced),
            ),
            format!("ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {}", constraint.definition),
        )
        .locking("ACCESS EXCLUSIVE", child),
    );
    Ok(())
}
