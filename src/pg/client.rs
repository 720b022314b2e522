//! Who is connected, and what they run.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Hands the session's application_name to `f`.
pub fn with_application_name<R>(f: impl FnOnce(&[u8]) -> R) -> R {
    // SAFETY: a backend-local string, or NULL; it stays until the setting changes.
    unsafe {
        let name = pg_sys::application_name;
        f(if name.is_null() { b"" } else { CStr::from_ptr(name).to_bytes() })
    }
}

/// The command tag of the statement that the client is running, such as UPDATE or MERGE.
#[must_use]
pub fn statement_tag() -> Option<&'static str> {
    // SAFETY: the active portal is this session's own; the tags are constant strings.
    unsafe {
        let portal = pg_sys::ActivePortal;
        if portal.is_null() {
            return None;
        }
        let name = pg_sys::GetCommandTagName((*portal).commandTag);
        CStr::from_ptr(name).to_str().ok().filter(|name| !name.is_empty() && *name != "???")
    }
}
