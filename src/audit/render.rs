//! Events as their readers see them: jsonb, made when it is read.

use super::dictionary;
use super::format::{Reader, Value};
use super::layout::{Column, Layout};
use super::options::Policy;
use super::recorder::key_of;
use crate::error::Result;
use crate::pg::codec::Restored;
use crate::pg::json;
use crate::pg::row::RawJsonb;
use crate::pg::{query, user};
use std::rc::Rc;

/// One event's rows: values in the order of the layout's columns.
pub struct Rows<'a> {
    pub old: Option<Vec<Value<'a>>>,
    pub new: Option<Vec<Value<'a>>>,
    /// The positions that an UPDATE changed.
    pub changed: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// None for what is no image of the layout.
    #[must_use]
    pub fn read(columns: usize, operation: u8, image: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(image);
        let none = Rows { old: None, new: None, changed: Vec::new() };
        Some(match operation {
            b'I' => Rows { new: Some(reader.row(columns)?), ..none },
            b'D' | b't' => Rows { old: Some(reader.row(columns)?), ..none },
            b'U' => {
                let old = reader.row(columns)?;
                let mut new = old.clone();
                let mut changed = Vec::new();
                for (position, value) in reader.changes()? {
                    *new.get_mut(position)? = value;
                    changed.push(position);
                }
                Rows { old: Some(old), new: Some(new), changed }
            }
            _ => none,
        })
    }
}

/// An event as the log holds it.
pub struct Logged<'a> {
    pub id: i64,
    pub row_key: Option<i64>,
    pub layout: i32,
    pub operation: u8,
    pub image: &'a [u8],
}

impl<'a> Logged<'a> {
    fn rows(&self) -> Result<Option<(Rc<Layout>, Rows<'a>)>> {
        let Some(layout) = dictionary::layout(self.layout)? else { return Ok(None) };
        let columns = layout.description.columns.len();
        Ok(Rows::read(columns, self.operation, self.image).map(|rows| (layout, rows)))
    }

    pub fn record(&self) -> Result<Option<RawJsonb>> {
        let Some((layout, rows)) = self.rows()? else { return Ok(None) };
        rows.new.map(|row| self.json(&layout, &row)).transpose()
    }

    pub fn old_record(&self) -> Result<Option<RawJsonb>> {
        let Some((layout, rows)) = self.rows()? else { return Ok(None) };
        rows.old.map(|row| self.json(&layout, &row)).transpose()
    }

    /// The primary key's columns and values; None without one.
    pub fn key(&self) -> Result<Option<RawJsonb>> {
        let Some((layout, rows)) = self.rows()? else { return Ok(None) };
        let Some(row) = rows.new.or(rows.old) else { return Ok(None) };
        if layout.description.key.is_empty() {
            return Ok(None);
        }
        let members: Vec<(&str, Option<Restored>)> = layout
            .description
            .key
            .iter()
            .map(|position| {
                let column = &layout.description.columns[*position];
                (column.name.as_str(), shown(column, &row[*position]))
            })
            .collect();
        Ok(Some(json::object(&members)))
    }

    pub fn changed(&self) -> Result<Option<Vec<String>>> {
        if self.operation != b'U' {
            return Ok(None);
        }
        let Some((layout, rows)) = self.rows()? else { return Ok(None) };
        let name = |position: &usize| layout.description.columns[*position].name.clone();
        Ok(Some(rows.changed.iter().map(name).collect()))
    }

    /// The value of the tenant column as text.
    pub fn organization(&self) -> Result<Option<String>> {
        let Some((layout, rows)) = self.rows()? else { return Ok(None) };
        let (Some(position), Some(row)) = (layout.description.tenant, rows.new.or(rows.old)) else {
            return Ok(None);
        };
        Ok(match row[position] {
            Value::Plain(bytes) => layout.description.columns[position].codec.text(bytes),
            _ => None,
        })
    }

    fn json(&self, layout: &Layout, row: &[Value]) -> Result<RawJsonb> {
        let columns = &layout.description.columns;
        let mut members: Vec<(&str, Option<Restored>)> = Vec::with_capacity(row.len());
        for (column, value) in columns.iter().zip(row) {
            match value {
                Value::Untold if column.policy == Policy::Omit => {}
                Value::Untold => {
                    if let Some(found) = self.told_before(column)? {
                        members.push((&column.name, found));
                    }
                }
                value => members.push((&column.name, shown(column, value))),
            }
        }
        Ok(json::object(&members))
    }

    fn told_before(&self, column: &Column) -> Result<Option<Option<Restored>>> {
        let told = self.value_before(column)?;
        Ok(told.and_then(|(column, bytes)| Some(shown(&column, &Reader::new(&bytes).value()?))))
    }

    /// A value that did not change, as the latest events have it that tell it, and the column as it was then; None
    /// where none does.
    pub fn value_before(&self, column: &Column) -> Result<Option<(Column, Vec<u8>)>> {
        let Some(mut row_key) = self.row_key else { return Ok(None) };
        let (mut before, mut steps) = (self.id, Steps::default());
        // The event that gave the row the key that it is followed from.
        let mut own = None;
        'pages: loop {
            let events = user::as_extension_owner(|| {
                query::rows(
                    include_str!("told_before.sql"),
                    &[row_key.into(), before.into(), self.layout.into()],
                    |row| {
                        before = row.get::<i64>(1)?.unwrap_or_default();
                        let operation = row.get::<i8>(4)?.unwrap_or_default() as u8;
                        let image = row.get::<Vec<u8>>(5)?.unwrap_or_default();
                        Ok((before, row.get::<i64>(2)?, row.get::<i32>(3)?, operation, image))
                    },
                )
            })?;
            if events.is_empty() {
                return Ok(steps.last());
            }
            for (id, transaction, layout, operation, image) in &events {
                if steps.transaction != *transaction {
                    if let Some(end) = steps.end() {
                        return Ok(end);
                    }
                    steps.transaction = *transaction;
                }
                if let Some((was, id)) = former_key(*operation, image) {
                    (row_key, before, own) = (was, id + 1, Some(id));
                    continue 'pages;
                }
                let Some(layout) = dictionary::layout(layout.unwrap_or_default())? else {
                    continue;
                };
                let columns = &layout.description.columns;
                let there = columns.iter().position(|c| c.number == column.number);
                let rows = Rows::read(columns.len(), *operation, image);
                if let (Some(position), Some(rows)) = (there, rows) {
                    // Another row went from the key after this one had come to it, in the same statement.
                    if own != Some(*id) && leaves_key(&layout, &rows, row_key) {
                        continue;
                    }
                    steps.add(&columns[position], rows.old, rows.new, position);
                }
            }
        }
    }
}

/// Whether a row is found by another number after an UPDATE.
fn leaves_key(layout: &Layout, rows: &Rows, row_key: i64) -> bool {
    let key = &layout.description.key;
    let Some(row) = rows.new.as_ref().filter(|_| rows.changed.iter().any(|p| key.contains(p)))
    else {
        return false;
    };
    let bytes = |position: &usize| match row[*position] {
        Value::Plain(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    };
    let bytes: Vec<Vec<u8>> = key.iter().map(bytes).collect();
    let codecs = key.iter().map(|p| &layout.description.columns[*p].codec);
    key_of(layout.table_key, codecs, &bytes) != row_key
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

/// A value for a reader; None for NULL.
fn shown(column: &Column, value: &Value) -> Option<Restored> {
    match value {
        Value::Null | Value::Untold => None,
        Value::Plain(bytes) => match column.policy {
            Policy::Include | Policy::Omit => column.codec.json(bytes),
            Policy::Mask => Some(Restored::of_text(&String::from_utf8_lossy(bytes))),
            Policy::Hash => Some(Restored::of_text(&hex(bytes))),
        },
        Value::Large { length, hash } => {
            let hash = hex(hash);
            Restored::of_json(&format!(
                "{{\"tenant_guard\": \"too large\", \"length\": {length}, \"sha256\": \"{hash}\"}}"
            ))
        }
        Value::Erased { .. } => Restored::of_json("{\"tenant_guard\": \"erased\"}"),
    }
}

#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
