//! Reading the trail: a row's history, a row and a table as they were.

mod events;
mod row;
mod state;
mod subject;
mod table;
pub mod undo;

pub use self::events::Reach;
use self::subject::Subject;
use super::render::Logged;
use crate::error::{Error, Result};
use crate::pg::row::{RawJsonb, Xid8};
use crate::pg::types::RegClass;
use crate::pg::{kept, user};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use std::collections::HashMap;

/// The number that the audit log knows a table by, through renames, drop and restore; NULL for NULL. Raises 42809,
/// 42P01, 55000 (a table that was never logged).
///
/// Example: `SELECT tenant_guard.audit_table_key('crm.contacts');`
#[pg_extern(stable, parallel_restricted)]
pub fn audit_table_key(table: Option<RegClass>) -> Result<Option<i64>, ErrorReport> {
    let Some(table) = table else { return Ok(None) };
    Ok(Some(Subject::of(table.0)?.table_key))
}

/// Who acted, as history shows it.
#[derive(Debug, Clone, Default)]
struct Actor {
    user: Option<String>,
    db_role: Option<String>,
    session_role: Option<String>,
    request: Option<String>,
    reason: Option<String>,
    statement: Option<String>,
}

fn actors(contexts: &[i64]) -> Result<HashMap<i64, Actor>> {
    let found = user::as_extension_owner(|| {
        kept::rows(
            "SELECT c.id, c.user_id, c.db_role, c.session_role, c.request_id, c.reason, c.statement
             FROM tenant_guard.audit_context c WHERE c.id = ANY ($1)",
            &[contexts.to_vec().into()],
            |row| {
                Ok((
                    row.get::<i64>(1)?.unwrap_or_default(),
                    Actor {
                        user: row.get(2)?,
                        db_role: row.get(3)?,
                        session_role: row.get(4)?,
                        request: row.get(5)?,
                        reason: row.get(6)?,
                        statement: row.get(7)?,
                    },
                ))
            },
        )
    })?;
    Ok(found.into_iter().collect())
}

/// Every event of one row that the caller may read, the first one first, through changes of its key. key is an
/// object of the primary key's columns, as audit_log shows it. Rows of the shape of audit_log: record and
/// old_record are the row after and before as jsonb, committed_at is NULL where the statement committed by
/// itself; truncated tells of a row that a TRUNCATE removed. A key that was used again shows the rows of all its lives. Raises 22004, 22023 (no key), 42501
/// (no SELECT on the table), 42809, 42P01, 55000 (a table that was never logged).
///
/// Example: `SELECT occurred_at, operation, changed_columns, user_id FROM tenant_guard.row_history('crm.contacts', '{"id": 42}');`
#[allow(clippy::type_complexity)]
#[pg_extern(stable, parallel_restricted)]
fn row_history(
    table: Option<RegClass>,
    key: Option<JsonB>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(id, i64),
            name!(occurred_at, TimestampWithTimeZone),
            name!(operation, &'static str),
            name!(record, Option<RawJsonb>),
            name!(old_record, Option<RawJsonb>),
            name!(changed_columns, Option<Vec<String>>),
            name!(organization_id, Option<String>),
            name!(user_id, Option<String>),
            name!(db_role, Option<String>),
            name!(session_role, Option<String>),
            name!(request_id, Option<String>),
            name!(reason, Option<String>),
            name!(transaction_id, Xid8),
            name!(committed_at, Option<TimestampWithTimeZone>),
            name!(key, Option<RawJsonb>),
            name!(statement, Option<String>),
            name!(truncated, bool),
        ),
    >,
    ErrorReport,
> {
    let (mut subject, key) = asked("row_history", table, key)?;
    let reach = Reach::here()?;
    let events = row::events(&mut subject, &key, &reach)?;
    let mut contexts: Vec<i64> = events.iter().map(|event| event.context).collect();
    contexts.sort_unstable();
    contexts.dedup();
    let actors = actors(&contexts)?;
    Ok(TableIterator::new(events.into_iter().map(move |event| {
        let shown = Logged {
            id: event.id,
            row_key: event.row_key,
            layout: event.layout,
            operation: event.operation,
            image: &event.image,
            reach: &reach,
        };
        let actor = actors.get(&event.context).cloned().unwrap_or_default();
        (
            event.id,
            event.occurred_at,
            operation(event.operation),
            raised(shown.record()),
            raised(shown.old_record()),
            raised(shown.changed()),
            raised(shown.organization()),
            actor.user,
            actor.db_role,
            actor.session_role,
            actor.request,
            actor.reason,
            Xid8::of(event.transaction as u64),
            event.committed_at,
            raised(shown.key()),
            actor.statement,
            event.operation == b't',
        )
    })))
}

/// For what is made as rows are returned.
fn raised<T>(made: Result<T>) -> T {
    match made {
        Ok(made) => made,
        Err(error) => {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
            unreachable!("an error was raised")
        }
    }
}

#[must_use]
pub fn operation(letter: u8) -> &'static str {
    match letter {
        b'I' => "INSERT",
        b'U' => "UPDATE",
        b'T' => "TRUNCATE",
        _ => "DELETE",
    }
}

/// One row as it was at a moment, as jsonb; NULL where there was none. What counts is when changes came to be seen,
/// that is, when they were committed. Columns that the log does not have as they were (left out, masked,
/// hashed) are missing where they changed since. The caller sees what it may read of the trail, and of the table
/// now. A TRUNCATE whose rows were not logged is not seen. Raises as row_history does, and 42501 (no SELECT on
/// the table).
///
/// Example: `SELECT tenant_guard.row_as_of('crm.contacts', '{"id": 42}', now() - interval '1 day');`
#[pg_extern(stable, parallel_restricted)]
fn row_as_of(
    table: Option<RegClass>,
    key: Option<JsonB>,
    at: Option<TimestampWithTimeZone>,
) -> Result<Option<RawJsonb>, ErrorReport> {
    let at = at.ok_or(Error::NullArgument { function: "row_as_of", argument: "at" })?;
    let (mut subject, key) = asked("row_as_of", table, key)?;
    let row = row::as_of(&mut subject, &key, at)?;
    Ok(row.map(|row| subject.json(&row)))
}

/// The rows of a table as they were at a moment, each as jsonb, in no order: the rows that the caller sees now, less
/// what was done since. What counts is when changes were committed. Raises 22004, 42501 (no SELECT on the
/// table), 42809, 42P01, 55000 (a table that was never logged, or that was emptied since without its rows in
/// the log).
///
/// Example: `SELECT r FROM tenant_guard.table_as_of('crm.contacts', now() - interval '1 day') r;`
#[pg_extern(stable, parallel_restricted)]
fn table_as_of(
    table: Option<RegClass>,
    at: Option<TimestampWithTimeZone>,
) -> Result<SetOfIterator<'static, RawJsonb>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "table_as_of", argument };
    let table = table.ok_or_else(|| null("table"))?;
    let at = at.ok_or_else(|| null("at"))?;
    let mut subject = Subject::of(table.0)?;
    let rows = table::as_of(&mut subject, at)?;
    Ok(SetOfIterator::new(rows.into_iter().map(move |row| subject.json(&row))))
}

fn asked(
    function: &'static str,
    table: Option<RegClass>,
    key: Option<JsonB>,
) -> Result<(Subject, Vec<state::Cell>)> {
    let null = |argument| Error::NullArgument { function, argument };
    let table = table.ok_or_else(|| null("table"))?;
    let key = key.ok_or_else(|| null("key"))?;
    let subject = Subject::of(table.0)?;
    let key = subject.key_of(&key.0)?;
    Ok((subject, key))
}
