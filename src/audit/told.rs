//! What an event does not tell, for it did not change: as the row's events before have it.
//!
//! They are looked for under the row's number, which rows of other keys, and of other organizations, may share. So only
//! events of the very key count, and of them those that whoever asks may read.

use super::dictionary;
use super::format::{Reader, Value};
use super::layout::{Column, Layout};
use super::render::{Logged, Rows};
use super::source::key_part;
use crate::error::Result;
use crate::pg::{query, user};
use pgrx::Uuid;
use std::collections::VecDeque;

/// The values of a row's key, in a form that equal keys share.
type Key = Vec<Vec<u8>>;

struct Told {
    id: i64,
    transaction: i64,
    layout: i32,
    operation: u8,
    organization: Option<[u8; 16]>,
    image: Vec<u8>,
}

/// The column's value before an event, as the latest events have it that tell it, and the column as it was then; None
/// where none does.
pub fn before(event: &Logged, column: &Column) -> Result<Option<(Column, Vec<u8>)>> {
    let (Some(row_key), Some((layout, rows))) = (event.row_key, event.rows()?) else {
        return Ok(None);
    };
    let Some(mut key) = rows.old.or(rows.new).and_then(|row| key_in(&layout, &row)) else {
        return Ok(None);
    };
    let (mut pages, mut steps) = (Pages::of(event, row_key), Steps::default());
    // The event that gave the row the key that it is followed from.
    let mut own = None;
    while let Some(told) = pages.next()? {
        if !event.reach.includes(told.layout, told.organization.as_ref()) {
            continue;
        }
        if told.operation == b'K' {
            let Some((was, id)) = former_key(told.operation, &told.image) else { continue };
            let mut before = Pages { before: id.saturating_add(1), ..Pages::of(event, was) };
            let update = before.next()?.filter(|update| update.id == id);
            let keys = update.as_ref().map(keys_of).transpose()?.flatten();
            let (Some(update), Some((Some(found), Some(left)))) = (update, keys) else { continue };
            if left != key {
                continue;
            }
            if let Some(end) = steps.goes_on(told.transaction) {
                return Ok(end);
            }
            before.waiting.push_front(update);
            (pages, key, own) = (before, found, Some(id));
            continue;
        }
        let Some((layout, rows)) = told.logged(event).rows()? else { continue };
        let is_it = |row: &Option<Vec<Value>>| {
            row.as_ref().is_some_and(|row| key_in(&layout, row).as_ref() == Some(&key))
        };
        // Where it leaves the key, another row went from it after this one had come to it, in the same statement.
        let ours = match &rows.new {
            Some(_) => is_it(&rows.new) || (own == Some(told.id) && is_it(&rows.old)),
            None => is_it(&rows.old),
        };
        if !ours {
            continue;
        }
        if let Some(end) = steps.goes_on(told.transaction) {
            return Ok(end);
        }
        let columns = &layout.description.columns;
        if let Some(position) = columns.iter().position(|c| c.number == column.number) {
            steps.add(&columns[position], rows.old, rows.new, position);
        }
    }
    Ok(steps.last())
}

impl Told {
    fn logged<'a>(&'a self, of: &Logged<'a>) -> Logged<'a> {
        Logged {
            id: self.id,
            row_key: of.row_key,
            layout: self.layout,
            operation: self.operation,
            image: &self.image,
            reach: of.reach,
        }
    }
}

/// Of an UPDATE: the key before it and after.
fn keys_of(told: &Told) -> Result<Option<(Option<Key>, Option<Key>)>> {
    let Some(layout) = dictionary::layout(told.layout)? else { return Ok(None) };
    let rows = Rows::read(layout.description.columns.len(), told.operation, &told.image);
    let key = |row: Option<Vec<Value>>| row.and_then(|row| key_in(&layout, &row));
    Ok(rows.map(|rows| (key(rows.old), key(rows.new))))
}

/// None where the table has no key.
fn key_in(layout: &Layout, row: &[Value]) -> Option<Key> {
    let key = &layout.description.key;
    let part = |position: &usize| {
        let mut room = Vec::new();
        Some(match row.get(*position)? {
            Value::Plain(bytes) => {
                key_part(&layout.description.columns[*position].codec, bytes, &mut room).encoded()
            }
            other => other.encoded(),
        })
    };
    (!key.is_empty()).then(|| key.iter().map(part).collect()).flatten()
}

/// The events under a row's number before one, the latest first, some at a time.
struct Pages {
    row_key: i64,
    layout: i32,
    before: i64,
    waiting: VecDeque<Told>,
    done: bool,
}

const AT_ONCE: usize = 100;

impl Pages {
    fn of(event: &Logged, row_key: i64) -> Self {
        let (layout, before) = (event.layout, event.id);
        Pages { row_key, layout, before, waiting: VecDeque::new(), done: false }
    }

    fn next(&mut self) -> Result<Option<Told>> {
        if self.waiting.is_empty() && !self.done {
            let read = user::as_extension_owner(|| {
                let args = [self.row_key.into(), self.before.into(), self.layout.into()];
                query::rows(include_str!("told_before.sql"), &args, |row| {
                    Ok(Told {
                        id: row.get::<i64>(1)?.unwrap_or_default(),
                        transaction: row.get::<i64>(2)?.unwrap_or_default(),
                        layout: row.get::<i32>(3)?.unwrap_or_default(),
                        operation: row.get::<i8>(4)?.unwrap_or_default() as u8,
                        organization: row.get::<Uuid>(5)?.map(|uuid| *uuid.as_bytes()),
                        image: row.get::<Vec<u8>>(6)?.unwrap_or_default(),
                    })
                })
            })?;
            self.done = read.len() < AT_ONCE;
            self.before = read.last().map_or(self.before, |told| told.id);
            self.waiting.extend(read);
        }
        Ok(self.waiting.pop_front())
    }
}

/// Of an event that says so: by which number the row was found before, and the event that gave it another key.
#[must_use]
pub fn former_key(operation: u8, image: &[u8]) -> Option<(i64, i64)> {
    let Some(Value::Plain(bytes)) = Reader::new(image).value().filter(|_| operation == b'K') else {
        return None;
    };
    let (was, id) = bytes.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*was), i64::from_be_bytes(id.try_into().ok()?)))
}

/// What a column was, and became, by the events of one transaction. Those of a statement that a trigger ran stand
/// before those of the statement that fired it, so the last one need not tell what it was in the end: that is what
/// an event left and none found.
#[derive(Default)]
struct Steps {
    transaction: Option<i64>,
    /// Each state, the column, and how much more often it was left than found; the latest event's first.
    states: Vec<(Option<Vec<u8>>, Column, i32)>,
    latest: Option<usize>,
}

impl Steps {
    /// Before an event of a transaction: how it ended, where what came after says so already.
    fn goes_on(&mut self, transaction: i64) -> Option<Option<(Column, Vec<u8>)>> {
        if self.transaction == Some(transaction) {
            return None;
        }
        let end = self.end();
        self.transaction = Some(transaction);
        end
    }

    fn add(
        &mut self,
        column: &Column,
        old: Option<Vec<Value>>,
        new: Option<Vec<Value>>,
        position: usize,
    ) {
        let told = |row: Option<Vec<Value>>| match row.map(|row| row[position]) {
            Some(Value::Untold) => None,
            // Bytes that tell two values apart.
            Some(value) => Some(Some(value.encoded())),
            None => Some(None),
        };
        let (Some(found), Some(left)) = (told(old), told(new)) else { return };
        for (state, by) in [(left, 1), (found, -1)] {
            let at = match self.states.iter().position(|(known, ..)| *known == state) {
                Some(at) => at,
                None => {
                    self.states.push((state, column.clone(), 0));
                    self.states.len() - 1
                }
            };
            self.states[at].2 += by;
            if by > 0 && self.latest.is_none() {
                self.latest = Some(at);
            }
        }
    }

    /// The state that the transaction ended in; None where its events do not say. Then the next ones are a former
    /// transaction's.
    fn end(&self) -> Option<Option<(Column, Vec<u8>)>> {
        let end = self.states.iter().position(|(_, _, more)| *more > 0);
        // Back where it began: that is known of a former transaction, or else as the latest event has it.
        let alone = self.states.len() == 1;
        let end = end.or_else(|| alone.then_some(0))?;
        Some(self.at(end))
    }

    /// When there are no more events.
    fn last(&self) -> Option<(Column, Vec<u8>)> {
        self.end().or_else(|| self.latest.map(|at| self.at(at))).flatten()
    }

    /// None where there was no row.
    fn at(&self, at: usize) -> Option<(Column, Vec<u8>)> {
        let (state, column, _) = &self.states[at];
        Some((column.clone(), state.clone()?))
    }
}
