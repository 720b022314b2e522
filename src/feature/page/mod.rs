//! Pages of a table by key: each begins where the last one ended, whatever was inserted meanwhile.

mod cursor;
mod order;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::pg::types::RegClass;
use crate::pg::{query, relation, statement};
use order::Paged;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pgrx::JsonB;

const MOST_ROWS: i32 = 10_000;

/// Writes the query of one page of a table, to be run as it is: sql, which takes as long for the last page
/// as for the first; and index, the CREATE INDEX statement for the index that it needs, NULL where there
/// is one. order: `column [ASC | DESC] [NULLS FIRST | NULLS LAST], ...`; the primary key, or another
/// unique key that is NOT NULL, is added behind it, so that no two rows are equal. after: the last row of
/// the page before, as a JSON object with at least the columns that sql orders by; NULL for the first
/// page. page_size: rows, 1 to 10000. The query has no condition on the tenant: the table's policies do.
/// The caller needs SELECT on the table. Raises 22004, 22023 (order, after, page_size), 42501, 42703,
/// 42809, 42P01, 55000 (no key).
///
/// Example: `SELECT sql FROM tenant_guard.page_query('crm.contacts', 'name, created_at', '{"id": 7, "name": "Ada", "created_at": "2026-01-01T00:00:00Z"}');`
#[pg_extern(stable, parallel_safe)]
fn page_query(
    table: Option<RegClass>,
    order: Option<&str>,
    after: default!(Option<JsonB>, "NULL"),
    page_size: default!(Option<i32>, "50"),
) -> Result<TableIterator<'static, (name!(sql, String), name!(index, Option<String>))>, ErrorReport>
{
    let null = |argument| Error::NullArgument { function: "page_query", argument };
    let table = table.ok_or_else(|| null("table"))?;
    let order = order.ok_or_else(|| null("order"))?;
    let size = page_size.ok_or_else(|| null("page_size"))?;
    Ok(TableIterator::once(page(table, order, after, size)?))
}

fn page(
    table: RegClass,
    order: &str,
    after: Option<JsonB>,
    size: i32,
) -> Result<(String, Option<String>)> {
    let paged = read(table)?;
    if !(1..=MOST_ROWS).contains(&size) {
        return Err(Error::OutOfRange {
            argument: "page_size",
            value: size.to_string(),
            range: "1 to 10000",
        });
    }
    let order = order::total(&paged, order, |oid| statement::has_order(Oid::from(oid)))?;
    let after = match &after {
        None => None,
        Some(JsonB(serde_json::Value::Object(row))) => Some(row),
        Some(_) => return Err(Error::NoRowObject),
    };
    Ok((cursor::query(&paged, &order, after, size)?, cursor::index(&paged, &order)))
}

fn read(table: RegClass) -> Result<Paged> {
    let paged: Option<Paged> =
        query::model(include_str!("page.sql"), &[Oid::from(table.0).into()])?;
    let paged = paged.ok_or(Error::NoSuchTable { oid: table.0 })?;
    let kind = paged.kind.chars().next().and_then(relation::other_kind);
    if let Some(kind) = kind {
        return Err(Error::WrongRelationKind {
            relation: paged.qualified(),
            kind,
            wanted: "an ordinary or partitioned table",
            hint: "Name the table that holds the rows: only its key tells them apart.".into(),
        });
    }
    if !paged.readable {
        return Err(Error::NotPermitted {
            what: format!("reading {}", paged.qualified()),
            detail: "You have no SELECT on the table.".into(),
            hint: "Have its owner grant it: GRANT SELECT ON the table TO you.".into(),
        });
    }
    Ok(paged)
}
