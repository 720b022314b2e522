//! Messages from a session to a background worker of its own, through shared memory: for what has to stay
//! although the session's transaction is rolled back.
//!
//! A mailbox is written to from its beginning to its end and then given up. One word holds how much of it
//! is written and whether the worker has closed it, so that neither ever waits for the other: what was put
//! in before the worker closed it, the worker has seen.

mod worker;

use super::transaction;
use pgrx::{pg_sys, PgTryBuilder};
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};

/// A mailbox in bytes: a few seconds of the messages that a session may send.
const SIZE: usize = 128 << 10;
const ROOM: usize = SIZE - std::mem::size_of::<Header>();
const CLOSED: u32 = 1;

/// What stands at its beginning; the messages follow, each after its length in four bytes.
#[repr(C)]
struct Header {
    database: pg_sys::Oid,
    /// Whether the worker has it and freed it of the pin that held it until then.
    taken: AtomicU32,
    /// The bytes that are written, doubled; and CLOSED.
    state: AtomicU32,
}

/// Both sides see a mailbox so.
#[derive(Clone, Copy)]
struct Mailbox {
    segment: *mut pg_sys::dsm_segment,
    header: *mut Header,
}

impl Mailbox {
    unsafe fn of(segment: *mut pg_sys::dsm_segment) -> Self {
        Mailbox { segment, header: pg_sys::dsm_segment_address(segment).cast() }
    }

    fn state(&self) -> &AtomicU32 {
        // SAFETY: the segment is mapped as long as anybody has this, and the word is only used atomically.
        unsafe { &(*self.header).state }
    }

    fn taken(&self) -> &AtomicU32 {
        // SAFETY: as above.
        unsafe { &(*self.header).taken }
    }

    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: callers keep the offset within ROOM, and what they read or write behind it too.
        unsafe { self.header.add(1).cast::<u8>().add(offset) }
    }

    /// For the one session that writes. False where it is closed or full.
    fn put(&self, message: &[u8]) -> bool {
        let state = self.state().load(Ordering::Acquire);
        let used = (state >> 1) as usize;
        let length = 4 + message.len();
        if state & CLOSED != 0 || used + length > ROOM {
            return false;
        }
        // SAFETY: the bytes are within the mailbox, and the worker reads none behind what the word says.
        unsafe {
            let size = (message.len() as u32).to_ne_bytes();
            std::ptr::copy_nonoverlapping(size.as_ptr(), self.at(used), 4);
            std::ptr::copy_nonoverlapping(message.as_ptr(), self.at(used + 4), message.len());
        }
        let next = ((used + length) as u32) << 1;
        self.state().compare_exchange(state, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// For the worker: the messages between two offsets.
    fn read(&self, from: usize, to: usize) -> Vec<Vec<u8>> {
        let (mut messages, mut offset) = (Vec::new(), from);
        while offset + 4 <= to {
            let mut size = [0; 4];
            // SAFETY: what the word says is written, is written whole, and within the mailbox.
            unsafe {
                std::ptr::copy_nonoverlapping(self.at(offset), size.as_mut_ptr(), 4);
                let size = (u32::from_ne_bytes(size) as usize).min(to - offset - 4);
                messages.push(std::slice::from_raw_parts(self.at(offset + 4), size).to_vec());
                offset += 4 + size;
            }
        }
        messages
    }

    /// For the worker: closes it, unless something was put in since.
    fn close(&self, state: u32) -> bool {
        let closed = state | CLOSED;
        self.state().compare_exchange(state, closed, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// The mailbox that this session writes to, and who empties it.
#[derive(Clone, Copy)]
struct Correspondence {
    mailbox: Mailbox,
    worker: *mut pg_sys::BackgroundWorkerHandle,
}

thread_local! {
    static CURRENT: Cell<Option<Correspondence>> = const { Cell::new(None) };
}

/// Gives a message to this session's worker, starting one if there is none; does not wait for it. False
/// where none can be had.
pub fn send(message: &[u8]) -> bool {
    if 4 + message.len() > ROOM || !transaction::may_start_workers() {
        return false;
    }
    if let Some(current) = CURRENT.get() {
        // SAFETY: the handle is this session's own, and lives as long as it.
        let running = unsafe { current.is_running() };
        if running && current.mailbox.put(message) {
            return true;
        }
        let closed = current.mailbox.state().load(Ordering::Acquire) & CLOSED != 0;
        if running && !closed {
            return false; // full: one worker at a time
        }
        CURRENT.set(None);
        // SAFETY: nobody else looks into it any more, or the worker only to leave it.
        unsafe { current.give_up(running) };
    }
    // A server that is short of shared memory raises; the attempt is refused anyhow, with its own error.
    let opened = PgTryBuilder::new(AssertUnwindSafe(|| unsafe { open(message) }))
        .catch_others(|_| None)
        .execute();
    CURRENT.set(opened);
    opened.is_some()
}

impl Correspondence {
    unsafe fn is_running(&self) -> bool {
        let mut pid = 0;
        let status = pg_sys::GetBackgroundWorkerPid(self.worker, &mut pid);
        matches!(
            status,
            pg_sys::BgwHandleStatus::BGWH_STARTED | pg_sys::BgwHandleStatus::BGWH_NOT_YET_STARTED
        )
    }

    unsafe fn give_up(self, running: bool) {
        if !running && self.mailbox.taken().load(Ordering::Acquire) == 0 {
            pg_sys::dsm_unpin_segment(pg_sys::dsm_segment_handle(self.mailbox.segment));
        }
        pg_sys::dsm_detach(self.mailbox.segment);
        pg_sys::pfree(self.worker.cast());
    }
}

/// # Safety
/// In a session, outside of parallel plans.
unsafe fn open(message: &[u8]) -> Option<Correspondence> {
    let segment = pg_sys::dsm_create(SIZE, pg_sys::DSM_CREATE_NULL_IF_MAXSEGMENTS as i32);
    if segment.is_null() {
        return None;
    }
    // It outlives the transaction; and the session, should that end before the worker has begun.
    pg_sys::dsm_pin_mapping(segment);
    pg_sys::dsm_pin_segment(segment);
    let mailbox = Mailbox::of(segment);
    mailbox.header.write(Header {
        database: pg_sys::MyDatabaseId,
        taken: AtomicU32::new(0),
        state: AtomicU32::new(0),
    });
    mailbox.put(message);
    let handle = pg_sys::dsm_segment_handle(segment);
    match start(handle) {
        Some(worker) => Some(Correspondence { mailbox, worker }),
        None => {
            pg_sys::dsm_unpin_segment(handle);
            pg_sys::dsm_detach(segment);
            None
        }
    }
}

unsafe fn start(handle: pg_sys::dsm_handle) -> Option<*mut pg_sys::BackgroundWorkerHandle> {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION)
            as i32,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: pg_sys::BGW_NEVER_RESTART,
        bgw_main_arg: pg_sys::Datum::from(handle),
        ..pg_sys::BackgroundWorker::default()
    };
    write(&mut worker.bgw_name, "tenant_guard security events");
    write(&mut worker.bgw_type, "tenant_guard security events");
    write(&mut worker.bgw_library_name, "$libdir/tenant_guard");
    write(&mut worker.bgw_function_name, "tenant_guard_keep_events");
    let mut started = std::ptr::null_mut();
    // The handle is kept for the session.
    let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
    let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut started);
    pg_sys::MemoryContextSwitchTo(before);
    registered.then_some(started)
}

/// The arrays are zeroed, and longer than the texts.
fn write(to: &mut [std::ffi::c_char], text: &str) {
    for (slot, byte) in to.iter_mut().zip(text.bytes()) {
        *slot = byte as std::ffi::c_char;
    }
}
