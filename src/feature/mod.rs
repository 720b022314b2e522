//! Table conventions: columns that every table of an application has, and what keeps them.

mod access;
mod audit_call;
mod columns;
mod create;
mod deleted;
mod indexes;
mod keys;
mod machinery;
mod names;
mod options;
mod page;
mod planner;
#[cfg(test)]
mod planner_tests;
mod references;
mod removal;
mod scanner;
mod summary;
mod surroundings;
pub mod triggers;
pub mod uuid_v7;

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::types::{PlannedStep, RegClass};
use crate::pg::{fragment, query, relation};
use crate::plan::{self, Rows};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::VariadicArray;

/// Gives a table the columns and the machinery of features, and plans only what it lacks. A feature is
/// a name, or a name with options: 'timestamps', 'actors:{"type": "text"}', 'status:draft,active'.
/// The features: dual_id, tenant, project, timestamps, actors, soft_delete, version, status, access,
/// audit; docs/conventions.md says what each makes. Partitions and inheriting tables follow their parent.
/// Returns the steps of the change. The caller must own the tables.
/// Raises 42501, 42P01, 42809, 22023 for an unknown feature or option, 55000 where one does not fit.
///
/// Example: `SELECT * FROM tenant_guard.add_feature('crm.contacts', 'timestamps', 'soft_delete');`
#[pg_extern(volatile, parallel_unsafe)]
fn add_feature(
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    Ok(add("add_feature", table, features, false)?)
}

/// What add_feature would do: its steps, with nothing changed. Raises what it raises.
///
/// Example: `SELECT sql FROM tenant_guard.add_feature_dry_run('crm.contacts', 'timestamps');`
#[pg_extern(volatile, parallel_unsafe)]
fn add_feature_dry_run(
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    Ok(add("add_feature_dry_run", table, features, true)?)
}

/// Takes the machinery of features away from a table and all that inherits from it: triggers, policy,
/// indexes; unique indexes become constraints again. The columns stay with what is in them, unless
/// the option says otherwise: 'version:{"columns": "drop"}'.
/// Returns the steps of the change. The caller must own the tables.
/// Raises 42501, 42P01, 42809, 22023, 55000, and 23505 where deleted rows have values of others.
///
/// Example: `SELECT * FROM tenant_guard.drop_feature('crm.contacts', 'version');`
#[pg_extern(volatile, parallel_unsafe)]
fn drop_feature(
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    Ok(remove("drop_feature", table, features, false)?)
}

/// What drop_feature would do: its steps, with nothing changed. Raises what it raises.
///
/// Example: `SELECT sql FROM tenant_guard.drop_feature_dry_run('crm.contacts', 'version');`
#[pg_extern(volatile, parallel_unsafe)]
fn drop_feature_dry_run(
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    Ok(remove("drop_feature_dry_run", table, features, true)?)
}

/// Creates a table with features, in the order id, public_id, organization_id, project_id, then the
/// columns given, then the rest. `name` may be qualified and quoted; `columns` is what would stand
/// between the parentheses of CREATE TABLE, with the types and tables of others named with their schema.
/// With the feature tenant the table is protected (protect_table), unless protect is false.
/// Returns the steps; in a dry run nothing changes. Undo drops the table while it has no row.
/// Raises 42501, 42P07, 3F000, 42601, 42602, 22023, 22004, 55000.
///
/// Example: `SELECT * FROM tenant_guard.create_table('crm.leads', 'name text NOT NULL', '{dual_id,tenant,timestamps}');`
#[pg_extern(volatile, parallel_unsafe)]
fn create_table(
    name: Option<&str>,
    columns: Option<&str>,
    features: Option<Vec<Option<String>>>,
    protect: default!(Option<bool>, "true"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "create_table", argument };
    let name = name.ok_or_else(|| null("name"))?;
    let columns = columns.ok_or_else(|| null("columns"))?;
    let features = options::parse_all(&features.ok_or_else(|| null("features"))?)?;
    let protect = protect.ok_or_else(|| null("protect"))?;
    Ok(create(name, columns, &features, protect, dry_run.unwrap_or(false))?)
}

fn named(
    function: &'static str,
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
) -> Result<(RegClass, Vec<Option<String>>)> {
    let null = |argument| Error::NullArgument { function, argument };
    let table = table.ok_or_else(|| null("table"))?;
    let features = features.ok_or_else(|| null("features"))?;
    let texts: Vec<_> = features.iter().map(|text| text.map(str::to_string)).collect();
    if texts.is_empty() {
        return Err(Error::EmptyList { function, argument: "features" });
    }
    Ok((table, texts))
}

fn add(
    function: &'static str,
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
    dry_run: bool,
) -> Result<Rows> {
    let (table, texts) = named(function, table, features)?;
    let family = catalog::table_family(table, dry_run)?;
    let features = options::parse_all(&texts)?;
    let around = surroundings::read(&family[0], &family, &features)?;
    plan::run(planner::add(&family, &features, &around)?, dry_run)
}

fn remove(
    function: &'static str,
    table: Option<RegClass>,
    features: Option<VariadicArray<&str>>,
    dry_run: bool,
) -> Result<Rows> {
    let (table, texts) = named(function, table, features)?;
    let family = catalog::table_family(table, dry_run)?;
    let features = options::parse_dropped(&texts)?;
    plan::run(removal::drop(&family, &features)?, dry_run)
}

fn create(
    name: &str,
    columns: &str,
    features: &[options::Feature],
    protect: bool,
    dry_run: bool,
) -> Result<Rows> {
    let bad = || Error::BadTableName { name: name.to_string() };
    let (schema, name) = match fragment::name_parts(name)?.as_slice() {
        [name] => (current_schema()?.ok_or_else(bad)?, name.clone()),
        [schema, name] => (schema.clone(), name.clone()),
        _ => return Err(bad()),
    };
    if !relation::schema_exists(&schema) {
        return Err(Error::NoSuchSchema { schema });
    }
    let table = create::nothing_yet(&schema, &name);
    if schema == "tenant_guard" {
        return Err(Error::SystemTable { table: table.qualified() });
    }
    if relation::named(&schema, &name).is_some() {
        return Err(Error::TableExists { table: table.qualified() });
    }
    let around = surroundings::read(&table, std::slice::from_ref(&table), features)?;
    let parts = create::parts(&table, features, &around)?;
    let sql = parts.statement(&table, columns);
    let elements = fragment::create_table(&sql)?;
    parts.check_names(&elements.columns)?;
    let plan = create::plan(&table, sql, &parts, features, &around, (protect, elements.uniques))?;
    plan::run(plan, dry_run)
}

/// Where the caller's path would make a table.
fn current_schema() -> Result<Option<String>> {
    query::value_here("SELECT pg_catalog.current_schema()::pg_catalog.text", &[])
}
