//! What comes after a soft delete: bringing rows back, or deleting them for good.

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::attempt::attempt;
use crate::pg::guc::Scope;
use crate::pg::ident::{literal, qualified, quote};
use crate::pg::types::RegClass;
use crate::pg::{log, query, user};
use crate::settings;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pgrx::JsonB;
use serde::Deserialize;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

#[derive(Deserialize)]
struct Deletable {
    schema: String,
    name: String,
    soft_delete: bool,
    key: Vec<KeyColumn>,
    children: Vec<Child>,
}

#[derive(Deserialize)]
struct KeyColumn {
    name: String,
    r#type: String,
}

/// A foreign key that points here.
#[derive(Deserialize)]
struct Child {
    oid: u32,
    columns: Vec<ChildColumn>,
}

#[derive(Deserialize)]
struct ChildColumn {
    name: String,
    referenced: String,
    r#type: String,
}

impl Deletable {
    fn read(oid: u32) -> Result<Self> {
        query::model(include_str!("deleted.sql"), &[Oid::from(oid).into()])?
            .ok_or(Error::NoSuchTable { oid })
    }

    fn qualified(&self) -> String {
        qualified(&self.schema, &self.name)
    }
}

/// Brings a soft-deleted row back, and with it the rows of other tables that were deleted with it. The
/// row is named by its primary key, each column with its value. It is done with the caller's own rights:
/// privileges and policies hold as for an UPDATE.
/// Returns the number of rows brought back; 0 where there is no such deleted row that the caller may
/// change. Raises 42501, 42P01, 55000 for a table without the feature, 22023 for what is no key, 22004,
/// 23505 where a new row has taken a unique value meanwhile.
///
/// Example: `SELECT tenant_guard.restore_row('crm.contacts', '{"id": 7}');`
#[pg_extern(volatile, parallel_unsafe)]
fn restore_row(table: Option<RegClass>, key: Option<JsonB>) -> Result<i64, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "restore_row", argument };
    let table = table.ok_or_else(|| null("table"))?;
    let key = key.ok_or_else(|| null("key"))?.0;
    Ok(restore(table.0, &key)?)
}

fn restore(oid: u32, key: &serde_json::Value) -> Result<i64> {
    let table = Deletable::read(oid)?;
    if !table.soft_delete {
        return Err(Error::NotSoftDeleted { table: table.qualified() });
    }
    let names: Vec<&str> = table.key.iter().map(|c| c.name.as_str()).collect();
    let fits = key.as_object().is_some_and(|object| {
        !names.is_empty()
            && object.len() == names.len()
            && names.iter().all(|n| object.get(*n).is_some_and(|v| !v.is_null()))
    });
    if !fits {
        return Err(Error::NotTheKey {
            table: table.qualified(),
            given: key.to_string(),
            columns: names.into_iter().map(str::to_string).collect(),
        });
    }
    let condition: Vec<String> =
        table.key.iter().map(|c| same(&c.name, &c.name, &c.r#type)).collect();
    let scope = Scope::new();
    scope.search_path(query::PINNED);
    scope.set(settings::SHOW_DELETED_NAME, "on");
    let first = Waiting { table: Rc::new(table), condition, key: key.to_string(), at: None };
    let mut known = HashMap::from([(oid, first.table.clone())]);
    let mut waiting = VecDeque::from([first]);
    let mut count = 0;
    while let Some(next) = waiting.pop_front() {
        let restored = restore_where(&next)?;
        count += i64::try_from(restored.len()).unwrap_or(i64::MAX);
        if restored.is_empty() {
            continue;
        }
        for child in &next.table.children {
            let condition: Vec<String> =
                child.columns.iter().map(|c| same(&c.name, &c.referenced, &c.r#type)).collect();
            let table = match known.get(&child.oid) {
                Some(table) => table.clone(),
                None => {
                    let read = Rc::new(Deletable::read(child.oid)?);
                    known.insert(child.oid, read.clone());
                    read
                }
            };
            waiting.extend(restored.iter().filter(|(_, at)| at.is_some()).map(|(row, at)| {
                let (table, condition) = (table.clone(), condition.clone());
                Waiting { table, condition, key: row.clone(), at: at.clone() }
            }));
        }
    }
    Ok(count)
}

/// Rows to be brought back.
struct Waiting {
    table: Rc<Deletable>,
    /// All of them hold, of the JSON object in `key`.
    condition: Vec<String>,
    key: String,
    /// When they were deleted, unless that does not matter.
    at: Option<String>,
}

/// `o.column = value of the JSON object in $1`.
fn same(column: &str, key: &str, r#type: &str) -> String {
    format!("o.{} = ($1::pg_catalog.jsonb ->> {})::{type}", quote(column), literal(key))
}

/// The rows brought back, as JSON objects, and when each had been deleted, where that was noted.
fn restore_where(what: &Waiting) -> Result<Vec<(String, Option<String>)>> {
    let sql = format!(
        "UPDATE {table} t SET is_deleted = false, deleted_at = NULL, deleted_by = NULL, deletion_reason = NULL
         FROM (SELECT o.tableoid AS part, o.ctid AS place, o.deleted_at FROM {table} o
               WHERE o.is_deleted AND {condition} AND ($2 IS NULL OR o.deleted_at = $2::pg_catalog.timestamptz)
               FOR UPDATE) old
         WHERE t.tableoid = old.part AND t.ctid = old.place
         RETURNING pg_catalog.to_jsonb(t)::pg_catalog.text, old.deleted_at::pg_catalog.text",
        table = what.table.qualified(),
        condition = what.condition.join(" AND "),
    );
    let restored =
        query::changed_here(&sql, &[what.key.as_str().into(), what.at.as_deref().into()], |row| {
            Ok((row.get::<String>(1)?, row.get::<String>(2)?))
        })?;
    Ok(restored.into_iter().filter_map(|(row, at)| Some((row?, at))).collect())
}

#[derive(Deserialize)]
struct Purgeable {
    oid: u32,
    schema: String,
    name: String,
    kind: String,
    owner: u32,
    /// The tables that its foreign keys point at.
    refers: Vec<u32>,
}

/// Deletes for good what was soft-deleted longer ago than the interval: of one table and all that
/// inherits from it, or of every table with the feature whose owner's rights the caller has. Rows that
/// refer to others go before them; what a foreign key ON DELETE CASCADE takes along goes too, and is
/// not counted. Policies are not looked at. Tables: name and number of rows; in a dry run how many
/// there are to go. Where all are purged, a table that fails is warned of, and left out.
/// Raises 42501 for a table of another owner, 55000 for one without the feature, 22023, 22004, and
/// what a foreign key raises that forbids it.
///
/// Example: `SELECT * FROM tenant_guard.purge_deleted('90 days', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn purge_deleted(
    older_than: Option<Interval>,
    table: default!(Option<RegClass>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<'static, (name!(table, Option<String>), name!(rows, Option<i64>))>,
    ErrorReport,
> {
    let null = |argument| Error::NullArgument { function: "purge_deleted", argument };
    let older_than = older_than.ok_or_else(|| null("older_than"))?;
    let purged = purge(older_than, table, dry_run.unwrap_or(false))?;
    Ok(TableIterator::new(purged.into_iter().map(|(table, rows)| (Some(table), Some(rows)))))
}

fn purge(
    older_than: Interval,
    table: Option<RegClass>,
    dry_run: bool,
) -> Result<Vec<(String, i64)>> {
    let oids = match table {
        Some(table) => {
            let family = catalog::table_family(table, true)?;
            Some(family.iter().map(|t| Oid::from(t.oid)).collect::<Vec<Oid>>())
        }
        None => None,
    };
    let negative =
        query::value::<bool>("SELECT $1 < '0'::pg_catalog.interval", &[older_than.into()])?;
    if negative == Some(true) {
        return Err(Error::NegativeInterval { function: "purge_deleted" });
    }
    let before = query::value::<TimestampWithTimeZone>(
        "SELECT pg_catalog.now() - $1",
        &[older_than.into()],
    )?;
    let found: Option<Vec<Purgeable>> =
        query::model(include_str!("purgeable.sql"), &[oids.into()])?;
    let found = found.unwrap_or_default();
    if let (Some(table), true) = (table, found.is_empty()) {
        return Err(Error::NotSoftDeleted { table: catalog::table(table)?.qualified() });
    }
    let all = table.is_none();
    let mut purged = Vec::with_capacity(found.len());
    for table in children_first(found) {
        let name = qualified(&table.schema, &table.name);
        let only = if table.kind == "p" { "" } else { "ONLY " };
        let chosen = format!("FROM {only}{name} t WHERE t.is_deleted AND t.deleted_at < $1");
        let sql = if dry_run {
            format!("SELECT pg_catalog.count(*) {chosen}")
        } else {
            format!(
                "WITH gone AS (DELETE {chosen} RETURNING 1) SELECT pg_catalog.count(*) FROM gone"
            )
        };
        let delete = || {
            user::as_table_owner(Oid::from(table.owner), || {
                query::returning::<i64>(&sql, &[before.into()])
            })
        };
        let rows = if all {
            // One table that cannot be purged does not keep the others.
            match attempt(delete) {
                Ok(rows) => rows,
                Err(why) => {
                    log::warning(
                        &format!("the deleted rows of {name} stay"),
                        &why,
                        &format!("Purge the table by itself once that is mended: tenant_guard.purge_deleted(..., {}).", literal(&name)),
                    );
                    continue;
                }
            }
        } else {
            delete()?
        };
        purged.push((name, rows.unwrap_or(0)));
    }
    Ok(purged)
}

/// Tables in an order in which each comes before those that it refers to; where they refer to each
/// other in a circle, as they come.
fn children_first(mut tables: Vec<Purgeable>) -> Vec<Purgeable> {
    let mut ordered = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let referred: HashSet<u32> = tables
            .iter()
            .flat_map(|t| t.refers.iter().copied().filter(|oid| *oid != t.oid))
            .collect();
        let next = tables.iter().position(|t| !referred.contains(&t.oid)).unwrap_or(0);
        ordered.push(tables.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(oid: u32, refers: &[u32]) -> Purgeable {
        Purgeable {
            oid,
            schema: "s".into(),
            name: format!("t{oid}"),
            kind: "r".into(),
            owner: 10,
            refers: refers.to_vec(),
        }
    }

    #[test]
    fn what_refers_goes_before_what_it_refers_to() {
        let order = |tables: Vec<Purgeable>| {
            children_first(tables).iter().map(|t| t.oid).collect::<Vec<_>>()
        };
        assert_eq!(order(vec![table(1, &[]), table(2, &[1]), table(3, &[2, 1])]), [3, 2, 1]);
        assert_eq!(order(vec![table(1, &[1]), table(2, &[1])]), [2, 1]);
        assert_eq!(order(vec![table(1, &[2]), table(2, &[1])]), [1, 2]);
    }
}
