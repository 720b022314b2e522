//! Summaries of each organization's rows: what a materialized view is for, with row-level security.

mod planner;
mod refresh;
mod registry;

use super::scanner;
use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::statement::ResultColumn;
use crate::pg::types::{Name, Names, PlannedStep, RegClass};
use crate::pg::{ident, query, relation, statement, user};
use crate::plan::{self, Rows};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use planner::{Definition, Wanted};
use registry::Owned;
use serde::Deserialize;

/// Makes a table for what a query yields for each organization, and registers the query, for
/// refresh_tenant_summary to run. The table has the query's columns and refreshed_at; its primary key is
/// the tenant column and the columns of key, without a key there is an index on the tenant column.
/// protect => true protects it with protect_table, so that each organization reads its own rows; no role
/// is granted anything, and what default privileges would let others write is revoked. It is empty until
/// it is refreshed. name: 'schema.table', as SQL spells it. query: one SELECT that names everything but
/// pg_catalog's with its schema, and yields the tenant column and no name twice. Called again with
/// another query of the same columns it registers that; with other columns it is refused.
/// Returns the steps; in a dry run nothing changes. The caller needs CREATE on the schema, and owns the
/// table. Raises 22004, 22023 (name, query, key), 3F000, 42501, 42601, 42703, 42804, 42P01, 42P07, 55000.
///
/// Example: `SELECT * FROM tenant_guard.create_tenant_summary('crm.leads_by_day', 'SELECT organization_id, created_at::date AS day, count(*) AS leads FROM crm.leads GROUP BY 1, 2', key => '{day}');`
#[pg_extern(volatile, parallel_unsafe)]
fn create_tenant_summary(
    name: Option<&str>,
    query: Option<&str>,
    tenant_column: default!(Option<Name>, "'organization_id'"),
    key: default!(Option<Names>, "NULL"),
    protect: default!(Option<bool>, "true"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "create_tenant_summary", argument };
    let name = name.ok_or_else(|| null("name"))?;
    let definition = Definition {
        query: query.ok_or_else(|| null("query"))?.to_string(),
        tenant_column: tenant_column.ok_or_else(|| null("tenant_column"))?.0,
        key: names(key).ok_or_else(|| null("key"))?,
    };
    Ok(create(name, definition, protect.unwrap_or(true), dry_run.unwrap_or(false))?)
}

/// Puts what the query of a summary yields now in place of what the summary has: for one organization, or
/// for all. All of it or, should the query fail, nothing. Readers are not held up and see the old rows
/// until the transaction commits; a second refresh of the same summary waits for the first. The query
/// runs with the rights of the summary's owner, whoever calls, past the policies on the owner's own
/// tables; where policies of another's table would hide rows it is refused. Returns the number of rows
/// written. The caller must own the summary. Raises 22023 (no id of the tenant column's type), 42501,
/// 42809, 42P01, 55000 (no summary), and what the query raises.
///
/// Example: `SELECT tenant_guard.refresh_tenant_summary('crm.leads_by_day', 'aaaaaaaa-0000-4000-8000-000000000001');`
#[pg_extern(volatile, parallel_unsafe)]
fn refresh_tenant_summary(
    name: Option<RegClass>,
    organization: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    let name =
        name.ok_or(Error::NullArgument { function: "refresh_tenant_summary", argument: "name" })?;
    Ok(refresh::refresh(name.0, organization)?)
}

/// Drops a summary: its registered query and its table. Refused while a view or the like needs the table.
/// Returns the steps; in a dry run nothing changes. No undo brings it back: create it again and refresh
/// it. The caller must own the summary. Raises 22004, 2BP01, 42501, 42809, 42P01, 55000 (no summary).
///
/// Example: `SELECT * FROM tenant_guard.drop_tenant_summary('crm.leads_by_day');`
#[pg_extern(volatile, parallel_unsafe)]
fn drop_tenant_summary(
    name: Option<RegClass>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let name =
        name.ok_or(Error::NullArgument { function: "drop_tenant_summary", argument: "name" })?;
    Ok(drop(name, dry_run.unwrap_or(false))?)
}

/// Writes the registration that a plan of create_tenant_summary decided on: query is from now on what
/// refresh_tenant_summary runs for the table, with the rights of its owner. The caller must own the
/// table, and it must have the query's columns and refreshed_at. Raises 22004, 22023, 42501, 42601,
/// 42703, 42804, 42809, 42P01, 55000.
///
/// Example: `SELECT tenant_guard.register_tenant_summary('crm.totals', 'SELECT organization_id, count(*) AS n FROM crm.leads GROUP BY 1', 'organization_id', '{}');`
#[pg_extern(volatile, parallel_unsafe)]
fn register_tenant_summary(
    table: Option<RegClass>,
    query: Option<&str>,
    tenant_column: Option<Name>,
    key: Option<Names>,
) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: "register_tenant_summary", argument };
    let table = table.ok_or_else(|| null("table"))?;
    // Whose it is comes first: a stranger learns nothing from which argument was missing.
    let owned = Owned::table(table.0)?;
    let definition = Definition {
        query: query.ok_or_else(|| null("query"))?.to_string(),
        tenant_column: tenant_column.ok_or_else(|| null("tenant_column"))?.0,
        key: key.map(Some).and_then(names).ok_or_else(|| null("key"))?,
    };
    Ok(register(table, &owned, definition)?)
}

/// Removes the registered query of a table, which stays as it is. The caller must own the table.
/// Raises 22004, 42501, 42809, 42P01.
///
/// Example: `SELECT tenant_guard.unregister_tenant_summary('crm.totals');`
#[pg_extern(volatile, parallel_unsafe)]
fn unregister_tenant_summary(table: Option<RegClass>) -> Result<(), ErrorReport> {
    let table = table
        .ok_or(Error::NullArgument { function: "unregister_tenant_summary", argument: "table" })?;
    Ok(registry::unregister(&Owned::table(table.0)?)?)
}

/// None where one of them is NULL; no names for NULL.
fn names(names: Option<Names>) -> Option<Vec<String>> {
    names.map_or(Some(vec![]), |Names(names)| names.into_iter().collect())
}

/// The query of the definition as one SELECT, with its columns, found with the rights of `owner`. Parsed,
/// analyzed and planned under the settings that it will be run under: it is the same statement then, and
/// what a refresh would be refused for is known now.
fn analyze(definition: &mut Definition, owner: pg_sys::Oid) -> Result<Vec<ResultColumn>> {
    let settings = query::plainly();
    settings.set(c"row_security", "off");
    let not_one = || Error::BadSummary {
        argument: "query",
        why: "It is not one SELECT without INTO and FOR UPDATE.".into(),
    };
    definition.query = statement::one_select(&definition.query).ok_or_else(not_one)?;
    user::as_table_owner(owner, || {
        let columns = statement::columns(&definition.query)?;
        definition.check(&columns)?;
        // Privileges and policies are looked at when a plan is about to run.
        query::run_here(&format!("EXPLAIN SELECT FROM ({}\n) AS q", definition.query), &[])?;
        Ok(columns)
    })
}

#[derive(Deserialize)]
struct Place {
    may_create: bool,
    system: bool,
    writers: Vec<String>,
}

fn create(name: &str, mut definition: Definition, protect: bool, dry_run: bool) -> Result<Rows> {
    let (schema, name) = scanner::qualified(name).map_err(|why| Error::BadSummary {
        argument: "name",
        why: format!("In \"{name}\" {why}."),
    })?;
    if !dry_run {
        // Two calls for one name: the second finds what the first made.
        relation::lock_name("tenant_summary", &ident::qualified(&schema, &name));
    }
    let place: Option<Place> =
        query::model(include_str!("default_writers.sql"), &[schema.as_str().into()])?;
    let place = place.ok_or_else(|| Error::NoSuchSchema { schema: schema.clone() })?;
    let existing = relation::named(&schema, &name);
    if place.system || (existing.is_none() && !place.may_create) {
        return Err(Error::NotPermitted {
            what: format!("creating table {}", ident::qualified(&schema, &name)),
            detail: "You have no CREATE on its schema, or it is a system schema.".into(),
            hint: "Name a schema of your own, or have CREATE on it granted.".into(),
        });
    }
    let columns = analyze(&mut definition, user::current_oid())?;
    let wanted =
        Wanted { schema, name, definition, columns, protect, default_writers: place.writers };
    match existing {
        None => plan::run(planner::create(&wanted), dry_run),
        Some(oid) => plan::run(change(&wanted, oid, dry_run)?, dry_run),
    }
}

fn change(wanted: &Wanted, oid: u32, dry_run: bool) -> Result<plan::Plan> {
    let taken = |_| Error::SummaryNameTaken { table: wanted.qualified() };
    let registered = Owned::table(oid).and_then(|o| o.definition()).map_err(taken)?;
    let family = catalog::table_family(RegClass(oid), dry_run)?;
    planner::change(wanted, &family[0], &registered)
}

fn register(table: RegClass, owned: &Owned, mut definition: Definition) -> Result<()> {
    let columns = analyze(&mut definition, owned.is.owner)?;
    if !planner::fits(&catalog::table(table)?, &columns) {
        return Err(Error::SummaryDiffers { table: owned.qualified(), what: "its columns" });
    }
    registry::register(owned, &definition)
}

fn drop(name: RegClass, dry_run: bool) -> Result<Rows> {
    Owned::table(name.0)?.definition()?;
    let family = catalog::table_family(name, dry_run)?;
    plan::run(planner::drop(&family[0]), dry_run)
}
