//! Views, routines, operators, casts, collations, text search and ranges: which differ, and what else goes with
//! them. Pure.

use super::diff::{Change, Difference, Fix};
use super::names::{taken, Taken};
use super::side::{what, Side};
use crate::catalog::{Address, Schema, Table};
use crate::pg::ident::{qualified, quote};
use crate::tenant::order::{key_address, Node};
use std::collections::{BTreeSet, HashMap, HashSet};

pub struct Objects<'a> {
    pub(super) template: Side<'a>,
    pub(super) tenant: Side<'a>,
    pub(super) caller: String,
}

impl<'a> Objects<'a> {
    #[must_use]
    pub fn new(template: &'a Schema, tenant: &'a Schema, caller: &str) -> Self {
        let slug = &tenant.name;
        Objects {
            template: Side::new(template, slug, caller),
            tenant: Side::new(tenant, slug, caller),
            caller: caller.into(),
        }
    }

    #[must_use]
    pub fn caller(&self) -> &str {
        &self.caller
    }

    pub(super) fn wanted(&self, key: &str) -> Option<&Node<'a>> {
        self.template.places.get(key).map(|i| &self.template.order.nodes[*i])
    }

    fn had(&self, key: &str) -> Option<&Node<'a>> {
        self.tenant.places.get(key).map(|i| &self.tenant.order.nodes[*i])
    }

    /// What of them differs. The steps come when it is known what else is done.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let keys: BTreeSet<&String> =
            self.template.places.keys().chain(self.tenant.places.keys()).collect();
        keys.into_iter().filter_map(|key| self.change(key)).collect()
    }

    fn change(&self, key: &str) -> Option<Change> {
        let (wanted, had) = (self.wanted(key), self.had(key));
        let named = what(wanted.or(had)?)?;
        let difference = match (wanted, had) {
            (Some(_), None) => Difference::Missing,
            (None, Some(_)) => Difference::Extra,
            (Some(a), Some(b)) => {
                if self.template.identity(a, key) == self.tenant.identity(b, key) {
                    return None;
                }
                Difference::Different
            }
            (None, None) => return None,
        };
        let mut fix = Fix { destructive: difference == Difference::Extra, ..Fix::default() };
        if let (Some(a), Some(b)) = (wanted, had) {
            if !replaceable(a, b) && self.dependents(HashSet::from([b.address()])).is_err() {
                fix = Fix::by_hand(
                    "Columns, defaults or checks of tables need it, and it cannot be replaced: drop or change these, and sync again.",
                );
            }
        }
        Some(Change {
            kind: named.kind,
            object: named.object,
            difference,
            expected: wanted.map(|n| self.template.text(n)),
            actual: had.map(|n| self.tenant.text(n)),
            fix,
            remake: Some(key.to_string()),
        })
    }

    /// The names of functions and operators that are dropped and made again: what names them goes before.
    #[must_use]
    pub fn remade_names(&self, changes: &[Change]) -> BTreeSet<String> {
        let keys = changes
            .iter()
            .filter(|c| c.difference == Difference::Different && c.fix.not_by_plan.is_none());
        keys.filter_map(|c| {
            let key = c.remake.as_ref()?;
            let (a, b) = (self.wanted(key)?, self.had(key)?);
            match b {
                Node::Routine(routine) if !replaceable(a, b) => Some(routine.name.clone()),
                _ => None,
            }
        })
        .collect()
    }

    /// What of the tenant's has to be dropped with these; an error where a table's own parts are among it.
    fn dependents(&self, seeds: HashSet<Address>) -> Result<HashSet<Address>, ()> {
        let nodes: HashMap<Address, &Node> =
            self.tenant.order.nodes.iter().map(|n| (n.address(), n)).collect();
        let mut all = seeds;
        loop {
            let more: Vec<Address> = self
                .tenant
                .schema
                .edges
                .iter()
                .filter(|e| all.contains(&e.to) && !all.contains(&e.from))
                .map(|e| e.from)
                .filter(|from| nodes.contains_key(from))
                .collect();
            if more.is_empty() {
                return Ok(all);
            }
            if more.iter().any(|from| nodes.get(from).is_some_and(|n| what(n).is_none())) {
                return Err(());
            }
            all.extend(more);
        }
    }

    /// Of all changes, the keys of what stands on something that is left as it is.
    #[must_use]
    pub fn on_what_is_left(&self, left: &[Change]) -> HashSet<String> {
        let side = &self.template;
        let mut all: HashSet<Address> = HashSet::new();
        for change in left.iter().filter(|c| c.difference != Difference::Extra) {
            let key = change.remake.as_ref().and_then(|key| self.wanted(key));
            all.extend(key.map(Node::address));
            for table in side.schema.tables.iter().filter(|_| change.kind == "column") {
                let columns = table.columns.iter();
                let it = columns.filter(|c| qualified(&table.name, &c.name) == change.object);
                all.extend(it.flat_map(|column| side.readers(table, &column.quoted)));
            }
        }
        loop {
            let edges = side.schema.edges.iter();
            let more: Vec<Address> = edges
                .filter(|e| all.contains(&e.to) && !all.contains(&e.from))
                .map(|e| e.from)
                .collect();
            if more.is_empty() {
                break;
            }
            all.extend(more);
        }
        let nodes = side.order.nodes.iter().filter(|n| all.contains(&n.address()));
        nodes.filter_map(|n| what(n).map(|w| w.key)).collect()
    }

    /// What has to go before these changes can be made: by address.
    pub(super) fn goes(&self, changes: &[Change]) -> HashSet<Address> {
        let mut seeds: HashSet<Address> = HashSet::new();
        for change in changes {
            if let Some(key) = &change.remake {
                if let (Some(a), Some(b)) = (self.wanted(key), self.had(key)) {
                    if !replaceable(a, b) {
                        seeds.insert(b.address());
                    }
                }
            }
        }
        let taken = taken(self.template.schema, self.tenant.schema);
        for view in changes.iter().filter(|c| c.kind == "view" && c.difference == Difference::Extra)
        {
            let is_it = |name: &str| quote(name) == view.object;
            let in_the_way = |t: &Taken| {
                (t.word == "view" && is_it(&t.name)) || t.table.as_deref().is_some_and(is_it)
            };
            if taken.iter().any(in_the_way) {
                let key = view.remake.as_ref().and_then(|key| self.had(key));
                seeds.extend(key.map(Node::address));
            }
        }
        for table in &self.tenant.schema.tables {
            let changed = |kind: &str, name: &str| {
                let object = qualified(&table.name, name);
                changes.iter().any(|c| {
                    c.kind == kind && c.object == object && c.difference != Difference::Missing
                })
            };
            for column in table.columns.iter().filter(|c| changed("column", &c.name)) {
                let wanted = self.template.schema.tables.iter().find(|t| t.name == table.name);
                let new = wanted.and_then(|t| t.column(&column.name));
                if new.is_some_and(|new| {
                    (&new.r#type, &new.collation) != (&column.r#type, &column.collation)
                }) {
                    seeds.extend(self.tenant.readers(table, &column.quoted));
                }
            }
            let keys = table.constraints.iter().filter(|k| changed("constraint", &k.name));
            for key in keys.map(key_address) {
                let from = self.tenant.schema.edges.iter().filter(|e| e.to == key);
                seeds.extend(from.map(|e| e.from));
            }
        }
        // What a table needs cannot go; PostgreSQL says so.
        self.dependents(seeds.clone()).unwrap_or(seeds)
    }
}

/// Whether CREATE OR REPLACE makes the one of the other.
fn replaceable(new: &Node, old: &Node) -> bool {
    match (new, old) {
        (Node::Routine(a), Node::Routine(b)) => {
            a.aggregate.is_none()
                && b.aggregate.is_none()
                && (&a.kind, &a.arguments, &a.result) == (&b.kind, &b.arguments, &b.result)
        }
        (Node::View(a), Node::View(b)) => {
            let face = |c: &crate::catalog::Column| {
                (c.name.clone(), c.r#type.clone(), c.collation.clone())
            };
            let settings = |v: &Table| v.columns.iter().any(|c| c.default.is_some());
            a.kind == "v"
                && b.kind == "v"
                && !settings(b)
                && !settings(a)
                && b.columns.len() <= a.columns.len()
                && a.columns.iter().zip(&b.columns).all(|(a, b)| face(a) == face(b))
        }
        _ => false,
    }
}
