//! What a failure of the logs says: SQLSTATE, message, DETAIL and HINT.

use super::features::feature_parts;
use super::messages::{parts, Parts};
use super::Error;
use pgrx::PgSqlErrorCode::*;

pub(super) fn audit_parts(error: &Error) -> Parts {
    match error {
        Error::AppendOnly { log } => parts(
            ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("the {log} log is append-only"),
            "What was logged is never altered or removed, whoever asks.",
            match *log {
                "security" => "Read it through tenant_guard.security_event.",
                _ => "Read it through tenant_guard.audit_log.",
            },
        ),
        Error::TenantColumnGone { table, column } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the audit trail of {table} has lost its tenant column \"{column}\""),
            "The column was renamed or dropped, so nobody could tell whose trail the change belongs to.",
            format!("Name the column anew: SELECT * FROM tenant_guard.enable_audit('{table}', tenant_column => ...)."),
        ),
        Error::NotAfterTrigger { function } => parts(
            ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            format!("{function} works only in triggers that enable_audit makes"),
            "It logs what was done: AFTER each row, AFTER a statement with its transition tables, or BEFORE a TRUNCATE.",
            "Drop the trigger and call tenant_guard.enable_audit on the table.",
        ),
        Error::BadAuditTrigger { table, argument } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the audit triggers of {table} cannot be read"),
            format!("Their argument is '{argument}', which enable_audit did not write."),
            format!("Make them anew: SELECT * FROM tenant_guard.disable_audit('{table}'), then enable_audit."),
        ),
        Error::AuditPolicy { table, column, why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("column \"{column}\" of {table} cannot be kept from the audit trail"),
            *why,
            "Leave it out of columns: it is included.",
        ),
        Error::RowsNotLogged { table } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the rows of {table} of then are not in the audit log"),
            "A TRUNCATE emptied it since, and only that was logged, not the rows.",
            format!("Ask for a moment after the TRUNCATE. To have the rows logged from now on: SELECT * FROM tenant_guard.enable_audit('{table}', truncate => 'rows')."),
        ),
        Error::ChangedSince { table, key, event } => parts(
            ERRCODE_T_R_SERIALIZATION_FAILURE,
            format!("row {key} of {table} is not as event {event} left it"),
            "It was changed or deleted since, or you may not change it.",
            format!("Look at what came after: SELECT * FROM tenant_guard.row_history('{table}', '{key}'), and undo that first."),
        ),
        Error::CannotUndo { event, why } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("event {event} cannot be undone"),
            why.clone(),
            "Nothing was undone. Set the row right by hand; what the log has of it: SELECT * FROM tenant_guard.audit_log.",
        ),
        Error::NothingToUndo { what } => parts(
            ERRCODE_NO_DATA_FOUND,
            format!("the audit log has no events of {what} that you may read"),
            "Nothing was logged of it, or it is another organization's.",
            "List what there is: SELECT id, operation, key, transaction_id, request_id FROM tenant_guard.audit_log ORDER BY id DESC.",
        ),
        Error::NotAudited { table } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the audit log knows no table {table}"),
            "Nothing that was done to it was ever logged.",
            format!("Have it audited from now on: SELECT * FROM tenant_guard.enable_audit('{table}')."),
        ),
        Error::NoSuchEvent { id } => parts(
            ERRCODE_UNDEFINED_OBJECT,
            format!("there is no event {id} in the audit log"),
            "Nothing of that number was logged, or you may not read it, or it was purged.",
            "Take an id from tenant_guard.audit_log.",
        ),
        Error::NotSealed { id } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("event {id} is not sealed yet"),
            "Only what is in a block can be proved.",
            "Have the log sealed: SELECT * FROM tenant_guard.seal_audit().",
        ),
        Error::LogAltered { block } => parts(
            ERRCODE_DATA_CORRUPTED,
            format!("the audit log differs from its block {block}"),
            "Events of it were altered, removed or inserted after it was sealed.",
            "See which: SELECT * FROM tenant_guard.verify_audit().",
        ),
        other => feature_parts(other),
    }
}
