//! Names of what the features make. Pure.

use crate::catalog::{Named, Table};
use crate::pg::ident::{truncate, MAX_IDENTIFIER};

/// `idx_<table>_<columns>`, cut to what PostgreSQL keeps.
#[must_use]
pub fn index(table: &Table, columns: &[String]) -> String {
    truncate(&format!("idx_{}_{}", table.name, columns.join("_")), MAX_IDENTIFIER).to_string()
}

/// `<table>_<columns>_<suffix>`, cut to what PostgreSQL keeps.
#[must_use]
pub fn constraint(table: &Table, columns: &[String], suffix: &str) -> String {
    let body = format!("{}_{}", table.name, columns.join("_"));
    format!("{}_{suffix}", truncate(&body, MAX_IDENTIFIER - suffix.len() - 1))
}

/// The name, with a number where the table has a constraint of that name.
#[must_use]
pub fn free_constraint(table: &Table, name: &str) -> String {
    free(name, |n| table.constraints.iter().any(|k| k.name == n))
}

/// The name, with a number where the schema has a relation of that name.
#[must_use]
pub fn free_relation(schema: &str, name: &str, taken: &[Named]) -> String {
    free(name, |n| taken.iter().any(|t| t.schema == schema && t.name == n))
}

fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    (0..)
        .map(|n| match n {
            0 => name.to_string(),
            n => {
                let suffix = format!("_{n}");
                format!("{}{suffix}", truncate(name, MAX_IDENTIFIER - suffix.len()))
            }
        })
        .find(|candidate| !taken(candidate))
        .unwrap_or_else(|| name.to_string())
}
