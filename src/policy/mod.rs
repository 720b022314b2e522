//! Row-level security, generated: what makes a table hold several tenants safely.

pub mod denormalize;
pub mod enforce;
mod findings;
mod floor;
mod harden;
pub mod keep_tenant;
mod model;
mod options;
mod path;
mod permissions;
mod planner;
#[cfg(test)]
mod planner_tests;
mod registry;
pub mod schema;
mod subject;
mod timeline;
pub mod watch;

use crate::error::{Error, Result};
use crate::pg::types::{Name, Names, PlannedStep, RegClass};
use crate::{catalog, plan};
use options::{Call, Existing, IndexMode, Options, Scope, EXISTING, INDEX_MODES, SCOPES};
use permissions::Permissions;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use subject::Subject;

/// Protects a table: enables and forces row-level security, puts a restrictive policy under
/// everything that lets only the tenant's rows pass, and grants the roles one policy a command. With
/// that come the index that leads with the tenant column, the context as that column's default, in scope
/// 'member' a trigger that keeps rows with their tenant, and the end of privileges that policies do not look at
/// (TRUNCATE, REFERENCES, TRIGGER; SELECT and UPDATE on sequences). Partitions and inheriting tables are
/// protected with it, later ones too. Call it again with other options and only the difference is
/// planned; call it again with the same and nothing is.
///
/// scope: 'active' shows the active organization's rows (see org_id), 'member' those of every
/// organization the user belongs to (see org_ids). roles: NULL means role authenticated where it
/// exists, else PUBLIC. permissions: for each of select, insert, update and delete who may: "member",
/// "own" (the row's owner), a role or a permission such as leads:write, or an array of them; a command that
/// it does not name is nobody's; NULL means every member, or with owner_column the row's owner.
/// project_column: rows are the active project's. owner_column: says whose row it is, by uid(). via: for a
/// table without the tenant column, the column of the foreign key that leads to it. shared: a condition on
/// rows that all may read and nobody may write. existing: what to do with policies made by others:
/// 'refuse', 'keep' or 'replace'. index: 'build', 'concurrently' (planned, but to be run by itself) or
/// 'skip'.
/// Returns the steps, each with the lock it takes; in a dry run nothing changes. Ways round the policies
/// that only a change of the schema closes are told as warnings, with the statements that do. The caller
/// must own the tables.
/// Raises 42501, 42P01, 42703, 42804, 42809, 22004, 22023, 42704, 55000 (existing policies), 55P03
/// (lock_timeout), 25001.
///
/// Example: `SELECT * FROM tenant_guard.protect_table('crm.contacts', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn protect_table(
    table: Option<RegClass>,
    tenant_column: default!(Option<Name>, "'organization_id'"),
    scope: default!(Option<&str>, "'active'"),
    roles: default!(Option<Names>, "NULL"),
    permissions: default!(Option<JsonB>, "NULL"),
    project_column: default!(Option<Name>, "NULL"),
    owner_column: default!(Option<Name>, "NULL"),
    via: default!(Option<Name>, "NULL"),
    shared: default!(Option<&str>, "NULL"),
    existing: default!(Option<&str>, "'refuse'"),
    index: default!(Option<&str>, "'build'"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let asked = Asked {
        tenant_column,
        scope,
        roles,
        permissions,
        project_column,
        owner_column,
        via,
        shared,
    };
    let table =
        table.ok_or(Error::NullArgument { function: "protect_table", argument: "table" })?;
    // Whose table it is comes before what is asked for.
    catalog::table(table)?;
    let options = asked.options("protect_table")?;
    let call = call("protect_table", existing, index)?;
    let dry_run = dry_run.unwrap_or(false);
    let subject = Subject::read(table, dry_run)?;
    Ok(plan::run(subject.protect(options, call)?, dry_run)?)
}

/// Takes the protection of protect_table away from a table and all that inherits from it: policies,
/// trigger and default. Row-level security stays enabled where policies made by others are left. The
/// tenant index is kept, and privileges that protect_table revoked stay revoked.
/// Returns the steps; in a dry run nothing changes. The caller must own the tables.
/// Raises 42501, 42P01, 42809, 55P03.
///
/// Example: `SELECT * FROM tenant_guard.unprotect_table('crm.contacts');`
#[pg_extern(volatile, parallel_unsafe)]
fn unprotect_table(
    table: Option<RegClass>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let table =
        table.ok_or(Error::NullArgument { function: "unprotect_table", argument: "table" })?;
    let dry_run = dry_run.unwrap_or(false);
    let family = catalog::table_family(table, dry_run).map_err(ErrorReport::from)?;
    let registered = registry::registered(family[0].oid)?;
    let plan = planner::unprotect(&family, registered.as_ref())?;
    Ok(plan::run(plan, dry_run)?)
}

/// What somebody changed by hand on a protected table since protect_table, as what protect_table would
/// do about it; empty where nothing; NULL for a table that is not protected or not yours.
/// Raises nothing of its own.
///
/// Example: `SELECT tenant_guard.protection_drift('crm.contacts'::regclass);`
#[pg_extern(volatile, parallel_unsafe, strict)]
pub fn protection_drift(table: pgrx::pg_sys::Oid) -> Result<Option<Vec<String>>, ErrorReport> {
    Ok(subject::drift(RegClass(table.to_u32()))?)
}

/// protection_drift of every protected table of yours: its OID, and what somebody changed. Raises nothing of
/// its own.
///
/// Example: `SELECT relation::regclass, drift FROM tenant_guard.protection_drifts() WHERE drift <> '{}';`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
pub fn protection_drifts() -> Result<
    TableIterator<'static, (name!(relation, pgrx::pg_sys::Oid), name!(drift, Vec<String>))>,
    ErrorReport,
> {
    let drifts = subject::drifts()?;
    let rows = drifts.into_iter().map(|(oid, drift)| (pgrx::pg_sys::Oid::from(oid), drift));
    Ok(TableIterator::new(rows))
}

/// The options of a call, as SQL hands them over.
struct Asked<'a> {
    tenant_column: Option<Name>,
    scope: Option<&'a str>,
    roles: Option<Names>,
    permissions: Option<JsonB>,
    project_column: Option<Name>,
    owner_column: Option<Name>,
    via: Option<Name>,
    shared: Option<&'a str>,
}

impl Asked<'_> {
    fn options(self, function: &'static str) -> Result<Options> {
        let null = |argument| Error::NullArgument { function, argument };
        if let Some(shared) = self.shared {
            crate::pg::expression::check(shared, "shared")?;
        }
        let options = Options {
            tenant_column: self.tenant_column.ok_or_else(|| null("tenant_column"))?.0,
            scope: option("scope", self.scope.ok_or_else(|| null("scope"))?, SCOPES, Scope::parse)?,
            roles: chosen_roles(self.roles)?,
            permissions: self.permissions.map(|p| Permissions::parse(&p.0)).transpose()?,
            project_column: self.project_column.map(|n| n.0),
            owner_column: self.owner_column.map(|n| n.0),
            via: self.via.map(|n| n.0),
            shared: self.shared.map(str::to_string),
            kept: vec![],
            of_schema: false,
        };
        options.check()?;
        Ok(options)
    }
}

fn call(function: &'static str, existing: Option<&str>, index: Option<&str>) -> Result<Call> {
    let null = |argument| Error::NullArgument { function, argument };
    let existing = existing.ok_or_else(|| null("existing"))?;
    let index = index.ok_or_else(|| null("index"))?;
    Ok(Call {
        existing: option("existing", existing, EXISTING, Existing::parse)?,
        index: option("index", index, INDEX_MODES, IndexMode::parse)?,
    })
}

fn option<T>(
    option: &'static str,
    value: &str,
    allowed: &'static [&'static str],
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    parse(value).ok_or_else(|| Error::UnknownOption { option, value: value.to_string(), allowed })
}

/// Role names, each of which exists; empty stands for PUBLIC.
fn chosen_roles(roles: Option<Names>) -> Result<Vec<String>> {
    let Some(Names(names)) = roles else {
        return default_roles();
    };
    let names: Vec<String> = names.into_iter().flatten().collect();
    if names.is_empty() {
        return Err(Error::UnknownOption {
            option: "roles",
            value: "{}".into(),
            allowed: &["{authenticated}", "{public}", "an array of existing roles"],
        });
    }
    for role in names.iter().filter(|r| *r != "public") {
        if !catalog::role_exists(role)? {
            return Err(Error::NoSuchRole { role: role.clone() });
        }
    }
    // PUBLIC covers every other role named beside it.
    Ok(if names.iter().any(|r| r == "public") { vec![] } else { names })
}

fn default_roles() -> Result<Vec<String>> {
    let api_role = "authenticated";
    Ok(if catalog::role_exists(api_role)? { vec![api_role.into()] } else { vec![] })
}
