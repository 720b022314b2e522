//! The trigger that keeps a row with its tenant.

use crate::error::Error;
use crate::pg::trigger::{Change, NextRow};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Refuses, for whom the table's policies bind, a change of the column that it is given: the tenant's.
/// A foreign key's ON UPDATE CASCADE and roles with BYPASSRLS pass. For triggers made by protect_table.
/// Raises 42501.
///
/// Example: `SELECT tgname FROM pg_trigger WHERE tgfoid = 'tenant_guard.keep_tenant'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."keep_tenant"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn keep_tenant(fcinfo: pg_sys::FunctionCallInfo) -> Option<NextRow> {
    let Some(change) = Change::of_update(fcinfo) else {
        ErrorReport::from(Error::NotKeepTenantTrigger).report(PgLogLevel::ERROR);
        return None;
    };
    if change.policies_bind() {
        let column = change.argument().unwrap_or_default();
        ErrorReport::from(Error::TenantKept { table: change.table(), column })
            .report(PgLogLevel::ERROR);
    }
    Some(change.proceed())
}
