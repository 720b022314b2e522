//! Drift: what of a tenant's schema is not as in its template, and the plan that makes it so again.

mod again;
mod columns;
mod diff;
mod hanging;
mod keys;
mod making;
mod names;
mod objects;
mod privileges;
mod protection;
mod registered;
mod remade;
mod role;
mod sequences;
mod side;
mod sync;
mod tables;
mod types;

use super::registry::{self, Entry};
use crate::catalog::{self, Schema};
use crate::error::{Error, Result};
use crate::pg::types::PlannedStep;
use crate::pg::{ident, query, relation, user};
use diff::{Change, Roles};
use objects::Objects;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// What of a tenant's schema is not as in its template, object by object, what protects rows first: the kind of
/// object, its name, the difference (missing, extra or different), what the template has and what is there
/// (NULL for nothing), the statements that mend it (NULL where none can, or where another row's do), whether
/// they drop something or may lose a part of a value, and, where no plan can mend it, the reason. Names that differ by the schema only are equal. Without a
/// slug, every tenant schema that you own and whose template you may use. Changes nothing. Raises 3F000, 42501.
///
/// Example: `SELECT object_type, object, difference FROM tenant_guard.tenant_drift('acme');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn tenant_drift(
    slug: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(slug, String),
            name!(object_type, String),
            name!(object, String),
            name!(difference, String),
            name!(expected, Option<String>),
            name!(actual, Option<String>),
            name!(fix, Option<String>),
            name!(destructive, bool),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let entries = match slug {
        Some(slug) => vec![found(slug)?],
        None => registry::of_the_caller()?,
    };
    let mut rows = Vec::new();
    for entry in entries {
        let pair = match read(&entry) {
            // Of all tenants, those that can be compared.
            Err(
                Error::NotPermitted { .. }
                | Error::NoSuchSchema { .. }
                | Error::SchemaMissing { .. },
            ) if slug.is_none() => continue,
            pair => pair?,
        };
        let objects = pair.objects();
        let changes = pair.changes(&entry, &objects)?;
        rows.extend(changes.into_iter().map(|change| {
            (
                entry.slug.clone(),
                change.kind.to_string(),
                change.object.clone(),
                change.difference.word().to_string(),
                change.expected.clone(),
                change.actual.clone(),
                sync::script(&entry.slug, &pair.template, &change, &objects),
                change.fix.destructive,
                change.fix.not_by_plan.map(str::to_string),
            )
        }));
    }
    Ok(TableIterator::new(rows))
}

/// Makes a tenant's schema as its template is by now: adds types, labels, tables, columns, constraints, indexes,
/// policies, triggers, rules, statistics, functions, views and operators, changes what is different, and grants
/// as the template does, and new tables to the tenant's role. A view or function that cannot be replaced is
/// dropped and made again, with the views that depend on it. What drops
/// something, or changes a type so that a value may lose a part, is done with allow_destructive => true only, and
/// told of in a WARNING otherwise; so is what no plan can do. Afterwards tenant_drift has nothing else to say, or
/// all of it is refused. Labels added to an enum can be used when they are committed: where the template already
/// uses them, a first call adds them and a second does the rest. Records which version of the template the
/// tenant has. What is made new belongs to the schema's owner. A template, or a tenant schema, of a role that has
/// fewer rights than the caller is refused, as by create_tenant_schema; trust_template => true syncs it all the same. Returns the steps; in a dry run nothing changes. The caller must own the schema, and what is in it.
/// Raises 22004, 3F000, 42501, 42P07 (something else is there under a name of the template's), 55000, and what a row of the tenant's is in the way of (23502, 23505, 23514, ...).
///
/// Example: `SELECT step, action FROM tenant_guard.sync_tenant_schema('acme', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
fn sync_tenant_schema(
    slug: Option<&str>,
    allow_destructive: default!(Option<bool>, "false"),
    trust_template: default!(Option<bool>, "false"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let slug =
        slug.ok_or(Error::NullArgument { function: "sync_tenant_schema", argument: "slug" })?;
    let allow_destructive = allow_destructive.unwrap_or(false);
    let trust_template = trust_template.unwrap_or(false);
    Ok(sync::sync(slug, allow_destructive, trust_template, dry_run.unwrap_or(false))?)
}

fn found(slug: &str) -> Result<Entry> {
    registry::find(slug)?.ok_or_else(|| Error::NotATenantSchema { slug: slug.into() })
}

/// A template and one of its tenants, each read under a path of its own.
struct Read {
    template: Schema,
    tenant: Schema,
}

fn read(entry: &Entry) -> Result<Read> {
    registry::check_owner(entry)?;
    if !relation::schema_exists(&entry.slug) {
        return Err(Error::SchemaMissing { slug: entry.slug.clone() });
    }
    let _now = query::catalog_read(query::PINNED); // after what was waited for
    let template = usable(&entry.template, catalog::schema(&entry.template)?)?;
    let tenant = usable(&entry.slug, catalog::clone_of(&entry.slug, &entry.template)?)?;
    Ok(Read { template, tenant })
}

/// A schema that the caller may look into.
fn usable(name: &str, schema: Option<Schema>) -> Result<Schema> {
    match schema {
        Some(schema) if schema.usable => Ok(schema),
        Some(schema) => Err(Error::NotPermitted {
            what: format!("reading schema {}", ident::quote(name)),
            detail: format!("You have no USAGE on it; it belongs to role \"{}\".", schema.owner),
            hint: "Have its owner grant it: GRANT USAGE ON SCHEMA ... TO you.".into(),
        }),
        None => Err(Error::NoSuchSchema { schema: name.into() }),
    }
}

impl Read {
    /// To make something again, or to look whether rows fit it, runs functions that its owner chose.
    fn refuse_foreign(&self) -> Result<()> {
        let mut owners: Vec<String> = [&self.template, &self.tenant]
            .iter()
            .flat_map(|s| s.foreign_owners.iter().map(|o| ident::quote(o)))
            .collect();
        owners.sort();
        owners.dedup();
        if owners.is_empty() {
            return Ok(());
        }
        Err(Error::NotPermitted {
            what: format!("syncing schema {} with your rights", ident::quote(&self.tenant.name)),
            detail: format!("It or its template, or something in them, belongs to {}, and making indexes, defaults and constraints runs functions that such an owner chose.", owners.join(", ")),
            hint: "Call it as the owner (SET ROLE), or, where you have read both and trust all that is in them, say trust_template => true.".into(),
        })
    }

    fn objects(&self) -> Objects<'_> {
        Objects::new(&self.template, &self.tenant, &user::current())
    }

    fn changes(&self, entry: &Entry, objects: &Objects) -> Result<Vec<Change>> {
        let templates_role = registry::find(&entry.template)?.and_then(|e| e.tenant_role);
        let roles = Roles {
            tenants: entry.tenant_role.as_deref(),
            templates: templates_role.as_deref(),
            archived: entry.state == "archived",
        };
        let mut changes = diff::differences(&self.template, &self.tenant, roles, objects);
        let (wanted, had) =
            (registry::registered(&entry.template)?, registry::registered(&entry.slug)?);
        changes.extend(registered::changes(&self.tenant, &wanted, &had));
        Ok(changes)
    }
}
