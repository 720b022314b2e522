//! The trigger functions that add_feature attaches, and the helper that its policy asks.

use crate::identity;
use crate::pg::convention;
use crate::pg::row_trigger::RowOrNothing;
use crate::pg::soft_delete::{self, Deletion};
use crate::settings;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;

/// Keeps timestamps, actors, version and status of a row as the table's features say. For triggers made by add_feature.
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."keep_conventions"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn keep_conventions(fcinfo: FunctionCallInfo) -> Result<RowOrNothing, ErrorReport> {
    Ok(convention::keep(fcinfo, identity::user)?)
}

/// Marks a row as deleted instead of deleting it. For triggers made by add_feature.
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."soft_delete"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn soft_delete(fcinfo: FunctionCallInfo) -> Result<RowOrNothing, ErrorReport> {
    Ok(soft_delete::instead_of_delete(fcinfo, deletion)?)
}

fn deletion() -> Deletion {
    Deletion { user: identity::user(), reason: settings::deletion_reason() }
}

/// Marks the rows of other tables with the feature that refer to a row with ON DELETE CASCADE, once it is
/// marked itself: at the same time, by the same user, for the same reason. For triggers made by add_feature.
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."soft_delete_cascade"() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn soft_delete_cascade(fcinfo: FunctionCallInfo) -> Result<RowOrNothing, ErrorReport> {
    Ok(soft_delete::after_mark(fcinfo, deletion)?)
}

/// Whether soft-deleted rows are shown beside the others: true where tenant_guard.show_deleted is on,
/// as it is while restore_row runs; never NULL. Policies ask it. Raises nothing.
///
/// Example: `SELECT tenant_guard.shows_deleted();`
#[pg_extern(stable, parallel_safe)]
fn shows_deleted() -> bool {
    settings::show_deleted()
}
