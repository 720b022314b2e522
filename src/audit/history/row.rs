//! One row's events, and the row as it was.

use super::events::{self, Event, Reach};
use super::state::{Cell, Row, Rows};
use super::subject::{self, Subject};
use crate::audit::format::{Reader, Value};
use crate::audit::{render, told};
use crate::error::{Error, Result};
use pgrx::datum::TimestampWithTimeZone;

/// What an event found and left, among the subject's columns; and the positions that it does not tell.
pub struct Told {
    pub found: Option<Row>,
    pub left: Option<Row>,
    pub untold: Vec<usize>,
}

pub fn told(subject: &mut Subject, event: &Event) -> Result<Option<Told>> {
    let layout = subject::layout(event.layout)?;
    let columns = layout.description.columns.len();
    let Some(rows) = render::Rows::read(columns, event.operation, &event.image) else {
        return Ok(None);
    };
    let mut untold = Vec::new();
    let mut among = |values: Option<Vec<Value>>| -> Result<Option<Row>> {
        let Some(values) = values else { return Ok(None) };
        let (row, not_told) = subject.row(&layout, &values)?;
        untold = not_told;
        Ok(Some(row))
    };
    let (found, left) = (among(rows.old)?, among(rows.new)?);
    Ok(Some(Told { found, left, untold }))
}

/// The row's events that the caller may read, in their order; those of the keys that it had before among them.
pub fn events(subject: &mut Subject, key: &[Cell], reach: &Reach) -> Result<Vec<Event>> {
    let mut all = Vec::new();
    let mut ends = vec![(key.to_vec(), i64::MAX)];
    let mut looked = Vec::new();
    while let Some((key, before)) = ends.pop() {
        if looked.contains(&key) {
            continue;
        }
        looked.push(key.clone());
        for event in events::of_row(subject.table_key, subject.row_key(&key))? {
            if event.id >= before || !event.is_within(reach) {
                continue;
            }
            if event.operation == b'K' {
                ends.extend(former(subject, &event, &key)?);
            } else if has(subject, &event, &key)? {
                all.push(event);
            }
        }
    }
    all.sort_unstable_by_key(|event| event.id);
    all.dedup_by_key(|event| event.id);
    Ok(all)
}

/// Whether the event is about a row of this key: another may share its number.
fn has(subject: &mut Subject, event: &Event, key: &[Cell]) -> Result<bool> {
    let Some(told) = told(subject, event)? else { return Ok(false) };
    let of_key = |row: &Option<Row>| {
        row.as_ref().is_some_and(|row| subject.same_key(&subject.key_in(row), key))
    };
    Ok(of_key(&told.found) || of_key(&told.left))
}

/// The key that the row had until an event gave it this one, and that event's id.
fn former(subject: &mut Subject, marker: &Event, key: &[Cell]) -> Result<Option<(Vec<Cell>, i64)>> {
    let Some((was, id)) = told::former_key(marker.operation, &marker.image) else {
        return Ok(None);
    };
    let before = events::of_row(subject.table_key, was)?;
    let Some(event) = before.iter().find(|event| event.id == id) else { return Ok(None) };
    let Some(told) = told(subject, event)? else { return Ok(None) };
    let (Some(found), Some(left)) = (told.found, told.left) else { return Ok(None) };
    // That event itself belongs to both.
    Ok(subject.same_key(&subject.key_in(&left), key).then(|| (subject.key_in(&found), id + 1)))
}

/// The row as it was: as it is, less what was done since.
pub fn as_of(
    subject: &mut Subject,
    key: &[Cell],
    at: TimestampWithTimeZone,
) -> Result<Option<Row>> {
    if events::emptied_since(subject.table_key, at)? {
        return Err(Error::RowsNotLogged { table: subject.name() });
    }
    let reach = Reach::here()?;
    let since: Vec<Event> =
        events(subject, key, &reach)?.into_iter().filter(|event| event.seen_at() > at).collect();
    let mut rows = Rows::new(subject.key.clone());
    // The row may have another key by now.
    let mut keys = vec![key.to_vec()];
    let mut steps = Vec::with_capacity(since.len());
    for event in since.iter().rev() {
        if let Some(told) = told(subject, event)? {
            if let Some(left) = &told.left {
                keys.push(subject.key_in(left));
            }
            steps.push(told);
        }
    }
    keys.sort_by_key(|key| format!("{key:?}"));
    keys.dedup();
    for key in &keys {
        for row in subject.rows_now(Some(key))? {
            rows.add(subject.widened(row));
        }
    }
    for told in steps {
        let widen = |row: Option<Row>| row.map(|row| subject.widened(row));
        rows.take_back(widen(told.found), widen(told.left), &told.untold);
    }
    let row = rows.into_rows().into_iter().find(|row| subject.same_key(&subject.key_in(row), key));
    let Some(row) = row else { return Ok(None) };
    for event in &since {
        let Some(told) = told(subject, event)? else { continue };
        // Another row may have come to the key in the statement that took this one away from it.
        let of_key = |row: &Row| subject.same_key(&subject.key_in(row), key);
        if told.found.as_ref().is_some_and(of_key) {
            return Ok(Some(filled(subject, row, event, &told.untold, &reach)?));
        }
    }
    Ok(Some(row))
}

/// What the first event since does not tell, for it did not change, and what nothing later told: the row was found by
/// another key then, and is gone.
fn filled(
    subject: &mut Subject,
    mut row: Row,
    first: &Event,
    untold: &[usize],
    reach: &Reach,
) -> Result<Row> {
    let layout = subject::layout(first.layout)?;
    let logged = render::Logged {
        id: first.id,
        row_key: first.row_key,
        layout: first.layout,
        operation: first.operation,
        image: &first.image,
        reach,
    };
    for place in untold.iter().copied() {
        if row[place] != Cell::Unknown {
            continue;
        }
        let Some(position) = subject.position(&layout, place)? else { continue };
        if let Some((column, bytes)) = told::before(&logged, &layout.description.columns[position])?
        {
            if let Some(value) = Reader::new(&bytes).value() {
                row[place] = subject.cell(place, &column, &value);
            }
        }
    }
    Ok(row)
}
