//! What a read sees.

use pgrx::pg_sys;

/// Whether a parallel query is running, in this process or in its leader.
#[must_use]
pub fn in_parallel_mode() -> bool {
    // SAFETY: reads the state of the current transaction, which every SQL function runs in.
    unsafe { pg_sys::IsInParallelMode() }
}

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
