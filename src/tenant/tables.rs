//! The steps of each table of a template: made, attached, constrained, indexed, protected. Pure.

use super::clone::Clone;
use super::create::{column_settings, create_table};
use crate::catalog::{policy_sql, trigger_sql, Index, Table, Trigger};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object, Step};

impl Clone<'_> {
    pub(super) fn table(&mut self, table: &Table) {
        let name = self.name(table);
        self.plan.push(Step::new(
            Object::table(Kind::Table, self.slug(), &table.name),
            format!("create table {}", table.name),
            "as in the template, without rows",
            create_table(table, self.slug(), &self.template.sequences),
            format!("DROP TABLE {name}"),
        ));
    }

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
        for constraint in &table.constraints {
            let only = match constraint.kind.as_str() {
                "p" | "u" | "x" => "ONLY ",
                "c" if constraint.is_local && constraint.definition.ends_with(" NOT VALID") => "",
                _ => continue,
            };
            let sql = format!(
                "ALTER TABLE {only}{} ADD CONSTRAINT {} {}",
                self.name(table),
                quote(&constraint.name),
                constraint.definition
            );
            let object = self.in_table(Kind::Constraint, table, &constraint.name);
            self.part(
                object,
                format!("add constraint {}", constraint.name),
                "as in the template",
                sql,
            );
        }
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
        for index in table.indexes.iter().filter(|i| i.valid && i.constraint.is_none()) {
            let object = Object::in_schema(Kind::Index, self.slug(), &index.name);
            self.part(
                object,
                format!("create index {}", index.name),
                "as in the template",
                index.definition.clone(),
            );
        }
    }

    pub(super) fn attach_indexes(&mut self, table: &Table) {
        for index in table.indexes.iter().filter(|i| i.valid) {
            let Some(parent) = index.parent.as_ref().filter(|p| self.is_own(&p.schema)) else {
                continue;
            };
            let sql = format!(
                "ALTER INDEX {} ATTACH PARTITION {}",
                qualified(self.slug(), &parent.name),
                qualified(self.slug(), &index.name)
            );
            let object = Object::in_schema(Kind::Index, self.slug(), &index.name);
            self.part(
                object,
                format!("attach index {}", index.name),
                "the partition's part of the index",
                sql,
            );
        }
    }

    pub(super) fn foreign_keys(&mut self, table: &Table) {
        for constraint in table.constraints.iter().filter(|k| k.kind == "f" && !k.inherited) {
            let name = quote(&constraint.name);
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

    pub(super) fn triggers(&mut self, table: &Table) {
        for trigger in table.triggers.iter().filter(|t| !t.inherited) {
            let object = self.in_table(Kind::Trigger, table, &trigger.name);
            self.part(
                object,
                format!("create trigger {}", trigger.name),
                "as in the template",
                trigger.definition.clone(),
            );
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

    pub(super) fn settings(&mut self, table: &Table) {
        let name = self.name(table);
        let mut statements = column_settings(table, self.slug());
        if !table.toast_options.is_empty() {
            let options: Vec<String> =
                table.toast_options.iter().map(|o| format!("toast.{o}")).collect();
            statements.push(format!("ALTER TABLE {name} SET ({})", options.join(", ")));
        }
        if let Some(comment) = &table.comment {
            statements.push(format!("COMMENT ON TABLE {name} IS {}", literal(comment)));
        }
        for constraint in table.constraints.iter().filter(|k| !k.inherited) {
            if let Some(comment) = &constraint.comment {
                let on = format!("CONSTRAINT {} ON {name}", quote(&constraint.name));
                statements.push(format!("COMMENT ON {on} IS {}", literal(comment)));
            }
        }
        for trigger in table.triggers.iter().filter(|t| !t.inherited) {
            if let Some(comment) = &trigger.comment {
                let on = format!("TRIGGER {} ON {name}", quote(&trigger.name));
                statements.push(format!("COMMENT ON {on} IS {}", literal(comment)));
            }
        }
        for index in table.indexes.iter().filter(|i| i.valid) {
            statements.extend(self.index_settings(&name, index));
        }
        match table.replica_identity.as_str() {
            "n" => statements.push(format!("ALTER TABLE ONLY {name} REPLICA IDENTITY NOTHING")),
            "f" => statements.push(format!("ALTER TABLE ONLY {name} REPLICA IDENTITY FULL")),
            _ => {}
        }
        for sql in statements {
            let object = Object::table(Kind::Table, self.slug(), &table.name);
            self.part(object, format!("set up table {}", table.name), "as in the template", sql);
        }
    }

    fn index_settings(&self, table: &str, index: &Index) -> Vec<String> {
        let comment = index.comment.as_ref().map(|text| {
            let on = qualified(self.slug(), &index.name);
            format!("COMMENT ON INDEX {on} IS {}", literal(text))
        });
        let clustered = index
            .clustered
            .then(|| format!("ALTER TABLE {table} CLUSTER ON {}", quote(&index.name)));
        let identity = index.replica_identity.then(|| {
            format!("ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {}", quote(&index.name))
        });
        [comment, clustered, identity].into_iter().flatten().collect()
    }
}
