//! What is still to be said when a session ends.

use pgrx::{pg_guard, pg_sys};
use std::cell::Cell;

thread_local! {
    static LAST_WORDS: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Has `f` called as the session ends. It must not raise, and can write to the server's log only. Of several
/// calls the first counts.
pub fn once(f: fn()) {
    if LAST_WORDS.get().is_none() {
        LAST_WORDS.set(Some(f));
        // SAFETY: the callback lives as long as the process; the list has room for a few of each module.
        unsafe { pg_sys::before_shmem_exit(Some(last_words), pg_sys::Datum::null()) }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn last_words(_code: i32, _argument: pg_sys::Datum) {
    if let Some(f) = LAST_WORDS.get() {
        f();
    }
}
