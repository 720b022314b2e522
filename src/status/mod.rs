//! `status`: what an administrator should know about this installation.

use crate::context;
use crate::error::Result;
use crate::pg::{query, user};
use crate::settings;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Those that sql/grants.sql takes from everybody but the extension's owner.
const ADMINISTRATIVE: &[&str] = &[
    "use_membership",
    "register_membership",
    "set_role_permissions",
    "register_role_permissions",
    "set_claim_profile",
    "set_claim_path",
    "register_claim_source",
    "add_key",
    "load_jwks",
    "retire_key",
    "enforce",
    "register_enforcement",
    "status",
    "create_tenant_database",
    "begin_tenant_database",
    "run_database_step",
    "report_tenant_database",
    "forget_tenant_database",
    "move_tenant",
    "begin_tenant_move",
    "run_move_step",
    "report_tenant_move",
    "cancel_tenant_move",
    "register_destination",
    "unregister_destination",
    "assign_destination",
    "record_destination",
    "record_assignment",
    "destination_for",
    "destination_for_text",
    "pgbouncer_databases",
    "auditor",
    "audit_statement",
    "follow_audited",
    "audit_row",
    "audit_truncate",
    "seal_audit",
    "purge_audit",
    "hold_audit",
    "release_audit_hold",
    "set_audit_retention",
    "erase_subject",
    "refuse_change",
    "registration_changed",
    "check_protection",
    "watch",
    "follow_columns",
    "before_drop_extension",
];

/// Reports the installation: how identities are trusted, which keys there are, what is registered,
/// which settings could be spoofed and by whom, which roles row-level security does not hold, and who
/// may call administrative functions. Columns: item, value, verdict (ok, note or warning) and hint. No
/// secret is shown. Administrative: EXECUTE is not granted to PUBLIC. Raises nothing.
///
/// Example: `SELECT * FROM tenant_guard.status() WHERE verdict = 'warning';`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn status() -> Result<
    TableIterator<
        'static,
        (
            name!(item, Option<String>),
            name!(value, Option<String>),
            name!(verdict, Option<String>),
            name!(hint, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let functions: Vec<String> = ADMINISTRATIVE.iter().map(ToString::to_string).collect();
    let (trust, org_check) = (settings::trust().name(), settings::org_check().name());
    let missing = context::missing_of_membership()?;
    let rows: Result<Vec<_>> = user::as_extension_owner(|| {
        query::rows(
            include_str!("status.sql"),
            &[functions.into(), trust.into(), org_check.into(), missing.into()],
            |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
    });
    Ok(TableIterator::new(rows?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrative_functions_are_those_that_the_grants_take_away() {
        let grants = include_str!("../../sql/grants.sql");
        let taken: Vec<&str> = grants
            .lines()
            .filter_map(|line| line.trim().strip_prefix("'tenant_guard."))
            .filter_map(|line| line.split('\'').next())
            .collect();
        assert_eq!(taken, ADMINISTRATIVE);
    }
}
