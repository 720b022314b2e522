//! Unique keys that tenants share. Pure.

use super::warn;
use crate::catalog::{Constraint, Table};
use crate::pg::ident::quote;
use crate::plan::{Kind, Object, Plan, Step};

/// Keys that all tenants share: whoever inserts a taken value learns that it is taken.
pub fn keys(plan: &mut Plan, table: &Table, bound: &[&str]) {
    for key in table.constraints.iter().filter(|k| matches!(k.kind.as_str(), "p" | "u" | "x")) {
        let has_tenant = key.columns.iter().any(|c| bound.contains(&c.as_str()));
        if has_tenant || key.inherited || is_surrogate(table, &key.columns) {
            continue;
        }
        let (word, hint) = match key.kind.as_str() {
            "x" => ("exclusion constraint", "Add the tenant column WITH = to it (extension btree_gist gives uuid, text and bigint the operator class)."),
            "p" => ("primary key", "Make the tenant column a part of it, or use keys that nobody chooses."),
            _ => ("unique constraint", "Make the tenant column a part of it."),
        };
        let fix = (key.kind == "u").then(|| widened(table, key, bound)).flatten();
        warn(
            plan,
            format!(
                "{word} {} of {} is shared by all tenants",
                quote(&key.name),
                table.qualified()
            ),
            "It looks past policies: whoever inserts a value that another tenant has is told so.",
            hint,
            fix,
        );
    }
    for index in table.indexes.iter().filter(|i| i.unique && i.constraint.is_none()) {
        let columns: Vec<&str> = index.columns.iter().flatten().map(String::as_str).collect();
        if columns.iter().any(|c| bound.contains(c)) || index.parent.is_some() {
            continue;
        }
        warn(
            plan,
            format!(
                "unique index {} of {} is shared by all tenants",
                quote(&index.name),
                table.qualified()
            ),
            "It looks past policies: whoever inserts a value that another tenant has is told so.",
            "Make the tenant column its first column.",
            None,
        );
    }
}

/// A key whose values nobody chooses.
fn is_surrogate(table: &Table, columns: &[String]) -> bool {
    let [column] = columns else { return false };
    table.column(column).is_some_and(|c| {
        !c.identity.is_empty()
            || c.default.as_deref().is_some_and(|d| {
                d.starts_with("nextval(") || d.contains("uuid") && d.ends_with("()")
            })
    })
}

/// The constraint with the tenant column in front; None where foreign keys hang on it.
fn widened(table: &Table, key: &Constraint, bound: &[&str]) -> Option<Plan> {
    let [tenant] = bound else { return None };
    if key.deferrable || table.referenced_by.iter().any(|r| same_set(&r.referenced, &key.columns)) {
        return None;
    }
    let columns = |lead: &[&str]| {
        let all = lead.iter().copied().chain(key.columns.iter().map(String::as_str));
        all.map(quote).collect::<Vec<_>>().join(", ")
    };
    let with = |columns: String| {
        format!(
            "ALTER TABLE {t} DROP CONSTRAINT {k}, ADD CONSTRAINT {k} UNIQUE ({columns})",
            t = table.qualified(),
            k = quote(&key.name)
        )
    };
    let mut fix = Plan::new("protect_table", table.qualified());
    fix.push(Step::new(
        Object::in_table(Kind::Constraint, &table.schema, &table.name, &key.name),
        format!("add the tenant to {}", key.name),
        "a value is taken within its organization only",
        with(columns(&[tenant])),
        with(columns(&[])),
    ));
    Some(fix)
}

pub fn same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|x| b.contains(x))
}
