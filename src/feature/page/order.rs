//! The order of a page: what the caller asked for, made total by a key. Pure.

use crate::error::{Error, Result};
use crate::feature::scanner::Scanner;
use crate::pg::ident::{qualified, quote};
use serde::Deserialize;

/// What page.sql says of the table.
#[derive(Debug, Clone, Deserialize)]
pub struct Paged {
    pub schema: String,
    pub name: String,
    pub kind: String,
    pub readable: bool,
    /// Whether other tables inherit from it: its keys do not hold for their rows.
    pub has_heirs: bool,
    pub tenant_columns: Vec<String>,
    pub columns: Vec<Column>,
    /// Valid B-trees over all rows, the primary key first.
    pub indexes: Vec<Index>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub name: String,
    pub r#type: String,
    pub type_oid: u32,
    pub not_null: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Index {
    pub name: String,
    pub unique: bool,
    pub columns: Vec<Option<IndexColumn>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IndexColumn {
    pub name: String,
    pub descending: bool,
    pub nulls_first: bool,
}

/// One column of the order.
#[derive(Debug, Clone)]
pub struct By<'a> {
    pub column: &'a Column,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Paged {
    #[must_use]
    pub fn qualified(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    fn column(&self, name: &str) -> Result<&Column> {
        self.columns.iter().find(|c| c.name == name).ok_or_else(|| Error::NoSuchColumn {
            table: self.qualified(),
            column: name.to_string(),
            columns: self.columns.iter().map(|c| quote(&c.name)).collect(),
        })
    }

    /// The column that says whose a row is, where one is known.
    #[must_use]
    pub fn tenant_column(&self) -> Option<&str> {
        const USUAL: &str = "organization_id";
        let protecting = &self.tenant_columns;
        if protecting.iter().any(|c| c == USUAL) {
            return Some(USUAL);
        }
        let named = protecting.first().map(String::as_str);
        named.or_else(|| self.column(USUAL).ok().map(|_| USUAL))
    }

    /// Columns of which no two rows have the same values: the primary key first.
    fn keys(&self) -> impl Iterator<Item = Vec<&Column>> {
        self.indexes.iter().filter(|i| i.unique).filter_map(|index| {
            let columns = index.columns.iter().map(|c| self.column(&c.as_ref()?.name).ok());
            let columns: Option<Vec<&Column>> = columns.collect();
            columns.filter(|columns| columns.iter().all(|c| c.not_null))
        })
    }
}

/// The order asked for, and after it what is missing of a key, in the direction of the last column.
/// `sortable` says whether a type has an order.
pub fn total<'a>(
    table: &'a Paged,
    text: &str,
    sortable: impl Fn(u32) -> bool,
) -> Result<Vec<By<'a>>> {
    let mut order = parse(table, text, sortable)?;
    let has = |order: &[By], key: &[&Column]| {
        key.iter().all(|k| order.iter().any(|by| by.column.name == k.name))
    };
    if table.has_heirs {
        let why = "Other tables inherit from it, and its keys do not hold for their rows.";
        return Err(Error::NoPageKey { table: table.qualified(), why });
    }
    if table.keys().any(|key| has(&order, &key)) {
        return Ok(order);
    }
    let Some(key) = table.keys().next() else {
        let why = "It has no primary key, and no other unique key over columns that are NOT NULL.";
        return Err(Error::NoPageKey { table: table.qualified(), why });
    };
    let descending = order.last().is_some_and(|by| by.descending);
    for column in key {
        if !order.iter().any(|by| by.column.name == column.name) {
            order.push(By { column, descending, nulls_first: descending });
        }
    }
    Ok(order)
}

/// `column [ASC | DESC] [NULLS FIRST | NULLS LAST], ...` and nothing else.
fn parse<'a>(table: &'a Paged, text: &str, sortable: impl Fn(u32) -> bool) -> Result<Vec<By<'a>>> {
    let refuse = |why: String| Error::BadOrder { order: text.to_string(), why };
    let mut order: Vec<By> = Vec::new();
    let mut scanner = Scanner::new(text);
    loop {
        let name =
            scanner.name().map_err(|why| refuse(format!("{why} at \"{}\"", scanner.rest())))?;
        let descending = !scanner.word("asc") && scanner.word("desc");
        let mut nulls_first = descending;
        if scanner.word("nulls") {
            nulls_first = scanner.word("first");
            if !nulls_first && !scanner.word("last") {
                return Err(refuse("FIRST or LAST is missing after NULLS".into()));
            }
        }
        let ended = scanner.at_end();
        if !ended && !scanner.take(',') {
            return Err(refuse(format!(
                "\"{}\" is neither a direction nor a comma",
                scanner.rest()
            )));
        }
        let column = table.column(&name)?;
        if order.iter().any(|by| by.column.name == name) {
            return Err(refuse(format!("column {} is named twice", quote(&name))));
        }
        if !sortable(column.type_oid) {
            return Err(refuse(format!(
                "values of column {} have no order: they are of type {}",
                quote(&name),
                column.r#type
            )));
        }
        if column.not_null {
            // Where no NULL is, its place means nothing, but to the index that serves.
            nulls_first = descending;
        }
        order.push(By { column, descending, nulls_first });
        if ended {
            return Ok(order);
        }
    }
}
