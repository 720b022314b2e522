//! Types, routines, sequences, tables and views, each after what it needs. Pure.

use super::classes;
use super::clone::{Clone, Data};
use super::create::{create_sequence, create_table, create_type, inherit, reorders};
use super::order::{routine_address, table_address, type_address, Node};
use super::routines;
use crate::catalog::{Routine, Sequence, Table, Type};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object, Step};

impl Clone<'_> {
    pub(super) fn makers(&mut self) {
        for node in &self.order.nodes {
            self.make(node);
        }
    }

    pub(super) fn make(&mut self, node: &Node) {
        {
            match node {
                Node::Collation(c) => {
                    let sql = routines::create_collation(c, self.slug());
                    self.schema_object("COLLATION", &quote(&c.name), vec![sql]);
                }
                Node::Dictionary(d) => {
                    let sql = routines::create_dictionary(d, &self.place);
                    self.schema_object("TEXT SEARCH DICTIONARY", &quote(&d.name), vec![sql]);
                }
                Node::Configuration(c) => {
                    let sql = routines::create_configuration(c, &self.place);
                    self.schema_object("TEXT SEARCH CONFIGURATION", &quote(&c.name), sql);
                }
                Node::Operator(o) => {
                    let sql = routines::create_operator(o, &self.place);
                    self.schema_object("OPERATOR", &o.identity, vec![sql]);
                }
                Node::Family(f) => {
                    let sql = classes::create_family(f, self.slug());
                    let identity = format!("{} USING {}", quote(&f.name), quote(&f.method));
                    self.schema_object("OPERATOR FAMILY", &identity, vec![sql]);
                }
                Node::Class(c) => {
                    let sql = classes::create_class(c, &self.place);
                    let identity = format!("{} USING {}", quote(&c.name), quote(&c.method));
                    self.schema_object("OPERATOR CLASS", &identity, vec![sql]);
                }
                Node::Conversion(c) => {
                    let sql = classes::create_conversion(c, &self.place);
                    self.schema_object("CONVERSION", &quote(&c.name), vec![sql]);
                }
                Node::Cast(c) => {
                    let sql = routines::create_cast(c, &self.place);
                    let object = Object::in_schema(Kind::SchemaObject, self.slug(), &c.identity);
                    let drop = format!("DROP CAST {}", c.identity);
                    self.made(object, format!("create cast {}", c.identity), sql, drop);
                }
                Node::Type(t) => self.create_type(t),
                Node::Routine(r) => self.routine(r),
                Node::Sequence(s) => self.sequence(s),
                Node::Table(t) => self.table(t),
                Node::View(v) => self.view(v),
                Node::Key(t, k) => self.key(t, k),
            }
        }
    }

    fn schema_object(&mut self, word: &str, identity: &str, statements: Vec<String>) {
        let name = format!("{}.{identity}", quote(self.slug()));
        for (i, sql) in statements.into_iter().enumerate() {
            let object = Object::in_schema(Kind::SchemaObject, self.slug(), identity);
            let action = format!("create {} {identity}", word.to_lowercase());
            match i {
                0 => self.made(object, action, sql, format!("DROP {word} {name}")),
                _ => self.part(object, action, "as in the template", sql),
            }
        }
    }

    fn create_type(&mut self, ty: &Type) {
        let name = qualified(self.slug(), &ty.name);
        let word = if ty.kind == "d" { "DOMAIN" } else { "TYPE" };
        let object = Object::in_schema(Kind::Type, self.slug(), &ty.name);
        let order = self.order;
        let later = |check: &str| order.is_later(type_address(ty), &format!("check {check}"));
        let sql = match &ty.range {
            Some(range) => routines::create_range(&ty.name, range, &self.place),
            None => create_type(ty, self.slug(), later),
        };
        let action = format!("create {} {}", word.to_lowercase(), ty.name);
        self.made(object.clone(), action, sql, format!("DROP {word} {name}"));
        if self.target.data == Data::None {
            self.unvalidated_checks_of(ty);
        }
        if let Some(comment) = &ty.comment {
            let sql = format!("COMMENT ON {word} {name} IS {}", literal(comment));
            self.part(object, format!("comment on {}", ty.name), "as in the template", sql);
        }
    }

    /// Rows may be older than such a check, and break it.
    pub(super) fn unvalidated_domain_checks(&mut self) {
        if self.target.data != Data::None {
            let template = self.template;
            template.types.iter().for_each(|ty| self.unvalidated_checks_of(ty));
        }
    }

    fn unvalidated_checks_of(&mut self, ty: &Type) {
        for check in ty.constraints.iter().filter(|c| c.definition.ends_with(" NOT VALID")) {
            self.domain_check(ty, &check.name);
        }
    }

    fn domain_check(&mut self, ty: &Type, name: &str) {
        let Some(check) = ty.constraints.iter().find(|c| c.name == name) else { return };
        let domain = qualified(self.slug(), &ty.name);
        let constraint = quote(&check.name);
        let object = Object::in_schema(Kind::Type, self.slug(), &ty.name);
        let sql = format!("ALTER DOMAIN {domain} ADD CONSTRAINT {constraint} {}", check.definition);
        let undo = format!("ALTER DOMAIN {domain} DROP CONSTRAINT {constraint}");
        self.made(object, format!("add constraint {}", check.name), sql, undo);
    }

    fn routine(&mut self, routine: &Routine) {
        let object = Object::in_schema(Kind::Routine, self.slug(), &routine.name);
        let (word, sql) = match &routine.aggregate {
            Some(aggregate) => {
                ("AGGREGATE", routines::create_aggregate(routine, aggregate, &self.place))
            }
            None => {
                let stub = self.order.is_later(routine_address(routine), "body");
                let sql = routines::create_routine(routine, &self.place, stub, false);
                (if routine.kind == "p" { "PROCEDURE" } else { "FUNCTION" }, sql)
            }
        };
        let undo = format!("DROP {word} {}.{}", quote(self.slug()), routine.identity);
        let action = format!("create {} {}", word.to_lowercase(), routine.identity);
        self.made(object, action, sql, undo);
    }

    fn sequence(&mut self, sequence: &Sequence) {
        if sequence.owned_by.as_ref().is_some_and(|o| o.identity) {
            return; // its column makes it
        }
        self.plan.push(Step::new(
            Object::in_schema(Kind::Sequence, self.slug(), &sequence.name),
            format!("create sequence {}", sequence.name),
            "as in the template, from its start",
            create_sequence(sequence, self.slug()),
            // Owned by a column it is gone with the table already.
            format!("DROP SEQUENCE IF EXISTS {}", qualified(self.slug(), &sequence.name)),
        ));
    }

    fn table(&mut self, table: &Table) {
        let name = self.name(table);
        let order = self.order;
        let later = |part: &str| order.is_later(table_address(table), part);
        let mut keys = self.keys_at_once(table);
        keys.extend(self.foreign_keys_at_once(table));
        let sql = create_table(table, self.slug(), &self.template.sequences, &keys, later);
        self.plan.push(Step::new(
            Object::table(Kind::Table, self.slug(), &table.name),
            format!("create table {}", table.name),
            "as in the template, without rows",
            sql,
            format!("DROP TABLE {name}"),
        ));
        for sql in inherit(table, self.slug()) {
            let object = Object::table(Kind::Table, self.slug(), &table.name);
            self.part(
                object,
                format!("let table {} inherit", table.name),
                "as in the template",
                sql,
            );
        }
        if reorders(table, &self.template.tables) {
            self.not_carried(
                &format!("the order of columns in table {}", quote(&table.name)),
                "in a new table those that it inherits come first",
            );
        }
    }

    fn view(&mut self, view: &Table) {
        let name = self.name(view);
        let object = Object::table(Kind::View, self.slug(), &view.name);
        let (word, action) = match view.kind.as_str() {
            "m" => ("MATERIALIZED VIEW", format!("create materialized view {}", view.name)),
            _ => ("VIEW", format!("create view {}", view.name)),
        };
        let sql = if self.order.is_later(table_address(view), "query") {
            let columns: Vec<String> = view
                .columns
                .iter()
                .map(|c| {
                    let collate = c.collation.as_ref().map(|c| format!(" COLLATE {c}"));
                    format!(
                        "NULL::{}{} AS {}",
                        c.r#type,
                        collate.unwrap_or_default(),
                        quote(&c.name)
                    )
                })
                .collect();
            format!("CREATE VIEW {name} AS SELECT {}", columns.join(", "))
        } else {
            self.view_query(view, word)
        };
        self.made(object, action, sql, format!("DROP {word} {name}"));
    }

    pub(super) fn view_query(&self, view: &Table, word: &str) -> String {
        let mut sql = format!("CREATE {word} {}", self.name(view));
        if let Some(method) = view.access_method.as_ref().filter(|_| view.kind == "m") {
            sql += &format!(" USING {}", quote(method));
        }
        if !view.options.is_empty() {
            sql += &format!(" WITH ({})", view.options.join(", "));
        }
        if let Some(tablespace) = &view.tablespace {
            sql += &format!(" TABLESPACE {}", quote(tablespace));
        }
        let query = view.definition.as_deref().unwrap_or_default().trim_end_matches(';');
        sql += &format!(" AS\n{}", self.place.names.rewrite_deparsed(query, self.slug()));
        if view.kind == "m" {
            sql += "\nWITH NO DATA";
        }
        sql
    }

    /// What closes a circle: it names what could only be made after it.
    pub(super) fn made_later(&mut self) {
        let (template, order) = (self.template, self.order);
        for table in &template.tables {
            let later = |part: String| order.is_later(table_address(table), &part);
            for column in table.columns.iter().filter(|c| later(format!("default {}", c.name))) {
                let Some(default) = &column.default else { continue };
                let alter = format!(
                    "ALTER TABLE ONLY {} ALTER COLUMN {}",
                    self.name(table),
                    quote(&column.name)
                );
                let object = Object::table(Kind::Table, self.slug(), &table.name);
                let (set, drop) =
                    (format!("{alter} SET DEFAULT {default}"), format!("{alter} DROP DEFAULT"));
                self.made(
                    object,
                    format!("set the default of {}.{}", table.name, column.name),
                    set,
                    drop,
                );
            }
            for check in table.constraints.iter().filter(|k| later(format!("check {}", k.name))) {
                if !check.is_local || check.definition.ends_with(" NOT VALID") {
                    continue; // comes down, or is added with the others of its kind
                }
                let name = quote(&check.name);
                let object = self.in_table(Kind::Constraint, table, &check.name);
                let add = format!(
                    "ALTER TABLE {} ADD CONSTRAINT {name} {}",
                    self.name(table),
                    check.definition
                );
                let drop = format!("ALTER TABLE {} DROP CONSTRAINT {name}", self.name(table));
                self.made(object, format!("add constraint {}", check.name), add, drop);
            }
        }
        for ty in &template.types {
            for check in &ty.constraints {
                let later = order.is_later(type_address(ty), &format!("check {}", check.name));
                if later && !check.definition.ends_with(" NOT VALID") {
                    self.domain_check(ty, &check.name);
                }
            }
        }
        for view in template.views.iter().filter(|v| order.is_later(table_address(v), "query")) {
            let object = Object::table(Kind::View, self.slug(), &view.name);
            let sql = self.view_query(view, "OR REPLACE VIEW");
            self.part(
                object,
                format!("give view {} its query", view.name),
                "it names what needs it",
                sql,
            );
        }
        for routine in &template.objects.routines {
            if order.is_later(routine_address(routine), "body") {
                let object = Object::in_schema(Kind::Routine, self.slug(), &routine.name);
                let sql = routines::create_routine(routine, &self.place, false, true);
                self.part(
                    object,
                    format!("give function {} its body", routine.identity),
                    "it names what needs it",
                    sql,
                );
            }
        }
    }

    pub(super) fn sequence_owners(&mut self) {
        for sequence in &self.template.sequences {
            let Some(owner) = sequence.owned_by.as_ref().filter(|o| !o.identity) else {
                continue;
            };
            let sql = format!(
                "ALTER SEQUENCE {} OWNED BY {}.{}",
                qualified(self.slug(), &sequence.name),
                qualified(self.slug(), &owner.table),
                quote(&owner.column)
            );
            let object = Object::in_schema(Kind::Sequence, self.slug(), &sequence.name);
            self.part(
                object,
                format!("give sequence {} to its column", sequence.name),
                "it goes when the column goes",
                sql,
            );
        }
    }

    pub(super) fn sequence_comments(&mut self) {
        for sequence in &self.template.sequences {
            let Some(comment) = &sequence.comment else {
                continue;
            };
            let name = qualified(self.slug(), &sequence.name);
            let object = Object::in_schema(Kind::Sequence, self.slug(), &sequence.name);
            let sql = format!("COMMENT ON SEQUENCE {name} IS {}", literal(comment));
            self.part(
                object,
                format!("comment on sequence {}", sequence.name),
                "as in the template",
                sql,
            );
        }
    }
}
