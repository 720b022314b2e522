//! What a failure of protect_table and enforce says: SQLSTATE, message, DETAIL and HINT.

use super::audit::audit_parts;
use super::messages::{parts, sentence, Parts};
use super::Error;
use pgrx::PgSqlErrorCode::*;

pub(super) fn policy_parts(error: &Error) -> Parts {
    match error {
        Error::ExistingPolicies { table, policies } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {table} already has policies that tenant_guard did not make"),
            format!("They are {}.", policies.join(", ")),
            "Say existing => 'replace' to drop them (undo restores them), or existing => 'keep' to leave them beside the tenant policies.",
        ),
        Error::WrongOption { option, why, hint } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("option \"{option}\" cannot be used like this"),
            format!("{}.", sentence(why)),
            hint.clone(),
        ),
        Error::BadCondition { option, code, message } => parts(
            *code,
            format!("option \"{option}\" is no condition on the table's rows: {message}"),
            "PostgreSQL does not take it for one in a policy.",
            format!("Write one expression over columns of the table that is true or false, such as {option} => 'organization_id IS NULL'."),
        ),
        Error::AmbiguousPath { table, paths, columns } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{table} has several ways to its tenant"),
            format!("None is shorter than the others: {}.", paths.join("; ")),
            if columns.len() > 1 {
                format!("Say which: via => '{}'. Or give the table a tenant column: tenant_guard.denormalize_tenant('{table}', via => ...).", columns[0])
            } else {
                "They begin with the same key, so via cannot tell them apart. Give the table, or one on the way, a tenant column of its own.".into()
            },
        ),
        Error::NoPath { table, via, tenant_column } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("no foreign key leads from column \"{via}\" of {table} to a tenant"),
            format!("No table along its foreign keys has a column \"{tenant_column}\"."),
            "Name the column of a foreign key that leads to a table with the tenant column, or say tenant_column.",
        ),
        Error::FuzzyColumn { table, column } => parts(
            ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{column}\" of {table} takes different ids for one"),
            "Its collation is not deterministic: to it, ids in another spelling are equal, and their rows would be one tenant's.",
            format!("Give it another collation: ALTER TABLE {table} ALTER COLUMN ... TYPE text COLLATE \"C\"."),
        ),
        Error::LockTimeout { table } => parts(
            ERRCODE_LOCK_NOT_AVAILABLE,
            format!("{table} is in use, and lock_timeout has passed"),
            "Somebody holds a lock on it. Nothing was changed.",
            "Call again when it is less busy, or with a higher lock_timeout: only what is left is planned. To keep what was done table by table: CALL tenant_guard.protect_schema_by_table(...).",
        ),
        Error::ChangedWhileRead { object } => parts(
            ERRCODE_T_R_SERIALIZATION_FAILURE,
            format!("{object} changed while it was read"),
            "Another session altered or dropped it meanwhile, or it was made after this transaction, which is REPEATABLE READ or SERIALIZABLE, began. Nothing was changed.",
            "Call again, in a new transaction.",
        ),
        Error::TenantKept { table, column } => parts(
            ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("a row of {table} stays with its tenant"),
            format!("Column \"{column}\" says whose the row is, and cannot be changed by a role that policies bind."),
            "Insert the row into the other organization and delete it here, or have an administrator move it.",
        ),
        Error::NotKeepTenantTrigger => parts(
            ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "tenant_guard.keep_tenant works only in triggers that protect_table makes",
            "It refuses the change of one row's tenant: FOR EACH ROW, of an UPDATE.",
            "Drop the trigger and call tenant_guard.protect_table on the table.",
        ),
        Error::Unprotected { object, why, schema, fix } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("{object} is not protected"),
            format!("{} Schema {schema} is under tenant_guard.enforce(mode => 'error').", sentence(why)),
            format!("{fix} An administrator can leave this out for a session: SET tenant_guard.enforcement = off."),
        ),
        other => audit_parts(other),
    }
}
