//! Row-level security, generated: what makes a table hold several tenants safely.

mod model;
mod planner;
#[cfg(test)]
mod planner_tests;

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::types::{Name, Names, PlannedStep, RegClass};
use crate::plan::{self, Rows};
use model::{Scope, SCOPES};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use planner::{Existing, IndexMode, Options, EXISTING, INDEX_MODES};

/// Protects a table: enables and forces row-level security, puts a restrictive policy under
/// everything that lets only the tenant's rows pass, grants the roles one policy a command, and
/// makes the index that leads with the tenant column. Partitions and inheriting tables are
/// protected with it. Call it again with other options and only the difference is planned; call it
/// again with the same and nothing is.
///
/// scope: 'active' shows the active organization's rows (see org_id), 'member' those of every
/// organization the user belongs to (see org_ids). roles: NULL means role authenticated where it
/// exists, else PUBLIC. existing: what to do with policies made by others: 'refuse', 'keep' or
/// 'replace'. index: 'build', 'concurrently' (planned, but to be run by itself) or 'skip'.
/// Returns the steps; in a dry run nothing changes. The caller must own the tables.
/// Raises 42501, 42P01, 42703, 42804, 42809, 22023, 42704, 55000 (existing policies), 25001.
///
/// Example: `SELECT * FROM tenant_guard.protect_table('crm.contacts', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn protect_table(
    table: Option<RegClass>,
    tenant_column: default!(Option<Name>, "'organization_id'"),
    scope: default!(Option<&str>, "'active'"),
    roles: default!(Option<Names>, "NULL"),
    existing: default!(Option<&str>, "'refuse'"),
    index: default!(Option<&str>, "'build'"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "protect_table", argument };
    let table = table.ok_or_else(|| null("table"))?;
    let options = Options {
        tenant_column: tenant_column.ok_or_else(|| null("tenant_column"))?.0,
        scope: option("scope", scope.ok_or_else(|| null("scope"))?, SCOPES, Scope::parse)?,
        roles: chosen_roles(roles)?,
        existing: option(
            "existing",
            existing.ok_or_else(|| null("existing"))?,
            EXISTING,
            parse_existing,
        )?,
        index: option("index", index.ok_or_else(|| null("index"))?, INDEX_MODES, parse_index)?,
    };
    Ok(protect(table, &options, dry_run.unwrap_or(false))?)
}

/// Takes the protection of protect_table away from a table and all that inherits from it. Row-level
/// security stays enabled where policies made by others are left. The tenant index is kept.
/// Returns the steps; in a dry run nothing changes. The caller must own the tables.
/// Raises 42501, 42P01, 42809.
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
    Ok(plan::run(planner::unprotect(&family), dry_run)?)
}

fn protect(table: RegClass, options: &Options, dry_run: bool) -> Result<Rows> {
    let family = catalog::table_family(table, dry_run)?;
    let schemas = family.iter().map(|t| t.schema.clone()).collect();
    let taken = catalog::names_in_use(schemas, "idx_")?;
    plan::run(planner::protect(&family, options, &taken)?, dry_run)
}

fn option<T>(
    option: &'static str,
    value: &str,
    allowed: &'static [&'static str],
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    parse(value).ok_or_else(|| Error::UnknownOption { option, value: value.to_string(), allowed })
}

fn parse_existing(word: &str) -> Option<Existing> {
    match word {
        "refuse" => Some(Existing::Refuse),
        "keep" => Some(Existing::Keep),
        "replace" => Some(Existing::Replace),
        _ => None,
    }
}

fn parse_index(word: &str) -> Option<IndexMode> {
    match word {
        "build" => Some(IndexMode::Build),
        "concurrently" => Some(IndexMode::Concurrently),
        "skip" => Some(IndexMode::Skip),
        _ => None,
    }
}

/// Role names, each of which exists; empty stands for PUBLIC.
fn chosen_roles(roles: Option<Names>) -> Result<Vec<String>> {
    let Some(Names(names)) = roles else {
        let api_role = "authenticated";
        return Ok(if catalog::role_exists(api_role)? { vec![api_role.into()] } else { vec![] });
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
