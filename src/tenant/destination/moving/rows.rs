//! The rows of one table: read here, written there, compared on both sides. The texts are pure.

use super::remote::Remote;
use crate::catalog::{Column, Table};
use crate::error::Result;
use crate::pg::ident::{literal, qualified, quote};
use crate::pg::query;
use std::fmt::Write as _;

/// So much text goes in one statement, or one row.
const BATCH: usize = 1 << 20;
const ROWS: i64 = 200;

/// Rows and what they add up to: in no order, and the same on every machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Digest {
    pub rows: i64,
    text: String,
}

/// Empties the table there and copies what is here, in one transaction there; how many rows.
pub fn copy(remote: &Remote, slug: &str, table: &Table) -> Result<i64> {
    let _plain = plainly();
    let mut copied = 0;
    remote.whole(|| {
        remote.run(&format!("TRUNCATE ONLY {}", qualified(slug, &table.name)))?;
        let mut cursor = Some(query::cursor(&select(slug, table), &[])?);
        while let Some(open) = cursor {
            let rows;
            (rows, cursor) =
                query::fetch(open, ROWS, |row| Ok(row.get::<String>(1)?.unwrap_or_default()))?;
            copied += rows.len() as i64;
            let mut batch = String::new();
            for row in &rows {
                if batch.len() + row.len() > BATCH {
                    send(remote, slug, table, &mut batch)?;
                }
                element(&mut batch, row);
            }
            send(remote, slug, table, &mut batch)?;
        }
        Ok(())
    })?;
    Ok(copied)
}

pub fn here(slug: &str, table: &Table) -> Result<Digest> {
    let _plain = plainly();
    digest(query::value_here::<String>(&sum(slug, table), &[])?)
}

pub fn there(remote: &Remote, slug: &str, table: &Table) -> Result<Digest> {
    digest(remote.text(&sum(slug, table))?)
}

/// As the remote side has it; policies hide nothing, or it is an error.
fn plainly() -> crate::pg::guc::Scope {
    let scope = query::plainly();
    scope.set(c"row_security", "off");
    scope
}

fn digest(text: Option<String>) -> Result<Digest> {
    let text = text.unwrap_or_default();
    let rows = text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(-1);
    Ok(Digest { rows, text })
}

fn send(remote: &Remote, slug: &str, table: &Table, batch: &mut String) -> Result<()> {
    if !batch.is_empty() {
        remote.run(&insert(slug, table, batch))?;
        batch.clear();
    }
    Ok(())
}

/// One more element of an array, in its text form.
fn element(batch: &mut String, row: &str) {
    if !batch.is_empty() {
        batch.push(',');
    }
    batch.push('"');
    for c in row.chars() {
        if matches!(c, '"' | '\\') {
            batch.push('\\');
        }
        batch.push(c);
    }
    batch.push('"');
}

/// A whole row as text, as the row's own type reads it: with every column, also those that are computed.
fn row(table: &Table) -> String {
    let columns: Vec<String> =
        table.columns.iter().map(|c| format!("x.{}", quote(&c.name))).collect();
    format!("ROW({})::pg_catalog.text", columns.join(", "))
}

fn select(slug: &str, table: &Table) -> String {
    format!("SELECT {} FROM ONLY {} AS x", row(table), qualified(slug, &table.name))
}

fn insert(slug: &str, table: &Table, batch: &str) -> String {
    let target = qualified(slug, &table.name);
    let written: Vec<&Column> = table.columns.iter().filter(|c| c.generated.is_empty()).collect();
    let names: Vec<String> = written.iter().map(|c| quote(&c.name)).collect();
    let rows =
        format!("FROM pg_catalog.unnest({}::{target}[]) AS x", literal(&format!("{{{batch}}}")));
    if written.is_empty() {
        return format!("INSERT INTO {target} SELECT {rows}");
    }
    let overriding = match written.iter().any(|c| c.identity == "a") {
        true => " OVERRIDING SYSTEM VALUE",
        false => "",
    };
    let values: Vec<String> = names.iter().map(|n| format!("x.{n}")).collect();
    format!(
        "INSERT INTO {target} ({}){overriding} SELECT {} {rows}",
        names.join(", "),
        values.join(", ")
    )
}

/// Sums of both halves of each row's md5.
fn sum(slug: &str, table: &Table) -> String {
    let half = |from: u32| {
        let mut sql = String::new();
        let _ = write!(
            sql,
            "coalesce(sum(('x' || pg_catalog.substr(h.m, {from}, 16))::pg_catalog.bit(64)::pg_catalog.int8::pg_catalog.numeric), 0)"
        );
        sql
    };
    format!(
        "SELECT pg_catalog.format('%s %s %s', count(*), {}, {}) FROM (SELECT pg_catalog.md5({}) AS m FROM ONLY {} AS x OFFSET 0) h",
        half(1),
        half(17),
        row(table),
        qualified(slug, &table.name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let column = |name: &str, generated: &str, identity: &str| Column {
            name: name.into(),
            generated: generated.into(),
            identity: identity.into(),
            ..Column::default()
        };
        let columns = vec![column("id", "", "a"), column("A b", "", ""), column("twice", "s", "")];
        Table { name: "T".into(), columns, ..Table::default() }
    }

    #[test]
    fn whole_rows_go_and_what_is_computed_is_computed_again() {
        assert_eq!(
            select("acme", &table()),
            "SELECT ROW(x.id, x.\"A b\", x.twice)::pg_catalog.text FROM ONLY acme.\"T\" AS x"
        );
        let mut batch = String::new();
        element(&mut batch, "(1,\"it's\",)");
        element(&mut batch, "(2,a\\\\b,4)");
        assert_eq!(
            insert("acme", &table(), &batch),
            r#"INSERT INTO acme."T" (id, "A b") OVERRIDING SYSTEM VALUE SELECT x.id, x."A b" FROM pg_catalog.unnest(E'{"(1,\\"it''s\\",)","(2,a\\\\\\\\b,4)"}'::acme."T"[]) AS x"#
        );
    }

    #[test]
    fn a_table_of_nothing_but_computed_columns_keeps_its_number_of_rows() {
        let mut table = table();
        table.columns.retain(|c| c.name == "twice");
        assert!(insert("acme", &table, "\"(1)\"").starts_with("INSERT INTO acme.\"T\" SELECT FROM"));
    }
}
