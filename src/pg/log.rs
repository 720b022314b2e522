//! Messages: to the server's log, which clients do not see, and to the client.

use pgrx::prelude::*;

/// Writes a message that stays whatever becomes of the transaction.
pub fn to_server(refused: bool, message: &'static str, detail: &str) {
    let code = if refused {
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE
    } else {
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION
    };
    pgrx::pg_sys::panic::ErrorReport::new(code, message, pgrx::function_name!())
        .set_detail(detail.to_string())
        .report(PgLogLevel::LOG_SERVER_ONLY);
}

/// Warns the client of what was left undone, or is open.
pub fn warning(message: &str, detail: &str, hint: &str) {
    pgrx::pg_sys::panic::ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        message.to_string(),
        pgrx::function_name!(),
    )
    .set_detail(detail.to_string())
    .set_hint(hint.to_string())
    .report(PgLogLevel::WARNING);
}

/// Tells the client what happened beside what it asked for.
pub fn notice(message: &str) {
    let code = PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION;
    pgrx::pg_sys::panic::ErrorReport::new(code, message.to_string(), pgrx::function_name!())
        .report(PgLogLevel::NOTICE);
}
