//! What a failure of runs over tenants, and of destinations, says: SQLSTATE, message, DETAIL and HINT.

use super::messages::{parts, Parts};
use super::policies::policy_parts;
use super::Error;
use pgrx::PgSqlErrorCode;
use pgrx::PgSqlErrorCode::*;

pub(super) fn fleet_parts(error: &Error) -> Parts {
    match error {
        Error::NoSuchRun { run } => parts(
            ERRCODE_UNDEFINED_OBJECT,
            format!("there is no run {run}"),
            "No run over tenants has that number.",
            "List them: SELECT run_id, state, sql FROM tenant_guard.tenant_runs ORDER BY run_id.",
        ),
        Error::RunUnfinished { run } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("run {run} of the same statements is not over"),
            "It has some of these tenants: to start again would run the statements twice for those that are done.",
            format!("Go on with it: CALL tenant_guard.resume_tenant_run({run}). Or give it up first: SELECT tenant_guard.cancel_tenant_run({run})."),
        ),
        Error::RunCancelled { run } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("run {run} was cancelled"),
            "A cancelled run is never gone on with.",
            "Start another for the tenants that are left: run_for_tenants with slugs.",
        ),
        Error::CanaryFailed { run } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("a canary of run {run} failed"),
            "The other tenants are run only once all canaries are done.",
            format!("Mend what it failed for and run it again: CALL tenant_guard.resume_tenant_run({run}, retry_failed => true). Or give the run up: SELECT tenant_guard.cancel_tenant_run({run})."),
        ),
        Error::RunWithinRun { run } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("run {run} cannot go on from within a run"),
            "The statements of a tenant called what runs the next one.",
            "Leave it to run_for_tenants and resume_tenant_run.",
        ),
        Error::RunStopped { run, slug, sqlstate, message, detail, done, waiting } => parts(
            code(sqlstate),
            format!("run {run} stopped at tenant \"{slug}\": {message}"),
            format!(
                "{}SQLSTATE {sqlstate}; {done} tenants are done, {waiting} waiting.",
                detail.as_ref().map_or(String::new(), |detail| format!("{detail} "))
            ),
            format!("CALL tenant_guard.resume_tenant_run({run}, retry_failed => true) runs it again and goes on; without retry_failed it is left out."),
        ),
        Error::NoTenants => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            "no tenant schema is to be run",
            "None that you own or work in, and that is active, is what filter, slugs and template ask for.",
            "See which there are: SELECT slug, template, state FROM tenant_guard.tenant_schemas.",
        ),
        Error::TransactionControl => parts(
            ERRCODE_INVALID_TRANSACTION_TERMINATION,
            "statements that are run for tenants cannot begin or end a transaction",
            "Each tenant has one transaction, and its record is written in the same one.",
            "Leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT out; for parts of their own, make two runs.",
        ),
        Error::InTransactionBlock { function } => parts(
            ERRCODE_ACTIVE_SQL_TRANSACTION,
            format!("{function} cannot run inside a transaction block"),
            "It commits as it goes along, and there is a transaction around it that is not its own.",
            "CALL it by itself, without BEGIN and with nothing else in the same message; a driver has to be in autocommit mode.",
        ),
        Error::NoDblink { what } => parts(
            ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("{what} needs the extension dblink"),
            "What is done there goes over a second connection, which dblink makes: it is in no transaction of this one.",
            "CREATE EXTENSION dblink, in a schema of your choice.",
        ),
        Error::NoSuchMove { slug } => parts(
            ERRCODE_UNDEFINED_OBJECT,
            format!("tenant \"{slug}\" is not being moved"),
            "tenant_guard.tenant_moves has no such slug.",
            "Begin with it: CALL tenant_guard.move_tenant(slug, destination).",
        ),
        Error::CannotMove { slug, why } => parts(
            ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("tenant \"{slug}\" cannot be moved with everything in its schema"),
            format!("Left behind would be: {}.", why.join(", ")),
            "Drop that, or make it again there by hand after it is gone here; then call move_tenant again.",
        ),
        Error::DestinationLacks { slug, missing } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("tenant \"{slug}\" cannot go to that destination yet"),
            format!("Missing there: {}.", missing.join(", ")),
            "Make it there, and call move_tenant again: nothing was done yet.",
        ),
        Error::MoveDiffers { slug, objects } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("tenant \"{slug}\" is not the same on both sides"),
            format!("Different: {}.", objects.join(", ")),
            "Find out who writes there, or here as the owner, and call move_tenant again: it copies anew.",
        ),
        Error::MoveOver { slug, why } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the move of tenant \"{slug}\" cannot be cancelled"),
            format!("What stands against it: {why}."),
            "To bring a tenant back, move it from there to here.",
        ),
        Error::NotMoved { slug, why } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("tenant \"{slug}\" is not moved"),
            format!("What went wrong: {why}."),
            "Mend that, and call move_tenant again: it goes on. To give it up: cancel_tenant_move.",
        ),
        Error::Told { told } => parts(
            code(&told.code),
            told.message.clone(),
            told.detail.clone().unwrap_or_default(),
            told.hint.clone().unwrap_or_default(),
        ),
        Error::NoSuchDatabase { slug } => parts(
            ERRCODE_UNDEFINED_OBJECT,
            format!("no database is being made for tenant \"{slug}\""),
            "tenant_guard.tenant_databases has no such slug.",
            "Begin with it: CALL tenant_guard.create_tenant_database(slug, destination).",
        ),
        Error::DatabaseExists { slug } => parts(
            ERRCODE_DUPLICATE_DATABASE,
            format!("there is a database \"{slug}\" already"),
            "A tenant's database is made new; one that is there is never taken over.",
            "Choose another slug; or, where it is the tenant's, assign_destination says where it is.",
        ),
        Error::DatabaseNotMade { slug, why } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the database of tenant \"{slug}\" is not ready"),
            format!("What went wrong: {why}."),
            "Mend that, and call create_tenant_database again: it goes on where it stopped. To give it up: forget_tenant_database, and DROP DATABASE on its server.",
        ),
        Error::NoSuchDestination { name } => parts(
            ERRCODE_UNDEFINED_OBJECT,
            format!("there is no destination \"{name}\""),
            "None of that name is registered.",
            "List them: SELECT name, kind FROM tenant_guard.destinations. Or register it: register_destination.",
        ),
        Error::DestinationInUse { name, tenants } => parts(
            ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("destination \"{name}\" has tenants"),
            format!("{tenants} are assigned to it."),
            "Assign them to another first: assign_destination.",
        ),
        Error::DestinationFull { name, capacity } => parts(
            ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            format!("destination \"{name}\" has no room"),
            format!("It takes {capacity} tenants, and has them."),
            "Assign the tenant to another, or register it with a larger capacity.",
        ),
        other => policy_parts(other),
    }
}

/// The code of a tenant's failure, where it is one that can be raised as such.
fn code(sqlstate: &str) -> PgSqlErrorCode {
    let packed = sqlstate.bytes().take(5).enumerate().fold(0i32, |code, (i, byte)| {
        code | (i32::from(byte.wrapping_sub(b'0')) & 0x3F) << (6 * i)
    });
    PgSqlErrorCode::from(packed)
}
