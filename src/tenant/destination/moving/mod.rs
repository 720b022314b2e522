//! What the procedure move_tenant (sql/move.sql) calls between its commits, and the way back.

mod begin;
mod job;
mod layout;
mod needs;
mod remote;
mod rows;
mod work;

pub use remote::dblink;

use crate::error::{Error, Result};
use crate::pg::log;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Records that a tenant is to be moved, once everything that it needs there is found, or gone on with:
/// move_tenant begins with it. Administrative: EXECUTE is not granted to PUBLIC. Raises as move_tenant does.
///
/// Example: `SELECT tenant_guard.begin_tenant_move('acme', 'eu2', false);`
#[pg_extern(volatile, parallel_unsafe)]
fn begin_tenant_move(
    slug: Option<&str>,
    destination: Option<&str>,
    trust_owners: Option<bool>,
) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: "move_tenant", argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    let destination = destination.ok_or_else(|| null("destination"))?;
    Ok(begin::begin(slug, destination, trust_owners.unwrap_or(false))?)
}

/// Does the next step of a move, and notes it. Returns whether there are more; an error is noted, not raised, and
/// ends it; from when the schema here was closed until the tenant is assigned, it is opened again too.
/// Administrative: EXECUTE is not granted to PUBLIC. Raises 0A000, 22004, 42501, 42704.
///
/// Example: `SELECT tenant_guard.run_move_step('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn run_move_step(slug: Option<&str>) -> Result<bool, ErrorReport> {
    let null = Error::NullArgument { function: "run_move_step", argument: "slug" };
    Ok(work::step(slug.ok_or(null)?)?)
}

/// Says how a move ended; raises 55000 with what went wrong where it failed. Administrative: EXECUTE is not
/// granted to PUBLIC.
///
/// Example: `SELECT tenant_guard.report_tenant_move('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn report_tenant_move(slug: Option<&str>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "report_tenant_move", argument: "slug" };
    Ok(report(slug.ok_or(null)?)?)
}

/// Gives a move up: opens the schema here again, where the move had archived it, and drops what was made there.
/// A WARNING says so where that cannot be reached. Refused once the tenant is assigned to the destination.
/// Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 42501, 42704, 55000.
///
/// Example: `SELECT tenant_guard.cancel_tenant_move('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn cancel_tenant_move(slug: Option<&str>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "cancel_tenant_move", argument: "slug" };
    Ok(begin::cancel(slug.ok_or(null)?)?)
}

fn report(slug: &str) -> Result<()> {
    let job = job::find(slug)?;
    match (job.state.as_str(), job.error) {
        ("moved", _) => {
            log::notice(&format!("tenant \"{slug}\" is at {}", job.destination));
            Ok(())
        }
        ("cancelled", _) => {
            Err(Error::NotMoved { slug: slug.into(), why: "it was cancelled".into() })
        }
        (_, error) => {
            let why = error.unwrap_or_else(|| "another session goes on with it".into());
            Err(Error::NotMoved { slug: slug.into(), why })
        }
    }
}
