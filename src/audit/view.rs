//! What the view tenant_guard.audit_log asks of each event. The bytes of an event mean what its layout says, and are
//! made into values as they are: so nobody but the view hands them over, and it knows a key that nobody else reads.

use super::render::Logged;
use crate::context;
use crate::error::{Error, Result as OwnResult};
use crate::pg::row::RawJsonb;
use crate::pg::{query, relation, user};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::Uuid;
use std::cell::Cell;

thread_local! {
    /// With the table that it was read from, which another extension of the name would not have.
    static KEY: Cell<Option<(u32, [u8; 16])>> = const { Cell::new(None) };
}

fn admitted(key: Uuid) -> OwnResult<()> {
    let table = relation::own("audit_view_key").map_or(0, pgrx::pg_sys::Oid::to_u32);
    let known = match KEY.get() {
        Some((from, known)) if from == table => Some(known),
        _ => user::as_extension_owner(|| {
            query::value::<Uuid>("SELECT k.key FROM tenant_guard.audit_view_key k", &[])
        })?
        .map(|known| *known.as_bytes()),
    };
    KEY.set(known.map(|known| (table, known)));
    if known == Some(*key.as_bytes()) {
        return Ok(());
    }
    Err(Error::NotPermitted {
        what: "reading an event that is handed over".into(),
        detail: "The view tenant_guard.audit_log alone reads events, as the log has them.".into(),
        hint: "Read the log through tenant_guard.audit_log.".into(),
    })
}

fn event(layout: i32, operation: i8, image: &[u8]) -> Logged<'_> {
    Logged { id: 0, row_key: None, layout, operation: operation as u8, image }
}

/// The row after an event, as jsonb: all its columns but those that are left out; NULL after a DELETE. Used by
/// the view audit_log; its arguments are columns of audit_event, and a key that only the view knows. Raises 42501 for another one.
///
/// Example: `SELECT record FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_record(
    view_key: Uuid,
    id: i64,
    row_key: Option<i64>,
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<RawJsonb>, ErrorReport> {
    admitted(view_key)?;
    Ok(Logged { id, row_key, ..event(layout, operation, image) }.record()?)
}

/// The row before an event, as audit_record gives the one after; NULL for an INSERT. Raises 42501, as that does.
///
/// Example: `SELECT old_record FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_old_record(
    view_key: Uuid,
    id: i64,
    row_key: Option<i64>,
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<RawJsonb>, ErrorReport> {
    admitted(view_key)?;
    Ok(Logged { id, row_key, ..event(layout, operation, image) }.old_record()?)
}

/// The primary key of an event's row, as jsonb; NULL where the table has none, and for a TRUNCATE. Raises 42501, as
/// audit_record does.
///
/// Example: `SELECT key FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_key(
    view_key: Uuid,
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<RawJsonb>, ErrorReport> {
    admitted(view_key)?;
    Ok(event(layout, operation, image).key()?)
}

/// The columns that an UPDATE changed, by the bytes of their values; NULL for other events. Raises 42501, as
/// audit_record does.
///
/// Example: `SELECT changed_columns FROM tenant_guard.audit_log WHERE operation = 'UPDATE';`
#[pg_extern(stable, parallel_safe)]
pub fn audit_changed(
    view_key: Uuid,
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<Vec<String>>, ErrorReport> {
    admitted(view_key)?;
    Ok(event(layout, operation, image).changed()?)
}

/// The organization that an event belongs to, as the row has it; NULL where it belongs to none. Raises 42501,
/// as audit_record does.
///
/// Example: `SELECT organization_id FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_organization_text(
    view_key: Uuid,
    layout: i32,
    operation: i8,
    image: &[u8],
    organization: Option<Uuid>,
) -> Result<Option<String>, ErrorReport> {
    admitted(view_key)?;
    if organization.is_none() {
        return Ok(None);
    }
    Ok(event(layout, operation, image).organization()?)
}

/// The active organization as the audit log has it: its UUID, or a UUID that stands for an id of another kind;
/// NULL without one. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.audit_organization();`
#[pg_extern(stable, parallel_safe)]
pub fn audit_organization() -> Result<Option<Uuid>, ErrorReport> {
    let organization = context::organization_now()?;
    Ok(organization.map(|o| Uuid::from_bytes(super::recorder::organization_id(&o.text))))
}
