//! The table that history is asked of: what the log knows it by, and how its columns stand to those of its layouts.

use super::state::{Cell, Row};
use crate::audit::dictionary;
use crate::audit::format::Value;
use crate::audit::layout::Layout;
use crate::audit::options::Policy;
use crate::error::{Error, Result};
use crate::pg::codec::{Codec, Restored};
use crate::pg::json;
use crate::pg::row::RawJsonb;
use crate::pg::shape::{self, Shape};
use crate::pg::{ident, query, relation};
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
        let key = shape.key.iter().filter_map(position).collect();
        Ok(Subject { shape, table_key, columns, key, places: HashMap::new() })
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
            let known = now.filter(|i| self.columns[*i].codec == column.codec).or_else(|| {
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
            row[*place] = Cell::of(value, column.policy == Policy::Include);
            if *value == Value::Untold && column.policy != Policy::Omit {
                untold.push(*place);
            }
        }
        Ok((row, untold))
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
        let mut sql = format!("SELECT * FROM {}", self.name());
        if let Some(key) = key {
            sql.push_str(" WHERE ");
            sql.push_str(&self.condition(key));
        }
        let _path = query::pin();
        let width = self.shape.columns.len();
        crate::pg::rows::each(&sql, &self.shape, |row| {
            (0..width)
                .map(|i| match row.bytes(i) {
                    _ if self.shape.columns[i].is_virtual => Cell::Unknown,
                    Some(bytes) => Cell::Known(bytes),
                    None => Cell::Null,
                })
                .collect()
        })
    }

    /// The condition that a row has the key.
    #[must_use]
    pub fn condition(&self, key: &[Cell]) -> String {
        let parts: Vec<String> = self
            .key
            .iter()
            .zip(key)
            .map(|(position, cell)| {
                let column = &self.shape.columns[*position];
                format!("{} = {}", ident::quote(&column.name), self.literal(*position, cell))
            })
            .collect();
        parts.join(" AND ")
    }

    /// A value as SQL writes it, with its type.
    #[must_use]
    pub fn literal(&self, position: usize, cell: &Cell) -> String {
        let kind = &self.shape.columns[position].type_name;
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
        for position in &self.key {
            let column = &self.shape.columns[*position];
            let text = match members.get(&column.name).ok_or_else(wrong)? {
                serde_json::Value::Null => return Err(wrong()),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let sql = format!("SELECT {}::{}", ident::literal(&text), column.type_name);
            let _path = query::pin();
            let found = crate::pg::rows::each_of(&sql, &[&column.writer], |row| row.bytes(0))?;
            let bytes = found.into_iter().next().flatten().ok_or_else(wrong)?;
            key.push(Cell::Known(bytes));
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
