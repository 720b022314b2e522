//! What a failure of the table conventions, of pages, summaries and accesses says: SQLSTATE, message, DETAIL and HINT.

use super::messages::{parts, Parts};
use super::Error;
use pgrx::PgSqlErrorCode::*;

pub(super) fn feature_parts(error: &Error) -> Parts {
    match error {
        Error::BadOrder { order, why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("\"{order}\" is no order of columns"),
            format!("That is because {why}."),
            "Write order => 'column [ASC | DESC] [NULLS FIRST | NULLS LAST], ...', with names as in SQL.",
        ),
        Error::NoPageKey { table, why } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {table} has no key to page by"),
            *why,
            "Rows that are equal in the order would be lost between two pages: add a primary key, or page the tables that have one.",
        ),
        Error::BadCursor { column, why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the last row does not say where column \"{column}\" ended"),
            why.clone(),
            "Give the last row of the page before: after => to_jsonb(row), with every column that its sql orders by.",
        ),
        Error::NoRowObject => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            "the last row is no JSON object",
            "after takes an object of columns and their values, or NULL for the first page.",
            "Give the last row of the page before: after => to_jsonb(row).",
        ),
        Error::NotARow { function, found } => parts(
            ERRCODE_DATATYPE_MISMATCH,
            format!("{function} takes a row, not a value of type {found}"),
            "What may be shown is known of the columns of tables; of a value by itself nobody can say where it is from.",
            format!("Give it the row, or an array of rows: SELECT tenant_guard.{function}(c.*) FROM crm.contacts c."),
        ),
        Error::JsonTooLarge => parts(
            ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            "the row is too large for jsonb",
            "A document of jsonb takes up to 256 MB.",
            "Leave the large column out: classify it otherwise, or take fewer rows into one array.",
        ),
        Error::OutOfRange { argument, value, range } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("\"{argument}\" cannot be {value}"),
            format!("It takes {range}."),
            format!("Give a value of that range for \"{argument}\"."),
        ),
        Error::BadSummary { argument, why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("no summary can be made of argument \"{argument}\""),
            why.clone(),
            "Write name => 'schema.table' and query => one SELECT that names everything with its schema and yields the tenant column.",
        ),
        Error::SummaryNameTaken { table } => parts(
            ERRCODE_DUPLICATE_TABLE,
            format!("relation {table} already exists"),
            "It is no summary of yours, and is left as it is.",
            "Choose another name, or drop or rename the relation first.",
        ),
        Error::NotASummary { table, why } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {table} is no tenant summary"),
            *why,
            "Make one: SELECT * FROM tenant_guard.create_tenant_summary('schema.table', 'SELECT ...').",
        ),
        Error::SummaryDiffers { table, what } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("summary {table} has another shape"),
            format!("It differs in {what}, and its table is not altered."),
            "Drop it first: SELECT * FROM tenant_guard.drop_tenant_summary(...). Nothing is lost that refresh_tenant_summary does not bring again.",
        ),
        Error::NotAnId { id, column, r#type } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("\"{id}\" is no id of column \"{column}\""),
            format!("The column is of type {type}."),
            "Give the organization's id as the column holds it.",
        ),
        Error::NotTracked { table, missing } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("accesses to table {table} are not tracked"),
            format!("It lacks {}.", missing.join(", ")),
            "Add the columns: public_id uuid UNIQUE, last_accessed timestamptz, access_count bigint.",
        ),
        Error::ReadOnly { function } => parts(
            ERRCODE_READ_ONLY_SQL_TRANSACTION,
            format!("{function} cannot write in a read-only transaction"),
            "The transaction is READ ONLY, the server is a standby, or a parallel query is running.",
            "Call it in a transaction that may write; with PostgREST, through POST and not GET.",
        ),
        Error::ReservedKind { kind } => parts(
            ERRCODE_RESERVED_NAME,
            format!("\"{kind}\" is a kind of the extension's own events"),
            "An application's event of that kind could be taken for one.",
            "Choose another kind, with a prefix of the application's: 'crm.key_added'.",
        ),
        Error::UnknownFeature { given, known } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("there is no feature \"{given}\""),
            format!("The features are {}.", known.join(", ")),
            "Write 'name', or 'name:{\"option\": \"value\"}' for one with options.",
        ),
        Error::BadFeatureOption { feature, why, takes } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the options of feature \"{feature}\" cannot be read"),
            format!("That is because {why}."),
            *takes,
        ),
        Error::FeatureUnfit { feature, table, why, hint } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("feature \"{feature}\" does not fit table {table}"),
            why.clone(),
            hint.clone(),
        ),
        Error::NotSoftDeleted { table } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {table} does not have the feature soft_delete"),
            "Its rows are not marked when they are deleted: they are gone.",
            format!("Give it the feature first: SELECT * FROM tenant_guard.add_feature('{table}', 'soft_delete')."),
        ),
        Error::NotTheKey { table, given, columns } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{given} is no key of {table}"),
            match columns.as_slice() {
                [] => "The table has no primary key.".to_string(),
                columns => format!("Its primary key is {}.", columns.join(", ")),
            },
            match columns.as_slice() {
                [] => "Give the table a primary key first.".to_string(),
                columns => format!(
                    "Give each of its columns a value, and nothing else: '{{{}}}'.",
                    columns.iter().map(|c| format!("\"{c}\": ...")).collect::<Vec<_>>().join(", ")
                ),
            },
        ),
        Error::NegativeInterval { function } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{function}: argument \"older_than\" must not be negative"),
            "Rows that are to be deleted in the future are not there yet.",
            "Give the age from which deleted rows go, such as '30 days'.",
        ),
        Error::BadTableName { name } => parts(
            ERRCODE_INVALID_NAME,
            format!("\"{name}\" is no name of a table"),
            "It takes a name, or a schema and a name with a point between them; quoted where SQL would have it quoted.",
            "Write 'invoices', 'crm.invoices' or '\"Acme Co\".\"order\"'.",
        ),
        Error::BadColumns { why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            "the columns are no list of column definitions",
            why.clone(),
            "Write what would stand between the parentheses of CREATE TABLE: 'title text NOT NULL, CHECK (title <> '''')'.",
        ),
        Error::TableExists { table } => parts(
            ERRCODE_DUPLICATE_TABLE,
            format!("relation {table} already exists"),
            "create_table makes new tables only.",
            format!("Give the table the features that it lacks: SELECT * FROM tenant_guard.add_feature('{table}', ...)."),
        ),
        Error::UnclearMove { table } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("a row of {table} was updated and deleted by one statement"),
            "A trigger that fires after tenant_guard_soft_delete either moved it to another partition or kept it from being updated, and it cannot be told which.",
            "Give the triggers that change the partition key names that sort before tenant_guard_soft_delete.",
        ),
        Error::StaleVersion { table, given, current } => parts(
            ERRCODE_T_R_SERIALIZATION_FAILURE,
            format!("the row of {table} was changed by somebody else"),
            format!(
                "Its version is {current}; the update was made for version {}.",
                given.map_or("NULL".to_string(), |v| v.to_string())
            ),
            "Read the row again, and repeat the change on what it is now.",
        ),
        Error::ForbiddenTransition { table, from, to, allowed } => parts(
            ERRCODE_CHECK_VIOLATION,
            format!("the status of a row of {table} cannot go from \"{from}\" to \"{to}\""),
            match allowed.as_slice() {
                [] => format!("From \"{from}\" it goes nowhere."),
                allowed => format!("From \"{from}\" it may go to {}.", allowed.join(", ")),
            },
            "Take one of these steps, or change the transitions: add_feature with status:{\"transitions\": ...}.",
        ),
        Error::ConventionBroken { table, column, trigger } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("trigger {trigger} of {table} has lost its column \"{column}\""),
            "The column was renamed, dropped, or altered to another type.",
            "Bring it back, or take the feature away: tenant_guard.drop_feature.",
        ),
        Error::NotOurTrigger { function, why } => parts(
            ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            format!("tenant_guard.{function}() works only in triggers that add_feature makes"),
            format!("That is because {why}."),
            "Drop the trigger and call tenant_guard.add_feature on the table.",
        ),
        // The files that are asked before this one have all the others.
        what => parts(
            ERRCODE_INTERNAL_ERROR,
            format!("tenant_guard: {what:?}"),
            "This should not happen.",
            "Please report it with the statement that led to it.",
        ),
    }
}
