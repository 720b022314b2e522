//! One tenant of a run, in the transaction of whoever calls.

use super::options;
use super::store::{self, Run, Tenant};
use super::traces::{self, Traces};
use crate::error::{Error, Result};
use crate::pg::guc::Scope;
use crate::pg::{attempt, ident, log, query, relation, user};
use crate::tenant::registry;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// While others have what is left, in seconds.
const IDLE: f64 = 0.05;
/// So often a session is told how far the run is, when it takes long.
const TELL: Duration = Duration::from_secs(5);

thread_local! {
    static WORKING: Cell<bool> = const { Cell::new(false) };
    static TOLD: RefCell<Option<(i64, Instant)>> = const { RefCell::new(None) };
}

/// Whoever is at work, until it is dropped: what is run for a tenant must not run the next one.
struct Working;

impl Working {
    fn new(run: i64) -> Result<Self> {
        if WORKING.replace(true) {
            return Err(Error::RunWithinRun { run });
        }
        Ok(Working)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        WORKING.set(false);
    }
}

/// Runs the next tenant, if there is one. The seconds to wait before asking again; None once the run is over, or
/// stopped.
pub fn next(id: i64) -> Result<Option<f64>> {
    let _working = Working::new(id)?;
    traces::unlock()?;
    let run = store::find(id)?;
    if run.state != "open" {
        // Others may still have one in hand.
        return Ok((store::standing(&run)?.running > 0).then_some(IDLE));
    }
    if let Some(tenant) = store::claim(&run)? {
        work(&run, &tenant)?;
        return Ok(Some(0.0));
    }
    let standing = store::standing(&run)?;
    if standing.waiting == 0 {
        store::set_state(id, &["open"], "finished")?;
        return Ok(None);
    }
    Ok(Some(standing.due.filter(|_| standing.running == 0).unwrap_or(IDLE).clamp(0.001, 1.0)))
}

fn work(run: &Run, tenant: &Tenant) -> Result<()> {
    if !relation::lock_row_if_free("tenant_run_result", tenant.id) {
        return Ok(()); // it wraps around after four thousand million: another run's tenant has the number
    }
    let caller = user::current_oid();
    let began = Instant::now();
    let before = Traces::now()?;
    let outcome = attempt::told(|| {
        // What the statements SET ends with them.
        let scope = Scope::new();
        run_one(run, tenant, &scope)?;
        drop(scope);
        if user::current_oid() != caller {
            return Err(Error::Internal { what: "the role was changed for good".into() });
        }
        before.clear()
    });
    if outcome.is_err() {
        before.clear()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let again = match &outcome {
        Err(told) if options::passes(&told.code) && tenant.attempts < run.retries => {
            Some(options::backoff(tenant.attempts))
        }
        _ => None,
    };
    store::finish(tenant, seconds, outcome.as_ref().err(), again)?;
    if let (Err(told), None) = (&outcome, again) {
        log::notice(&format!(
            "run {}: tenant {} failed with {}: {}",
            run.id,
            ident::quote(&tenant.slug),
            told.code,
            told.message
        ));
        if run.on_error == "stop" || tenant.position <= run.canary {
            store::set_state(run.id, &["open"], "stopped")?;
        }
    }
    tell(run, tenant)
}

fn run_one(run: &Run, tenant: &Tenant, scope: &Scope) -> Result<()> {
    if let Some(timeout) = &run.lock_timeout {
        scope.set(c"lock_timeout", timeout);
    }
    // Whoever makes, alters or drops the schema, and any other run, waits, or is waited for.
    relation::lock_name("tenant_schema", &tenant.slug);
    let entry = registry::find(&tenant.slug)?
        .ok_or_else(|| Error::NotATenantSchema { slug: tenant.slug.clone() })?;
    if entry.state == "archived" {
        return Err(Error::Archived { slug: tenant.slug.clone() });
    }
    if !relation::schema_exists(&tenant.slug) {
        return Err(Error::SchemaMissing { slug: tenant.slug.clone() });
    }
    let searched: Vec<String> = std::iter::once(&tenant.slug).chain(&run.shared).cloned().collect();
    if !run.trust_owners {
        check_owners(&searched)?;
    }
    scope.search_path(&path(&searched));
    user::kept(|| {
        query::run_here(&run.sql, &[])?;
        // What was put off to the commit is part of the work: its failure is this tenant's.
        query::run_here("SET CONSTRAINTS ALL IMMEDIATE", &[])
    })
}

/// The tenant's schema, those that are shared, and only then what is temporary.
fn path(schemas: &[String]) -> String {
    let mut quoted: Vec<String> = schemas.iter().map(|schema| ident::quote(schema)).collect();
    quoted.push("pg_temp".into());
    quoted.join(", ")
}

/// What is in a schema that is searched runs with the caller's rights.
fn check_owners(schemas: &[String]) -> Result<()> {
    let found = query::rows(include_str!("owners.sql"), &[schemas.to_vec().into()], |row| {
        let text = |text: Option<String>| text.unwrap_or_default();
        Ok((text(row.get(1)?), text(row.get(2)?)))
    })?;
    let Some((schema, _)) = found.first() else { return Ok(()) };
    let owners: Vec<String> =
        found.iter().filter(|(of, _)| of == schema).map(|(_, role)| ident::quote(role)).collect();
    Err(Error::NotPermitted {
        what: format!("running statements in schema {} with your rights", ident::quote(schema)),
        detail: format!(
            "It, or something in it, belongs to {}, or it may create there, or make triggers: triggers and functions of that role would run with your rights, which it has not.",
            owners.join(", ")
        ),
        hint: "Call it as the owner (SET ROLE), or, where you trust that role, say trust_owners => true.".into(),
    })
}

/// Ten times in a run, and every few seconds of a long one.
fn tell(run: &Run, tenant: &Tenant) -> Result<()> {
    let tenth = run.tenants >= 20 && tenant.position % (run.tenants / 10) == 0;
    let late = TOLD.with_borrow_mut(|told| match told {
        Some((id, when)) if *id == run.id => when.elapsed() >= TELL,
        _ => {
            *told = Some((run.id, Instant::now()));
            false
        }
    });
    if !tenth && !late {
        return Ok(());
    }
    TOLD.set(Some((run.id, Instant::now())));
    let standing = store::standing(run)?;
    log::notice(&format!(
        "run {}: {} of {} tenants done, {} failed",
        run.id, standing.done, run.tenants, standing.failed
    ));
    Ok(())
}

/// Raises what is wrong with a lock_timeout, before anything is run with it.
pub fn check_timeout(timeout: &str) {
    Scope::new().set(c"lock_timeout", timeout);
}
