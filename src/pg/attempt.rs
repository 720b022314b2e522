//! Work of which a part may fail: each part in a subtransaction of its own.

use super::backend;
use crate::error::Result;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::{pg_sys, PgSqlErrorCode, PgTryBuilder};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// An error as a client would have been told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The SQLSTATE, also one that only the application knows.
    pub code: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

/// What went wrong.
enum Failure {
    /// In words, and its code where PostgreSQL raised it.
    Told(Told, Option<PgSqlErrorCode>),
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
    told(f).map_err(|told| told.message)
}

/// `attempt` with all that was said.
pub fn told<R>(f: impl FnOnce() -> Result<R>) -> Result<R, Told> {
    within(f).map_err(|failure| match failure {
        Failure::Told(told, _) => told,
        Failure::Thrown(caught) => caught.rethrow(),
    })
}

/// `told`, and `last` after it, also where a query was cancelled: for what no transaction's end takes back.
pub fn told_and<R>(
    f: impl FnOnce() -> Result<R>,
    last: impl FnOnce() -> Result<()>,
) -> Result<Result<R, Told>> {
    match within(f) {
        Err(Failure::Thrown(caught)) => {
            let _unheard = within(last);
            caught.rethrow()
        }
        Err(Failure::Told(told, _)) => last().map(|()| Err(told)),
        Ok(done) => last().map(|()| Ok(done)),
    }
}

fn within<R>(f: impl FnOnce() -> Result<R>) -> Result<R, Failure> {
    // SAFETY: as PL/pgSQL runs a block with an exception clause: the subtransaction ends, and the memory context and
    // the resource owner of before are put back, whatever happened; the abort puts back the user and the settings.
    unsafe {
        let (memory, resources) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(memory);
        let context = pg_sys::error_context_stack;
        let raised = AtomicI32::new(0);
        let mut listener = pg_sys::ErrorContextCallback {
            previous: context,
            callback: Some(note_code),
            arg: (&raw const raised).cast_mut().cast(),
        };
        pg_sys::error_context_stack = &raw mut listener;
        let answer = PgTryBuilder::new(AssertUnwindSafe(|| {
            f().map_err(|error| {
                let code = sqlstate(error.code() as i32);
                let report = ErrorReport::from(error);
                Failure::Told(
                    Told {
                        code,
                        message: report.message().to_string(),
                        detail: report.detail().map(str::to_string),
                        hint: report.hint().map(str::to_string),
                    },
                    None,
                )
            })
        }))
        .catch_others(|caught| {
            Err(match &caught {
                CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                    if !is_cancel(report) =>
                {
                    // Codes of applications are none that pgrx knows.
                    let code = match &caught {
                        CaughtError::PostgresError(_) if raised.load(Relaxed) != 0 => {
                            raised.load(Relaxed)
                        }
                        _ => report.sql_error_code() as i32,
                    };
                    let told = Told {
                        code: sqlstate(code),
                        message: report.message().to_string(),
                        detail: report.detail().map(str::to_string),
                        hint: report.hint().map(str::to_string),
                    };
                    Failure::Told(told, Some(report.sql_error_code()))
                }
                _ => Failure::Thrown(Box::new(caught)),
            })
        })
        .execute();
        // Also after an error, which puts back what was in force when the statement was called.
        pg_sys::error_context_stack = context;
        match answer {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(memory);
        pg_sys::CurrentResourceOwner = resources;
        answer
    }
}

/// Whether this server ended the query, and not somebody's RAISE with that code, nor another server.
fn is_cancel(report: &ErrorReportWithLevel) -> bool {
    report.sql_error_code() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED
        && report.function_name().is_none_or(|name| name == "ProcessInterrupts")
}

/// Called by PostgreSQL for each message while it is made; the last one before the end is the error.
unsafe extern "C-unwind" fn note_code(raised: *mut std::ffi::c_void) {
    // SAFETY: `within` put it there, and takes it away before the number is gone.
    unsafe { (*raised.cast::<AtomicI32>()).store(backend::unguarded_error_code(), Relaxed) }
}

/// Five characters of six bits each, the first lowest.
fn sqlstate(code: i32) -> String {
    (0..5).map(|i| char::from(((code >> (6 * i)) & 0x3F) as u8 + b'0')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_spelled_as_clients_see_it() {
        assert_eq!(sqlstate(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION as i32), "23505");
        assert_eq!(sqlstate(PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED as i32), "40P01");
    }
}
