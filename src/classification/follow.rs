//! What is registered of columns goes by OID and number here, and by name in a restored copy: so the names are kept as
//! they are, and what is dropped is registered no longer.

use crate::error::Result;
use crate::pg::{event, kept, relation, user};
use crate::plan;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Keeps what classify registered with its columns when they or their tables are renamed, moved or dropped.
/// Event trigger. Raises nothing of its own.
///
/// Example: `SELECT evtname FROM pg_event_trigger WHERE evtfoid = 'tenant_guard.follow_columns'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."follow_columns"() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn follow_columns(fcinfo: pg_sys::FunctionCallInfo) {
    let Some(event) = event::kind(fcinfo) else { return };
    // A database that classifies nothing pays nothing.
    if event::in_extension_script() || relation::own_is_empty("column_class") {
        return;
    }
    if event == "ddl_command_start" && plan::making_anew() {
        return; // what goes by name here keeps it
    }
    if let Err(error) = follow(&event) {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
}

fn follow(event: &str) -> Result<()> {
    let statements: &[&str] = match event {
        "sql_drop" => &[include_str!("forget_tables.sql")],
        "ddl_command_start" => &[include_str!("adopt.sql")],
        _ => &[include_str!("forget_columns.sql"), include_str!("follow.sql")],
    };
    user::as_extension_owner(|| statements.iter().try_for_each(|sql| kept::run(sql, &[])))
}
