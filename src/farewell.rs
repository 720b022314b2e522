//! What DROP EXTENSION leaves in the database, said before it happens.

use crate::error::Result;
use crate::pg::{event, query, user};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Tells, before DROP EXTENSION tenant_guard runs, what stays in the database. Event trigger.
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."before_drop_extension"() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn before_drop_extension(fcinfo: pg_sys::FunctionCallInfo) {
    if event::dropped_extensions(fcinfo).iter().any(|name| name == "tenant_guard") {
        match left_behind() {
            Ok(left) => say(&left),
            Err(error) => ErrorReport::from(error).report(PgLogLevel::ERROR),
        }
    }
}

#[derive(serde::Deserialize)]
struct Left {
    protected_tables: i64,
    audited_tables: i64,
    tenant_schemas: i64,
    tenant_roles: i64,
    audit_events: bool,
}

fn left_behind() -> Result<Option<Left>> {
    let caller = user::current();
    user::as_extension_owner(|| query::model(include_str!("farewell.sql"), &[caller.into()]))
}

fn say(left: &Option<Left>) {
    let Some(left) = left else { return };
    let detail = format!(
        "It goes with its journal{}, and, with CASCADE, the policies of {} tables and the audit triggers of {}. \
         What it made for you stays: those tables keep row-level security enabled and forced, and show no row \
         until they have policies again; the indexes stay, and {} tenant schemas with {} roles, and the empty \
         schema tenant_guard.",
        if left.audit_events { " and its audit log, which is not empty" } else { "" },
        left.protected_tables,
        left.audited_tables,
        left.tenant_schemas,
        left.tenant_roles,
    );
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        "tenant_guard leaves behind what it made for you",
        pgrx::function_name!(),
    )
    .set_detail(detail)
    .set_hint("To be rid of that too, undo the changes first: SELECT id, operation, target FROM tenant_guard.change WHERE undone_by IS NULL ORDER BY id DESC.")
    .report(PgLogLevel::NOTICE);
}
