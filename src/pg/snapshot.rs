//! What a read sees.

use pgrx::pg_sys;

/// Reads see what is committed now, until it is dropped.
pub struct Snapshot(());

impl Snapshot {
    #[must_use]
    pub fn latest() -> Self {
        // SAFETY: pushes a registered copy; popped in Drop, or by the (sub)transaction's abort.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) }
        Snapshot(())
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the one that `latest` pushed is on top, for guards nest.
            unsafe { pg_sys::PopActiveSnapshot() }
        }
    }
}
