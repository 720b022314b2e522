//! Who is connected, from where, and what they run.

use pgrx::{pg_sys, IntoDatum};
use std::cell::OnceCell;
use std::ffi::{CStr, CString};

thread_local! {
    static ADDRESS: OnceCell<Option<String>> = const { OnceCell::new() };
}

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

/// Its address, as it is for the whole session; None for a socket of the machine's own, and in a process
/// that has no client.
#[must_use]
pub fn address() -> Option<String> {
    ADDRESS.with(|address| address.get_or_init(read_address).clone())
}

fn read_address() -> Option<String> {
    // SAFETY: both read nothing but their argument and this process's own port; inet_out gives a palloc'd
    // C string.
    unsafe {
        let inet = pgrx::direct_function_call_as_datum(pg_sys::inet_client_addr, &[])?;
        let text = pgrx::direct_function_call_as_datum(pg_sys::inet_out, &[Some(inet)])?;
        Some(CStr::from_ptr(text.cast_mut_ptr()).to_string_lossy().into_owned())
    }
}

/// An address for a column.
#[derive(Clone, Copy)]
pub struct Inet(pg_sys::Datum);

impl Inet {
    /// Of what `address` gave.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: inet_in reads a NUL-terminated string.
        Inet(unsafe {
            let text = pg_sys::Datum::from(text.as_ptr());
            pgrx::direct_function_call_as_datum(pg_sys::inet_in, &[Some(text)])
                .unwrap_or(pg_sys::Datum::null())
        })
    }
}

impl IntoDatum for Inet {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::INETOID
    }
}
