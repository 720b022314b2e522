//! Which of a table's constraints CREATE TABLE makes at once: that is half the work of adding them to a table that
//! is there, and it looks for no rows that break them. Pure.

use super::clone::Clone;
use crate::catalog::{Constraint, References, Table};
use std::collections::BTreeSet;

impl Clone<'_> {
    /// Whether no rows come before its keys, and nothing is attached or inherited.
    fn is_plain(&self, table: &Table) -> bool {
        !table.is_partition
            && table.partition_key.is_none()
            && table.parents.is_empty()
            && !self.target.data.has(&table.name)
    }

    /// Primary keys and unique constraints.
    pub(super) fn keys_at_once<'t>(&self, table: &'t Table) -> Vec<&'t Constraint> {
        let plain = self.is_plain(table);
        let at_once = |k: &&Constraint| {
            plain
                && matches!(k.kind.as_str(), "p" | "u")
                && !k.definition.contains("WITHOUT OVERLAPS")
                && !self.order.early_keys.contains(&k.oid)
        };
        table.constraints.iter().filter(at_once).collect()
    }

    /// Foreign keys to what is there by then: a table outside the template, one that is made earlier with the
    /// key that is meant, or the table itself.
    pub(super) fn foreign_keys_at_once<'t>(&self, table: &'t Table) -> Vec<&'t Constraint> {
        let plain = self.is_plain(table);
        let at_once = |k: &&Constraint| {
            plain
                && k.kind == "f"
                && k.validated
                && !k.inherited
                && k.references.as_ref().is_some_and(|r| self.is_there(table, r))
        };
        table.constraints.iter().filter(at_once).collect()
    }

    fn is_there(&self, table: &Table, references: &References) -> bool {
        if !self.is_own(&references.schema) {
            return true;
        }
        // What compares the two may be an operator that a family of the template's gets later.
        if self.template.classes.families.iter().any(|f| !f.operators.is_empty()) {
            return false;
        }
        let place = |oid: u32| self.order.tables.get(&oid);
        let earlier = place(references.oid).zip(place(table.oid)).is_some_and(|(to, of)| to <= of);
        let meant: BTreeSet<&String> = references.columns.iter().collect();
        let target = self.template.tables.iter().find(|t| t.oid == references.oid);
        earlier
            && target.is_some_and(|t| {
                let keys = self.keys_at_once(t);
                let is_meant = |k: &&Constraint| {
                    !k.deferrable && k.columns.iter().collect::<BTreeSet<_>>() == meant
                };
                keys.iter().any(is_meant)
            })
    }
}
