//! Work of which a part may fail: each part in a subtransaction of its own.

use crate::error::Result;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::{pg_sys, PgSqlErrorCode, PgTryBuilder};
use std::panic::AssertUnwindSafe;

/// What went wrong.
enum Failure {
    /// In words, and its code where PostgreSQL raised it.
    Told(String, Option<PgSqlErrorCode>),
    /// Not for anybody to catch: the query was cancelled, or the code has an error.
    Thrown(Box<CaughtError>),
}

/// Runs `f` in a subtransaction. None, with all that it did undone, where a foreign key did not let it; other errors are
/// raised.
pub fn unless_referenced<R>(mut f: impl FnMut() -> Result<R>) -> Result<Option<R>> {
    let codes =
        [PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION, PgSqlErrorCode::ERRCODE_RESTRICT_VIOLATION];
    match within(&mut f) {
        Ok(done) => Ok(Some(done)),
        Err(Failure::Told(_, Some(code))) if codes.contains(&code) => Ok(None),
        // Once more, outside: it raises what it raised, and all that it says.
        Err(Failure::Told(..)) => f().map(Some),
        Err(Failure::Thrown(caught)) => caught.rethrow(),
    }
}

/// Runs `f` in a subtransaction. Gives back what it raised, in words, once all that it did is undone; a
/// query that is cancelled is cancelled.
pub fn attempt<R>(f: impl FnOnce() -> Result<R>) -> Result<R, String> {
    within(f).map_err(|failure| match failure {
        Failure::Told(words, _) => words,
        Failure::Thrown(caught) => caught.rethrow(),
    })
}

fn within<R>(f: impl FnOnce() -> Result<R>) -> Result<R, Failure> {
    // SAFETY: as PL/pgSQL runs a block with an exception clause: the subtransaction ends, and the memory context and
    // the resource owner of before are put back, whatever happened; the abort puts back the user and the settings.
    unsafe {
        let (memory, resources) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(memory);
        let answer = PgTryBuilder::new(AssertUnwindSafe(|| {
            f().map_err(|error| Failure::Told(ErrorReport::from(error).message().to_string(), None))
        }))
        .catch_others(|caught| {
            Err(match &caught {
                CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                    if report.sql_error_code() != PgSqlErrorCode::ERRCODE_QUERY_CANCELED =>
                {
                    Failure::Told(report.message().to_string(), Some(report.sql_error_code()))
                }
                _ => Failure::Thrown(Box::new(caught)),
            })
        })
        .execute();
        match answer {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(memory);
        pg_sys::CurrentResourceOwner = resources;
        answer
    }
}
