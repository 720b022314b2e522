//! From a template schema's model to the plan that makes it again under another name. Pure.
//!
//! The model was read under a path of exactly the template, so deparsed text names the template's
//! own objects bare and everything else qualified. Run under a path of exactly the new schema, the
//! same text means the new objects: nothing is replaced in it. The plan's check asks the catalog
//! afterwards that nothing points back.

use super::create::{create_sequence, create_type};
use crate::catalog::{Policy, Schema, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Check, Finding, Kind, Object, Plan, Severity, Step};
use std::collections::BTreeSet;

pub struct Target {
    pub slug: String,
    pub organization: Option<String>,
    pub role: String,
    pub role_created: bool,
    /// Who will own the schema.
    pub caller: String,
    /// What the session's search_path is put back to at the end.
    pub callers_path: String,
}

pub fn plan(template: &Schema, target: &Target) -> Result<Plan> {
    let needed: Vec<String> =
        template.others.iter().filter(|o| o.needed).map(|o| o.object.clone()).collect();
    if !needed.is_empty() {
        return Err(Error::CannotClone { schema: template.name.clone(), objects: needed });
    }
    let barred: BTreeSet<String> = template
        .tables
        .iter()
        .flat_map(|t| t.triggers.iter().filter(|t| !t.executable))
        .map(|t| qualified(&t.function.schema, &t.function.name))
        .collect();
    if !barred.is_empty() {
        let barred = Vec::from_iter(barred).join(", ");
        return Err(Error::NotPermitted {
            what: format!("making the triggers of schema {} again", quote(&template.name)),
            detail: format!("You have no EXECUTE on {barred}."),
            hint: "Have an administrator grant it: GRANT EXECUTE ON FUNCTION ... TO you.".into(),
        });
    }
    let mut clone =
        Clone { plan: Plan::new("create_tenant_schema", &target.slug), template, target };
    let tables = parents_first(&template.tables);
    clone.findings();
    clone.role_and_schema();
    clone.types();
    clone.sequences();
    tables.iter().for_each(|t| clone.table(t));
    tables.iter().for_each(|t| clone.attach(t));
    clone.sequence_owners();
    clone.sequence_comments();
    tables.iter().for_each(|t| clone.keys_and_checks(t));
    tables.iter().for_each(|t| clone.validated_checks(t));
    tables.iter().for_each(|t| clone.indexes(t));
    tables.iter().for_each(|t| clone.attach_indexes(t));
    tables.iter().for_each(|t| clone.foreign_keys(t));
    tables.iter().for_each(|t| clone.row_security(t));
    tables.iter().for_each(|t| clone.triggers(t));
    tables.iter().for_each(|t| clone.settings(t));
    clone.path(&target.callers_path, &own_path(&target.slug), "your own search path again");
    clone.grants(&tables);
    clone.registration();
    clone.plan.checks.push(Check {
        sql: include_str!("points_back.sql"),
        args: vec![target.slug.clone(), template.name.clone()],
        refuse: |args, objects| Error::PointsBack {
            schema: args[0].clone(),
            template: args[1].clone(),
            objects,
        },
    });
    Ok(clone.plan)
}

/// Temporary tables are looked up first unless the path says otherwise.
fn own_path(schema: &str) -> String {
    format!("{}, pg_temp", quote(schema))
}

/// A table after the tables of the same schema that it inherits from or is a partition of.
fn parents_first(tables: &[Table]) -> Vec<&Table> {
    let mut ordered: Vec<&Table> = Vec::with_capacity(tables.len());
    let mut waiting: Vec<&Table> = tables.iter().collect();
    while !waiting.is_empty() {
        let ready = |t: &Table| {
            t.parents.iter().all(|p| {
                !tables.iter().any(|other| other.schema == p.schema && other.name == p.name)
                    || ordered.iter().any(|done| done.schema == p.schema && done.name == p.name)
            })
        };
        let (now, later): (Vec<_>, Vec<_>) = waiting.iter().partition(|t| ready(t));
        if now.is_empty() {
            ordered.extend(later); // a cycle of inheritance cannot exist
            break;
        }
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
}

impl Clone<'_> {
    pub(super) fn slug(&self) -> &str {
        &self.target.slug
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

    fn findings(&mut self) {
        let others: Vec<&str> = self.template.others.iter().map(|o| o.object.as_str()).collect();
        if !others.is_empty() {
            self.warn(
                format!("not everything in schema {} is carried over", quote(&self.template.name)),
                format!("Left out: {}.", others.join(", ")),
                "Make them in the new schema yourself where the tenant needs them.",
            );
        }
        let typed: Vec<String> =
            self.template.tables.iter().filter(|t| t.of_type.is_some()).map(|t| quote(&t.name)).collect();
        if !typed.is_empty() {
            self.warn(
                format!(
                    "typed tables of schema {} become ordinary ones",
                    quote(&self.template.name)
                ),
                format!("They are {}.", typed.join(", ")),
                "ALTER TABLE ... OF makes them typed again.",
            );
        }
        let grants: BTreeSet<String> = self
            .template
            .tables
            .iter()
            .flat_map(|t| t.grants.iter().map(move |g| (t, g)))
            .filter(|(_, g)| g.grantee != self.target.role)
            .map(|(t, g)| {
                format!(
                    "{} on {} to {}",
                    g.privileges.join(", "),
                    quote(&t.name),
                    quote(&g.grantee)
                )
            })
            .collect();
        if !grants.is_empty() {
            self.plan.findings.push(Finding {
                severity: Severity::Notice,
                message: format!("privileges on schema {} are not carried over", quote(&self.template.name)),
                detail: format!("Nobody but its owner and its tenant reaches the new schema; in the template there are {}.", Vec::from_iter(grants).join("; ")),
                hint: "GRANT them in the new schema where they are meant for this tenant too.".into(),
                fix: None,
            });
        }
        let closed: Vec<String> = self
            .template
            .tables
            .iter()
            .filter(|t| t.row_security && !t.policies.iter().any(|p| self.is_for_tenant(p)))
            .map(|t| quote(&t.name))
            .collect();
        if !closed.is_empty() {
            self.warn(
                format!("role {} will see no row of {}", quote(&self.target.role), closed.join(", ")),
                "Row-level security is enabled there, and the template's policies are for other roles.".into(),
                "Give the template's policies to PUBLIC (protect_table with roles => '{public}'), or add one for the role.",
            );
        }
        let invalid: Vec<String> = self
            .template
            .tables
            .iter()
            .flat_map(|t| t.indexes.iter())
            .filter(|i| !i.valid)
            .map(|i| quote(&i.name))
            .collect();
        if !invalid.is_empty() {
            self.warn(
                format!("invalid indexes of schema {} are left out", quote(&self.template.name)),
                format!("They are {}.", invalid.join(", ")),
                "REINDEX or drop them in the template.",
            );
        }
    }

    fn is_for_tenant(&self, policy: &Policy) -> bool {
        policy.permissive && (policy.roles.is_empty() || policy.roles.contains(&self.target.role))
    }

    fn warn(&mut self, message: String, detail: String, hint: &str) {
        self.plan.findings.push(Finding {
            severity: Severity::Warning,
            message,
            detail,
            hint: hint.into(),
            fix: None,
        });
    }

    fn path(&mut self, path: &str, back: &str, why: &str) {
        let set = |path: &str| {
            format!("SELECT pg_catalog.set_config('search_path', {}, false)", literal(path))
        };
        let object = Object::schema(Kind::Path, self.slug());
        self.plan.push(Step::new(object, "set the search path", why, set(path), set(back)));
    }

    fn role_and_schema(&mut self) {
        let role = quote(&self.target.role);
        if self.target.role_created {
            self.plan.push(Step::new(
                Object::global(Kind::Role, &self.target.role),
                format!("create role {}", self.target.role),
                "the tenant's own role; grant it to whoever works for the tenant",
                format!("CREATE ROLE {role} NOLOGIN"),
                format!("DROP ROLE {role}"),
            ));
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
        self.path(
            &own_path(self.slug()),
            &self.target.callers_path,
            "bare names below mean the new schema's own objects",
        );
    }

    fn types(&mut self) {
        for ty in &self.template.types {
            let name = qualified(self.slug(), &ty.name);
            let word = if ty.kind == "d" { "DOMAIN" } else { "TYPE" };
            let object = || Object::in_schema(Kind::Type, &self.target.slug, &ty.name);
            let made = Step::new(
                object(),
                format!("create {} {}", word.to_lowercase(), ty.name),
                "as in the template",
                create_type(ty, self.slug()),
                format!("DROP {word} {name}"),
            );
            let comment = ty.comment.as_ref().map(|comment| {
                let sql = format!("COMMENT ON {word} {name} IS {}", literal(comment));
                Step::part_of_table(
                    object(),
                    format!("comment on {}", ty.name),
                    "as in the template",
                    sql,
                )
            });
            self.plan.push(made);
            self.plan.steps.extend(comment);
        }
    }

    fn sequence_comments(&mut self) {
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

    fn sequences(&mut self) {
        for sequence in &self.template.sequences {
            if sequence.owned_by.as_ref().is_some_and(|o| o.identity) {
                continue; // its column makes it
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
    }

    fn sequence_owners(&mut self) {
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

    fn grants(&mut self, tables: &[&Table]) {
        if self.target.role == self.target.caller {
            return; // it owns them; to revoke what owners have would lock it out
        }
        let role = quote(&self.target.role);
        let schema = quote(self.slug());
        self.plan.push(Step::new(
            Object::schema(Kind::SchemaGrants, self.slug()),
            "grant the schema to the tenant's role",
            "without USAGE a role cannot name anything in a schema",
            format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
            format!("REVOKE USAGE ON SCHEMA {schema} FROM {role}"),
        ));
        for table in tables {
            let name = self.name(table);
            self.plan.push(Step::new(
                Object::table(Kind::TableGrants, self.slug(), &table.name),
                format!("grant table {} to the tenant's role", table.name),
                "the tenant works with its own rows, and cannot change the tables",
                format!("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {name} TO {role}"),
                format!("REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLE {name} FROM {role}"),
            ));
        }
        for sequence in &self.template.sequences {
            let name = qualified(self.slug(), &sequence.name);
            self.plan.push(Step::new(
                Object::table(Kind::TableGrants, self.slug(), &sequence.name),
                format!("grant sequence {} to the tenant's role", sequence.name),
                "column defaults draw from it",
                format!("GRANT USAGE, SELECT ON SEQUENCE {name} TO {role}"),
                format!("REVOKE USAGE, SELECT ON SEQUENCE {name} FROM {role}"),
            ));
        }
    }

    fn registration(&mut self) {
        let text = |value: &str| literal(value);
        let slug = text(self.slug());
        let organization = self.target.organization.as_deref().map_or("NULL".into(), text);
        let sql = format!(
            "SELECT tenant_guard.register_tenant_schema({slug}, {}, {organization}, {}, {})",
            text(&self.template.name),
            text(&self.target.role),
            self.target.role_created
        );
        self.plan.push(Step::new(
            Object::schema(Kind::TenantSchema, self.slug()),
            "register the tenant schema",
            "tenant_schemas shows it",
            sql,
            format!("SELECT tenant_guard.unregister_tenant_schema({slug})"),
        ));
    }
}
