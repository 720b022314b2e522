//! Statements run for many tenants, each in a transaction of its own: what the procedures `run_for_tenants` and
//! `resume_tenant_run` (sql/fleet.sql) call between their commits.

mod options;
mod store;
mod traces;
mod work;

pub use work::next;

use crate::error::{Error, Result};
use crate::pg::types::{Name, Names};
use crate::pg::{crew, log, query, relation, statement, transaction, user};
use options::{Filter, OnError, Options};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

const RUN: &str = "run_for_tenants";

/// Records a run of SQL over tenants, and runs nothing: run_for_tenants begins with it. Refused while a run of
/// the same statements by the same role has one of these tenants and is not over, so that nothing is done
/// twice. Returns the run's number. Raises as run_for_tenants does.
///
/// Example: `SELECT tenant_guard.begin_tenant_run('ANALYZE tickets');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn begin_tenant_run(
    sql: Option<&str>,
    filter: default!(Option<&str>, "NULL"),
    parallel: default!(Option<i32>, "1"),
    on_error: default!(Option<&str>, "'stop'"),
    canary: default!(Option<i32>, "0"),
    lock_timeout: default!(Option<&str>, "NULL"),
    retries: default!(Option<i32>, "3"),
    slugs: default!(Option<Vec<Option<String>>>, "NULL"),
    template: default!(Option<Name>, "NULL"),
    shared: default!(Option<Names>, "'{}'"),
    trust_owners: default!(Option<bool>, "false"),
) -> Result<i64, ErrorReport> {
    let null = |argument| Error::NullArgument { function: RUN, argument };
    let sql = sql.ok_or_else(|| null("sql"))?;
    options::parallel(parallel.ok_or_else(|| null("parallel"))?)?;
    let options = Options {
        on_error: OnError::parse(on_error.ok_or_else(|| null("on_error"))?)?,
        canary: options::within("canary", canary.unwrap_or(0), 0, i32::MAX)?,
        lock_timeout: lock_timeout.map(str::to_string),
        retries: options::retries(retries.ok_or_else(|| null("retries"))?)?,
        shared: shared.map(|names| names.0.into_iter().flatten().collect()).unwrap_or_default(),
        trust_owners: trust_owners.unwrap_or(false),
    };
    let slugs = slugs.map(|slugs| slugs.into_iter().flatten().collect());
    let filter = Filter::new(filter, template.map(|t| t.0), slugs);
    Ok(begin(sql, &filter, &options)?)
}

/// Opens a run again, for whoever resumes it. Raises as resume_tenant_run does.
///
/// Example: `SELECT tenant_guard.reopen_tenant_run(1, false, 1);`
#[pg_extern(volatile, parallel_unsafe)]
fn reopen_tenant_run(
    run_id: Option<i64>,
    retry_failed: Option<bool>,
    parallel: Option<i32>,
) -> Result<(), ErrorReport> {
    const FUNCTION: &str = "resume_tenant_run";
    let null = |argument| Error::NullArgument { function: FUNCTION, argument };
    let run = store::find(run_id.ok_or_else(|| null("run_id"))?)?;
    options::parallel(parallel.ok_or_else(|| null("parallel"))?)?;
    outside_block(FUNCTION)?;
    let retry = retry_failed.unwrap_or(false);
    if run.state == "cancelled" {
        return Err(Error::RunCancelled { run: run.id }.into());
    }
    if !retry && store::standing(&run)?.canary_failed {
        return Err(Error::CanaryFailed { run: run.id }.into());
    }
    // One that is open may have others at work on it, whose pauses are theirs.
    if run.state != "open" || retry {
        store::reset(run.id, retry)?;
        store::set_state(run.id, &["stopped", "finished"], "open")?;
    }
    Ok(())
}

/// Starts background workers that take tenants of a run as well, parallel less one of them, as the role in
/// force and with its rights; fewer, with a notice, where no more can be had. Returns how many.
/// Raises 22023, 42501, 42704.
///
/// Example: `SELECT tenant_guard.start_run_helpers(1, 4);`
#[pg_extern(volatile, parallel_unsafe)]
fn start_run_helpers(run_id: Option<i64>, parallel: Option<i32>) -> Result<i32, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "start_run_helpers", argument };
    let run = store::find(run_id.ok_or_else(|| null("run_id"))?)?;
    let wanted = options::parallel(parallel.ok_or_else(|| null("parallel"))?)?.min(run.tenants) - 1;
    if wanted < 1 {
        crew::dismiss();
        return Ok(0);
    }
    let may_log_in = user::may_log_in();
    let started = if may_log_in { crew::start(wanted as usize, run.id) as i32 } else { 0 };
    if started < wanted {
        let why = if may_log_in {
            "max_worker_processes leaves no more".to_string()
        } else {
            format!("role {} may not log in, as they would have to", user::current())
        };
        log::notice(&format!("run {}: {started} of {wanted} helpers started: {why}", run.id));
    }
    Ok(started)
}

/// Runs the next tenant of a run that nobody works on, in the transaction at hand, and records what became of
/// it there. Returns the seconds to wait before calling it again, 0 where it ran one; NULL when the run is over
/// or stopped. Raises 22004, 42501, 42704, 55000; an error of the tenant's statements is recorded, not raised.
///
/// Example: `SELECT tenant_guard.run_next_tenant(1);`
#[pg_extern(volatile, parallel_unsafe)]
fn run_next_tenant(run_id: Option<i64>) -> Result<Option<f64>, ErrorReport> {
    let null = Error::NullArgument { function: "run_next_tenant", argument: "run_id" };
    Ok(next(run_id.ok_or(null)?)?)
}

/// Says how a run ended: a notice, or a warning where tenants failed; where it was stopped, the failure as an
/// error with the tenant's own SQLSTATE. Raises 42501, 42704.
///
/// Example: `SELECT tenant_guard.report_tenant_run(1);`
#[pg_extern(volatile, parallel_unsafe)]
fn report_tenant_run(run_id: Option<i64>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "report_tenant_run", argument: "run_id" };
    crew::dismiss();
    Ok(report(&store::find(run_id.ok_or(null)?)?)?)
}

/// Ends a run for good: tenants in hand are finished, those that wait are left as they are, and what is done
/// stays done. Only the role that started it may. Raises 22004, 42501, 42704.
///
/// Example: `SELECT tenant_guard.cancel_tenant_run(1);`
#[pg_extern(volatile, parallel_unsafe)]
fn cancel_tenant_run(run_id: Option<i64>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "cancel_tenant_run", argument: "run_id" };
    let run = store::find(run_id.ok_or(null)?)?;
    Ok(store::set_state(run.id, &["open", "stopped"], "cancelled")?)
}

/// A clearer refusal than that of the first COMMIT.
fn outside_block(function: &'static str) -> Result<()> {
    if transaction::in_block() {
        return Err(Error::InTransactionBlock { function });
    }
    Ok(())
}

fn begin(sql: &str, filter: &Filter, options: &Options) -> Result<i64> {
    outside_block(RUN)?;
    check(sql)?;
    if let Some(timeout) = &options.lock_timeout {
        work::check_timeout(timeout);
    }
    for schema in &options.shared {
        if !relation::schema_exists(schema) {
            return Err(Error::NoSuchSchema { schema: schema.clone() });
        }
    }
    // Two at once: the second finds the first's run.
    relation::lock_name("tenant_run", "");
    let _as_of_now = query::catalog_read(query::PINNED);
    let tenants = store::tenants(filter)?;
    if let Some(missing) = filter.slugs.iter().flatten().find(|slug| !tenants.contains(slug)) {
        return Err(Error::NotATenantSchema { slug: missing.clone() });
    }
    if tenants.is_empty() {
        return Err(Error::NoTenants);
    }
    let run_as = user::current();
    if let Some(run) = store::unfinished(sql, &run_as, &tenants)? {
        return Err(Error::RunUnfinished { run });
    }
    let run = store::insert(sql, &run_as, &tenants, options)?;
    let count = tenants.len();
    log::notice(&format!("run {run}: {count} tenant{}", if count == 1 { "" } else { "s" }));
    Ok(run)
}

/// Refuses what could not run in a transaction that is not its own.
fn check(sql: &str) -> Result<()> {
    let script = statement::script(sql);
    let refuse = |why: &str, hint: &str| {
        Err(Error::WrongOption { option: "sql", why: why.into(), hint: hint.into() })
    };
    if script.statements == 0 {
        return refuse(
            "It holds no statement",
            "Give the statements to run, separated by semicolons.",
        );
    }
    if script.controls_transactions {
        return Err(Error::TransactionControl);
    }
    if script.copies_to_the_client {
        return refuse(
            "COPY ... FROM STDIN and TO STDOUT need a client, and there is none for each tenant",
            "Load it into a shared table first, and INSERT ... SELECT from that.",
        );
    }
    Ok(())
}

fn report(run: &store::Run) -> Result<()> {
    let standing = store::standing(run)?;
    match (run.state.as_str(), &standing.failure) {
        ("stopped", Some(failure)) => Err(Error::RunStopped {
            run: run.id,
            slug: failure.slug.clone(),
            sqlstate: failure.sqlstate.clone(),
            message: failure.error.clone(),
            detail: failure.detail.clone(),
            done: standing.done,
            waiting: standing.waiting,
        }),
        (state, Some(_)) => {
            log::warning(
                &format!("run {}: {} of {} tenants failed", run.id, standing.failed, run.tenants),
                &format!("{} are done, {} waiting; the run is {state}.", standing.done, standing.waiting),
                &format!(
                    "SELECT slug, sqlstate, error FROM tenant_guard.tenant_run_results WHERE run_id = {0} AND state = 'failed'; CALL tenant_guard.resume_tenant_run({0}, retry_failed => true) runs those again.",
                    run.id
                ),
            );
            Ok(())
        }
        (state, None) => {
            log::notice(&format!(
                "run {}: {} of {} tenants done, {state}",
                run.id, standing.done, run.tenants
            ));
            Ok(())
        }
    }
}
