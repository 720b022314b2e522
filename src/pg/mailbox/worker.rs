//! The worker: writes what it finds in the mailbox, each time in a transaction of its own.

use super::{Mailbox, ROOM};
use crate::pg::backend;
use crate::security::durable;
use pgrx::{pg_guard, pg_sys};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So long it waits for more: starting a process for each message of many would cost more.
const LINGER: Duration = Duration::from_millis(250);
/// So often it looks, in milliseconds.
const PERIOD: std::ffi::c_long = 25;

/// Where the worker begins; PostgreSQL looks it up by its name.
///
/// # Safety
/// Called by the server in a new background worker, with the handle of a mailbox.
#[pg_guard]
#[no_mangle]
pub unsafe extern "C-unwind" fn tenant_guard_keep_events(argument: pg_sys::Datum) {
    backend::handle_termination();
    pg_sys::BackgroundWorkerUnblockSignals();
    let handle = argument.value() as pg_sys::dsm_handle;
    let segment = pg_sys::dsm_attach(handle);
    if segment.is_null() {
        return;
    }
    let mailbox = Mailbox::of(segment);
    // From now on it lives as long as this process or the session has it.
    pg_sys::dsm_unpin_segment(handle);
    mailbox.taken().store(1, Ordering::Release);
    // As the bootstrap superuser, which owns what initdb made. Nothing of anybody's runs in here: the rows
    // are written without the executor, and so without triggers, defaults or policies.
    let database = (*mailbox.header).database;
    pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::InvalidOid, 0);
    serve(mailbox);
}

unsafe fn serve(mailbox: Mailbox) {
    let (mut read, mut last) = (0, Instant::now());
    loop {
        let state = mailbox.state().load(Ordering::Acquire);
        let written = (state >> 1) as usize;
        if written > read {
            keep(&mailbox.read(read, written));
            (read, last) = (written, Instant::now());
            continue;
        }
        // One that is half full is given up early, so that the session has room again in a new one.
        if last.elapsed() >= LINGER || written > ROOM / 2 {
            if mailbox.close(state) {
                return;
            }
            continue;
        }
        let wake = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
        pg_sys::WaitLatch(pg_sys::MyLatch, wake as i32, PERIOD, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
        pgrx::check_for_interrupts!();
    }
}

unsafe fn keep(messages: &[Vec<u8>]) {
    pg_sys::SetCurrentStatementStartTimestamp();
    pg_sys::StartTransactionCommand();
    pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    for message in messages {
        durable::keep(message);
    }
    pg_sys::PopActiveSnapshot();
    pg_sys::CommitTransactionCommand();
}
