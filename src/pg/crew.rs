//! Background workers that help a session with one job, as the role in force and with no more rights than it
//! has: they log in as that role does, to the same database, under the role's own settings.
//!
//! They end when there is nothing left to do; and with the session's transaction where that fails or is
//! cancelled, as the workers of a parallel query do.

use super::{backend, transaction, user};
use crate::tenant::fleet;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{pg_guard, pg_sys, PgLogLevel};
use std::cell::{Cell, RefCell};
use std::ffi::c_char;

const NAME: &str = "tenant_guard fleet runner";

/// How long one waits that finds nothing to do yet, at most, in milliseconds.
const PERIOD: f64 = 100.0;

/// What a worker is told, in the bytes that its registration has for that.
#[repr(C)]
#[derive(Clone, Copy)]
struct Order {
    database: pg_sys::Oid,
    role: pg_sys::Oid,
    job: i64,
}

thread_local! {
    static CREW: RefCell<Vec<*mut pg_sys::BackgroundWorkerHandle>> = const { RefCell::new(Vec::new()) };
    static LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// Starts workers for a job; how many could be had.
pub fn start(wanted: usize, job: i64) -> usize {
    dismiss();
    if !transaction::may_start_workers() {
        return 0;
    }
    if !LISTENING.replace(true) {
        // SAFETY: the callback lives as long as the process.
        unsafe { pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut()) }
    }
    (0..wanted).take_while(|_| start_one(job)).count()
}

fn start_one(job: i64) -> bool {
    // SAFETY: the registration is copied; the order fits into its bytes. The handle lives as long as the
    // session, or until it is given up.
    unsafe {
        let order = Order { database: pg_sys::MyDatabaseId, role: user::current_oid(), job };
        let mut worker = pg_sys::BackgroundWorker {
            bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS
                | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as i32,
            bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
            bgw_restart_time: pg_sys::BGW_NEVER_RESTART,
            ..pg_sys::BackgroundWorker::default()
        };
        write(&mut worker.bgw_name, NAME);
        write(&mut worker.bgw_type, NAME);
        write(&mut worker.bgw_library_name, "$libdir/tenant_guard");
        write(&mut worker.bgw_function_name, "tenant_guard_help_with_run");
        worker.bgw_extra.as_mut_ptr().cast::<Order>().write_unaligned(order);
        let mut started = std::ptr::null_mut();
        let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut started);
        pg_sys::MemoryContextSwitchTo(before);
        if registered {
            CREW.with_borrow_mut(|crew| crew.push(started));
        }
        registered
    }
}

/// The arrays are zeroed, and longer than the texts.
fn write(to: &mut [c_char], text: &str) {
    for (slot, byte) in to.iter_mut().zip(text.bytes()) {
        *slot = byte as c_char;
    }
}

/// Lets those that are left end by themselves.
pub fn dismiss() {
    for worker in CREW.take() {
        // SAFETY: nobody else has the handle.
        unsafe { pg_sys::pfree(worker.cast()) }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(
    event: pg_sys::XactEvent::Type,
    _arg: *mut std::ffi::c_void,
) {
    if event != pg_sys::XactEvent::XACT_EVENT_ABORT {
        return;
    }
    for worker in CREW.take() {
        pg_sys::TerminateBackgroundWorker(worker);
        pg_sys::pfree(worker.cast());
    }
}

/// Where a worker begins; PostgreSQL looks it up by its name.
///
/// # Safety
/// Called by the server in a new background worker that `start_one` registered.
#[pg_guard]
#[no_mangle]
pub unsafe extern "C-unwind" fn tenant_guard_help_with_run(_argument: pg_sys::Datum) {
    backend::handle_termination();
    pg_sys::BackgroundWorkerUnblockSignals();
    let order = (*pg_sys::MyBgworkerEntry).bgw_extra.as_ptr().cast::<Order>().read_unaligned();
    pg_sys::BackgroundWorkerInitializeConnectionByOid(order.database, order.role, 0);
    while let Some(seconds) = one(order.job) {
        if seconds > 0.0 {
            let wake = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            let pause = (seconds * 1000.0).clamp(1.0, PERIOD) as std::ffi::c_long;
            pg_sys::WaitLatch(pg_sys::MyLatch, wake as i32, pause, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        pgrx::check_for_interrupts!();
    }
}

/// One tenant in a transaction of its own. What it raises ends the worker; the tenant is still waiting then.
unsafe fn one(job: i64) -> Option<f64> {
    pg_sys::SetCurrentStatementStartTimestamp();
    pg_sys::StartTransactionCommand();
    // Whatever the role's default is: what others have done meanwhile has to be seen.
    pg_sys::XactIsoLevel = pg_sys::XACT_READ_COMMITTED as i32;
    pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    pg_sys::pgstat_report_activity(
        pg_sys::BackendState::STATE_RUNNING,
        c"tenant_guard: run_for_tenants".as_ptr(),
    );
    let next = match fleet::next(job) {
        Ok(next) => next,
        Err(error) => {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
            None
        }
    };
    pg_sys::PopActiveSnapshot();
    pg_sys::CommitTransactionCommand();
    pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null());
    next
}
