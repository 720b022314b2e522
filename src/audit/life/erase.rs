//! Erasing one subject's personal values from the log. A value that stands behind a salt is replaced by the hash of salt
//! and value, which is what was hashed and sealed of it in the first place; so the seal still verifies. A value that was
//! logged as it is cannot be erased without breaking the seal, and is counted.

use super::permission;
use super::subject::{self, Rows};
use crate::audit::dictionary;
use crate::audit::format::{Reader, Value};
use crate::audit::layout::Layout;
use crate::classification::{self, Class};
use crate::error::{Error, Result};
use crate::pg::shape::{self, Shape};
use crate::pg::{ident, query, user};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// What was found of the subject.
#[derive(Default)]
pub struct Erased {
    pub events: i64,
    pub erased: i64,
    /// Personal values that stay: logged before the column was erasable.
    pub kept: i64,
    pub kept_columns: Vec<String>,
}

pub struct Wanted<'a> {
    pub table: u32,
    pub key: &'a serde_json::Value,
    pub reason: &'a str,
    pub columns: Option<Vec<String>>,
    pub dry_run: bool,
}

pub fn erase(wanted: &Wanted) -> Result<Erased> {
    let root = shape::audited_root(wanted.table);
    let shape = shape::shape(root).ok_or(Error::NoSuchTable { oid: root })?;
    let name = ident::qualified(&shape.schema, &shape.name);
    let named_by = subject::columns_of(wanted.key).ok_or_else(|| Error::WrongOption {
        option: "key",
        why: "It has to be a JSON object of columns and their values, none of them NULL".into(),
        hint: "Give the primary key, as '{\"id\": 7}', or what else tells the subject's rows."
            .into(),
    })?;
    let (by, session) = (user::current(), user::session());
    permission::as_log_owner(|| {
        let layouts = layouts(&shape)?;
        if layouts.is_empty() {
            return Err(Error::NotAudited { table: name.clone() });
        }
        let personal = personal(wanted, &shape, &layouts, &name)?;
        let rows = Rows::find(&layouts, wanted.key)?;
        let mut found = Erased::default();
        let mut kept_columns = HashSet::new();
        rows.each(&layouts, |event| {
            found.events += 1;
            let layout = &layouts[&event.layout];
            let columns = &layout.description.columns;
            let wants = |i: usize| columns.get(i).is_some_and(|c| personal.contains(&c.name));
            let count = Cell::new(0);
            let erased = Reader::erased(event.image, columns.len(), |column| {
                let erase = wants(column);
                count.set(count.get() + i64::from(erase));
                erase
            });
            let broken = || Error::Internal { what: format!("event {} of the log cannot be read", event.id) };
            let erased = erased.ok_or_else(broken)?;
            if count.get() > 0 && !wanted.dry_run {
                query::run(
                    "UPDATE tenant_guard.audit_event e SET image = $1 WHERE e.id = $2 AND e.layout = $3",
                    &[erased.clone().into(), event.id.into(), event.layout.into()],
                )?;
            }
            found.erased += count.get();
            // What still stands there in full.
            let mut told = |column: usize, value: &Value| {
                if wants(column) && matches!(value, Value::Plain(_) | Value::Large { .. }) {
                    found.kept += 1;
                    kept_columns.insert(columns[column].name.clone());
                }
            };
            let mut reader = Reader::new(&erased);
            for (column, value) in reader.row(columns.len()).ok_or_else(broken)?.iter().enumerate() {
                told(column, value);
            }
            for (column, value) in reader.changes().ok_or_else(broken)? {
                told(column, &value);
            }
            Ok(())
        })?;
        found.kept_columns = kept_columns.into_iter().collect();
        found.kept_columns.sort();
        if !wanted.dry_run {
            record(wanted, &shape, &layouts, &named_by, (&by, &session), &found)?;
        }
        Ok(found)
    })
}

/// All shapes that the table has had.
fn layouts(shape: &Shape) -> Result<HashMap<i32, Rc<Layout>>> {
    let ids = query::rows(
        include_str!("layouts.sql"),
        &[pgrx::pg_sys::Oid::from(shape.oid).into()],
        |row| Ok(row.get::<i32>(1)?.unwrap_or_default()),
    )?;
    let mut layouts = HashMap::new();
    for id in ids {
        if let Some(layout) = dictionary::layout(id)? {
            layouts.insert(id, layout);
        }
    }
    Ok(layouts)
}

/// The columns whose values go: those asked for, else all that were ever erasable.
fn personal(
    wanted: &Wanted,
    shape: &Shape,
    layouts: &HashMap<i32, Rc<Layout>>,
    table: &str,
) -> Result<HashSet<String>> {
    let all = || layouts.values().flat_map(|layout| &layout.description.columns);
    let Some(columns) = &wanted.columns else {
        let classes: HashMap<i16, Class> =
            classification::of_table(shape.oid)?.into_iter().collect();
        let of_now = shape.columns.iter().filter(|c| classes.get(&c.number) == Some(&Class::Pii));
        return Ok(all()
            .filter(|c| c.salted)
            .map(|c| c.name.clone())
            .chain(of_now.map(|c| c.name.clone()))
            .collect());
    };
    for column in columns {
        if !all().any(|c| c.name == *column) {
            let columns: HashSet<String> = all().map(|c| c.name.clone()).collect();
            let mut columns: Vec<String> = columns.into_iter().collect();
            columns.sort();
            return Err(Error::NoSuchColumn {
                table: table.into(),
                column: column.clone(),
                columns,
            });
        }
    }
    Ok(columns.iter().cloned().collect())
}

fn record(
    wanted: &Wanted,
    shape: &Shape,
    layouts: &HashMap<i32, Rc<Layout>>,
    named_by: &[String],
    (by, session): (&str, &str),
    found: &Erased,
) -> Result<()> {
    let table_key = layouts.values().map(|layout| layout.table_key).next().unwrap_or_default();
    query::run(
        include_str!("record_erasure.sql"),
        &[
            by.into(),
            session.into(),
            shape.schema.as_str().into(),
            shape.name.as_str().into(),
            table_key.into(),
            named_by.to_vec().into(),
            wanted.columns.clone().into(),
            wanted.reason.into(),
            found.events.into(),
            found.erased.into(),
            found.kept.into(),
        ],
    )
}
