//! What of a table's rows clients and logs are given. Pure but for what `of_clients` and `of_logs` read.

use super::class::Class;
use super::registry;
use crate::error::Result;
use crate::pg::ident;
use crate::pg::row_json::{Field, How, Reference, Shape};
use crate::pg::{query, snapshot, user};
use pgrx::pg_sys::Oid;
use serde::Deserialize;
use std::collections::HashSet;

/// The id that clients know a row by, and the key that they find it under.
const PUBLIC_ID: &str = "public_id";
const ID: &str = "id";

/// What shape.sql says.
#[derive(Debug, Default, Deserialize)]
struct About {
    columns: Vec<Column>,
    key: Vec<KeyColumn>,
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug, Deserialize)]
struct Column {
    number: i16,
    name: String,
    is_uuid: bool,
}

/// A column of the primary key.
#[derive(Debug, Deserialize)]
struct KeyColumn {
    name: String,
    is_id: bool,
    /// Whether it is a foreign key too.
    refers: bool,
    /// Whether it is the whole key.
    alone: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct ForeignKey {
    table: u32,
    schema: String,
    name: String,
    /// The number of the column there that clients know rows by.
    public_id: Option<i16>,
    pairs: Vec<Pair>,
}

#[derive(Debug, Clone, Deserialize)]
struct Pair {
    column: String,
    referenced: String,
    number: i16,
    /// What compares the two: its schema and its name.
    operator: (String, String),
    /// Whether the column there is an id that clients do not get.
    is_key: bool,
}

/// The rows of a table for clients.
pub fn of_clients(table: u32) -> Result<Shape> {
    let known = registry::known(table)?;
    if !known.0.iter().any(|(_, class)| *class == Class::Public) {
        return Ok(Shape { fields: vec![], relations: known.1.clone() });
    }
    let about = read(table)?;
    let mut relations = known.1.clone();
    let mut withheld = HashSet::new();
    for key in &about.foreign_keys {
        relations.push(key.table);
        let Some(public_id) = key.public_id else { continue };
        let there = registry::known(key.table)?;
        relations.extend_from_slice(&there.1);
        if there.0.iter().any(|(column, class)| *column == public_id && *class != Class::Public) {
            withheld.insert(key.table);
        }
    }
    Ok(Shape { fields: for_clients(&about, &known.0, &withheld), relations })
}

/// The rows of a table for logs.
pub fn of_logs(table: u32) -> Result<Shape> {
    let known = registry::known(table)?;
    let about = if known.0.is_empty() { About::default() } else { read(table)? };
    Ok(Shape { fields: for_logs(&about, &known.0), relations: known.1.clone() })
}

fn read(table: u32) -> Result<About> {
    let about = user::as_extension_owner(|| {
        let args = [Oid::from(table).into()];
        if snapshot::in_parallel_mode() {
            // No new snapshot can be taken there.
            return query::model(include_str!("shape.sql"), &args);
        }
        let _read = query::catalog_read(query::PINNED);
        query::model_here(include_str!("shape.sql"), &args)
    })?;
    Ok(about.unwrap_or_default())
}

fn class_of(classes: &[(i16, Class)], column: &Column) -> Option<Class> {
    classes.iter().find(|(number, _)| *number == column.number).map(|(_, class)| *class)
}

/// `withheld`: the tables whose public id is classified as something that clients do not get.
fn for_clients(about: &About, classes: &[(i16, Class)], withheld: &HashSet<u32>) -> Vec<Field> {
    let public_id = about.columns.iter().find(|c| c.name == PUBLIC_ID && c.is_uuid);
    let mut fields = Vec::new();
    for column in &about.columns {
        let field = |key: &str, how| Field { attribute: column.number, key: key.into(), how };
        let class = class_of(classes, column);
        if public_id.is_some_and(|id| id.number == column.number) {
            if matches!(class, None | Some(Class::Public)) {
                fields.push(field(ID, How::Given));
            }
            continue;
        }
        if class != Some(Class::Public) {
            continue;
        }
        match reference(about, column) {
            Some(key) if withheld.contains(&key.table) => {}
            Some(key) => {
                if let Some(reference) = look_up(about, key) {
                    fields.push(field(&column.name, How::Replaced(reference)));
                }
            }
            None if public_id.is_some() && is_internal(about, column) => {}
            None => fields.push(field(&column.name, How::Given)),
        }
    }
    fields
}

/// Whether the column identifies the row, where the public id does so for clients.
fn is_internal(about: &About, column: &Column) -> bool {
    let of_key =
        |key: &KeyColumn| key.name == column.name && key.is_id && (key.alone || !key.refers);
    column.name == ID || about.key.iter().any(of_key)
}

/// The foreign key that makes the column an id of another row which clients know by its public id. They come those of one
/// column first. In one of several columns it is the id there that counts; what both tables call the same, as a
/// tenant column, is none as long as there is another.
fn reference<'a>(about: &'a About, column: &Column) -> Option<&'a ForeignKey> {
    about.foreign_keys.iter().filter(|key| key.public_id.is_some()).find(|key| {
        let Some(pair) = key.pairs.iter().find(|p| p.column == column.name) else {
            return false;
        };
        if key.pairs.len() == 1 {
            return pair.referenced != PUBLIC_ID;
        }
        let other = key.pairs.iter().any(|p| p.is_key && p.column != p.referenced);
        pair.is_key && (pair.column != pair.referenced || !other)
    })
}

fn look_up(about: &About, key: &ForeignKey) -> Option<Reference> {
    let number = |name: &str| about.columns.iter().find(|c| c.name == name).map(|c| c.number);
    let columns = key.pairs.iter().map(|p| number(&p.column)).collect::<Option<Vec<i16>>>()?;
    let conditions: Vec<String> = key
        .pairs
        .iter()
        .zip(1..)
        .map(|(pair, parameter)| {
            let (schema, operator) = &pair.operator;
            let referenced = ident::quote(&pair.referenced);
            format!("r.{referenced} OPERATOR({}.{operator}) ${parameter}", ident::quote(schema))
        })
        .collect();
    let mut reads: Vec<i16> = key.pairs.iter().map(|p| p.number).collect();
    reads.extend(key.public_id);
    Some(Reference {
        sql: format!(
            "SELECT r.{PUBLIC_ID}::pg_catalog.uuid FROM {} r WHERE {}",
            ident::qualified(&key.schema, &key.name),
            conditions.join(" AND ")
        ),
        columns,
        table: key.table,
        reads,
    })
}

fn for_logs(about: &About, classes: &[(i16, Class)]) -> Vec<Field> {
    about
        .columns
        .iter()
        .filter_map(|column| {
            let how = match class_of(classes, column)? {
                Class::Public | Class::Internal => How::Given,
                Class::Pii => How::Masked,
                Class::Secret => return None,
            };
            Some(Field { attribute: column.number, key: column.name.clone(), how })
        })
        .collect()
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
