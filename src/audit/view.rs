//! What the view tenant_guard.audit_log asks of each event.

use super::history::Reach;
use super::months::{self, Month};
use super::recorder::organization_id;
use super::render::Logged;
use crate::context;
use crate::error::{Error, Result};
use crate::pg::row::RawJsonb;
use crate::pg::transaction::Position;
use crate::pg::types::RegClass;
use crate::pg::{fetch, ident, query, relation, transaction, user};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::{ItemPointerData, Oid};
use pgrx::prelude::*;
use pgrx::Uuid;
use std::cell::RefCell;
use std::rc::Rc;

/// An event of the log, by the partition and the place that the view found it at; None unless the caller may read
/// it. Nobody has bytes of their own making shown: of what no server wrote they could make it do anything.
fn event(log: Option<Oid>, place: Option<ItemPointerData>) -> Result<Option<Event>> {
    let (Some(log), Some(place)) = (log, place) else { return Ok(None) };
    let (reach, months) = asked()?;
    if !months.iter().any(|month| month.table == log.to_u32()) {
        return Ok(None);
    }
    let Some(row) = fetch::fetch(log.to_u32(), place) else { return Ok(None) };
    let event = Event {
        id: row.get(1).unwrap_or_default(),
        row_key: row.get(4),
        layout: row.get(6).unwrap_or_default(),
        organization: row.get::<Uuid>(8).map(|uuid| *uuid.as_bytes()),
        operation: row.get::<i8>(9).unwrap_or_default() as u8,
        image: row.get::<Vec<u8>>(12).unwrap_or_default(),
        reach,
    };
    let readable = event.reach.includes(event.layout, event.organization.as_ref());
    Ok(readable.then_some(event))
}

struct Event {
    id: i64,
    row_key: Option<i64>,
    layout: i32,
    organization: Option<[u8; 16]>,
    operation: u8,
    image: Vec<u8>,
    reach: Rc<Reach>,
}

impl Event {
    fn logged(&self) -> Logged<'_> {
        Logged {
            id: self.id,
            row_key: self.row_key,
            layout: self.layout,
            operation: self.operation,
            image: &self.image,
            reach: &self.reach,
        }
    }
}

fn show<T>(
    log: Option<Oid>,
    place: Option<ItemPointerData>,
    f: impl FnOnce(Logged) -> Result<Option<T>>,
) -> Result<Option<T>> {
    match event(log, place)? {
        Some(event) => f(event.logged()),
        None => Ok(None),
    }
}

/// What a query was found to be allowed to read, and where.
struct Kept {
    position: Position,
    command: u32,
    user: Oid,
    statement: i64,
    organization: Option<String>,
    reach: Rc<Reach>,
    months: Rc<Vec<Month>>,
}

thread_local! {
    static REACH: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// The caller's, and the log's partitions, found out once a query: in a parallel one nothing else is kept.
fn asked() -> Result<(Rc<Reach>, Rc<Vec<Month>>)> {
    let organization = context::organization_now()?.map(|o| o.text);
    let (position, command) = (transaction::position(), transaction::command());
    let (user, statement) = (user::current_oid(), transaction::statement_start());
    let kept = REACH.with_borrow(|kept| {
        let kept = kept.as_ref()?;
        let same = kept.position == position
            && kept.command == command
            && kept.user == user
            && kept.statement == statement
            && kept.organization == organization;
        same.then(|| (kept.reach.clone(), kept.months.clone()))
    });
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let found = (Rc::new(Reach::here()?), months::months()?);
    let (reach, months) = found.clone();
    let kept = Kept { position, command, user, statement, organization, reach, months };
    REACH.replace(Some(kept));
    Ok(found)
}

/// The row after an event, as jsonb: all its columns but those that are left out; NULL after a DELETE, and for an
/// event that the caller may not read. Used by the view audit_log: log is the partition's OID, place the event's
/// place in it. Raises nothing.
///
/// Example: `SELECT record FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_record(
    log: Option<Oid>,
    place: Option<ItemPointerData>,
) -> Result<Option<RawJsonb>, ErrorReport> {
    Ok(show(log, place, |event| event.record())?)
}

/// The row before an event, as audit_record gives the one after; NULL for an INSERT. Raises nothing.
///
/// Example: `SELECT old_record FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_old_record(
    log: Option<Oid>,
    place: Option<ItemPointerData>,
) -> Result<Option<RawJsonb>, ErrorReport> {
    Ok(show(log, place, |event| event.old_record())?)
}

/// The primary key of an event's row, as jsonb; NULL where the table has none, and for a TRUNCATE. Raises nothing.
///
/// Example: `SELECT key FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_key(
    log: Option<Oid>,
    place: Option<ItemPointerData>,
) -> Result<Option<RawJsonb>, ErrorReport> {
    Ok(show(log, place, |event| event.key())?)
}

/// The columns that an UPDATE changed, by the bytes of their values; NULL for other events. Raises nothing.
///
/// Example: `SELECT changed_columns FROM tenant_guard.audit_log WHERE operation = 'UPDATE';`
#[pg_extern(stable, parallel_safe)]
pub fn audit_changed(
    log: Option<Oid>,
    place: Option<ItemPointerData>,
) -> Result<Option<Vec<String>>, ErrorReport> {
    Ok(show(log, place, |event| event.changed())?)
}

/// The organization that an event belongs to, as the row has it; NULL where it belongs to none. Raises nothing.
///
/// Example: `SELECT organization_id FROM tenant_guard.audit_log;`
#[pg_extern(stable, parallel_safe)]
pub fn audit_organization_text(
    log: Option<Oid>,
    place: Option<ItemPointerData>,
) -> Result<Option<String>, ErrorReport> {
    Ok(show(log, place, |event| event.organization())?)
}

/// The active organization as the audit log has it: its UUID, or a UUID that stands for an id of another kind;
/// NULL without one. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.audit_organization();`
#[pg_extern(stable, parallel_safe)]
pub fn audit_organization() -> Result<Option<Uuid>, ErrorReport> {
    Ok(active()?.map(Uuid::from_bytes))
}

/// The active organization's id in the log. None for a UUID of version 8: ids of other kinds are told by such a one, so
/// whoever may choose ids could make his own of another's.
pub fn active() -> Result<Option<[u8; 16]>> {
    let Some(organization) = context::organization_now()? else { return Ok(None) };
    let is_made =
        crate::id::parse_uuid(&organization.text).is_some_and(|uuid| uuid.as_bytes()[6] >> 4 == 8);
    Ok((!is_made).then(|| organization_id(&organization.text)))
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
