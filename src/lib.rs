//! tenant_guard: safe multi-tenancy inside PostgreSQL.
//!
//! Everything that changes a database goes catalog -> planner -> plan -> executor -> journal (see
//! `plan`). The hot path, what every query of every user calls, is `identity` and `context`.

// pgrx raises an `ErrorReport` by value; boxing it would lose its SQLSTATE.
#![allow(clippy::result_large_err)]

// What everybody uses.
mod error;
mod id;
mod pg; // the only room with hand-written `unsafe`
mod request;
mod security;
mod settings;

// The mechanism.
mod catalog;
mod plan;

// The hot path.
mod context;
mod identity;

// The features.
mod audit;
mod classification;
mod feature;
mod policy;
mod tenant;

mod status;

mod farewell;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

// Tables and types come before the functions that use them; grants and comments come after both.
extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
extension_sql_file!("../sql/journal.sql", name = "journal", requires = ["bootstrap", plan::origin]);
extension_sql_file!(
    "../sql/membership.sql",
    name = "membership",
    requires = ["journal", context::register::registration_changed]
);
extension_sql_file!("../sql/identity.sql", name = "identity", requires = ["membership"]);
extension_sql_file!(
    "../sql/security.sql",
    name = "security",
    requires = [
        "identity",
        audit::refuse_change,
        context::org_id,
        context::org_id_text,
        security::auditor,
        security::application::may_read_events
    ]
);
extension_sql_file!(
    "../sql/audit.sql",
    name = "audit",
    requires = [
        "security",
        audit::view::audit_organization,
        audit::view::audit_record,
        audit::view::audit_old_record,
        audit::view::audit_key,
        audit::view::audit_changed,
        audit::view::audit_organization_text,
        audit::history::audit_table_key,
        audit::follow::follow_audited
    ]
);
extension_sql_file!("../sql/audit_seal.sql", name = "audit_seal", requires = ["audit"]);
extension_sql_file!(
    "../sql/audit_status.sql",
    name = "audit_status",
    requires = ["audit_seal", audit::view::audit_changed_by, audit::status::audit_logged]
);
extension_sql_file!(
    "../sql/policy.sql",
    name = "policy",
    requires = [
        "audit_status",
        policy::keep_tenant::keep_tenant,
        policy::watch::watch,
        policy::watch::check_protection,
        policy::protection_drifts
    ]
);
extension_sql_file!(
    "../sql/tenant.sql",
    name = "tenant",
    requires = ["policy", tenant::life::ledger::template_fingerprint]
);
extension_sql_file!(
    "../sql/fleet.sql",
    name = "fleet",
    requires = [
        "tenant",
        tenant::fleet::begin_tenant_run,
        tenant::fleet::reopen_tenant_run,
        tenant::fleet::start_run_helpers,
        tenant::fleet::run_next_tenant,
        tenant::fleet::report_tenant_run
    ]
);
extension_sql_file!(
    "../sql/destination.sql",
    name = "destination",
    requires = [
        "fleet",
        tenant::destination::database::begin_tenant_database,
        tenant::destination::database::run_database_step,
        tenant::destination::database::report_tenant_database
    ]
);
extension_sql_file!(
    "../sql/move.sql",
    name = "move",
    requires = [
        "destination",
        tenant::destination::moving::begin_tenant_move,
        tenant::destination::moving::run_move_step,
        tenant::destination::moving::report_tenant_move
    ]
);
extension_sql_file!("../sql/summary.sql", name = "summary", requires = ["move", plan::origin]);
extension_sql_file!("../sql/access.sql", name = "access", requires = ["summary"]);
extension_sql_file!(
    "../sql/classification.sql",
    name = "classification",
    requires = ["access", plan::origin, classification::follow::follow_columns]
);
extension_sql_file!(
    "../sql/farewell.sql",
    name = "farewell",
    requires = ["classification", farewell::before_drop_extension]
);
extension_sql_file!(
    "../sql/grants.sql",
    name = "grants",
    requires = [
        "farewell",
        context::register::use_membership,
        context::register::register_membership,
        context::roles::set_role_permissions,
        context::roles::register_role_permissions,
        identity::configure::set_claim_profile,
        identity::configure::set_claim_path,
        identity::configure::register_claim_source,
        identity::keyring::add_key,
        identity::keyring::load_jwks,
        identity::keyring::retire_key,
        policy::enforce::enforce,
        policy::enforce::register_enforcement,
        status::status,
        tenant::destination::database::forget_tenant_database,
        tenant::destination::moving::cancel_tenant_move,
        tenant::destination::register_destination,
        tenant::destination::unregister_destination,
        tenant::destination::assign_destination,
        tenant::destination::record_destination,
        tenant::destination::record_assignment,
        tenant::destination::destination_for,
        tenant::destination::destination_for_text,
        tenant::destination::pgbouncer_databases,
        audit::audit_statement,
        audit::audit_row,
        audit::audit_truncate,
        audit::seal::seal_audit,
        audit::life::purge_audit,
        audit::life::hold_audit,
        audit::life::release_audit_hold,
        audit::life::set_audit_retention,
        audit::life::erase_subject
    ]
);
// Made by build.rs from the doc comments.
extension_sql_file!("../sql/comments.sql", name = "comments", finalize);

#[pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    // A backtrace in a client's DETAIL would tell it about the server's insides.
    std::env::set_var("RUST_LIB_BACKTRACE", "0");
    if pg::snapshot::in_parallel_mode() {
        // Only warnings would say that no setting was taken, and the weakest would be in force.
        ErrorReport::from(error::Error::LoadedInParallel).report(PgLogLevel::ERROR);
    }
    settings::define();
    pg::invalidation::listen();
    audit::listen();
}

/// `cargo pgrx test` looks for this module at the root of the crate.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
