//! What the view tenant_guard.audit_log asks of each event.

use super::render::Logged;
use crate::context;
use crate::error::Error;
use crate::pg::row::RawJsonb;
use crate::pg::types::RegClass;
use crate::pg::{ident, query, relation, user};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::Uuid;

fn event(layout: i32, operation: i8, image: &[u8]) -> Logged<'_> {
    Logged { id: 0, row_key: None, layout, operation: operation as u8, image }
}

/// The row after an event, as jsonb: all its columns but those that are left out; NULL after a DELETE. Used by
/// the view audit_log; its arguments are columns of audit_event. Raises nothing.
///
/// Example: `SELECT record FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_record(
    id: i64,
    row_key: Option<i64>,
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<RawJsonb>, ErrorReport> {
    Ok(Logged { id, row_key, ..event(layout, operation, image) }.record()?)
}

/// The row before an event, as audit_record gives the one after; NULL for an INSERT. Raises nothing.
///
/// Example: `SELECT old_record FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_old_record(
    id: i64,
    row_key: Option<i64>,
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<RawJsonb>, ErrorReport> {
    Ok(Logged { id, row_key, ..event(layout, operation, image) }.old_record()?)
}

/// The primary key of an event's row, as jsonb; NULL where the table has none, and for a TRUNCATE. Raises nothing.
///
/// Example: `SELECT key FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_key(
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<RawJsonb>, ErrorReport> {
    Ok(event(layout, operation, image).key()?)
}

/// The columns that an UPDATE changed, by the bytes of their values; NULL for other events. Raises nothing.
///
/// Example: `SELECT changed_columns FROM tenant_guard.audit_log WHERE operation = 'UPDATE';`
#[pg_extern(stable, parallel_safe)]
pub fn audit_changed(
    layout: i32,
    operation: i8,
    image: &[u8],
) -> Result<Option<Vec<String>>, ErrorReport> {
    Ok(event(layout, operation, image).changed()?)
}

/// The organization that an event belongs to, as the row has it; NULL where it belongs to none. Raises nothing.
///
/// Example: `SELECT organization_id FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_organization_text(
    layout: i32,
    operation: i8,
    image: &[u8],
    organization: Option<Uuid>,
) -> Result<Option<String>, ErrorReport> {
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

/// Who last disabled or dropped a trigger of an audited table, and when, as the security events have it; no row
/// where nobody did. The caller must own the table. Raises 42501.
///
/// Example: `SELECT * FROM tenant_guard.audit_changed_by('crm.contacts');`
#[pg_extern(stable, parallel_restricted)]
pub fn audit_changed_by(
    table: Option<RegClass>,
) -> Result<
    TableIterator<'static, (name!(role, String), name!(at, TimestampWithTimeZone))>,
    ErrorReport,
> {
    let Some(described) = table.and_then(|table| relation::describe(table.0)) else {
        return Ok(TableIterator::new(Vec::new()));
    };
    let name = ident::qualified(&described.schema, &described.name);
    if !user::has_rights_of(described.owner) {
        return Err(Error::NotOwner {
            object: format!("table {name}"),
            owner: user::name_of(described.owner),
            caller: user::current(),
        }
        .into());
    }
    let found = user::as_extension_owner(|| {
        query::rows(include_str!("changed_by.sql"), &[name.into()], |row| {
            Ok((row.get::<String>(1)?, row.get::<TimestampWithTimeZone>(2)?))
        })
    })?;
    let told = found.into_iter().filter_map(|(role, at)| Some((role?, at?)));
    Ok(TableIterator::new(told.collect::<Vec<_>>()))
}
