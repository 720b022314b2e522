//! A table as the audit triggers see it: its layout in the log, and how each column is read and kept. Made once a
//! session, and again when the table changes.

use super::dictionary;
use super::format::KeyPart;
use super::layout::{Column, Description, Layout};
use super::options::{Options, Policy};
use crate::classification::{self, Class};
use crate::error::{Error, Result};
use crate::pg::changes::Reader;
use crate::pg::codec::Codec;
use crate::pg::shape::{self, Shape};
use crate::pg::transaction::Written;
use crate::pg::{ident, invalidation};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub struct Source {
    pub layout: Layout,
    /// In the order of the layout's columns.
    pub columns: Vec<SourceColumn>,
    pub skip_unchanged: bool,
    pub truncated_rows: bool,
    /// Whether some values are written in a style that the session chooses.
    pub styled: bool,
}

pub struct SourceColumn {
    pub reader: Reader,
    pub codec: Codec,
    pub policy: Policy,
    pub salted: bool,
    pub in_key: bool,
}

struct Known {
    source: Rc<Source>,
    /// Whose change makes it another: the table, those above it, its columns' row types.
    depends_on: Vec<u32>,
    open: Option<Written>,
}

thread_local! {
    static KNOWN: RefCell<HashMap<u32, Known>> = RefCell::default();
}

/// The table's, by its OID.
pub fn source(table: u32) -> Result<Rc<Source>> {
    forget_what_changed();
    let known = KNOWN.with_borrow(|known| {
        known.get(&table).filter(|k| k.open.is_none_or(Written::lasts)).map(|k| k.source.clone())
    });
    if let Some(source) = known {
        return Ok(source);
    }
    let root = shape::audited_root(table);
    let mut depends_on = vec![table, root];
    depends_on.extend(classification::relations_of(root)?);
    let source = Rc::new(make(table, root, &mut depends_on)?);
    KNOWN.with_borrow_mut(|known| {
        let open = Some(Written::here());
        known.insert(table, Known { source: source.clone(), depends_on, open });
    });
    Ok(source)
}

fn forget_what_changed() {
    invalidation::drain(|relation| {
        KNOWN.with_borrow_mut(|known| match relation {
            0 => known.clear(),
            one => known.retain(|_, k| !k.depends_on.contains(&one)),
        });
    });
}

/// A transaction has ended: what it rolled back of the log's layouts is not there.
pub fn ended(committed: bool) {
    KNOWN.with_borrow_mut(|known| {
        known.retain(|_, k| k.open.is_none_or(|open| committed && open.lasts()));
        known.values_mut().for_each(|k| k.open = None);
    });
}

fn make(table: u32, root: u32, depends_on: &mut Vec<u32>) -> Result<Source> {
    let gone = || Error::NoSuchTable { oid: root };
    let shape = shape::shape(root).ok_or_else(gone)?;
    shape.columns.iter().for_each(|column| column.writer.relations(depends_on));
    let name = ident::qualified(&shape.schema, &shape.name);
    let argument = shape.audited_with.as_deref().unwrap_or_default();
    let options = Options::read(argument)
        .ok_or_else(|| Error::BadAuditTrigger { table: name.clone(), argument: argument.into() })?;
    let description = describe(&shape, &options, &name)?;
    let layout = dictionary::layout_of(&shape, description)?;
    let numbers: Vec<Option<i16>> = if table == root {
        shape.columns.iter().map(|c| (!c.is_virtual).then_some(c.number)).collect()
    } else {
        // A partition's columns may stand in another order.
        let names: Vec<&str> = shape.columns.iter().map(|c| c.name.as_str()).collect();
        shape::column_numbers(table, &names).ok_or_else(gone)?
    };
    let key = layout.description.key.clone();
    let columns: Vec<SourceColumn> = shape
        .columns
        .into_iter()
        .zip(&layout.description.columns)
        .zip(numbers)
        .enumerate()
        .map(|(position, ((column, described), number))| SourceColumn {
            reader: Reader::new(number, column.writer),
            codec: described.codec.clone(),
            policy: described.policy,
            salted: described.salted,
            in_key: key.contains(&position),
        })
        .collect();
    let styled = columns.iter().any(|c| c.policy != Policy::Omit && c.is_styled());
    Ok(Source {
        layout,
        columns,
        skip_unchanged: options.skip_unchanged,
        truncated_rows: options.truncated_rows,
        styled,
    })
}

/// What becomes of a column that enable_audit was told nothing about.
fn by_class(class: Option<Class>) -> Policy {
    match class {
        None | Some(Class::Public | Class::Internal) => Policy::Include,
        Some(Class::Pii) => Policy::Mask,
        Some(Class::Secret) => Policy::Omit,
    }
}

fn describe(shape: &Shape, options: &Options, table: &str) -> Result<Description> {
    let classes: HashMap<i16, Class> = classification::of_table(shape.oid)?.into_iter().collect();
    let position_of = |number: &i16| shape.columns.iter().position(|c| c.number == *number);
    let key: Option<Vec<usize>> = shape.key.iter().map(position_of).collect();
    let key = key.unwrap_or_default();
    let tenant = match &options.tenant {
        None => None,
        Some(column) => {
            let position = shape.columns.iter().position(|c| c.name == *column);
            Some(position.ok_or_else(|| Error::TenantColumnGone {
                table: table.to_string(),
                column: column.clone(),
            })?)
        }
    };
    let is_salted = |column: &shape::Column| {
        options.erasable.contains(&column.name) || classes.get(&column.number) == Some(&Class::Pii)
    };
    let columns = shape
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let kept = key.contains(&position) || tenant == Some(position);
            let policy = match options.columns.get(&column.name) {
                _ if kept => Policy::Include,
                Some(policy) => *policy,
                None => by_class(classes.get(&column.number).copied()),
            };
            Column {
                name: column.name.clone(),
                number: column.number,
                r#type: column.type_name.clone(),
                codec: column.writer.codec().clone(),
                policy,
                salted: !kept && policy == Policy::Include && is_salted(column),
            }
        })
        .collect();
    Ok(Description { columns, key, tenant })
}

impl SourceColumn {
    fn is_styled(&self) -> bool {
        self.codec.is_styled() || (self.policy == Policy::Mask && !self.codec.is_text())
    }
}

/// A part of a key in a form that does not depend on how wide its type is. `bytes` are the value's.
#[must_use]
pub fn key_part<'a>(codec: &Codec, bytes: &'a [u8], room: &'a mut Vec<u8>) -> KeyPart<'a> {
    use pgrx::pg_sys;
    let Codec::Raw(oid) = codec else {
        return KeyPart::Bytes(bytes);
    };
    let int = |bytes: &[u8]| {
        let mut word = [if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 }; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        i64::from_le_bytes(word)
    };
    match pgrx::pg_sys::Oid::from(*oid) {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => KeyPart::Int(int(bytes)),
        pg_sys::UUIDOID => KeyPart::Uuid(bytes),
        pg_sys::BPCHAROID => KeyPart::Bytes(bytes.trim_ascii_end()),
        pg_sys::NUMERICOID => {
            // 1.0 and 1.00 are one key.
            let text = codec.text(bytes).unwrap_or_default();
            let trimmed = match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.'),
                false => &text,
            };
            room.extend_from_slice(trimmed.as_bytes());
            KeyPart::Bytes(room)
        }
        pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => {
            let negative_zero = bytes
                .split_last()
                .is_some_and(|(last, rest)| *last == 0x80 && rest.iter().all(|b| *b == 0));
            match negative_zero {
                true => KeyPart::Bytes(&[]),
                false if bytes.iter().all(|b| *b == 0) => KeyPart::Bytes(&[]),
                false => KeyPart::Bytes(bytes),
            }
        }
        _ => KeyPart::Bytes(bytes),
    }
}
