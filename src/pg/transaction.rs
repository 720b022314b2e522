//! Where in its transaction a call stands, and what time it is there.

use super::backend;
use pgrx::pg_sys;

/// Seconds from Unix time's beginning to PostgreSQL's, 2000-01-01.
const EPOCH_DIFFERENCE: i64 = 946_684_800;

/// A transaction of this process, and the subtransaction of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    transaction: u32,
    subtransaction: u32,
}

impl Position {
    /// Whether what was found here cannot have been rolled back by now: the subtransaction is the current
    /// one, or around it.
    #[must_use]
    pub fn lasts(self) -> bool {
        let now = position();
        // SAFETY: searches this process's own stack of subtransactions.
        self == now
            || (self.same_transaction(now)
                && unsafe { pg_sys::SubTransactionIsActive(self.subtransaction) })
    }

    #[must_use]
    pub fn same_transaction(self, other: Position) -> bool {
        self.transaction == other.transaction
    }
}

#[must_use]
pub fn position() -> Position {
    // SAFETY: reads this process's own entry and counters.
    unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        let transaction = (*pg_sys::MyProc).lxid;
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        let transaction = (*pg_sys::MyProc).vxid.lxid;
        Position { transaction, subtransaction: backend::unguarded_subtransaction() }
    }
}

/// The (sub)transaction that a row was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written(pg_sys::TransactionId);

impl Written {
    /// For what was written just now.
    #[must_use]
    pub fn here() -> Self {
        // SAFETY: reads the state of the current transaction.
        Written(unsafe { pg_sys::GetCurrentTransactionIdIfAny() })
    }

    /// Whether it has not been rolled back with a savepoint since, in the same transaction.
    #[must_use]
    pub fn lasts(self) -> bool {
        // SAFETY: searches the current transaction's own list.
        unsafe { pg_sys::TransactionIdIsCurrentTransactionId(self.0) }
    }
}

/// Grows with every command of the transaction that changed something.
#[must_use]
pub fn command() -> u32 {
    // SAFETY: reads a counter, without using it up.
    unsafe { backend::unguarded_command(false) }
}

/// When the client's statement began, as PostgreSQL counts time.
#[must_use]
pub fn statement_start() -> i64 {
    // SAFETY: reads a backend-local variable.
    unsafe { backend::unguarded_statement_start() }
}

/// Whether the client began the transaction with BEGIN, and a statement is not one by itself.
#[must_use]
pub fn in_block() -> bool {
    // SAFETY: reads the state of the transaction.
    unsafe { pg_sys::IsTransactionBlock() }
}

/// Whether a row could be written now.
#[must_use]
pub fn writable() -> bool {
    // SAFETY: reads the state of the transaction and of the server.
    unsafe { !pg_sys::XactReadOnly && !pg_sys::RecoveryInProgress() && !pg_sys::IsInParallelMode() }
}

/// Whether a background worker could be started, and could write, now.
#[must_use]
pub fn may_start_workers() -> bool {
    // SAFETY: reads the state of the process and of the server.
    unsafe {
        !pg_sys::RecoveryInProgress()
            && !pg_sys::IsInParallelMode()
            && pg_sys::ParallelWorkerNumber < 0
    }
}

/// A moment as a call sees it: the same for all the rows of a statement.
#[derive(Clone, Copy)]
pub enum Moment {
    Now,
    /// The first time the call was reached in its statement.
    Of(pg_sys::FunctionCallInfo),
}

impl Moment {
    /// Microseconds of Unix time.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.timestamp() + EPOCH_DIFFERENCE * 1_000_000
    }

    fn timestamp(self) -> pg_sys::TimestampTz {
        // SAFETY: reads the clock; and the call's own state, which lives as long as the expression
        // that the call is in. Nothing else of ours keeps anything there.
        unsafe {
            let Moment::Of(call) = self else {
                return backend::unguarded_clock();
            };
            let state = (*call).flinfo;
            if state.is_null() {
                return backend::unguarded_clock();
            }
            // An expression of PL/pgSQL outlives the statement: then what it kept is too old.
            let kept = (*state).fn_extra as pg_sys::TimestampTz;
            if kept >= backend::unguarded_statement_start() {
                return kept;
            }
            let now = backend::unguarded_clock();
            (*state).fn_extra = now as *mut _;
            now
        }
    }
}

/// A moment of Unix time, in microseconds, as PostgreSQL writes it under the session's settings.
#[must_use]
pub fn timestamp_text(unix_micros: i64) -> String {
    let micros = unix_micros.saturating_sub(EPOCH_DIFFERENCE * 1_000_000);
    // SAFETY: a valid number of the range; the palloc'd text is copied at once.
    unsafe {
        let text = pg_sys::timestamptz_to_str(micros);
        std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}
