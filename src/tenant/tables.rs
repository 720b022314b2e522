//! The steps of each table of a template: made, attached, constrained, indexed, protected. Pure.

use super::clone::Clone;
use super::create::column_settings;
use crate::catalog::{policy_sql, trigger_sql, Constraint, Index, Policy, Table, Trigger};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object, Step};
use std::collections::HashSet;

impl Clone<'_> {
    pub(super) fn attach(&mut self, table: &Table) {
        let (Some(bound), Some(parent)) = (&table.partition_bound, table.parents.first()) else {
            return;
        };
        let schema = if self.is_own(&parent.schema) { self.slug() } else { &parent.schema };
        let sql = format!(
            "ALTER TABLE ONLY {} ATTACH PARTITION {} {bound}",
            qualified(schema, &parent.name),
            self.name(table)
        );
        let object = Object::table(Kind::Table, self.slug(), &table.name);
        self.part(
            object,
            format!("attach partition {}", table.name),
            "a partition like the template's",
            sql,
        );
    }

    /// Primary, unique and exclusion constraints, and CHECKs not validated yet. A CHECK goes on to
    /// the tables below; the others stand on each partition by themselves and are attached.
    pub(super) fn keys_and_checks(&mut self, table: &Table) {
        let keys = self.keys_at_once(table);
        let at_once: HashSet<u32> = keys.iter().map(|k| k.oid).collect();
        for constraint in keys {
            self.made_with_table(table, constraint, "constraint");
        }
        for constraint in &table.constraints {
            let only = match constraint.kind.as_str() {
                _ if at_once.contains(&constraint.oid) => continue,
                "p" | "u" | "x" if !self.order.early_keys.contains(&constraint.oid) => "ONLY ",
                "c" if constraint.is_local && constraint.definition.ends_with(" NOT VALID") => "",
                _ => continue,
            };
            self.constraint(table, constraint, only);
        }
    }

    fn made_with_table(&mut self, table: &Table, constraint: &Constraint, word: &str) {
        let object = self.in_table(Kind::Constraint, table, &constraint.name);
        let action = format!("add {word} {}", constraint.name);
        self.part(object, action, "made with its table", String::new());
    }

    /// A key that something else needs, before the others.
    pub(super) fn key(&mut self, table: &Table, constraint: &Constraint) {
        self.constraint(table, constraint, "ONLY ");
    }

    fn constraint(&mut self, table: &Table, constraint: &Constraint, only: &str) {
        let sql = format!(
            "ALTER TABLE {only}{} ADD CONSTRAINT {} {}",
            self.name(table),
            quote(&constraint.name),
            constraint.definition
        );
        let object = self.in_table(Kind::Constraint, table, &constraint.name);
        let action = format!("add constraint {}", constraint.name);
        self.part(object, action, "as in the template", sql);
    }

    /// A CHECK that came down to a child is valid there when the template's is, whatever its parent's.
    pub(super) fn validated_checks(&mut self, table: &Table) {
        let tables = &self.template.tables;
        let unvalidated_above = |name: &str| {
            table.parents.iter().any(|p| {
                tables.iter().filter(|t| t.schema == p.schema && t.name == p.name).any(|t| {
                    t.constraints
                        .iter()
                        .any(|k| k.name == name && k.definition.ends_with(" NOT VALID"))
                })
            })
        };
        for constraint in table.constraints.iter().filter(|k| k.kind == "c" && !k.is_local) {
            if constraint.definition.ends_with(" NOT VALID") || !unvalidated_above(&constraint.name)
            {
                continue;
            }
            let sql = format!(
                "ALTER TABLE ONLY {} VALIDATE CONSTRAINT {}",
                self.name(table),
                quote(&constraint.name)
            );
            let object = self.in_table(Kind::Constraint, table, &constraint.name);
            self.part(
                object,
                format!("validate constraint {}", constraint.name),
                "as in the template",
                sql,
            );
        }
    }

    pub(super) fn indexes(&mut self, table: &Table) {
        for index in table.indexes.iter().filter(|i| i.is_sound() && i.constraint.is_none()) {
            let object = self.in_table(Kind::Index, table, &index.name);
            self.part(
                object,
                format!("create index {}", index.name),
                "as in the template",
                index.definition.clone(),
            );
        }
    }

    pub(super) fn attach_indexes(&mut self, table: &Table) {
        for index in table.indexes.iter().filter(|i| i.is_sound()) {
            let Some(parent) = index.parent.as_ref().filter(|p| self.is_own(&p.schema)) else {
                continue;
            };
            let sql = format!(
                "ALTER INDEX {} ATTACH PARTITION {}",
                qualified(self.slug(), &parent.name),
                qualified(self.slug(), &index.name)
            );
            let object = self.in_table(Kind::Index, table, &index.name);
            self.part(
                object,
                format!("attach index {}", index.name),
                "the partition's part of the index",
                sql,
            );
        }
    }

    pub(super) fn foreign_keys(&mut self, table: &Table) {
        let at_once: HashSet<u32> =
            self.foreign_keys_at_once(table).iter().map(|k| k.oid).collect();
        for constraint in table.constraints.iter().filter(|k| k.kind == "f" && !k.inherited) {
            let name = quote(&constraint.name);
            if at_once.contains(&constraint.oid) {
                self.made_with_table(table, constraint, "foreign key");
                continue;
            }
            let only = if table.partition_key.is_some() { "" } else { "ONLY " };
            let object = self.in_table(Kind::Constraint, table, &constraint.name);
            self.plan.push(Step::new(
                object,
                format!("add foreign key {}", constraint.name),
                "as in the template: within the new schema, or to what all tenants share",
                format!(
                    "ALTER TABLE {only}{} ADD CONSTRAINT {name} {}",
                    self.name(table),
                    constraint.definition
                ),
                format!("ALTER TABLE {only}{} DROP CONSTRAINT {name}", self.name(table)),
            ));
        }
    }

    pub(super) fn row_security(&mut self, table: &Table) {
        let moved =
            Table { schema: self.slug().into(), name: table.name.clone(), ..Table::default() };
        for (on, word, why) in [
            (
                table.row_security,
                "ENABLE",
                "policies hold only where row-level security is enabled",
            ),
            (table.force_row_security, "FORCE", "the owner obeys the policies too"),
        ] {
            if on {
                let sql =
                    format!("ALTER TABLE ONLY {} {word} ROW LEVEL SECURITY", self.name(table));
                let object = self.in_table(Kind::RowSecurity, table, "");
                self.part(object, format!("{} row level security", word.to_lowercase()), why, sql);
            }
        }
        for policy in &table.policies {
            let policy = &self.for_this_tenant(policy);
            // A policy may ask other tables: it has to go before any of them does.
            self.plan.push(Step::new(
                Object::in_table(Kind::Policy, &self.target.slug, &table.name, &policy.name),
                format!("create policy {}", policy.name),
                "as in the template",
                policy_sql::create(&moved, policy),
                policy_sql::drop(&moved, policy),
            ));
            if let Some(sql) = policy_sql::comment(&moved, policy) {
                let object = self.in_table(Kind::Policy, table, &policy.name);
                self.part(
                    object,
                    format!("comment on policy {}", policy.name),
                    "as in the template",
                    sql,
                );
            }
        }
    }

    /// The policy with the tenant's role in the place of the template's own.
    fn for_this_tenant(&self, policy: &Policy) -> Policy {
        let mut policy = policy.clone();
        for condition in [&mut policy.using, &mut policy.check].into_iter().flatten() {
            *condition = self.place.names.rewrite_deparsed(condition, self.slug());
        }
        if let (Some(theirs), Some(role)) = (&self.target.templates_role, &self.target.role) {
            for name in policy.roles.iter_mut().filter(|name| *name == theirs) {
                name.clone_from(role);
            }
        }
        policy
    }

    pub(super) fn triggers(&mut self, table: &Table) {
        for trigger in table.triggers.iter().filter(|t| !t.inherited) {
            let object = self.in_table(Kind::Trigger, table, &trigger.name);
            // Its function may have to go before its table.
            let undo = format!("DROP TRIGGER {} ON {}", quote(&trigger.name), self.name(table));
            let action = format!("create trigger {}", trigger.name);
            self.made(object, action, trigger.definition.clone(), undo);
            if let Some(sql) = self.trigger_state(table, trigger) {
                let object = self.in_table(Kind::Trigger, table, &trigger.name);
                self.part(
                    object,
                    format!("set the state of trigger {}", trigger.name),
                    "as in the template",
                    sql,
                );
            }
        }
    }

    fn trigger_state(&self, table: &Table, trigger: &Trigger) -> Option<String> {
        (trigger.enabled != "O")
            .then(|| trigger_sql::set_state(&self.name(table), &trigger.name, &trigger.enabled))
    }

    /// A partition's part of a trigger, where its state is not that of the table above.
    pub(super) fn inherited_triggers(&mut self, table: &Table) {
        for trigger in table.triggers.iter().filter(|t| t.inherited) {
            let tables = &self.template.tables;
            let above = table.parents.iter().find_map(|p| {
                let parent = tables.iter().find(|t| t.schema == p.schema && t.name == p.name)?;
                parent.trigger(&trigger.name)
            });
            if above.is_some_and(|above| above.enabled == trigger.enabled) {
                continue;
            }
            let only = format!("ONLY {}", self.name(table));
            let sql = trigger_sql::set_state(&only, &trigger.name, &trigger.enabled);
            let object = self.in_table(Kind::Trigger, table, &trigger.name);
            let action = format!("set the state of trigger {}", trigger.name);
            self.part(object, action, "as in the template", sql);
        }
    }

    pub(super) fn rules(&mut self, table: &Table) {
        for rule in &table.rules {
            let (on, name) = (self.name(table), quote(&rule.name));
            let object = Object::table(kind(table), self.slug(), &table.name);
            let definition = rule.definition.trim_end_matches(';');
            let sql = self.place.names.rewrite_deparsed(definition, self.slug());
            let action = format!("create rule {}", rule.name);
            self.made(object.clone(), action, sql, format!("DROP RULE {name} ON {on}"));
            let word = match rule.enabled.as_str() {
                "A" => "ENABLE ALWAYS",
                "R" => "ENABLE REPLICA",
                "D" => "DISABLE",
                _ => continue,
            };
            let sql = format!("ALTER TABLE {on} {word} RULE {name}");
            let action = format!("set the state of rule {}", rule.name);
            self.part(object, action, "as in the template", sql);
        }
    }

    pub(super) fn extended_statistics(&mut self, table: &Table) {
        for statistics in &table.extended_statistics {
            if !self.is_own(&statistics.schema) {
                continue;
            }
            let name = qualified(self.slug(), &statistics.name);
            let words: Vec<&str> = statistics
                .kinds
                .iter()
                .filter_map(|kind| match kind.as_str() {
                    "d" => Some("ndistinct"),
                    "f" => Some("dependencies"),
                    "m" => Some("mcv"),
                    _ => None,
                })
                .collect();
            // One expression alone has statistics of its own and no kinds.
            let kinds = match words.len() {
                0 | 3 => String::new(),
                _ => format!(" ({})", words.join(", ")),
            };
            let sql = format!(
                "CREATE STATISTICS {name}{kinds} ON {} FROM {}",
                statistics.columns,
                self.name(table)
            );
            let object = Object::in_schema(Kind::SchemaObject, self.slug(), &statistics.name);
            let action = format!("create statistics {}", statistics.name);
            self.made(object.clone(), action, sql, format!("DROP STATISTICS {name}"));
            if let Some(target) = statistics.target {
                let sql = format!("ALTER STATISTICS {name} SET STATISTICS {target}");
                let action = format!("set the target of statistics {}", statistics.name);
                self.part(object, action, "as in the template", sql);
            }
        }
    }

    pub(super) fn settings(&mut self, table: &Table) {
        let name = self.name(table);
        let mut statements = column_settings(table, self.slug());
        if !table.toast_options.is_empty() {
            let options: Vec<String> =
                table.toast_options.iter().map(|o| format!("toast.{o}")).collect();
            statements.push(format!("ALTER TABLE {name} SET ({})", options.join(", ")));
        }
        if let Some(of) = &table.of_type {
            statements.insert(0, format!("ALTER TABLE {name} OF {of}"));
        }
        if let Some(comment) = &table.comment {
            let word = match table.kind.as_str() {
                "v" => "VIEW",
                "m" => "MATERIALIZED VIEW",
                _ => "TABLE",
            };
            statements.push(format!("COMMENT ON {word} {name} IS {}", literal(comment)));
        }
        for constraint in &table.constraints {
            if let Some(comment) = &constraint.comment {
                let on = format!("CONSTRAINT {} ON {name}", quote(&constraint.name));
                statements.push(format!("COMMENT ON {on} IS {}", literal(comment)));
            }
        }
        for trigger in &table.triggers {
            if let Some(comment) = &trigger.comment {
                let on = format!("TRIGGER {} ON {name}", quote(&trigger.name));
                statements.push(format!("COMMENT ON {on} IS {}", literal(comment)));
            }
        }
        for index in table.indexes.iter().filter(|i| i.is_sound()) {
            statements.extend(self.index_settings(&name, index));
        }
        match table.replica_identity.as_str() {
            _ if table.definition.is_some() => {}
            "n" => statements.push(format!("ALTER TABLE ONLY {name} REPLICA IDENTITY NOTHING")),
            "f" => statements.push(format!("ALTER TABLE ONLY {name} REPLICA IDENTITY FULL")),
            _ => {}
        }
        for sql in statements {
            let object = Object::table(kind(table), self.slug(), &table.name);
            self.part(object, format!("set up table {}", table.name), "as in the template", sql);
        }
    }

    fn index_settings(&self, table: &str, index: &Index) -> Vec<String> {
        let on = qualified(self.slug(), &index.name);
        let mut statements = Vec::new();
        if index.constraint.is_some() && !index.options.is_empty() {
            statements.push(format!("ALTER INDEX {on} SET ({})", index.options.join(", ")));
        }
        if let Some(tablespace) = &index.tablespace {
            statements.push(format!("ALTER INDEX {on} SET TABLESPACE {}", quote(tablespace)));
        }
        for (column, target) in &index.statistics {
            statements
                .push(format!("ALTER INDEX {on} ALTER COLUMN {column} SET STATISTICS {target}"));
        }
        if let Some(text) = &index.comment {
            statements.push(format!("COMMENT ON INDEX {on} IS {}", literal(text)));
        }
        if index.clustered {
            statements.push(format!("ALTER TABLE {table} CLUSTER ON {}", quote(&index.name)));
        }
        if index.replica_identity {
            let name = quote(&index.name);
            statements
                .push(format!("ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {name}"));
        }
        statements
    }
}

fn kind(table: &Table) -> Kind {
    match table.definition {
        Some(_) => Kind::View,
        None => Kind::Table,
    }
}
