//! `protect_schema`: every table of a schema at once, or one by one.

use super::options::{Call, Options};
use super::planner::Site;
use super::registry::{self, Registered};
use super::subject::Subject;
use super::{call, path, Asked};
use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::types::{Name, Names, PlannedStep, RegClass};
use crate::pg::{ident, query};
use crate::plan::{self, Finding, Plan, Severity};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pgrx::JsonB;
use std::collections::HashMap;

/// protect_table for every table of a schema that has the tenant column, or that one shortest path of
/// foreign keys connects with a table that has; in one transaction. Tables that are protected by a
/// protect_table call of their own keep its options; tables without a way to a tenant are left alone
/// and named in a notice. To keep what is done when a table is busy: protect_schema_by_table.
/// Returns the steps; in a dry run nothing changes. The caller must own the tables.
/// Raises 3F000 for no such schema, and as protect_table does.
///
/// Example: `SELECT count(*) FROM tenant_guard.protect_schema('crm', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn protect_schema(
    schema: Option<Name>,
    tenant_column: default!(Option<Name>, "'organization_id'"),
    scope: default!(Option<&str>, "'active'"),
    roles: default!(Option<Names>, "NULL"),
    permissions: default!(Option<JsonB>, "NULL"),
    project_column: default!(Option<Name>, "NULL"),
    owner_column: default!(Option<Name>, "NULL"),
    shared: default!(Option<&str>, "NULL"),
    existing: default!(Option<&str>, "'refuse'"),
    index: default!(Option<&str>, "'build'"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = Error::NullArgument { function: "protect_schema", argument: "schema" };
    let schema = schema.ok_or(null)?.0;
    let asked = Asked {
        tenant_column,
        scope,
        roles,
        permissions,
        project_column,
        owner_column,
        via: None,
        shared,
    };
    let options = Options { of_schema: true, ..asked.options("protect_schema")? };
    let call = call("protect_schema", existing, index)?;
    let dry_run = dry_run.unwrap_or(false);
    Ok(plan::run(plan_schema(&schema, &options, call, dry_run)?, dry_run)?)
}

/// The tables that protect_schema protects, each with what inherits from it, in the order it does; those
/// left alone are named in a notice. Raises 3F000 for no such schema.
///
/// Example: `SELECT * FROM tenant_guard.tables_to_protect('crm');`
#[pg_extern(volatile, parallel_unsafe)]
fn tables_to_protect(
    schema: Option<Name>,
    tenant_column: default!(Option<Name>, "'organization_id'"),
) -> Result<SetOfIterator<'static, RegClass>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "tables_to_protect", argument };
    let schema = schema.ok_or_else(|| null("schema"))?.0;
    let tenant_column = tenant_column.ok_or_else(|| null("tenant_column"))?.0;
    let mut plan = Plan::new("protect_schema", ident::quote(&schema));
    let tables = reachable(&mut plan, &schema, &tenant_column)?;
    plan::run(plan, true).map_err(ErrorReport::from)?;
    Ok(SetOfIterator::new(tables))
}

/// One table of protect_schema_by_table: returns how many steps there were. Raises as protect_table does.
///
/// Example: `SELECT tenant_guard.protect_schema_table('crm.contacts', 'organization_id', 'active', NULL, NULL, NULL, NULL, NULL, 'refuse', 'build');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn protect_schema_table(
    table: Option<RegClass>,
    tenant_column: Option<Name>,
    scope: Option<&str>,
    roles: Option<Names>,
    permissions: Option<JsonB>,
    project_column: Option<Name>,
    owner_column: Option<Name>,
    shared: Option<&str>,
    existing: Option<&str>,
    index: Option<&str>,
) -> Result<i64, ErrorReport> {
    let null = Error::NullArgument { function: "protect_schema_table", argument: "table" };
    let table = table.ok_or(null)?;
    catalog::table(table)?;
    let asked = Asked {
        tenant_column,
        scope,
        roles,
        permissions,
        project_column,
        owner_column,
        via: None,
        shared,
    };
    let options = Options { of_schema: true, ..asked.options("protect_schema_table")? };
    let call = call("protect_schema_table", existing, index)?;
    let subject = Subject::read(table, false)?;
    let plan = subject.protect(kept_or(subject.registered.as_ref(), &options), call)?;
    Ok(plan::run(plan, false)?.count() as i64)
}

/// A table keeps the options of a protect_table call of its own.
fn kept_or(registered: Option<&Options>, asked: &Options) -> Options {
    match registered {
        Some(registered) if !registered.of_schema => registered.clone(),
        _ => asked.clone(),
    }
}

fn plan_schema(schema: &str, options: &Options, call: Call, dry_run: bool) -> Result<Plan> {
    let mut plan = Plan::new("protect_schema", ident::quote(schema));
    let registered: HashMap<u32, Options> = registry::of_schema(schema)?
        .into_iter()
        .map(|Registered { table, options }| (table, options))
        .collect();
    let tables = reachable(&mut plan, schema, &options.tenant_column)?;
    let subjects = Subject::read_all(tables, &registered, dry_run)?;
    let site = Site::of(&subjects, options)?;
    for subject in &subjects {
        let wanted = kept_or(subject.registered.as_ref(), options);
        let Plan { steps, findings, checks, .. } = match wanted == *options {
            true => subject.protect_at(&site, wanted, call)?,
            false => subject.protect(wanted, call)?,
        };
        plan.steps.extend(steps);
        plan.findings.extend(findings);
        plan.checks.extend(checks);
    }
    Ok(plan)
}

/// The roots of the schema's tables that are somebody's, parents of foreign keys before children.
fn reachable(plan: &mut Plan, schema: &str, tenant_column: &str) -> Result<Vec<RegClass>> {
    if !crate::pg::relation::schema_exists(schema) {
        return Err(Error::NoSuchSchema { schema: schema.into() });
    }
    let roots = query::rows(
        include_str!("schema_tables.sql"),
        &[schema.into(), tenant_column.into()],
        |row| Ok((row.get::<Oid>(1)?, row.get::<bool>(2)?)),
    )?;
    let (mut direct, mut along, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for (oid, has_column) in roots.into_iter().filter_map(|(oid, has)| Some((oid?, has?))) {
        let table = RegClass(oid.to_u32());
        if has_column {
            direct.push(table);
            continue;
        }
        let model = catalog::table(table)?;
        let keys = catalog::foreign_keys_from(model.oid, tenant_column)?;
        match path::find(&model, tenant_column, None, &keys) {
            Ok(_) => along.push(table),
            // Its own protection says which way.
            Err(Error::AmbiguousPath { .. }) if registry::registered(model.oid)?.is_some() => {
                along.push(table);
            }
            Err(error @ Error::AmbiguousPath { .. }) => return Err(error),
            Err(_) => left.push(model.qualified()),
        }
    }
    if !left.is_empty() {
        plan.findings.push(Finding {
            severity: Severity::Notice,
            message: format!("{} tables of schema {} are left alone", left.len(), ident::quote(schema)),
            detail: format!("They have no column \"{tenant_column}\", and no foreign key leads to one: {}.", left.join(", ")),
            hint: "If one of them holds tenants' rows, give it the column: tenant_guard.add_feature(table, 'tenant').".into(),
            fix: None,
        });
    }
    direct.extend(along);
    Ok(direct)
}
