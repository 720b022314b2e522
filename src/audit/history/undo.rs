//! Undoing what was logged: the inverse of each event, the last first, as statements with the caller's own rights.
//! They are logged themselves, as any change is.

use super::events::{self, Event};
use super::row::{self, told};
use super::state::{Cell, Row};
use super::subject::{self, Subject};
use crate::audit::options::Policy;
use crate::error::{Error, Result};
use crate::pg::ident::quote;
use crate::pg::row::Xid8;
use crate::pg::types::RegClass;
use crate::pg::{attempt, query};
use crate::settings;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// One event that was undone: its id, the table, the statement's kind, and the statement.
type Undone = (i64, String, &'static str, String);

/// Undoes the last event of one row, or those back to and with event_id: a deleted row comes back, an inserted one
/// goes, changed columns are as before. Only where the row is as the event left it, and with the caller's own rights,
/// privileges and policies; the changes are logged as any other. Returns the events that were undone, with the
/// statements; in a dry run nothing changes. Raises 40001 (the row was changed since, or is not the caller's to
/// change), 55000 (the log does not have the values), P0002 (nothing to undo), and as row_history does.
///
/// Example: `SELECT * FROM tenant_guard.undo_row('crm.contacts', '{"id": 42}');`
#[pg_extern(volatile, parallel_unsafe)]
fn undo_row(
    table: Option<RegClass>,
    key: Option<JsonB>,
    event_id: default!(Option<i64>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(event_id, i64),
            name!(table_name, String),
            name!(action, &'static str),
            name!(sql, String),
        ),
    >,
    ErrorReport,
> {
    let what = format!("row {}", key.as_ref().map(|k| k.0.to_string()).unwrap_or_default());
    let (mut subject, key) = super::asked("undo_row", table, key)?;
    let mut events = row::events(&mut subject, &key, &super::Reach::here()?)?;
    events.reverse();
    match event_id {
        Some(id) => {
            if !events.iter().any(|event| event.id == id) {
                return Err(Error::NothingToUndo { what: format!("{what} under id {id}") }.into());
            }
            events.retain(|event| event.id >= id);
        }
        None => events.truncate(1),
    }
    Ok(TableIterator::new(undo(events, what, dry_run.unwrap_or(false))?))
}

/// Undoes all that a transaction did to audited tables, as undo_row does it: all of it that the caller may read, or
/// nothing. A TRUNCATE is undone where its rows were logged. Raises as undo_row does.
///
/// Example: `SELECT * FROM tenant_guard.undo_transaction('8812', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
fn undo_transaction(
    transaction_id: Option<Xid8>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(event_id, i64),
            name!(table_name, String),
            name!(action, &'static str),
            name!(sql, String),
        ),
    >,
    ErrorReport,
> {
    let null = Error::NullArgument { function: "undo_transaction", argument: "transaction_id" };
    let number = transaction_id.ok_or(null)?.number();
    let events = visible(events::of_transaction(number as i64)?)?;
    let what = format!("transaction {number}");
    Ok(TableIterator::new(undo(events, what, dry_run.unwrap_or(false))?))
}

/// Undoes all that a request did to audited tables, in all its transactions, as undo_row does it. The request's id is
/// that of the header x-request-id, or of tenant_guard.request_id. Raises as undo_row does.
///
/// Example: `SELECT * FROM tenant_guard.undo_request('5f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11');`
#[pg_extern(volatile, parallel_unsafe)]
fn undo_request(
    request_id: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(event_id, i64),
            name!(table_name, String),
            name!(action, &'static str),
            name!(sql, String),
        ),
    >,
    ErrorReport,
> {
    let null = Error::NullArgument { function: "undo_request", argument: "request_id" };
    let request = request_id.ok_or(null)?;
    let events = visible(events::of_request(request)?)?;
    let what = format!("request {request}");
    Ok(TableIterator::new(undo(events, what, dry_run.unwrap_or(false))?))
}

fn visible(mut events: Vec<Event>) -> Result<Vec<Event>> {
    let reach = super::Reach::here()?;
    events.retain(|event| event.operation != b'K' && event.is_within(&reach));
    Ok(events)
}

/// The events, the last first. Where a foreign key does not let one be undone yet, for what it refers to comes back
/// later (a cascade's events come after those of what it follows), it waits for the others.
fn undo(events: Vec<Event>, what: String, dry_run: bool) -> Result<Vec<Undone>> {
    if events.is_empty() {
        return Err(Error::NothingToUndo { what });
    }
    // Values are written so that they are read as they were: in the session's styles they may not be.
    let scope = query::plainly();
    let reason = match settings::reason() {
        Some(reason) => format!("{reason} (undo of {what})"),
        None => format!("undo of {what}"),
    };
    scope.set(c"tenant_guard.reason", &reason);
    if let Some(event) = events.iter().find(|event| event.hides_rows()) {
        return Err(not_logged(event));
    }
    // The rows of a TRUNCATE are events of their own.
    let events: Vec<&Event> = events.iter().filter(|event| event.operation != b'T').collect();
    let mut subjects = Subjects::default();
    let in_order = |subjects: &mut Subjects| {
        events.iter().map(|event| subjects.undo(event, dry_run, false)).collect::<Result<Vec<_>>>()
    };
    let undone = match attempt::unless_referenced(|| in_order(&mut subjects))? {
        Some(undone) => undone,
        None => as_they_can(&events)?,
    };
    if !dry_run {
        subjects.all_there(&events)?;
    }
    Ok(undone)
}

fn as_they_can(all: &[&Event]) -> Result<Vec<Undone>> {
    let mut events = all.to_vec();
    let mut subjects = Subjects::default();
    let mut undone = Vec::with_capacity(events.len());
    loop {
        let before = undone.len();
        let mut waiting: Vec<&Event> = Vec::new();
        let mut touched: HashSet<(i32, i64)> = HashSet::new();
        for event in &events {
            // What was done to a row before waits for what was done to it after, under either key of the row.
            let keys = subjects.keys(event)?;
            let done = match keys.iter().any(|key| touched.contains(key)) {
                true => None,
                false => attempt::unless_referenced(|| subjects.undo(event, false, true))?,
            };
            match done {
                Some(done) => undone.push(done),
                None => {
                    touched.extend(keys);
                    waiting.push(event);
                }
            }
        }
        match waiting.first() {
            None => return Ok(undone),
            Some(first) if undone.len() == before => {
                undone.push(subjects.undo(first, false, true)?);
            }
            Some(_) => {}
        }
        events = waiting;
    }
}

#[derive(Default)]
struct Subjects(HashMap<i32, Subject>);

impl Subjects {
    fn of(&mut self, event: &Event) -> Result<&mut Subject> {
        Ok(match self.0.entry(event.layout) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                free.insert(Subject::of(subject::table_of(event.layout, event.id)?)?)
            }
        })
    }

    /// What the event's row was found by before it, and is after it.
    fn keys(&mut self, event: &Event) -> Result<Vec<(i32, i64)>> {
        let subject = self.of(event)?;
        let Some(told) = told(subject, event)? else { return Ok(Vec::new()) };
        let key = |row: &Row| (event.layout, subject.row_key(&subject.key_in(row)));
        Ok(told.found.iter().chain(&told.left).map(key).collect())
    }

    /// That each row came back, and that none was taken away again: where rows took each other's keys in between, a
    /// foreign key's action may have gone with the wrong one.
    fn all_there(&mut self, events: &[&Event]) -> Result<()> {
        let mut found: HashMap<(u32, Vec<Cell>), Option<&Event>> = HashMap::new();
        for event in events {
            let subject = self.of(event)?;
            let Some(told) = told(subject, event)? else { continue };
            let of = |row: &Row| (subject.shape.oid, subject.key_in(row));
            found.extend(told.left.iter().map(|row| (of(row), None)));
            found.extend(told.found.iter().map(|row| (of(row), Some(*event))));
        }
        for ((_, key), event) in found {
            let Some(event) = event else { continue };
            let subject = self.of(event)?;
            let condition = subject.condition_to_change(&key);
            let sql = format!("SELECT true FROM {} WHERE {condition}", subject.name());
            if query::affected(&sql)? == 0 {
                let why =
                    "Its row would not stay: the action of a foreign key takes it away again.";
                return Err(Error::CannotUndo { event: event.id, why: why.into() });
            }
        }
        Ok(())
    }

    /// `settled`: whether a row that is already as it was found is well so, for a foreign key's action did it.
    fn undo(&mut self, event: &Event, dry_run: bool, settled: bool) -> Result<Undone> {
        undo_one(self.of(event)?, event, dry_run, settled)
    }
}

fn not_logged(event: &Event) -> Error {
    Error::CannotUndo {
        event: event.id,
        why: "A TRUNCATE of the table was logged without the rows that it removed.".into(),
    }
}

fn undo_one(subject: &mut Subject, event: &Event, dry_run: bool, settled: bool) -> Result<Undone> {
    let cannot = |why: String| Error::CannotUndo { event: event.id, why };
    let told =
        told(subject, event)?.ok_or_else(|| cannot("The log does not have its rows.".into()))?;
    if subject.key.is_empty() {
        return Err(cannot(format!(
            "Table {} has no primary key to find the row by.",
            subject.name()
        )));
    }
    let (action, sql, row) = match (told.found, told.left) {
        (None, Some(left)) => {
            let sql = format!(
                "DELETE FROM {} WHERE {}{}",
                subject.name(),
                subject.condition_to_change(&subject.key_in(&left)),
                as_left(subject, &left, &told.untold)
            );
            ("DELETE", sql, left)
        }
        (Some(found), None) => ("INSERT", insert(subject, event, &found)?, found),
        (Some(found), Some(left)) => {
            let changed = changed(subject, event)?;
            let set: Vec<String> = changed
                .iter()
                .filter(|i| subject.is_stored(**i))
                .map(|i| {
                    known(subject, event, &found, *i).map(|value| {
                        format!("{} = {value}", quote(&subject.shape.columns[*i].name))
                    })
                })
                .collect::<Result<_>>()?;
            if set.is_empty() {
                return Ok((event.id, subject.name(), "nothing", String::new()));
            }
            let compared: Vec<Cell> = left
                .iter()
                .enumerate()
                .map(|(i, cell)| if changed.contains(&i) { cell.clone() } else { Cell::Unknown })
                .collect();
            let sql = format!(
                "UPDATE {} SET {} WHERE {}{}",
                subject.name(),
                set.join(", "),
                subject.condition_to_change(&subject.key_in(&left)),
                as_left(subject, &compared, &[])
            );
            let done = !dry_run && query::affected(&sql)? == 1;
            if done || dry_run {
                return Ok((event.id, subject.name(), "UPDATE", sql));
            }
            // Only where nothing is as the event left it: another row may have the key that this one had.
            if settled && is_there(subject, &changed, &found)? {
                return Ok((event.id, subject.name(), "nothing", String::new()));
            }
            let key = subject.json_key(&left);
            return Err(Error::ChangedSince { table: subject.name(), key, event: event.id });
        }
        (None, None) => return Err(cannot("It is no change of a row.".into())),
    };
    if !dry_run && query::affected(&sql)? != 1 {
        let key = subject.json_key(&row);
        return Err(Error::ChangedSince { table: subject.name(), key, event: event.id });
    }
    Ok((event.id, subject.name(), action, sql))
}

/// Whether the row is so now, in the columns that an event changed.
fn is_there(subject: &Subject, changed: &[usize], row: &Row) -> Result<bool> {
    let compared: Vec<Cell> = row
        .iter()
        .enumerate()
        .map(|(i, cell)| if changed.contains(&i) { cell.clone() } else { Cell::Unknown })
        .collect();
    let sql = format!(
        "SELECT true FROM {} WHERE {}{}",
        subject.name(),
        subject.condition_to_change(&subject.key_in(row)),
        as_left(subject, &compared, &[])
    );
    // Not under the snapshot of the statement that undoes, which began before.
    Ok(query::affected(&sql)? > 0)
}

fn changed(subject: &mut Subject, event: &Event) -> Result<Vec<usize>> {
    let layout = subject::layout(event.layout)?;
    let columns = layout.description.columns.len();
    let rows = crate::audit::render::Rows::read(columns, event.operation, &event.image);
    let gone = |i: &usize| Error::CannotUndo {
        event: event.id,
        why: format!(
            "Column \"{}\" is not there any more, or of another type.",
            layout.description.columns[*i].name
        ),
    };
    rows.map_or(Ok(Vec::new()), |rows| {
        let mut places = Vec::new();
        for position in &rows.changed {
            if layout.description.columns[*position].policy != Policy::Include {
                return Err(hidden(event, &layout.description.columns[*position].name));
            }
            let place = subject.place(&layout, *position)?;
            places.push(place.ok_or_else(|| gone(position))?);
        }
        Ok(places)
    })
}

/// The columns that are known are as the event left them; compared as text, for not every type can be compared,
/// byte by byte, for to some collations texts are equal that differ.
fn as_left(subject: &Subject, left: &Row, untold: &[usize]) -> String {
    let mut out = String::new();
    for (i, column) in subject.shape.columns.iter().enumerate() {
        if left[i] == Cell::Unknown || untold.contains(&i) || column.is_virtual {
            continue;
        }
        let name = quote(&column.name);
        out.push_str(&match &left[i] {
            Cell::Null => format!(" AND {name} IS NULL"),
            cell => format!(
                " AND {name}::pg_catalog.text COLLATE pg_catalog.\"C\" = ({})::pg_catalog.text",
                subject.literal(i, cell)
            ),
        });
    }
    out
}

fn hidden(event: &Event, column: &str) -> Error {
    Error::CannotUndo {
        event: event.id,
        why: format!("Column \"{column}\" is not in the log as it was."),
    }
}

fn known(subject: &Subject, event: &Event, row: &Row, position: usize) -> Result<String> {
    match &row[position] {
        Cell::Unknown => Err(hidden(event, &subject.shape.columns[position].name)),
        cell => Ok(subject.literal(position, cell)),
    }
}

fn insert(subject: &Subject, event: &Event, row: &Row) -> Result<String> {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (i, column) in subject.shape.columns.iter().enumerate() {
        if subject.is_stored(i) {
            names.push(quote(&column.name));
            values.push(known(subject, event, row, i)?);
        }
    }
    Ok(format!(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
        subject.name(),
        names.join(", "),
        values.join(", ")
    ))
}

impl Subject {
    /// Whether the column's value is given, and not generated.
    fn is_stored(&self, position: usize) -> bool {
        !self.shape.columns[position].is_generated
    }

    fn json_key(&self, row: &Row) -> String {
        let parts: Vec<String> = self
            .key
            .iter()
            .map(|position| {
                let name = &self.shape.columns[*position].name;
                let value = match &row[*position] {
                    Cell::Known(bytes) => self.columns[*position].codec.text(bytes),
                    _ => None,
                };
                let text = |text: &str| serde_json::Value::from(text).to_string();
                format!("{}: {}", text(name), text(&value.unwrap_or_default()))
            })
            .collect();
        format!("{{{}}}", parts.join(", "))
    }
}
