//! From a table without a tenant column to the table that has it, along foreign keys. Pure.

use crate::catalog::{ForeignKey, IdType, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{qualified, quote};

/// The foreign keys to follow, in order; the last one's table has the tenant column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub keys: Vec<ForeignKey>,
}

/// The one shortest path from `table` to a table with the tenant column; with `via`, one that begins
/// with a foreign key of that column. An error lists the paths where there are several, and says what
/// was looked for where there is none.
pub fn find(
    table: &Table,
    tenant_column: &str,
    via: Option<&str>,
    keys: &[ForeignKey],
) -> Result<Path> {
    if let Some(column) = via {
        table.require_column(column)?;
    }
    let from = |oid: u32| keys.iter().filter(move |k| k.from == oid && k.to != oid);
    let first =
        |key: &&ForeignKey| via.is_none_or(|column| key.columns.iter().any(|c| c == column));
    let mut paths: Vec<Vec<&ForeignKey>> =
        from(table.oid).filter(first).map(|key| vec![key]).collect();
    // Breadth first: all paths of one length, until some of them arrive.
    while !paths.is_empty() {
        let (there, on): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|p| p.last().is_some_and(|k| k.tenant.is_some()));
        match there.as_slice() {
            [] => {}
            [one] => return Ok(Path { keys: one.iter().map(|k| (*k).clone()).collect() }),
            several => {
                return Err(Error::AmbiguousPath {
                    table: table.qualified(),
                    paths: several.iter().map(|p| describe(p)).collect(),
                    columns: several
                        .iter()
                        .map(|p| p[0].columns.join(", "))
                        .collect::<std::collections::BTreeSet<_>>()
                        .into_iter()
                        .collect(),
                })
            }
        }
        paths = on
            .into_iter()
            .flat_map(|path| {
                let to = path.last().map_or(0, |k| k.to);
                let seen: Vec<u32> = path.iter().map(|k| k.from).collect();
                from(to)
                    .filter(move |key| !seen.contains(&key.to))
                    .map(move |key| path.iter().copied().chain([key]).collect())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    match via {
        Some(column) => Err(Error::NoPath {
            table: table.qualified(),
            via: column.into(),
            tenant_column: tenant_column.into(),
        }),
        None => Err(Error::NoSuchColumn {
            table: table.qualified(),
            column: tenant_column.into(),
            columns: table.columns.iter().map(|c| c.quoted.clone()).collect(),
        }),
    }
}

fn describe(path: &[&ForeignKey]) -> String {
    path.iter()
        .map(|key| format!("{} -> {}", key.columns.join(", "), qualified(&key.schema, &key.name)))
        .collect::<Vec<_>>()
        .join(" -> ")
}

impl Path {
    #[must_use]
    pub fn describe(&self) -> String {
        describe(&self.keys.iter().collect::<Vec<_>>())
    }

    /// The type of the tenant column at its end.
    pub fn id_type(&self) -> Result<IdType> {
        let key = self.end();
        let Some(tenant) = &key.tenant else {
            return Err(Error::Internal { what: "a path has no end".into() });
        };
        IdType::from_sql(&tenant.base_type).ok_or_else(|| Error::WrongColumnType {
            table: qualified(&key.schema, &key.name),
            column: tenant.name.clone(),
            found: tenant.r#type.clone(),
            wanted: crate::catalog::ID_TYPES,
        })
    }

    #[must_use]
    pub fn end(&self) -> &ForeignKey {
        &self.keys[self.keys.len() - 1]
    }

    /// "The row's parent is the tenant's". Every column in it is qualified: a bare name could be taken
    /// for a column of another table in it, or of the row itself.
    #[must_use]
    pub fn condition(&self, table: &Table, tenant: impl Fn(&str) -> String) -> String {
        // Not the row's own table: it would take the row's place.
        let lead =
            if table.name.starts_with("tenant_guard_") { "parent_" } else { "tenant_guard_" };
        let alias = |i: usize| format!("{lead}{}", i + 1);
        let mut conditions = Vec::new();
        let mut child = quote(&table.name);
        for (i, key) in self.keys.iter().enumerate() {
            for ((theirs, ours), operator) in
                key.referenced.iter().zip(&key.columns).zip(&key.operators)
            {
                let (parent, theirs, ours) = (alias(i), quote(theirs), quote(ours));
                conditions.push(format!("({parent}.{theirs} {operator} {child}.{ours})"));
            }
            child = alias(i);
        }
        let column = self.end().tenant.as_ref().map_or_else(String::new, |t| t.quoted.clone());
        conditions.push(tenant(&format!("{child}.{column}")));
        let tables: Vec<String> = self
            .keys
            .iter()
            .enumerate()
            .map(|(i, key)| format!("{} {}", qualified(&key.schema, &key.name), alias(i)))
            .collect();
        format!("(EXISTS ( SELECT FROM {} WHERE {}))", tables.join(", "), conditions.join(" AND "))
    }
}
