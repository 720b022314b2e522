//! Where the client of this session is.

use pgrx::{pg_sys, IntoDatum};
use std::cell::OnceCell;
use std::ffi::{CStr, CString};

thread_local! {
    static ADDRESS: OnceCell<Option<String>> = const { OnceCell::new() };
}

/// Its address, as it is for the whole session; None for a socket of the machine's own, and in a process
/// that has no client.
#[must_use]
pub fn address() -> Option<String> {
    ADDRESS.with(|address| address.get_or_init(read).clone())
}

fn read() -> Option<String> {
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
