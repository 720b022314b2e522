//! The events of a subject: of rows that were ever named so, through all the keys that they had.

use crate::audit::format::{Reader, Value};
use crate::audit::layout::Layout;
use crate::audit::recorder::key_of;
use crate::error::Result;
use crate::pg::{cursor, query};
use pgrx::spi::SpiTupleTable;
use pgrx::JsonB;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

type Layouts = HashMap<i32, Rc<Layout>>;
/// The values of a row's key, as its images have them.
type Key = Vec<Vec<u8>>;
/// A row by the number that it is found by, and its key, for two rows may share the number.
type Row = (i64, Key);
/// Id, layout, operation and image.
type Told = (i64, i32, u8, Vec<u8>);

pub struct Event<'a> {
    pub id: i64,
    pub layout: i32,
    pub image: &'a [u8],
}

pub struct Rows {
    /// Of tables with a key.
    rows: Vec<Row>,
    /// Of tables without one, where each event stands for itself.
    events: Vec<i64>,
}

/// The columns that an object names; None for what names none.
#[must_use]
pub fn columns_of(key: &serde_json::Value) -> Option<Vec<String>> {
    let members = key.as_object().filter(|members| !members.is_empty())?;
    let complete = members.values().all(|value| !value.is_null());
    complete.then(|| members.keys().cloned().collect())
}

/// The key's values before and after an event; None where the layout has no key, or an event not such a row.
fn keys(layout: &Layout, operation: u8, image: &[u8]) -> (Option<Key>, Option<Key>) {
    let description = &layout.description;
    let mut reader = Reader::new(image);
    let Some(row) = reader.row(description.columns.len()) else { return (None, None) };
    let mut changed = row.clone();
    for (position, value) in reader.changes().unwrap_or_default() {
        if let Some(at) = changed.get_mut(position) {
            *at = value;
        }
    }
    let key = |row: &[Value]| -> Option<Key> {
        let values = description.key.iter().map(|position| match row.get(*position) {
            Some(Value::Plain(bytes)) => Some(bytes.to_vec()),
            _ => None,
        });
        values.collect::<Option<Vec<_>>>().filter(|key| !key.is_empty())
    };
    match operation {
        b'I' => (None, key(&row)),
        b'U' => (key(&row), key(&changed)),
        b'D' | b't' => (key(&row), None),
        _ => (None, None),
    }
}

fn number(layout: &Layout, key: &[Vec<u8>]) -> i64 {
    let columns = &layout.description.columns;
    let codecs = layout.description.key.iter().map(|position| &columns[*position].codec);
    key_of(layout.table_key, codecs, key)
}

/// Layout, operation and image, from the column on.
fn read(row: &SpiTupleTable, from: usize) -> Result<(i32, u8, Vec<u8>)> {
    Ok((
        row.get::<i32>(from)?.unwrap_or_default(),
        row.get::<i8>(from + 1)?.unwrap_or_default() as u8,
        row.get::<Vec<u8>>(from + 2)?.unwrap_or_default(),
    ))
}

impl Rows {
    /// The rows that some event names so, before it or after it.
    pub fn find(layouts: &Layouts, key: &serde_json::Value) -> Result<Self> {
        let (mut waiting, mut known) = (VecDeque::new(), HashSet::new());
        let mut events = Vec::new();
        let ids: Vec<i32> = layouts.keys().copied().collect();
        let args = [ids.into(), JsonB(key.clone()).into()];
        cursor::each(include_str!("find_subject.sql"), &args, |row| {
            let Some(layout) = row.int(1).and_then(|layout| layouts.get(&layout)) else {
                return Ok(true);
            };
            let operation = row.char(2).unwrap_or_default();
            let image = row.with_bytes(3, <[u8]>::to_vec).unwrap_or_default();
            if layout.description.key.is_empty() {
                events.push(row.long(0).unwrap_or_default());
            }
            let (old, new) = keys(layout, operation, &image);
            for key in [old, new].into_iter().flatten() {
                let found: Row = (number(layout, &key), key);
                if known.insert(found.clone()) {
                    waiting.push_back(found);
                }
            }
            Ok(true)
        })?;
        // The same rows under the keys that they had before and after.
        let mut rows = Vec::new();
        while let Some(row) = waiting.pop_front() {
            for found in renamed(layouts, &row)? {
                if known.insert(found.clone()) {
                    waiting.push_back(found);
                }
            }
            rows.push(row);
        }
        Ok(Rows { rows, events })
    }

    /// Each event of them once.
    pub fn each(&self, layouts: &Layouts, mut f: impl FnMut(&Event) -> Result<()>) -> Result<()> {
        let mut done = HashSet::new();
        let mut one = |id: i64, layout: i32, image: &[u8]| match done.insert(id) {
            true => f(&Event { id, layout, image }),
            false => Ok(()),
        };
        for row in &self.rows {
            for (id, layout, operation, image) in events(layouts, row.0)? {
                let (old, new) = keys(&layouts[&layout], operation, &image);
                if old.as_ref() == Some(&row.1) || new.as_ref() == Some(&row.1) {
                    one(id, layout, &image)?;
                }
            }
        }
        for id in &self.events {
            let sql = "SELECT e.layout, e.operation, e.image FROM tenant_guard.audit_event e WHERE e.id = $1";
            for (layout, _, image) in query::rows(sql, &[(*id).into()], |row| read(row, 1))? {
                one(*id, layout, &image)?;
            }
        }
        Ok(())
    }
}

fn events(layouts: &Layouts, row_key: i64) -> Result<Vec<Told>> {
    let sql = "SELECT e.id, e.layout, e.operation, e.image FROM tenant_guard.audit_event e
               WHERE e.row_key = $1 AND e.layout = ANY ($2) ORDER BY e.id";
    let ids: Vec<i32> = layouts.keys().copied().collect();
    query::rows(sql, &[row_key.into(), ids.into()], |row| {
        let (layout, operation, image) = read(row, 2)?;
        Ok((row.get::<i64>(1)?.unwrap_or_default(), layout, operation, image))
    })
}

/// Under which other keys the row was, and came to be.
fn renamed(layouts: &Layouts, row: &Row) -> Result<Vec<Row>> {
    let mut found = Vec::new();
    let mut both = |layout: i32, operation: u8, image: &[u8]| {
        let Some(layout) = layouts.get(&layout) else { return };
        if let (Some(old), Some(new)) = keys(layout, operation, image) {
            if old != new && (old == row.1 || new == row.1) {
                found.extend([old, new].map(|key| (number(layout, &key), key)));
            }
        }
    };
    for (_, layout, operation, image) in events(layouts, row.0)? {
        if operation != b'K' {
            both(layout, operation, &image);
            continue;
        }
        // The number that it was found by, and the UPDATE that changed it.
        let update = match Reader::new(&image).value() {
            Some(Value::Plain(told)) => told.get(8..16).and_then(|id| id.try_into().ok()),
            _ => None,
        };
        let Some(update) = update.map(i64::from_be_bytes) else { continue };
        let sql =
            "SELECT e.layout, e.operation, e.image FROM tenant_guard.audit_event e WHERE e.id = $1";
        for (layout, operation, image) in query::rows(sql, &[update.into()], |row| read(row, 1))? {
            both(layout, operation, &image);
        }
    }
    Ok(found)
}
