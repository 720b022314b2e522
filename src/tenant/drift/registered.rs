//! What tenant_guard knows of the template and not of the tenant: that a table is protected, the class of a column.
//! Policies alone are nobody's until they are registered. Pure.

use super::diff::{Change, Difference, Fix, Phase};
use crate::catalog::Schema;
use crate::pg::ident::{qualified, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::registrations::statements;
use crate::tenant::registry::Registered;

/// What the tenant has registered beside it is its own affair.
#[must_use]
pub fn changes(tenant: &Schema, wanted: &[Registered], had: &[Registered]) -> Vec<Change> {
    let names = tenant.names();
    let mut changes = Vec::new();
    for new in wanted.iter().filter(|r| matches!(r.kind.as_str(), "protection" | "class")) {
        let same = |r: &&Registered| {
            (&r.kind, &r.table, &r.column) == (&new.kind, &new.table, &new.column)
        };
        let old = had.iter().find(same);
        if old.is_some_and(|old| old.value == new.value) {
            continue;
        }
        let one = |r: &Registered| {
            statements(std::slice::from_ref(r), &tenant.name, &names).into_iter().next()
        };
        let Some((action, sql, mut undo)) = one(new) else { continue };
        if let Some((_, back, _)) = old.and_then(one) {
            undo = back;
        }
        let table = new.table.as_deref().unwrap_or_default();
        let object = match &new.column {
            Some(column) => qualified(table, column),
            None => quote(table),
        };
        let kind = if new.kind == "class" { "class" } else { "protection" };
        let step = Object::schema(Kind::Privileges, &tenant.name);
        let step = Step::new(step, action, "registered as in the template", sql, undo);
        changes.push(Change {
            kind,
            object,
            difference: if old.is_some() { Difference::Different } else { Difference::Missing },
            expected: Some(new.value.clone()),
            actual: old.map(|old| old.value.clone()),
            fix: Fix::step(Phase::Registrations, step),
            remake: None,
        });
    }
    changes
}
