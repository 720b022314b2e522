//! The seal of the audit log: what shows afterwards that nobody altered, removed or slipped in an event.

mod chain;
mod check;
pub mod commits;
mod findings;
mod known;
mod leaves;
mod places;
mod proof;
mod ranges;
mod sealer;
mod store;
mod tree;
mod verify;

pub use chain::{all, append, Block, PURGE};
pub use known::origins;
pub use places::Places;
pub use sealer::{unsealed, LOCK};
pub use store::{purged_root, uuid};

use crate::audit::life::permission;
use crate::error::{Error, Result};
use crate::pg::log;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid};

/// Seals what was logged since the last call: all events of transactions that have ended go into blocks of at most
/// about a million, each with a Merkle tree for each organization, chained to the block before. Nobody who writes
/// waits. Made to be called again and again, by pg_cron or a worker. While another session seals, and where
/// nothing was logged, it returns no row.
/// Returns the new blocks: number, events, and the digest, which is worth keeping where this database's superusers
/// cannot reach it. Raises 42501, 25006 on a standby.
///
/// Example: `SELECT * FROM tenant_guard.seal_audit();`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
pub fn seal_audit() -> Result<
    TableIterator<'static, (name!(block, i64), name!(events, i64), name!(digest, Vec<u8>))>,
    ErrorReport,
> {
    let sealed = sealer::seal()?;
    if sealed.is_none() {
        log::notice("another session is sealing the audit log");
    }
    let rows = sealed.unwrap_or_default().into_iter();
    Ok(TableIterator::new(rows.map(|b| (b.number, b.events, b.digest.to_vec()))))
}

/// Looks for whatever is not as it was sealed: the hash of each event, layout and context is computed anew, then
/// each tree, then the chain of blocks. Of what was logged since the last seal it looks at the hashes. digest: one
/// that seal_audit returned and that was kept elsewhere has to be in the chain. from_block: begin there; the chain
/// is looked at whole. Auditors and superusers call it.
/// Returns no row where all is well; else of each block the first event that was altered, is missing, or was
/// inserted, and every layout, context, tree and block that is not what it was. Tells in a NOTICE how much it looked
/// at, and what was purged. Raises 42501.
///
/// Example: `SELECT * FROM tenant_guard.verify_audit();`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
pub fn verify_audit(
    digest: default!(Option<&[u8]>, "NULL"),
    from_block: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(block, Option<i64>),
            name!(event_id, Option<i64>),
            name!(organization, Option<Uuid>),
            name!(problem, &'static str),
            name!(detail, String),
        ),
    >,
    ErrorReport,
> {
    permission::reads_all("verifying the audit log")?;
    let verified = permission::as_owner(|| verify::verify(digest, from_block.unwrap_or(1)))?;
    let (events, unsealed, purged) = (verified.events, verified.unsealed, verified.purged);
    log::notice(&format!(
        "{events} events, of which {unsealed} are not sealed yet; {purged} were purged"
    ));
    Ok(TableIterator::new(verified.problems.into_iter().map(|p| {
        let organization = store::uuid(p.organization.as_ref());
        (p.block, p.event, organization, p.what.word(), p.detail)
    })))
}

/// Proves to somebody outside that an event was logged, by what docs/audit-format.md describes: all that is hashed
/// of the event, its way through its organization's tree and the block, the block's place in the chain. digest: one
/// that the other side has; the blocks from the event's to that one are told. For whoever may read the event.
/// Returns one JSON object. Raises 22004, 42704 where the caller reads no such event, 55000 where it is not sealed
/// yet.
///
/// Example: `SELECT tenant_guard.audit_proof(id) FROM tenant_guard.audit_log ORDER BY id LIMIT 1;`
#[pg_extern(volatile, parallel_unsafe)]
pub fn audit_proof(
    event_id: Option<i64>,
    digest: default!(Option<&[u8]>, "NULL"),
) -> Result<JsonB, ErrorReport> {
    let id =
        event_id.ok_or(Error::NullArgument { function: "audit_proof", argument: "event_id" })?;
    Ok(JsonB(prove(id, digest)?))
}

fn prove(id: i64, digest: Option<&[u8]>) -> Result<serde_json::Value> {
    if !permission::reads_event(id)? {
        return Err(Error::NoSuchEvent { id });
    }
    permission::as_owner(|| proof::proof(id, digest))
}
