//! Attempts that stay although their transaction is rolled back: a background worker writes them in a
//! transaction of its own.
//!
//! The session puts the row into a mailbox in shared memory and goes on without waiting. The worker is
//! started with the first, writes what it finds, waits a moment for more, and ends.

use super::row::Row;
use crate::pg::mailbox;

/// Whether a worker has it, or is being started for it. If not, the server's log has the event.
pub fn hand_over(row: &Row) -> bool {
    serde_json::to_vec(row).is_ok_and(|message| mailbox::send(&message))
}

/// In the worker: writes a row that a session handed over. Where the table is gone, or full, there is
/// nothing to be done about it.
pub fn keep(message: &[u8]) {
    if let Ok(row) = serde_json::from_slice::<Row>(message) {
        let _ = row.append();
    }
}
