//! Names of the template that the tenant has something else under. Pure.

use crate::catalog::Schema;
use crate::pg::ident::quote;
use std::collections::HashMap;

/// Something of the tenant's whose name the template has given to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub name: String,
    /// table, view, sequence or index.
    pub word: &'static str,
    /// What it goes with.
    pub table: Option<String>,
    /// What it is called until it goes.
    pub gone: String,
}

impl Taken {
    #[must_use]
    pub fn describe(&self) -> String {
        let of = self.table.as_ref().map(|t| format!(" of {}", quote(t))).unwrap_or_default();
        format!("{} {}{of}", self.word, quote(&self.name))
    }
}

type Home<'a> = (&'a str, &'static str, Option<&'a str>);

/// Tables, views, sequences and indexes have their names in common.
fn homes(schema: &Schema) -> Vec<Home<'_>> {
    let mut homes: Vec<Home> = Vec::new();
    for (word, relations) in [("table", &schema.tables), ("view", &schema.views)] {
        for relation in relations {
            homes.push((&relation.name, word, None));
            let indexes = relation.indexes.iter();
            homes.extend(indexes.map(|i| (i.name.as_str(), "index", Some(relation.name.as_str()))));
        }
    }
    homes.extend(schema.sequences.iter().map(|s| {
        (s.name.as_str(), "sequence", s.owned_by.as_ref().map(|owner| owner.table.as_str()))
    }));
    homes
}

/// As when a table of the template was renamed: its indexes keep their names, and the tenant has them on the table
/// of the old name.
#[must_use]
pub fn taken(template: &Schema, tenant: &Schema) -> Vec<Taken> {
    let wanted: HashMap<&str, Home> = homes(template).into_iter().map(|h| (h.0, h)).collect();
    let goes = |table: Option<&str>| {
        table.is_some_and(|name| !template.tables.iter().any(|t| t.name == name))
    };
    let found = homes(tenant).into_iter().filter(|(name, word, table)| {
        wanted.get(name).is_some_and(|(_, new, home)| match (*word == *new, *word) {
            (true, "index") => table != home,
            (true, "sequence") => goes(*table),
            (same, _) => !same,
        })
    });
    found
        .enumerate()
        .map(|(i, (name, word, table))| Taken {
            name: name.into(),
            word,
            table: table.map(str::to_string),
            gone: format!("tenant_guard_gone_{i}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Index, Table};

    fn schema(tables: &[(&str, &str)], views: &[&str]) -> Schema {
        let table = |(name, index): &(&str, &str)| Table {
            name: name.to_string(),
            indexes: vec![Index { name: index.to_string(), ..Index::default() }],
            ..Table::default()
        };
        let view = |name: &&str| Table { name: name.to_string(), ..Table::default() };
        Schema {
            tables: tables.iter().map(table).collect(),
            views: views.iter().map(view).collect(),
            ..Schema::default()
        }
    }

    #[test]
    fn what_has_a_name_of_the_templates_and_is_something_else_is_in_the_way() {
        let said = |template: &Schema, tenant: &Schema| -> Vec<String> {
            taken(template, tenant).iter().map(Taken::describe).collect()
        };
        let old = schema(&[("t", "t_pkey"), ("u", "u_pkey")], &["v"]);
        assert_eq!(said(&old, &old), Vec::<String>::new());
        let renamed = schema(&[("T 2", "t_pkey"), ("u", "u_pkey")], &["v"]);
        assert_eq!(said(&renamed, &old), ["index t_pkey of t"]);
        let turned = schema(&[("v", "v_pkey"), ("u", "u_pkey")], &["t"]);
        assert_eq!(said(&turned, &old), ["table t", "view v"]);
    }
}
