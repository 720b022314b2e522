//! The triggers of soft deletion: BEFORE DELETE marks the row instead, and once a row is marked, the rows
//! that refer to it with ON DELETE CASCADE are.

mod cascade;
mod mark;

use self::mark::{Marks, Writer};
use super::moved::{Departure, Moves};
use super::row_trigger::{kept, Firing, RowOrNothing, Timing};
use super::trigger::Operation;
use super::{backend, user};
use crate::error::{Error, Result};
use pgrx::pg_sys;

pub use self::cascade::after_mark;

/// When, by whom and why: the same for a row and for all that is deleted with it.
pub struct Deletion {
    pub user: Option<String>,
    pub reason: Option<String>,
}

/// The work of tenant_guard.soft_delete.
pub fn instead_of_delete(
    call: pg_sys::FunctionCallInfo,
    deletion: impl FnOnce() -> Deletion,
) -> Result<RowOrNothing> {
    let wrong = |why: &str| Error::NotOurTrigger { function: "soft_delete", why: why.into() };
    let firing = Firing::of(call, Timing::Before)
        .ok_or_else(|| wrong("it was not called as a BEFORE ROW trigger"))?;
    // SAFETY: the call was accepted, and this is the only place that asks.
    let moves = unsafe { kept(call, || Ok(Moves::default()))? };
    // SAFETY: an open relation's pg_class row.
    if unsafe { (*firing.relation.rd_rel).relkind } as u8 != pg_sys::RELKIND_RELATION {
        return Err(wrong("the rows of a foreign table are kept elsewhere"));
    }
    let tuple = firing.data.tg_trigtuple;
    match firing.operation() {
        Operation::Delete => {}
        Operation::Update => {
            moves.updated(&firing, firing.data.tg_newtuple);
            return Ok(RowOrNothing::row(firing.data.tg_newtuple));
        }
        _ => return Err(wrong("a row that is inserted cannot be deleted")),
    }
    match moves.deleted(&firing) {
        Departure::Moved => return Ok(RowOrNothing::row(tuple)),
        // Marked, it would have moved nowhere; deleted, it could be gone for good.
        Departure::Unclear => return Err(Error::UnclearMove { table: firing.table() }),
        Departure::Deleted => {}
    }
    // A foreign key's action and purge_deleted run like this, and their rows must go. Both run as the table's
    // owner: what a trigger of somebody else's deletes from within such an action is marked as ever.
    if user::past_policies() && user::has_rights_of(owner(firing.relation)) {
        return Ok(RowOrNothing::row(tuple));
    }
    let marks = Marks::of(firing.relation)
        .map_err(|column| broken(&firing, column, "tenant_guard_soft_delete"))?;
    if !marks.is_deleted(tuple, firing.descriptor()) {
        let Deletion { user, reason } = deletion();
        // SAFETY: the executor has locked the row, and keeps its relation open.
        unsafe {
            let mut writer = Writer::open(firing.relation, &marks);
            let marked = writer.mark(tuple, moment(), user.as_deref(), reason);
            writer.end_statement();
            writer.close();
            if let Some(at) = marked {
                cascade::expect(firing.relation.rd_id, at);
            }
        }
    }
    Ok(RowOrNothing::nothing())
}

/// The same for all that one statement of the client deletes: restore_row takes it for one deletion.
fn moment() -> pg_sys::TimestampTz {
    // SAFETY: reads two backend-local variables; a background worker may not have set the first.
    unsafe { backend::unguarded_statement_start().max(backend::unguarded_transaction_start()) }
}

fn broken(firing: &Firing, column: &str, trigger: &'static str) -> Error {
    Error::ConventionBroken { table: firing.table(), column: column.to_string(), trigger }
}

fn owner(relation: &pg_sys::RelationData) -> pg_sys::Oid {
    // SAFETY: an open relation's pg_class row is valid while it is open.
    unsafe { (*relation.rd_rel).relowner }
}
