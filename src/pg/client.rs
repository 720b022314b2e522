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

/// Where the client is: its address, or `[local]`; None for a background worker.
#[must_use]
pub fn address() -> Option<String> {
    // SAFETY: a function of the server without arguments, and one that writes what it gave.
    unsafe {
        if pg_sys::MyProcPort.is_null() {
            return None;
        }
        let Some(address) = pgrx::direct_function_call_as_datum(pg_sys::inet_client_addr, &[])
        else {
            return Some("[local]".into());
        };
        let text = pgrx::direct_function_call_as_datum(pg_sys::inet_out, &[Some(address)])?;
        Some(CStr::from_ptr(text.cast_mut_ptr()).to_string_lossy().into_owned())
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
