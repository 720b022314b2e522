//! What two schemas of one structure have in common, object by object: text that names neither, so that equal
//! text means equal objects. Pure.

use super::classes::{ClassFunction, ClassOperator, Classes};
use super::lexer::{path_elements, Names};
use super::model::{Constraint, Index, Named, Policy, References};
use super::objects::{AggregateFunction, Routine};
use super::schema::{Range, Schema, Sequence, Type};
use super::table::Table;
use aws_lc_rs::digest;
use std::collections::{BTreeMap, HashSet};

/// Stands for the schema's own name; no schema can be called that.
const OWN: &str = "\u{1}";
/// Stands for its tenant's role.
const TENANT: &str = "\u{2}";

impl Schema {
    /// What the schema is called and what is in it that text can name.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        let objects = &self.objects;
        let ranges = self.types.iter().filter_map(|t| t.range.as_ref());
        let known: HashSet<&str> = self
            .tables
            .iter()
            .chain(&self.views)
            .map(|t| t.name.as_str())
            .chain(self.sequences.iter().map(|s| s.name.as_str()))
            .chain(self.types.iter().map(|t| t.name.as_str()))
            .chain(ranges.map(|r| r.multirange.as_str()))
            .chain(objects.routines.iter().map(|r| r.name.as_str()))
            .chain(objects.collations.iter().map(|c| c.name.as_str()))
            .chain(objects.configurations.iter().map(|c| c.name.as_str()))
            .chain(objects.dictionaries.iter().map(|d| d.name.as_str()))
            .collect();
        Names { schema: &self.name, known }
    }

    /// Every object by its kind and name, with all of it that a clone has to share: definitions, row-level
    /// security, policies, what runs with whose rights, states, options, comments. Not owners, privileges, rows.
    #[must_use]
    pub fn structure(&self, tenant_role: Option<&str>) -> BTreeMap<String, String> {
        let view = View { schema: self, names: self.names(), tenant_role };
        let mut all = BTreeMap::new();
        let mut put =
            |kind: &str, name: &str, text: String| all.insert(format!("{kind} {name}"), text);
        for ty in &self.types {
            put("type", &ty.name, format!("{:?}", view.ty(ty)));
        }
        for sequence in &self.sequences {
            put(
                "sequence",
                &sequence.name,
                format!("{:?}", Sequence { oid: 0, ..sequence.clone() }),
            );
        }
        for table in &self.tables {
            put("table", &table.name, format!("{:?}", view.table(table)));
        }
        for table in &self.views {
            put("view", &table.name, format!("{:?}", view.table(table)));
        }
        let objects = &self.objects;
        for routine in &objects.routines {
            put("function", &routine.identity, format!("{:?}", view.routine(routine)));
        }
        for o in &objects.operators {
            let mut o = o.clone();
            o.oid = 0;
            view.own(&mut o.function);
            [&mut o.commutator, &mut o.negator, &mut o.restrict, &mut o.join]
                .into_iter()
                .flatten()
                .for_each(|n| view.own(n));
            put("operator", &o.identity.clone(), format!("{o:?}"));
        }
        for c in &objects.casts {
            let mut c = c.clone();
            c.oid = 0;
            c.function.iter_mut().for_each(|f| view.own(f));
            put("cast", &c.identity.clone(), format!("{c:?}"));
        }
        for c in &objects.collations {
            let mut c = c.clone();
            c.oid = 0;
            put("collation", &c.name.clone(), format!("{c:?}"));
        }
        for d in &objects.dictionaries {
            let mut d = d.clone();
            d.oid = 0;
            view.own(&mut d.template);
            put("text search dictionary", &d.name.clone(), format!("{d:?}"));
        }
        for c in &objects.configurations {
            let mut c = c.clone();
            c.oid = 0;
            view.own(&mut c.parser);
            c.mappings.iter_mut().flat_map(|m| &mut m.dictionaries).for_each(|d| view.own(d));
            put("text search configuration", &c.name.clone(), format!("{c:?}"));
        }
        self.classes.put(&view, &mut put);
        for c in &objects.comments {
            put("comment on", &format!("{} {}", c.on.to_lowercase(), c.object), c.text.clone());
        }
        for l in &objects.labels {
            let on = format!("{} {} by {}", l.on.to_lowercase(), l.object, l.provider);
            put("label of", &on, l.label.clone());
        }
        put("comment on", "schema", self.comment.clone().unwrap_or_default());
        all
    }
}

/// One number for all of a structure.
#[must_use]
pub fn fingerprint(structure: &BTreeMap<String, String>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for (object, text) in structure {
        for part in [object, text] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
    }
    let hex: String = context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect();
    format!("1:{hex}")
}

/// The objects in which two structures differ.
#[must_use]
pub fn differences(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let objects: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    objects.into_iter().filter(|o| a.get(*o) != b.get(*o)).cloned().collect()
}

/// A schema's objects without what is this schema's alone.
struct View<'a> {
    schema: &'a Schema,
    names: Names<'a>,
    tenant_role: Option<&'a str>,
}

impl Classes {
    fn put(&self, view: &View, put: &mut impl FnMut(&str, &str, String) -> Option<String>) {
        let own = |operators: &mut [ClassOperator], functions: &mut [ClassFunction]| {
            for o in operators {
                view.own(&mut o.name);
                o.sort.iter_mut().for_each(|f| view.own(f));
            }
            functions.iter_mut().for_each(|f| view.own(&mut f.name));
        };
        for mut f in self.families.iter().cloned() {
            f.oid = 0;
            own(&mut f.operators, &mut f.functions);
            put("operator family", &format!("{} for {}", f.name, f.method), format!("{f:?}"));
        }
        for mut c in self.classes.iter().cloned() {
            c.oid = 0;
            own(&mut c.operators, &mut c.functions);
            put("operator class", &format!("{} for {}", c.name, c.method), format!("{c:?}"));
        }
        for mut c in self.conversions.iter().cloned() {
            c.oid = 0;
            view.own(&mut c.function);
            put("conversion", &c.name.clone(), format!("{c:?}"));
        }
    }
}

impl View<'_> {
    fn own(&self, named: &mut Named) {
        if named.schema == self.schema.name {
            named.schema = OWN.into();
        }
    }

    fn deparsed(&self, text: &str) -> String {
        self.names.rewrite_deparsed(text, OWN)
    }

    fn ty(&self, ty: &Type) -> Type {
        let range = ty.range.clone().map(|mut range: Range| {
            [&mut range.class, &mut range.collation, &mut range.canonical, &mut range.difference]
                .into_iter()
                .flatten()
                .for_each(|n| self.own(n));
            range
        });
        Type { oid: 0, range, ..ty.clone() }
    }

    fn table(&self, table: &Table) -> Table {
        let mut t = Table {
            oid: 0,
            schema: String::new(),
            owner: String::new(),
            owned: false,
            privileges: vec![],
            open_parents: vec![],
            referenced_by: vec![],
            views: vec![],
            publications: vec![],
            sequences: vec![],
            may_have_rows: false,
            partition_columns: vec![],
            ..table.clone()
        };
        t.parents.iter_mut().for_each(|p| self.own(p));
        // Where columns are only inherited, a new table has them before its own, whatever the old one has.
        let inherits = !t.is_partition && !t.parents.is_empty();
        if inherits && t.columns.iter().any(|c| !c.is_local) {
            t.columns.sort_by(|a, b| a.name.cmp(&b.name));
        }
        // The type and the partition key say the rest.
        for column in &mut t.columns {
            column.own_type = false;
            column.base_type.clear();
            column.fuzzy = false;
        }
        for c in &mut t.constraints {
            let references = c.references.take().map(|r| References {
                oid: 0,
                schema: if r.schema == self.schema.name { OWN.into() } else { r.schema },
                forced: false,
                from_columns: vec![],
                all_columns: vec![],
                keys: vec![],
                ..r
            });
            *c = Constraint { oid: 0, references, ..std::mem::take(c) };
        }
        t.indexes.retain(Index::is_sound);
        for index in &mut t.indexes {
            index.parent.iter_mut().for_each(|p| self.own(p));
        }
        for policy in &mut t.policies {
            let roles = policy.roles.iter().map(|r| match Some(r.as_str()) == self.tenant_role {
                true => TENANT.to_string(),
                false => r.clone(),
            });
            *policy = Policy { roles: roles.collect(), ..policy.clone() };
            policy.roles.sort();
            let conditions = [&mut policy.using, &mut policy.check];
            conditions.into_iter().flatten().for_each(|c| *c = self.deparsed(c));
        }
        for trigger in &mut t.triggers {
            self.own(&mut trigger.function);
            trigger.executable = true;
        }
        t.definition.iter_mut().for_each(|d| *d = self.deparsed(d));
        t.rules.iter_mut().for_each(|r| r.definition = self.deparsed(&r.definition));
        t.extended_statistics.retain(|s| s.schema == self.schema.name);
        t.extended_statistics.iter_mut().for_each(|s| s.schema.clear());
        t
    }

    fn routine(&self, routine: &Routine) -> Routine {
        let mut r = routine.clone();
        r.oid = 0;
        r.signature.clear(); // its identity says it
        if matches!(r.language.as_str(), "sql" | "plpgsql") {
            r.body = self.names.rewrite(&r.body, OWN);
        }
        r.atomic.iter_mut().for_each(|a| *a = self.deparsed(a));
        r.support.iter_mut().for_each(|f| self.own(f));
        for setting in &mut r.config {
            let Some(path) = setting.strip_prefix("search_path=") else { continue };
            let mut elements = Vec::new();
            for element in path_elements(path) {
                if element == self.schema.name {
                    elements.push(OWN.to_string());
                    // The extension that lies in a template is reached through it.
                    elements.extend(self.schema.objects.has_extension.then_some(element));
                } else {
                    elements.push(element);
                }
            }
            *setting = format!("search_path={}", elements.join("\u{3}"));
        }
        if let Some(aggregate) = &mut r.aggregate {
            let own = |f: &mut AggregateFunction| {
                if f.schema == self.schema.name {
                    f.schema = OWN.into();
                }
            };
            aggregate.options.iter_mut().for_each(own);
            aggregate.sort.iter_mut().for_each(|s| self.own(s));
        }
        r
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(name: &str, body: &str, path: &str) -> Schema {
        let table = Table { schema: name.into(), name: "t".into(), ..Table::default() };
        let mut schema = Schema { name: name.into(), tables: vec![table], ..Schema::default() };
        schema.objects.routines = vec![Routine {
            identity: "f()".into(),
            name: "f".into(),
            language: "plpgsql".into(),
            body: body.into(),
            config: vec![format!("search_path={path}")],
            ..Routine::default()
        }];
        schema
    }

    #[test]
    fn a_schema_and_its_clone_have_one_fingerprint_and_others_differ_by_object() {
        let a = schema("tpl", "SELECT tpl.t", "tpl, pg_temp").structure(None);
        let b = schema("acme", "SELECT acme.t", "acme, pg_temp").structure(None);
        assert_eq!(fingerprint(&a), fingerprint(&b));
        let c = schema("acme", "SELECT tpl.t", "acme, pg_temp").structure(None);
        assert_eq!(differences(&a, &c), ["function f()"]);
        let d = schema("acme", "SELECT acme.t", "tpl, pg_temp").structure(None);
        assert_ne!(fingerprint(&a), fingerprint(&d));
    }

    #[test]
    fn row_level_security_counts() {
        let a = schema("tpl", "", "tpl");
        let mut b = schema("acme", "", "acme");
        b.tables[0].force_row_security = true;
        assert_eq!(differences(&a.structure(None), &b.structure(None)), ["table t"]);
    }
}
