//! The audit trail: who changed which row of which organization, and what it was before.

mod capture;
mod planner;
#[cfg(test)]
mod planner_tests;

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::query;
use crate::pg::types::{Name, PlannedStep, RegClass};
use crate::plan::{self, Rows};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Writes every INSERT, UPDATE, DELETE and TRUNCATE of a table to the audit log, through whatever
/// path the change comes (COPY, MERGE, cascades, partitions, replication). tenant_column names the
/// column that says whose trail an event belongs to; NULL means organization_id where the table
/// has it, else the table's owner alone reads its trail.
/// Returns the steps; in a dry run nothing changes. The caller must own the table and needs
/// EXECUTE on tenant_guard.audit_row() and audit_truncate(), which an administrator grants.
/// Raises 42501, 42P01, 42703, 42809.
///
/// Example: `SELECT * FROM tenant_guard.enable_audit('crm.contacts');`
#[pg_extern(volatile, parallel_unsafe)]
fn enable_audit(
    table: Option<RegClass>,
    tenant_column: default!(Option<Name>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let table = table.ok_or(Error::NullArgument { function: "enable_audit", argument: "table" })?;
    Ok(enable(table, tenant_column.map(|c| c.0), dry_run.unwrap_or(false))?)
}

/// Stops auditing a table and all that inherits from it. What was logged stays.
/// Returns the steps; in a dry run nothing changes. The caller must own the table.
/// Raises 42501, 42P01, 42809.
///
/// Example: `SELECT * FROM tenant_guard.disable_audit('crm.contacts');`
#[pg_extern(volatile, parallel_unsafe)]
fn disable_audit(
    table: Option<RegClass>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let table =
        table.ok_or(Error::NullArgument { function: "disable_audit", argument: "table" })?;
    let dry_run = dry_run.unwrap_or(false);
    let family = catalog::table_family(table, dry_run).map_err(ErrorReport::from)?;
    Ok(plan::run(planner::disable(&family), dry_run)?)
}

fn enable(table: RegClass, tenant_column: Option<String>, dry_run: bool) -> Result<Rows> {
    let family = catalog::table_family(table, dry_run)?;
    let may_attach = query::value::<bool>(
        "SELECT pg_catalog.has_function_privilege('tenant_guard.audit_row()', 'EXECUTE')
            AND pg_catalog.has_function_privilege('tenant_guard.audit_truncate()', 'EXECUTE')",
        &[],
    )?;
    if may_attach != Some(true) {
        return Err(Error::NotPermitted {
            what: format!("auditing {}", family[0].qualified()),
            detail: "Whoever can attach the audit triggers to a table writes to the log that all organizations share.".into(),
            hint: "An administrator grants it: GRANT EXECUTE ON FUNCTION tenant_guard.audit_row(), tenant_guard.audit_truncate() TO the role that runs migrations.".into(),
        });
    }
    plan::run(planner::enable(&family, tenant_column)?, dry_run)
}

/// Logs the change of one row. For triggers made by enable_audit; its argument is the tenant column.
#[pg_trigger]
fn audit_row<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgHeapTupleError> {
    capture::log(trigger);
    Ok(None)
}

/// Logs a TRUNCATE. For triggers made by enable_audit.
#[pg_trigger]
fn audit_truncate<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgHeapTupleError> {
    capture::log(trigger);
    Ok(None)
}

/// Refuses to alter or remove what was logged. For the extension's own tables.
#[pg_trigger]
fn refuse_change<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgHeapTupleError> {
    let security = trigger.table_name().is_ok_and(|name| name == "security_event");
    let log = if security { "security" } else { "audit" };
    ErrorReport::from(Error::AppendOnly { log }).report(PgLogLevel::ERROR);
    Ok(None)
}
