//! From a template schema's model to the plan that makes it again under another name. Pure.
//!
//! The model was read under a path that begins with the template, so deparsed text names the template's
//! own objects bare and everything else qualified. Run under a path that begins with the new schema, the
//! same text means the new objects: nothing is replaced in it. The plan's checks ask the catalog
//! afterwards that nothing points back and that nobody may do more or less.

use super::order::{self, Order};
use super::routines::Place;
use super::session::{self, Setting};
use crate::catalog::{Schema, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Check, Finding, Kind, Object, Plan, Severity, Step};
use std::collections::{BTreeSet, HashSet};

#[derive(Debug, Clone, Default)]
pub struct Target {
    pub slug: String,
    pub organization: Option<String>,
    /// The tenant's role; None where there is to be none.
    pub role: Option<String>,
    pub role_created: bool,
    pub quotas: Quotas,
    /// The role that works in the template as this one will in the new schema.
    pub templates_role: Option<String>,
    /// Who makes the schema.
    pub caller: String,
    /// Who is to own all of it; None for the template's owners.
    pub owner: Option<String>,
    pub data: Data,
    /// What tenant_guard has registered of the template, as statements about the new schema, with
    /// their undo.
    pub registrations: Vec<(String, String, String)>,
    /// What of the template's registrations the caller cannot make.
    pub unregistered: Vec<String>,
    /// The template's fingerprint.
    pub fingerprint: String,
    /// What the session's search_path and check_function_bodies are put back to at the end.
    pub callers_path: String,
    pub callers_checks: String,
    pub callers_row_security: String,
    /// What else of the session's does not suit.
    pub unsuited: Vec<Setting>,
    /// A superuser gives anything to anybody.
    pub superuser: bool,
}

/// What the tenant's role may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotas {
    pub connection_limit: Option<i32>,
    pub statement_timeout: Option<String>,
}

/// Of which tables the rows are copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Data {
    #[default]
    None,
    All,
    Of(Vec<String>),
}

impl Data {
    #[must_use]
    pub fn has(&self, table: &str) -> bool {
        match self {
            Data::None => false,
            Data::All => true,
            Data::Of(tables) => tables.iter().any(|t| t == table),
        }
    }
}

pub fn plan(template: &Schema, target: &Target) -> Result<Plan> {
    let needed: Vec<String> =
        template.others.iter().filter(|o| o.needed).map(|o| o.object.clone()).collect();
    if !needed.is_empty() {
        return Err(Error::CannotClone { schema: template.name.clone(), objects: needed });
    }
    barred_triggers(template)?;
    partitions_of_others(template)?;
    let mut path = vec![quote(&target.slug)];
    if template.objects.has_extension {
        path.push(quote(&template.name));
    }
    let path = path.join(", ");
    let names = template.names();
    let order = order::order(template);
    let mut clone = Clone {
        plan: Plan::new("create_tenant_schema", &target.slug),
        template,
        target,
        order: &order,
        place: Place { template: &template.name, slug: &target.slug, path: &path, names: &names },
    };
    clone.plan.anew = true;
    clone.findings();
    clone.role_and_schema();
    clone.makers();
    clone.family_members();
    let tables: Vec<&Table> = parents_first(template);
    tables.iter().for_each(|t| clone.attach(t));
    clone.made_later();
    clone.data(&tables);
    clone.unvalidated_domain_checks();
    clone.sequence_owners();
    clone.sequence_comments();
    tables.iter().for_each(|t| clone.keys_and_checks(t));
    tables.iter().for_each(|t| clone.validated_checks(t));
    let views: Vec<&Table> = template.views.iter().collect();
    tables.iter().chain(&views).for_each(|t| clone.indexes(t));
    tables.iter().for_each(|t| clone.attach_indexes(t));
    tables.iter().for_each(|t| clone.foreign_keys(t));
    tables.iter().chain(&views).for_each(|t| clone.extended_statistics(t));
    tables.iter().chain(&views).for_each(|t| clone.rules(t));
    tables.iter().for_each(|t| clone.row_security(t));
    tables.iter().chain(&views).for_each(|t| clone.triggers(t));
    tables.iter().for_each(|t| clone.inherited_triggers(t));
    tables.iter().chain(&views).for_each(|t| clone.settings(t));
    clone.comments_and_labels();
    clone.dependents();
    clone.refresh();
    clone.default_privileges();
    clone.owners();
    clone.privileges();
    clone.publications();
    clone.grants(&tables);
    clone.path(
        (&target.callers_path, &target.callers_checks, &target.callers_row_security),
        (&clone.own_path(), "off", "off"),
        "your own search path again",
        true,
    );
    clone.registration();
    clone.checks();
    Ok(clone.plan)
}

fn barred_triggers(template: &Schema) -> Result<()> {
    let barred: BTreeSet<String> = template
        .tables
        .iter()
        .chain(&template.views)
        .flat_map(|t| t.triggers.iter().filter(|t| !t.executable))
        // The template's own are made again, and are the caller's then.
        .filter(|t| t.function.schema != template.name)
        .map(|t| qualified(&t.function.schema, &t.function.name))
        .collect();
    if barred.is_empty() {
        return Ok(());
    }
    let barred = Vec::from_iter(barred).join(", ");
    Err(Error::NotPermitted {
        what: format!("making the triggers of schema {} again", quote(&template.name)),
        detail: format!("You have no EXECUTE on {barred}."),
        hint: "Have an administrator grant it: GRANT EXECUTE ON FUNCTION ... TO you.".into(),
    })
}

/// A table outside the template has one partition for each of its bounds.
fn partitions_of_others(template: &Schema) -> Result<()> {
    let partitions = template.tables.iter().filter(|t| t.is_partition);
    let taken: Vec<String> = partitions
        .filter_map(|t| {
            let parent = t.parents.first().filter(|p| p.schema != template.name)?;
            let of = qualified(&parent.schema, &parent.name);
            Some(format!("a second partition of {of} with the bounds of {}", quote(&t.name)))
        })
        .collect();
    match taken.is_empty() {
        true => Ok(()),
        false => Err(Error::CannotClone { schema: template.name.clone(), objects: taken }),
    }
}

/// A table after the tables of the same schema that it inherits from or is a partition of.
pub(super) fn parents_first(template: &Schema) -> Vec<&Table> {
    let names: HashSet<&str> = template.tables.iter().map(|t| t.name.as_str()).collect();
    let mut placed: HashSet<&str> = HashSet::new();
    let mut ordered: Vec<&Table> = Vec::with_capacity(template.tables.len());
    let mut waiting: Vec<&Table> = template.tables.iter().collect();
    while !waiting.is_empty() {
        let ready = |t: &Table| {
            t.parents.iter().all(|p| {
                p.schema != template.name
                    || !names.contains(p.name.as_str())
                    || placed.contains(p.name.as_str())
            })
        };
        let (now, later): (Vec<&Table>, Vec<&Table>) = waiting.iter().partition(|t| ready(t));
        if now.is_empty() {
            ordered.extend(later); // a cycle of inheritance cannot exist
            break;
        }
        placed.extend(now.iter().map(|t| t.name.as_str()));
        ordered.extend(now);
        waiting = later;
    }
    ordered
}

/// The plan in the making.
pub(super) struct Clone<'a> {
    pub(super) plan: Plan,
    pub(super) template: &'a Schema,
    pub(super) target: &'a Target,
    pub(super) order: &'a Order<'a>,
    pub(super) place: Place<'a>,
}

impl Clone<'_> {
    pub(super) fn slug(&self) -> &str {
        &self.target.slug
    }

    /// Temporary tables are looked up first unless the path says otherwise. The schema of an extension
    /// that lies in the template comes after the new one: its own objects are found first.
    pub(super) fn own_path(&self) -> String {
        format!("{}, pg_catalog, pg_temp", self.place.path)
    }

    pub(super) fn name(&self, table: &Table) -> String {
        qualified(self.slug(), &table.name)
    }

    pub(super) fn in_table(&self, kind: Kind, table: &Table, name: &str) -> Object {
        Object::in_table(kind, self.slug(), &table.name, name)
    }

    pub(super) fn is_own(&self, schema: &str) -> bool {
        schema == self.template.name
    }

    /// What goes with its table when undo drops that.
    pub(super) fn part(&mut self, object: Object, action: String, why: &str, sql: String) {
        self.plan.push(Step::part_of_table(object, action, why, sql));
    }

    pub(super) fn made(&mut self, object: Object, action: String, sql: String, undo: String) {
        self.plan.push(Step::new(object, action, "as in the template", sql, undo));
    }

    /// A line of the plan that only tells what is left out, and why.
    pub(super) fn not_carried(&mut self, what: &str, why: &str) {
        let object = Object::schema(Kind::NotCarried, self.slug());
        self.part(object, format!("not carried over: {what}"), why, String::new());
    }

    pub(super) fn warn(&mut self, message: String, detail: String, hint: &str) {
        self.plan.findings.push(Finding {
            severity: Severity::Warning,
            message,
            detail,
            hint: hint.into(),
            fix: None,
        });
    }

    /// The search path, whether bodies of functions are checked, and whether policies hide rows from
    /// what is copied.
    fn path(&mut self, to: (&str, &str, &str), back: (&str, &str, &str), why: &str, ends: bool) {
        let bodies = !self.template.objects.routines.is_empty();
        let rows = self.target.data != Data::None;
        let set = |(path, checks, row_security): (&str, &str, &str), others: &str| {
            let mut sql =
                format!("SELECT pg_catalog.set_config('search_path', {}, false)", literal(path));
            let mut also = |on: bool, name: &str, value: &str| {
                if on {
                    sql += &format!(", pg_catalog.set_config('{name}', {}, false)", literal(value));
                }
            };
            also(bodies, "check_function_bodies", checks);
            also(rows, "row_security", row_security);
            sql + others
        };
        let (ours, callers) = session::set(&self.target.unsuited);
        let (now, then) = if ends { (callers, ours) } else { (ours, callers) };
        let object = Object::schema(Kind::Path, self.slug());
        self.plan.push(Step::new(
            object,
            "set the search path",
            why,
            set(to, &now),
            set(back, &then),
        ));
    }

    fn role_and_schema(&mut self) {
        if let (Some(role), true) = (&self.target.role, self.target.role_created) {
            self.create_role(role);
        }
        let schema = quote(self.slug());
        self.plan.push(Step::new(
            Object::schema(Kind::Schema, self.slug()),
            format!("create schema {}", self.slug()),
            "everything of the tenant's lives in here",
            format!("CREATE SCHEMA {schema}"),
            format!("DROP SCHEMA {schema}"),
        ));
        if let Some(comment) = &self.template.comment {
            let sql = format!("COMMENT ON SCHEMA {schema} IS {}", literal(comment));
            let object = Object::schema(Kind::Schema, self.slug());
            self.part(object, "comment on the schema".into(), "as in the template", sql);
        }
        let target = self.target;
        self.path(
            (&self.own_path(), "off", "off"),
            (&target.callers_path, &target.callers_checks, &target.callers_row_security),
            "bare names below mean the new schema's own objects",
            false,
        );
    }

    fn create_role(&mut self, name: &str) {
        let role = quote(name);
        let limit = self.target.quotas.connection_limit;
        let limit = limit.map(|n| format!(" CONNECTION LIMIT {n}")).unwrap_or_default();
        self.plan.push(Step::new(
            Object::global(Kind::Role, name),
            format!("create role {name}"),
            "the tenant's own role; grant it to whoever works for the tenant",
            format!("CREATE ROLE {role} NOLOGIN{limit}"),
            format!("DROP ROLE {role}"),
        ));
        if let Some(timeout) = &self.target.quotas.statement_timeout {
            self.part(
                Object::global(Kind::Role, name),
                format!("limit the statements of role {name}"),
                "its quota",
                format!("ALTER ROLE {role} SET statement_timeout TO {}", literal(timeout)),
            );
        }
    }

    fn registration(&mut self) {
        for (action, sql, undo) in &self.target.registrations {
            let object = Object::schema(Kind::Privileges, &self.target.slug);
            let step = Step::new(object, action, "registered as in the template", sql, undo);
            self.plan.push(step);
        }
        let text = |value: &str| literal(value);
        let or_null = |value: &Option<String>| value.as_deref().map_or("NULL".into(), text);
        let slug = text(self.slug());
        let sql = format!(
            "SELECT tenant_guard.register_tenant_schema({slug}, {}, {}, {}, {}, {})",
            text(&self.template.name),
            or_null(&self.target.organization),
            or_null(&self.target.role),
            self.target.role_created,
            text(&self.target.fingerprint),
        );
        self.plan.push(Step::new(
            Object::schema(Kind::TenantSchema, self.slug()),
            "register the tenant schema",
            "tenant_schemas shows it, if its structure is the template's",
            sql,
            format!("SELECT tenant_guard.unregister_tenant_schema({slug})"),
        ));
    }

    fn checks(&mut self) {
        let (slug, template) = (self.target.slug.clone(), self.template.name.clone());
        self.plan.checks.push(Check {
            sql: include_str!("points_back.sql"),
            args: vec![slug.clone(), template.clone()],
            refuse: |args, objects| Error::PointsBack {
                schema: args[0].clone(),
                template: args[1].clone(),
                objects,
            },
        });
        let role = |role: &Option<String>| role.clone().unwrap_or_default();
        self.plan.checks.push(Check {
            sql: include_str!("privileges_differ.sql"),
            args: vec![slug, template, role(&self.target.role), role(&self.target.templates_role)],
            refuse: |args, objects| Error::Unlike {
                schema: args[0].clone(),
                template: args[1].clone(),
                objects,
            },
        });
    }
}
