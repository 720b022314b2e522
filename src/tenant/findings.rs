//! What a clone leaves out or cannot decide: told as lines of the plan and as messages. Pure.

use super::access::few;
use super::clone::Clone;
use crate::catalog::Policy;
use crate::pg::ident::{qualified, quote};
use std::collections::BTreeSet;

impl Clone<'_> {
    pub(super) fn findings(&mut self) {
        let template = quote(&self.template.name);
        let others: Vec<&str> = self.template.others.iter().map(|o| o.object.as_str()).collect();
        if !others.is_empty() {
            self.warn(
                format!("not everything in schema {template} is carried over"),
                format!("Left out: {}.", others.join(", ")),
                "Make them in the new schema yourself where the tenant needs them.",
            );
        }
        for other in &self.template.others {
            self.not_carried(&other.object, "objects of its kind are not made again");
        }
        let invalid: Vec<String> = self
            .template
            .tables
            .iter()
            .chain(&self.template.views)
            .flat_map(|t| t.indexes.iter())
            .filter(|i| !i.is_sound())
            .map(|i| quote(&i.name))
            .collect();
        if !invalid.is_empty() {
            self.warn(
                format!("invalid indexes of schema {template} are left out"),
                format!("They are {}.", invalid.join(", ")),
                "REINDEX or drop them in the template.",
            );
        }
        for index in &invalid {
            self.not_carried(&format!("index {index}"), "it is invalid");
        }
        let template = self.template;
        for table in template.tables.iter().chain(&template.views) {
            for s in table.extended_statistics.iter().filter(|s| s.schema != template.name) {
                let (name, of) = (qualified(&s.schema, &s.name), quote(&table.name));
                self.not_carried(
                    &format!("statistics {name} of {of}"),
                    "they are of another schema",
                );
            }
        }
        for what in &self.target.unregistered {
            self.not_carried(what, "only an administrator registers it");
        }
        self.closed_tables();
        self.named_in_bodies();
    }

    fn closed_tables(&mut self) {
        let Some(role) = &self.target.role else { return };
        let closed: Vec<String> = self
            .template
            .tables
            .iter()
            .filter(|t| t.row_security && !t.policies.iter().any(|p| self.is_for_tenant(p, role)))
            .map(|t| quote(&t.name))
            .collect();
        if !closed.is_empty() {
            self.warn(
                format!("role {} will see no row of {}", quote(role), closed.join(", ")),
                "Row-level security is enabled there, and the template's policies are for other roles.".into(),
                "Give the template's policies to PUBLIC (protect_table with roles => '{public}'), or add one for the role.",
            );
        }
    }

    fn is_for_tenant(&self, policy: &Policy, role: &str) -> bool {
        let theirs = self.target.templates_role.as_deref();
        policy.permissive
            && (policy.roles.is_empty()
                || policy.roles.iter().any(|r| r == role || Some(r.as_str()) == theirs))
    }

    /// Text that names the template and is no name: dynamic SQL, and languages that are not read.
    fn named_in_bodies(&mut self) {
        let names = self.place.names;
        let mut found = BTreeSet::new();
        for routine in &self.template.objects.routines {
            if routine.atomic.is_some() || routine.library.is_some() || routine.aggregate.is_some()
            {
                continue;
            }
            let left = match routine.language.as_str() {
                "sql" | "plpgsql" => names.left(&routine.body),
                "internal" => vec![],
                _ if names.is_word_in(&routine.body) => {
                    vec![format!("its {} text", routine.language)]
                }
                _ => vec![],
            };
            for text in left {
                found.insert(format!("{} in {}", text, routine.identity));
            }
        }
        for default in self.template.tables.iter().flat_map(|t| &t.columns) {
            let default = default.default.as_deref().unwrap_or_default();
            if names.qualifies_in(default) {
                found.insert(format!("the default {default}"));
            }
        }
        if found.is_empty() {
            return;
        }
        self.warn(
            format!("text in schema {} names the schema and stays as it is", quote(&self.template.name)),
            format!("It is {}.", few(&found)),
            "Where it is SQL that a function runs, let it name its tables bare and give the function SET search_path.",
        );
        for text in &found {
            self.not_carried(&format!("the name of the schema, {text}"), "text is not rewritten");
        }
    }
}
