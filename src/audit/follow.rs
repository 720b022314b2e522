//! Tables that come under an audited one later: partitions are audited by statement too, and a table that
//! inherits makes its whole family one that is audited row by row.

use super::options::Options;
use super::planner;
use crate::catalog;
use crate::error::Result;
use crate::pg::attempt::attempt;
use crate::pg::ident;
use crate::pg::{event, kept, log, query, user};
use crate::plan;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde::Deserialize;
use std::cell::Cell;

/// Audits what a command puts under an audited table. Event trigger. Where that fails it warns, and the command
/// goes on.
///
/// Example: `SELECT evtname FROM pg_event_trigger WHERE evtfoid = 'tenant_guard.follow_audited'::regproc;`
#[pg_extern(sql = r#"
CREATE FUNCTION tenant_guard."follow_audited"() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
pub fn follow_audited(fcinfo: pg_sys::FunctionCallInfo) {
    let ours = FOLLOWING.get() || plan::applying() || event::in_extension_script();
    if event::kind(fcinfo).is_none() || ours || event::restoring() {
        return;
    }
    let followed = uncovered().and_then(|roots| roots.iter().try_for_each(cover));
    if let Err(error) = followed {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
}

thread_local! {
    /// What is done here are commands too.
    static FOLLOWING: Cell<bool> = const { Cell::new(false) };
}

struct Following;

impl Following {
    fn begin() -> Self {
        FOLLOWING.set(true);
        Following
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        FOLLOWING.set(false);
    }
}

/// An audited table under which the command that is ending left one that is not audited as it is to be.
#[derive(Debug, Deserialize)]
struct Root {
    oid: u32,
    schema: String,
    name: String,
    argument: String,
}

fn uncovered() -> Result<Vec<Root>> {
    let audited = kept::rows(include_str!("any_audited.sql"), &[], |row| Ok(row.get::<bool>(1)?))?;
    if !audited.contains(&Some(true)) {
        return Ok(Vec::new());
    }
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        Ok(kept::model_here(include_str!("uncovered.sql"), &[])?.unwrap_or_default())
    })
}

fn cover(root: &Root) -> Result<()> {
    let Some(options) = Options::read(&root.argument) else { return Ok(()) };
    let _following = Following::begin();
    let covered = attempt(|| {
        user::as_extension_owner(|| {
            let family = catalog::family_of_anybody(root.oid)?;
            let plan = planner::enable(&family, options)?;
            plan.steps.iter().try_for_each(|step| query::run(&step.sql, &[]))
        })
    });
    if let Err(why) = covered {
        let name = ident::qualified(&root.schema, &root.name);
        log::warning(
            &format!("what is under {name} by now is not audited"),
            &why,
            &format!("Call SELECT * FROM tenant_guard.enable_audit({}).", ident::literal(&name)),
        );
    }
    Ok(())
}
