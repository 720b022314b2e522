//! One event of the log, gathered from a trigger's firing.

use crate::error::{Error, Result};
use crate::identity;
use crate::pg::row::{self, OwnRow, Xid8};
use crate::pg::trigger::Firing;
use crate::pg::{ident, relation, user};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Appends the event. A change that cannot be logged does not happen.
pub fn log<'a>(trigger: &'a PgTrigger<'a>) {
    let logged = match Firing::of(trigger) {
        Some(firing) => append(&firing),
        None => Err(Error::NotAfterTrigger),
    };
    if let Err(error) = logged {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
}

/// The values stand in the order of the columns in sql/audit.sql.
fn append(firing: &Firing) -> Result<()> {
    let (old, new) = (firing.old_row(), firing.new_row());
    let subject = new.or(old);
    let (schema, table) = firing.table();

    let mut event = OwnRow::new("audit_event")?;
    event.push(Some(row::next_value("audit_event_id_seq")?))?;
    event.push(Some(row::now()))?;
    event.push(Some(firing.operation().word()))?;
    event.push(Some(schema))?;
    event.push(Some(table))?;
    event.push(Some(firing.table_oid()))?;
    event.push(Some(firing.table_owner()))?;
    event.push(Some(relation::origin()))?;
    event.push(subject.and_then(|r| r.key_json()))?;
    event.push(new.map(|r| r.json()))?;
    event.push(old.map(|r| r.json()))?;
    event.push(firing.changed_columns())?;
    event.push(organization(firing)?)?;
    event.push(identity::user())?;
    event.push(Some(user::current()))?;
    event.push(Some(user::session()))?;
    event.push(Some(Xid8::current()))?;
    event.insert()
}

/// Whose trail it is: the row's own tenant column says so, whoever changed it. A table without one,
/// and a TRUNCATE, which empties every organization's rows, belong to no single organization.
fn organization(firing: &Firing) -> Result<Option<String>> {
    let (Some(row), Some(column)) = (firing.new_row().or(firing.old_row()), firing.argument())
    else {
        return Ok(None);
    };
    row.text(&column).ok_or_else(|| {
        let (schema, table) = firing.table();
        Error::TenantColumnGone { table: ident::qualified(&schema, &table), column }
    })
}
