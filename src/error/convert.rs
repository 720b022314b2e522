//! Failures of others as ours, and ours as what PostgreSQL reports.

use super::Error;
use pgrx::function_name;
use pgrx::pg_sys::panic::ErrorReport;

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let p = error.parts();
        ErrorReport::new(p.code, p.message, function_name!()).set_detail(p.detail).set_hint(p.hint)
    }
}

impl From<pgrx::spi::Error> for Error {
    fn from(error: pgrx::spi::Error) -> Self {
        Error::Internal { what: error.to_string() }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Internal { what: format!("the catalog model could not be read: {error}") }
    }
}
