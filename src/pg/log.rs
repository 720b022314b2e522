//! The server's log, which clients do not see.

use pgrx::prelude::*;

/// Writes a message that stays whatever becomes of the transaction.
pub fn to_server(message: &'static str, detail: &str) {
    let code = PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE;
    pgrx::pg_sys::panic::ErrorReport::new(code, message, pgrx::function_name!())
        .set_detail(detail.to_string())
        .report(PgLogLevel::LOG_SERVER_ONLY);
}
