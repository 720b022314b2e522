//! What a failure says: SQLSTATE, message, DETAIL and HINT. Those of one room have a file of their own; here
//! are those of several rooms, of the journal and of the logs.

use super::identity::identity_parts;
use super::Error;
use pgrx::PgSqlErrorCode;

pub struct Parts {
    pub code: PgSqlErrorCode,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

pub(super) fn parts(
    code: PgSqlErrorCode,
    message: impl Into<String>,
    detail: impl Into<String>,
    hint: impl Into<String>,
) -> Parts {
    Parts { code, message: message.into(), detail: detail.into(), hint: hint.into() }
}

impl Error {
    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> String {
        self.parts().message
    }

    #[must_use]
    pub fn code(&self) -> PgSqlErrorCode {
        self.parts().code
    }

    pub(super) fn parts(&self) -> Parts {
        use PgSqlErrorCode::*;
        match self {
            Error::NoSuchTable { oid } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("no table has the OID {oid}"),
                "It was dropped, or the number was never a table's.",
                "Name the table: 'schema.table'::regclass.",
            ),
            Error::NoTableNamed { table } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("table {table} does not exist"),
                "No relation of that schema has that name.",
                "Name it exactly as it is spelled in the catalog.",
            ),
            Error::NoSuchColumn { table, column, columns } => parts(
                ERRCODE_UNDEFINED_COLUMN,
                format!("table {table} has no column \"{column}\""),
                format!("Its columns are {}.", columns.join(", ")),
                "Name one of them, exactly as it is spelled in the catalog and without quotes, or add the column first.",
            ),
            Error::WrongRelationKind { relation, kind, wanted, hint } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{relation} is {kind}, not {wanted}"),
                format!("This function works on {wanted} only."),
                hint.clone(),
            ),
            Error::SystemTable { table } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("{table} is not yours to change"),
                "It is a system, temporary or extension table.",
                "Name a table of your own schemas.",
            ),
            Error::WrongColumnType { table, column, found, wanted } => parts(
                ERRCODE_DATATYPE_MISMATCH,
                format!("column \"{column}\" of {table} is of type {found}"),
                format!("The column must be {wanted}, or a domain over one of them."),
                "Name the column that holds the id, or change its type first.",
            ),
            Error::NotOwner { object, owner, caller } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("must be owner of {object}"),
                format!("It belongs to role \"{owner}\"; you are \"{caller}\"."),
                format!("Run this as \"{owner}\", or as a member of that role."),
            ),
            Error::NotPermitted { what, detail, hint } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("not permitted: {what}"),
                detail.clone(),
                hint.clone(),
            ),
            Error::NullArgument { function, argument } => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("{function}: argument \"{argument}\" must not be NULL"),
                "The argument was given as NULL.",
                format!("Give a value for \"{argument}\", or leave the argument out where it has a default."),
            ),
            Error::UnknownOption { option, value, allowed } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("unknown value '{value}' for option \"{option}\""),
                format!("It takes {}.", allowed.join(", ")),
                format!("Write {option} => '{}'.", allowed.first().unwrap_or(&"")),
            ),
            Error::NoSuchRole { role } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("role \"{role}\" does not exist"),
                "Policies and tenant schemas are given to database roles that exist.",
                "Create the role first, or name another in the option.",
            ),
            Error::OutsideTransaction { operation, sql } => parts(
                ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("{operation} has a step that cannot run inside a transaction"),
                format!("The step is: {sql}"),
                "Run that statement by itself, then call the function again: it plans only what is left.",
            ),
            Error::NotAnExpression { option, text } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("option \"{option}\" is not one SQL expression"),
                format!("It is: {text}"),
                "Write a condition on the table's own columns, such as 'revoked_at IS NULL'.",
            ),
            Error::EmptyList { function, argument } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{function}: argument \"{argument}\" is empty"),
                "At least one is needed: nobody has one of none.",
                format!("Give at least one value for \"{argument}\"."),
            ),
            Error::NoSuchChange { change } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("there is no change {change}"),
                "The journal has no change of that number.",
                "List them: SELECT id, operation, target, applied_at, undone_by FROM tenant_guard.change ORDER BY id.",
            ),
            Error::AlreadyUndone { change, by, last, made_again: false } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("change {change} was already undone"),
                format!("Change {by} undid it."),
                format!("To have it back, undo the undo: SELECT * FROM tenant_guard.undo({last})."),
            ),
            Error::AlreadyUndone { change, by, last, made_again: true } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("change {change} was already undone"),
                format!("Change {by} undid it, and change {last} made it again."),
                format!("Undo the one that is in force: SELECT * FROM tenant_guard.undo({last})."),
            ),
            Error::Irreversible { change, step, action } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("change {change} cannot be undone"),
                format!("Its step {step} ({action}) has no way back."),
                "Restore what it removed from a backup.",
            ),
            Error::AlteredSince { change, object } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{object} was altered since change {change}"),
                "Undoing would overwrite or drop what somebody else did.",
                format!("Look at it first; SELECT * FROM tenant_guard.undo({change}, force => true) undoes all the same."),
            ),
            Error::NoSuchSchema { schema } => parts(
                ERRCODE_INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
                "No schema of this database has that name.",
                "Name it exactly as it is spelled in the catalog, without quotes.",
            ),
            Error::Internal { what } => parts(
                ERRCODE_INTERNAL_ERROR,
                format!("tenant_guard: {what}"),
                "This should not happen.",
                "Please report it with the statement that led to it.",
            ),
            other => identity_parts(other),
        }
    }
}

/// With a capital letter in front.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
