//! The one way past the append-only triggers: a flag of this process, which no client can set.

use std::cell::Cell;

thread_local! {
    static GIVEN: Cell<bool> = const { Cell::new(false) };
}

/// Whether the extension itself is changing its log just now.
#[must_use]
pub fn given() -> bool {
    GIVEN.get()
}

struct Permit(bool);

impl Drop for Permit {
    // Also while an error unwinds.
    fn drop(&mut self) {
        GIVEN.set(self.0);
    }
}

/// Runs `f`, whose statements may update and delete rows of the log.
pub fn with<R>(f: impl FnOnce() -> R) -> R {
    let _permit = Permit(GIVEN.replace(true));
    f()
}
