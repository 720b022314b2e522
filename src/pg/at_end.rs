//! What is done as a transaction ends. Registered once, for the life of the process: pgrx's own callbacks
//! fire at the wrong end after PREPARE TRANSACTION and within rolled back savepoints.

use pgrx::{pg_guard, pg_sys};
use std::cell::Cell;

/// Who is told of the ends of transactions.
#[derive(Clone, Copy)]
pub struct Listener {
    /// The transaction is about to commit, or to be prepared, and may still write and fail.
    pub committing: fn(),
    /// It has ended; true where it committed. What it does must not fail.
    pub ended: fn(bool),
}

thread_local! {
    static LISTENER: Cell<Option<Listener>> = const { Cell::new(None) };
}

/// Called once, when the library is loaded.
pub fn listen(listener: Listener) {
    LISTENER.set(Some(listener));
    // SAFETY: the callback lives as long as the process.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(
    event: pg_sys::XactEvent::Type,
    _arg: *mut std::ffi::c_void,
) {
    let Some(listener) = LISTENER.get() else { return };
    match event {
        pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT | pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE => {
            (listener.committing)();
        }
        pg_sys::XactEvent::XACT_EVENT_COMMIT => (listener.ended)(true),
        pg_sys::XactEvent::XACT_EVENT_ABORT | pg_sys::XactEvent::XACT_EVENT_PREPARE => {
            (listener.ended)(false);
        }
        _ => {}
    }
}
