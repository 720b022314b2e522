//! The audit trail: who changed which row of which organization, and what it was before.

mod dictionary;
pub mod follow;
mod format;
#[cfg(test)]
mod format_tests;
pub mod history;
mod key;
mod layout;
pub mod life;
mod log;
mod months;
mod options;
mod planner;
#[cfg(test)]
mod planner_tests;
mod recorder;
mod render;
pub mod seal;
mod secret;
mod source;
pub mod status;
mod told;
pub mod view;
mod who;

pub use log::listen;
pub use options::Options;

use crate::catalog;
use crate::classification::{self, Class};
use crate::error::{Error, Result};
use crate::pg::query;
use crate::pg::row_trigger::RowOrNothing;
use crate::pg::shape;
use crate::pg::types::{Name, PlannedStep, RegClass};
use crate::plan::{self, Rows};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;
use pgrx::JsonB;

/// Writes every INSERT, UPDATE, DELETE and TRUNCATE of a table to the audit log, through whatever
/// path the change comes (COPY, MERGE, cascades, partitions, replication). columns is an object of columns and
/// what becomes of their values: 'include' (as they are), 'omit' (only that they changed), 'mask' (a form that
/// gives a person's data not away), 'hash' (a keyed hash: equal values look equal); of the others their class
/// decides: pii is masked, secret left out. truncate: 'event' logs that the table was emptied, 'rows' each row too. tenant_column names the column that says whose trail an event
/// belongs to; NULL means organization_id where the table has it, else the table's owner alone reads its
/// trail. unchanged: 'log', or 'skip' for UPDATEs that change nothing.
/// Returns the steps; in a dry run nothing changes. A call says all that is wanted: what it leaves out is the default
/// again. The caller must own the table and needs EXECUTE on tenant_guard.audit_statement(), audit_row() and
/// audit_truncate(), which an administrator grants.
/// Raises 22004, 22023, 42501, 42P01, 42703, 42809.
///
/// Example: `SELECT * FROM tenant_guard.enable_audit('crm.contacts', columns => '{"email": "mask"}');`
#[pg_extern(volatile, parallel_unsafe)]
fn enable_audit(
    table: Option<RegClass>,
    columns: default!(Option<JsonB>, "NULL"),
    truncate: default!(Option<&str>, "'event'"),
    tenant_column: default!(Option<Name>, "NULL"),
    unchanged: default!(Option<&str>, "'log'"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let table = table.ok_or(Error::NullArgument { function: "enable_audit", argument: "table" })?;
    let options = || {
        Options::new(
            columns.as_ref().map(|c| &c.0),
            truncate.unwrap_or("event"),
            unchanged.unwrap_or("log"),
            tenant_column.map(|c| c.0),
        )
    };
    Ok(enable(table, options, dry_run.unwrap_or(false))?)
}

/// Stops auditing a table and all that inherits from it. What was logged stays.
/// Returns the steps; in a dry run nothing changes. The caller must own the table.
/// Raises 22004, 42501, 42P01, 42809.
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

/// Whose table it is comes before what is asked for.
fn enable(
    table: RegClass,
    options: impl FnOnce() -> Result<Options>,
    dry_run: bool,
) -> Result<Rows> {
    let family = catalog::table_family(table, dry_run)?;
    let may_attach = query::value::<bool>(
        "SELECT pg_catalog.has_function_privilege('tenant_guard.audit_statement()', 'EXECUTE')
            AND pg_catalog.has_function_privilege('tenant_guard.audit_row()', 'EXECUTE')
            AND pg_catalog.has_function_privilege('tenant_guard.audit_truncate()', 'EXECUTE')",
        &[],
    )?;
    if may_attach != Some(true) {
        return Err(Error::NotPermitted {
            what: format!("auditing {}", family[0].qualified()),
            detail: "Whoever can attach the audit triggers to a table writes to the log that all organizations share.".into(),
            hint: "An administrator grants it: GRANT EXECUTE ON FUNCTION tenant_guard.audit_statement(), tenant_guard.audit_row(), tenant_guard.audit_truncate() TO the role that runs migrations.".into(),
        });
    }
    let mut plan = planner::enable(&family, options()?)?;
    planner::tell_personal(&mut plan, &family[0], &personal(family[0].oid)?);
    plan::run(plan, dry_run)
}

/// The columns that are classified as a person's data or a secret.
fn personal(table: u32) -> Result<Vec<String>> {
    let classes = classification::of_table(table)?;
    let closed = |number: &i16| {
        classes.iter().any(|(n, class)| n == number && matches!(class, Class::Pii | Class::Secret))
    };
    let columns = shape::shape(table).map(|shape| shape.columns).unwrap_or_default();
    Ok(columns.into_iter().filter(|c| closed(&c.number)).map(|c| c.name).collect())
}

/// Logs the rows that a statement changed. For triggers made by enable_audit; its argument says what is logged. Raises 39P01
/// (attached otherwise), 55000 (the tenant column is gone, or the argument is not enable_audit's); then nothing changes.
///
/// Example: `SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tenant_guard.audit_statement'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."audit_statement"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn audit_statement(fcinfo: FunctionCallInfo) -> Result<RowOrNothing, ErrorReport> {
    recorder::record(fcinfo, "tenant_guard.audit_statement")?;
    Ok(RowOrNothing::nothing())
}

/// Logs the change of one row. For triggers made by enable_audit; its argument says what is logged. Raises 39P01
/// (attached otherwise), 55000 (the tenant column is gone, or the argument is not enable_audit's); then nothing changes.
///
/// Example: `SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tenant_guard.audit_row'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."audit_row"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn audit_row(fcinfo: FunctionCallInfo) -> Result<RowOrNothing, ErrorReport> {
    recorder::record(fcinfo, "tenant_guard.audit_row")?;
    Ok(RowOrNothing::nothing())
}

/// Logs a TRUNCATE, with the rows that it removes where that was asked for. For triggers made by enable_audit. Raises
/// as audit_row does.
///
/// Example: `SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tenant_guard.audit_truncate'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."audit_truncate"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn audit_truncate(fcinfo: FunctionCallInfo) -> Result<RowOrNothing, ErrorReport> {
    recorder::record(fcinfo, "tenant_guard.audit_truncate")?;
    Ok(RowOrNothing::nothing())
}

/// Refuses to alter or remove what was logged. For the extension's own tables.
#[pg_trigger]
pub fn refuse_change<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgHeapTupleError> {
    if life::permit::given() {
        return Ok(trigger.new().or(trigger.old()));
    }
    let security = trigger.table_name().is_ok_and(|name| name == "security_event");
    let log = if security { "security" } else { "audit" };
    ErrorReport::from(Error::AppendOnly { log }).report(PgLogLevel::ERROR);
    Ok(None)
}
