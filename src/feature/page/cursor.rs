//! One page of a table: the query, and the index that it needs. Pure.

use super::order::{By, IndexColumn, Paged};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, quote, truncate, MAX_IDENTIFIER};
use serde_json::{Map, Value};

/// The query of the page that comes after the row.
pub fn query(
    table: &Paged,
    order: &[By],
    after: Option<&Map<String, Value>>,
    size: i32,
) -> Result<String> {
    let condition = match after {
        Some(row) => format!("\nWHERE {}", beyond(order, &bounds(order, row)?)),
        None => String::new(),
    };
    let order: Vec<String> = order.iter().map(sort).collect();
    Ok(format!(
        "SELECT * FROM {}{condition}\nORDER BY {}\nLIMIT {size}",
        table.qualified(),
        order.join(", ")
    ))
}

fn sort(by: &By) -> String {
    let direction = if by.descending { " DESC" } else { "" };
    let nulls = match (by.descending, by.nulls_first) {
        (false, true) => " NULLS FIRST",
        (true, false) => " NULLS LAST",
        _ => "",
    };
    format!("{}{direction}{nulls}", quote(&by.column.name))
}

/// Where the last page ended: a literal for each column of the order; None for NULL.
fn bounds(order: &[By], row: &Map<String, Value>) -> Result<Vec<Option<String>>> {
    order.iter().map(|by| bound(by, row)).collect()
}

fn bound(by: &By, row: &Map<String, Value>) -> Result<Option<String>> {
    let (name, kind) = (&by.column.name, &by.column.r#type);
    let refuse = |why: String| Error::BadCursor { column: name.clone(), why };
    let value = row.get(name).ok_or_else(|| {
        let given: Vec<String> = row.keys().map(|k| quote(k)).collect();
        let given = if given.is_empty() { "nothing".into() } else { given.join(", ") };
        refuse(format!("The object has {given}."))
    })?;
    let text = match value {
        Value::Null if by.column.not_null => {
            return Err(refuse("It is null there, and the column is NOT NULL.".into()))
        }
        Value::Null => return Ok(None),
        _ if kind == "jsonb" => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => {
            return Err(refuse(format!(
                "It is an array or an object there, and the column is of type {kind}: give it as text, as PostgreSQL writes it."
            )))
        }
    };
    Ok(Some(format!("{}::{kind}", literal(&text))))
}

/// "The row comes after the bounds."
fn beyond(order: &[By], bounds: &[Option<String>]) -> String {
    let uniform = order.iter().all(|by| by.column.not_null && by.descending == order[0].descending);
    if uniform {
        let columns: Vec<String> = order.iter().map(|by| quote(&by.column.name)).collect();
        let values: Vec<&str> = bounds.iter().flatten().map(String::as_str).collect();
        let operator = if order[0].descending { "<" } else { ">" };
        return match (columns.as_slice(), values.as_slice()) {
            ([column], [value]) => format!("{column} {operator} {value}"),
            _ => format!("({}) {operator} ({})", columns.join(", "), values.join(", ")),
        };
    }
    let mut ways = Vec::new();
    let mut equal: Vec<String> = Vec::new();
    for (by, bound) in order.iter().zip(bounds) {
        let column = quote(&by.column.name);
        if let Some(after) = after(by, &column, bound.as_deref()) {
            let all: Vec<&str> = equal.iter().map(String::as_str).chain([after.as_str()]).collect();
            ways.push(all.join(" AND "));
        }
        equal.push(match bound {
            Some(value) => format!("{column} = {value}"),
            None => format!("{column} IS NULL"),
        });
    }
    let ways = ways.join("\n   OR ");
    // Says nothing new, but an index can begin there.
    match start(&order[0], bounds[0].as_deref()) {
        Some(start) => format!("{start}\n  AND ({ways})"),
        None => format!("({ways})"),
    }
}

/// "The column's value comes after the bound"; None where nothing does.
fn after(by: &By, column: &str, bound: Option<&str>) -> Option<String> {
    let operator = if by.descending { "<" } else { ">" };
    match bound {
        Some(value) if by.column.not_null || by.nulls_first => {
            Some(format!("{column} {operator} {value}"))
        }
        Some(value) => Some(format!("({column} {operator} {value} OR {column} IS NULL)")),
        None => by.nulls_first.then(|| format!("{column} IS NOT NULL")),
    }
}

fn start(by: &By, bound: Option<&str>) -> Option<String> {
    let column = quote(&by.column.name);
    let operator = if by.descending { "<=" } else { ">=" };
    match bound {
        Some(value) => {
            let bounded = by.column.not_null || by.nulls_first;
            bounded.then(|| format!("{column} {operator} {value}"))
        }
        None => (!by.nulls_first).then(|| format!("{column} IS NULL")),
    }
}

/// The statement that makes the index; None where there is one already.
#[must_use]
pub fn index(table: &Paged, order: &[By]) -> Option<String> {
    let tenant = table.tenant_column();
    let wanted: Vec<&By> =
        order.iter().filter(|by| Some(by.column.name.as_str()) != tenant).collect();
    if table.indexes.iter().any(|i| serves(&i.columns, tenant, &wanted)) {
        return None;
    }
    // An index is read backwards as well as forwards: written so that it begins ascending.
    let backwards = wanted.first().is_some_and(|by| by.descending);
    let columns = wanted.iter().map(|by| {
        sort(&By {
            column: by.column,
            descending: by.descending != backwards,
            nulls_first: by.nulls_first != backwards,
        })
    });
    let columns: Vec<String> = tenant.map(quote).into_iter().chain(columns).collect();
    let name =
        name(table, tenant.into_iter().chain(wanted.iter().map(|by| by.column.name.as_str())));
    Some(format!("CREATE INDEX {} ON {} ({})", quote(&name), table.qualified(), columns.join(", ")))
}

/// Whether an index's columns give one tenant's rows in the order, forwards or backwards.
fn serves(columns: &[Option<IndexColumn>], tenant: Option<&str>, wanted: &[&By]) -> bool {
    let mut columns = columns.iter();
    if let Some(tenant) = tenant {
        let leads = columns.next().is_some_and(|c| c.as_ref().is_some_and(|c| c.name == tenant));
        if !leads {
            return false;
        }
    }
    let found: Vec<&IndexColumn> = columns.map_while(Option::as_ref).take(wanted.len()).collect();
    let as_wanted = |backwards: bool| {
        found.iter().zip(wanted).all(|(c, by)| {
            c.name == by.column.name
                && c.descending == (by.descending != backwards)
                && c.nulls_first == (by.nulls_first != backwards)
        })
    };
    found.len() == wanted.len() && (as_wanted(false) || as_wanted(true))
}

/// `idx_<table>_<columns>`, cut to what PostgreSQL keeps; one of the table's that has the name is avoided.
fn name<'a>(table: &Paged, columns: impl Iterator<Item = &'a str>) -> String {
    let columns: Vec<&str> = columns.collect();
    let full = format!("idx_{}_{}", table.name, columns.join("_"));
    let taken = |name: &str| table.indexes.iter().any(|i| i.name == name);
    let mut name = truncate(&full, MAX_IDENTIFIER).to_string();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        let suffix = format!("_{number}");
        name = format!("{}{suffix}", truncate(&full, MAX_IDENTIFIER - suffix.len()));
    }
    name
}
