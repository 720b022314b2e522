//! The table that history is asked of: what the log knows it by, and how its columns stand to those of its layouts.

use super::state::{Cell, Row};
use crate::audit::dictionary;
use crate::audit::format::Value;
use crate::audit::layout::{self, Layout};
use crate::audit::options::Policy;
use crate::audit::source::key_part;
use crate::error::{Error, Result};
use crate::pg::codec::{Codec, Restored};
use crate::pg::comparing::{comparing, Comparing};
use crate::pg::json;
use crate::pg::row::RawJsonb;
use crate::pg::shape::{self, Shape};
use crate::pg::{ident, query, relation, user};
use pgrx::pg_sys;
use std::collections::HashMap;
use std::rc::Rc;

/// A column of the table, or one that it had.
pub struct Column {
    pub name: String,
    pub codec: Codec,
}

pub struct Subject {
    pub shape: Shape,
    pub table_key: i64,
    /// Those of the table as it is, and behind them those that its layouts have beside.
    pub columns: Vec<Column>,
    /// The positions of the key's columns.
    pub key: Vec<usize>,
    /// How the values of each are compared in a query; None where they are compared here.
    compared: Option<Vec<Comparing>>,
    /// For each layout, where its columns are among these.
    places: HashMap<i32, Vec<usize>>,
}

impl Subject {
    pub fn of(table: u32) -> Result<Self> {
        let described = relation::describe(table).ok_or(Error::NoSuchTable { oid: table })?;
        let name = ident::qualified(&described.schema, &described.name);
        if let Some(kind) = relation::other_kind(described.kind) {
            return Err(Error::WrongRelationKind {
                relation: name,
                kind,
                wanted: "an ordinary or partitioned table",
                hint: "Name the table that holds the rows.".into(),
            });
        }
        may_read(table, &name)?;
        let root = shape::audited_root(table);
        let shape = shape::shape(root).ok_or(Error::NoSuchTable { oid: root })?;
        let table_key = dictionary::known(&shape)?.ok_or(Error::NotAudited { table: name })?;
        let columns: Vec<Column> = shape
            .columns
            .iter()
            .map(|c| Column { name: c.name.clone(), codec: c.writer.codec().clone() })
            .collect();
        let position = |number: &i16| shape.columns.iter().position(|c| c.number == *number);
        let key: Vec<usize> = shape.key.iter().filter_map(position).collect();
        let compared = key.iter().map(|p| comparing(shape.columns[*p].type_oid)).collect();
        Ok(Subject { shape, table_key, columns, key, compared, places: HashMap::new() })
    }

    #[must_use]
    pub fn name(&self) -> String {
        ident::qualified(&self.shape.schema, &self.shape.name)
    }

    /// Where the layout's columns are among the subject's; those that the table has no more get a place of their own.
    fn places(&mut self, layout: &Layout) -> Result<Vec<usize>> {
        if let Some(places) = self.places.get(&layout.id) {
            return Ok(places.clone());
        }
        // Numbers are columns where the layout is of this very table; elsewhere names are.
        let here = dictionary::is_of(layout.id, self.shape.oid)?;
        let mut places = Vec::with_capacity(layout.description.columns.len());
        for column in &layout.description.columns {
            let now = self.shape.columns.iter().position(|c| match here {
                true => c.number == column.number,
                false => c.name == column.name,
            });
            let reads = |i: &usize| converts(&column.codec, &self.columns[*i].codec);
            let known = now.filter(reads).or_else(|| {
                let behind = self.columns[self.shape.columns.len()..].iter();
                behind
                    .enumerate()
                    .find(|(_, c)| c.name == column.name && c.codec == column.codec)
                    .map(|(i, _)| i + self.shape.columns.len())
            });
            places.push(known.unwrap_or_else(|| {
                let (name, codec) = (column.name.clone(), column.codec.clone());
                self.columns.push(Column { name, codec });
                self.columns.len() - 1
            }));
        }
        self.places.insert(layout.id, places.clone());
        Ok(places)
    }

    /// Where one of the layout's columns is in the table; None where the table does not have it any more.
    pub fn place(&mut self, layout: &Layout, position: usize) -> Result<Option<usize>> {
        let place = self.places(layout)?[position];
        Ok((place < self.shape.columns.len()).then_some(place))
    }

    /// A logged row among the subject's columns, and the positions of what the event does not tell.
    pub fn row(&mut self, layout: &Layout, values: &[Value]) -> Result<(Row, Vec<usize>)> {
        let places = self.places(layout)?;
        let mut row = vec![Cell::Unknown; self.columns.len()];
        let mut untold = Vec::new();
        for ((place, value), column) in places.iter().zip(values).zip(&layout.description.columns) {
            row[*place] = self.cell(*place, column, value);
            if *value == Value::Untold && column.policy != Policy::Omit {
                untold.push(*place);
            }
        }
        Ok((row, untold))
    }

    /// A logged value of a column as it is now.
    #[must_use]
    pub fn cell(&self, place: usize, column: &layout::Column, value: &Value) -> Cell {
        match Cell::of(value, column.policy == Policy::Include) {
            Cell::Known(bytes) => converted(&column.codec, &self.columns[place].codec, bytes)
                .map_or(Cell::Unknown, Cell::Known),
            cell => cell,
        }
    }

    /// Which of the layout's columns is at a place.
    pub fn position(&mut self, layout: &Layout, place: usize) -> Result<Option<usize>> {
        Ok(self.places(layout)?.iter().position(|one| *one == place))
    }

    /// A row that was made when fewer columns were known.
    #[must_use]
    pub fn widened(&self, mut row: Row) -> Row {
        row.resize(self.columns.len(), Cell::Unknown);
        row
    }

    #[must_use]
    pub fn json(&self, row: &Row) -> RawJsonb {
        let mut members: Vec<(&str, Option<Restored>)> = Vec::with_capacity(row.len());
        for (column, cell) in self.columns.iter().zip(row) {
            match cell {
                Cell::Unknown => {}
                Cell::Null => members.push((&column.name, None)),
                Cell::Known(bytes) => members.push((&column.name, column.codec.json(bytes))),
            }
        }
        json::object(&members)
    }

    /// The rows that the caller sees of the table now; all, or those of a key.
    pub fn rows_now(&self, key: Option<&[Cell]>) -> Result<Vec<Row>> {
        // Before the key is written: in the session's styles it may not be read again.
        let _plainly = query::plainly();
        let mut sql = format!("SELECT * FROM {}", self.name());
        if let Some(condition) = key.and_then(|key| self.condition(key)) {
            sql.push_str(" WHERE ");
            sql.push_str(&condition);
        }
        let width = self.shape.columns.len();
        let mut rows: Vec<Row> = crate::pg::rows::each(&sql, &self.shape, |row| {
            (0..width)
                .map(|i| match row.bytes(i) {
                    _ if self.shape.columns[i].is_virtual => Cell::Unknown,
                    Some(bytes) => Cell::Known(bytes),
                    None => Cell::Null,
                })
                .collect()
        })?;
        if let Some(key) = key.filter(|_| self.compared.is_none()) {
            rows.retain(|row| self.same_key(&self.key_in(row), key));
        }
        Ok(rows)
    }

    /// The condition that a row has the key; None where a query cannot say so without running anybody's code.
    fn condition(&self, key: &[Cell]) -> Option<String> {
        let compared = self.compared.as_ref()?;
        let part = |((position, cell), compared): ((&usize, &Cell), &Comparing)| {
            let name = ident::quote(&self.shape.columns[*position].name);
            let value = self.literal_of(*position, cell, &compared.type_name);
            format!("{name} {} {value}", compared.equals)
        };
        let parts: Vec<String> = self.key.iter().zip(key).zip(compared).map(part).collect();
        Some(parts.join(" AND "))
    }

    /// The same for statements that change the row, whose triggers run anyhow.
    #[must_use]
    pub fn condition_to_change(&self, key: &[Cell]) -> String {
        self.condition(key).unwrap_or_else(|| {
            let part = |(position, cell): (&usize, &Cell)| {
                let name = ident::quote(&self.shape.columns[*position].name);
                format!("{name} = {}", self.literal(*position, cell))
            };
            self.key.iter().zip(key).map(part).collect::<Vec<_>>().join(" AND ")
        })
    }

    /// A value as SQL writes it, with its type.
    #[must_use]
    pub fn literal(&self, position: usize, cell: &Cell) -> String {
        self.literal_of(position, cell, &self.shape.columns[position].type_name)
    }

    fn literal_of(&self, position: usize, cell: &Cell, kind: &str) -> String {
        let text = match cell {
            Cell::Known(bytes) => self.columns[position].codec.text(bytes),
            _ => None,
        };
        match text {
            Some(text) => format!("{}::{kind}", ident::literal(&text)),
            None => format!("NULL::{kind}"),
        }
    }

    /// The key that an object names, in the order of the key's columns.
    pub fn key_of(&self, given: &serde_json::Value) -> Result<Vec<Cell>> {
        let columns: Vec<String> =
            self.key.iter().map(|p| self.shape.columns[*p].name.clone()).collect();
        let wrong = || Error::NotTheKey {
            table: self.name(),
            given: given.to_string(),
            columns: columns.clone(),
        };
        let members = given.as_object().ok_or_else(wrong)?;
        if self.key.is_empty() || members.len() != self.key.len() {
            return Err(wrong());
        }
        let mut key = Vec::with_capacity(self.key.len());
        for (i, position) in self.key.iter().enumerate() {
            let column = &self.shape.columns[*position];
            let text = match members.get(&column.name).ok_or_else(wrong)? {
                serde_json::Value::Null => return Err(wrong()),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let found = match self.compared.as_ref().and_then(|compared| compared.get(i)) {
                Some(compared) => written(&text, &compared.type_name, column)?,
                // Whatever its domains do, they do with the rights of the table's owner.
                None => {
                    let owner = relation::describe(self.shape.oid).ok_or_else(wrong)?.owner;
                    user::as_table_owner(owner, || written(&text, &column.type_name, column))?
                }
            };
            key.push(Cell::Known(found.ok_or_else(wrong)?));
        }
        Ok(key)
    }

    /// What a row of the subject's is found by in the log.
    #[must_use]
    pub fn row_key(&self, key: &[Cell]) -> i64 {
        let bytes: Vec<Vec<u8>> = key
            .iter()
            .map(|cell| match cell {
                Cell::Known(bytes) => bytes.clone(),
                _ => Vec::new(),
            })
            .collect();
        let codecs = self.key.iter().map(|p| &self.columns[*p].codec);
        crate::audit::recorder::key_of(self.table_key, codecs, &bytes)
    }

    #[must_use]
    pub fn key_in(&self, row: &Row) -> Vec<Cell> {
        self.key.iter().map(|p| row[*p].clone()).collect()
    }

    /// Whether two keys are equal to the table: the numbers 1 and 1.00 are.
    #[must_use]
    pub fn same_key(&self, a: &[Cell], b: &[Cell]) -> bool {
        let same = |(position, (a, b)): (&usize, (&Cell, &Cell))| match (a, b) {
            (Cell::Known(a), Cell::Known(b)) => {
                let (mut room_of_a, mut room_of_b) = (Vec::new(), Vec::new());
                let codec = &self.columns[*position].codec;
                key_part(codec, a, &mut room_of_a) == key_part(codec, b, &mut room_of_b)
            }
            _ => false,
        };
        a.len() == b.len() && self.key.iter().zip(a.iter().zip(b)).all(same)
    }
}

/// A value that was given as text, as bytes.
fn written(text: &str, kind: &str, column: &shape::Column) -> Result<Option<Vec<u8>>> {
    let sql = format!("SELECT {}::{kind}", ident::literal(text));
    let _path = query::pin();
    let found = crate::pg::rows::each_of(&sql, &[&column.writer], |row| row.bytes(0))?;
    Ok(found.into_iter().next().flatten())
}

fn int_width(codec: &Codec) -> Option<usize> {
    match codec {
        Codec::Raw(oid) => match pg_sys::Oid::from(*oid) {
            pg_sys::INT2OID => Some(2),
            pg_sys::INT4OID => Some(4),
            pg_sys::INT8OID => Some(8),
            _ => None,
        },
        _ => None,
    }
}

fn is_text(codec: &Codec) -> bool {
    [pg_sys::TEXTOID, pg_sys::VARCHAROID].iter().any(|oid| *codec == Codec::Raw(oid.to_u32()))
}

/// Whether values that were written in one way are told in the other: of a column that got a wider type, as keys do.
fn converts(from: &Codec, to: &Codec) -> bool {
    from == to
        || (int_width(from).is_some() && int_width(to).is_some())
        || (is_text(from) && is_text(to))
}

/// None for what does not fit.
fn converted(from: &Codec, to: &Codec, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (Some(_), Some(width)) = (int_width(from), int_width(to)) else { return Some(bytes) };
    let sign = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    if let Some(more) = bytes.get(width..) {
        let kept_sign = if bytes[width - 1] & 0x80 != 0 { 0xff } else { 0 };
        if kept_sign != sign || more.iter().any(|b| *b != sign) {
            return None;
        }
    }
    bytes.resize(width, sign);
    Some(bytes)
}

/// History is for who may read the table, and for who reads the whole trail.
fn may_read(table: u32, name: &str) -> Result<()> {
    let may = crate::pg::kept::rows(
        "SELECT pg_catalog.has_table_privilege($1, 'SELECT') OR tenant_guard.audit_reads_all()",
        &[pgrx::pg_sys::Oid::from(table).into()],
        |row| Ok(row.get::<bool>(1)?),
    )?;
    if may.contains(&Some(true)) {
        return Ok(());
    }
    Err(Error::NotPermitted {
        what: format!("reading the history of {name}"),
        detail: "History is for roles that may SELECT from the table, its owner, and auditors."
            .into(),
        hint: format!("Its owner grants it: GRANT SELECT ON {name} TO the role."),
    })
}

/// A layout that is there, for it was named by an event.
pub fn layout(id: i32) -> Result<Rc<Layout>> {
    dictionary::layout(id)?
        .ok_or_else(|| Error::Internal { what: format!("layout {id} of the audit log is missing") })
}

/// The table that a layout is of, by its OID here.
pub fn table_of(layout: i32, event: i64) -> Result<u32> {
    let found = crate::pg::query::value::<pgrx::pg_sys::Oid>(
        "SELECT t.table_oid FROM tenant_guard.audited_tables() t WHERE t.layout = $1",
        &[layout.into()],
    )?;
    found
        .map(pgrx::pg_sys::Oid::to_u32)
        .ok_or_else(|| Error::CannotUndo { event, why: "Its table is not there any more.".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_widen_and_narrow_where_they_fit() {
        let raw = |oid: pg_sys::Oid| Codec::Raw(oid.to_u32());
        let (small, int, big) = (raw(pg_sys::INT2OID), raw(pg_sys::INT4OID), raw(pg_sys::INT8OID));
        let wide = |n: i32| converted(&int, &big, n.to_le_bytes().to_vec());
        for n in [0, 1, -1, i32::MAX, i32::MIN] {
            assert_eq!(wide(n), Some(i64::from(n).to_le_bytes().to_vec()));
            let back = converted(&big, &int, i64::from(n).to_le_bytes().to_vec());
            assert_eq!(back, Some(n.to_le_bytes().to_vec()));
        }
        for n in [40_000i32, -40_000] {
            assert_eq!(converted(&int, &small, n.to_le_bytes().to_vec()), None);
        }
        assert!(converts(&raw(pg_sys::VARCHAROID), &raw(pg_sys::TEXTOID)));
        assert!(!converts(&int, &raw(pg_sys::TEXTOID)));
    }
}
