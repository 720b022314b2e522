//! Events as their readers see them: jsonb, made when it is read.

use super::dictionary;
use super::format::{Reader, Value};
use super::history::Reach;
use super::layout::{Column, Layout};
use super::options::Policy;
use super::told;
use crate::error::Result;
use crate::pg::codec::Restored;
use crate::pg::json;
use crate::pg::row::RawJsonb;
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
    /// What whoever asks may read: what did not change is told by other events.
    pub reach: &'a Reach,
}

impl<'a> Logged<'a> {
    pub fn rows(&self) -> Result<Option<(Rc<Layout>, Rows<'a>)>> {
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
        let told = told::before(self, column)?;
        Ok(told.and_then(|(column, bytes)| Some(shown(&column, &Reader::new(&bytes).value()?))))
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
