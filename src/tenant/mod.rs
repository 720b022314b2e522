//! Tenant schemas: a template's structure made again for one tenant, with a role of its own.

mod access;
mod at_once;
mod classes;
mod clone;
#[cfg(test)]
mod clone_tests;
mod comments;
mod create;
mod data;
pub mod destination;
mod drift;
mod findings;
pub mod fleet;
pub mod life;
mod makers;
mod order;
mod registrations;
mod registry;
mod routines;
mod session;
mod slug;
mod strategy;
mod tables;
mod wanted;

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::types::{Name, PlannedStep};
use crate::pg::{ident, relation, user};
use crate::plan::{self, Kind, Object, Plan, Rows, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid};
use wanted::{create, Wanted};

/// Makes a schema for one tenant from a template schema, with everything in it: types, sequences, tables
/// (partitions, inheritance, generated and identity columns), constraints, indexes, statistics, views,
/// functions, operators, casts, triggers, rules, row-level security and policies, comments, owners,
/// privileges, publications, and what tenant_guard has registered of it. Names inside the template mean the
/// new schema, also in the text of SQL and PL/pgSQL functions; names outside it stay. Afterwards nothing in
/// the new schema may depend on the template, and its structure and privileges must be the template's, or
/// all of it is refused. What is not carried is a step of the result that says so, and a WARNING.
/// with_data is 'none', 'all' or '{table,...}'. The objects belong to the template's owners where the caller
/// has their rights, or all to owner. The tenant's role gets USAGE on the schema and SELECT, INSERT, UPDATE,
/// DELETE on its tables, or what a tenant template's role has there; a NOLOGIN role tenant_<slug> is made
/// unless tenant_role names one, or is 'none'. quotas are that new role's: {"connection_limit": 10,
/// "statement_timeout": "5s"}. A slug is the schema's name: a-z, 0-9 and _, at most 56 characters.
/// A template of a role that has fewer rights than the caller is refused: to make it again would run
/// that role's functions with the caller's rights. trust_template => true clones it all the same.
/// Returns the steps; in a dry run nothing changes. The caller needs CREATE on the database.
/// Raises 42602 (no slug), 42P06, 42710, 3F000, 42501, 42704, 42P01, 22023, 0A000, 55000.
///
/// Example: `SELECT * FROM tenant_guard.create_tenant_schema('acme', template => 'crm_template');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn create_tenant_schema(
    slug: Option<&str>,
    template: Option<Name>,
    organization: default!(Option<Uuid>, "NULL"),
    with_data: default!(Option<&str>, "'none'"),
    owner: default!(Option<Name>, "NULL"),
    tenant_role: default!(Option<Name>, "NULL"),
    quotas: default!(Option<JsonB>, "NULL"),
    trust_template: default!(Option<bool>, "false"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "create_tenant_schema", argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    let template = template.ok_or_else(|| null("template"))?;
    let wanted = Wanted {
        slug,
        template: &template.0,
        organization: organization.map(|o| o.to_string()),
        with_data: with_data.unwrap_or("none"),
        owner: owner.map(|r| r.0),
        tenant_role: tenant_role.map(|r| r.0),
        quotas: quotas.map(|q| q.0),
        trust_template: trust_template.unwrap_or(false),
    };
    Ok(create(wanted, dry_run.unwrap_or(false))?)
}

/// Drops a tenant schema with every row in it, its registration, and its role where
/// create_tenant_schema made that. Nothing brings the rows back, so the slug is given twice; refused
/// while anything outside the schema depends on it. Returns the steps; in a dry run nothing changes.
/// The caller must own the schema. Raises 22004, 22023 (not confirmed), 3F000, 42501, 2BP01.
///
/// Example: `SELECT * FROM tenant_guard.drop_tenant_schema('acme', confirm => 'acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn drop_tenant_schema(
    slug: Option<&str>,
    confirm: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let slug =
        slug.ok_or(Error::NullArgument { function: "drop_tenant_schema", argument: "slug" })?;
    Ok(drop(slug, confirm, dry_run.unwrap_or(false))?)
}

/// Writes the registration that a plan of create_tenant_schema decided on. Where a fingerprint is given, the
/// schema's structure must have it, or 55000 names what differs from the template. tenant_role is NULL
/// where there is none. The caller must own the schema. Raises 3F000, 42501, 23505, 55000.
///
/// Example: `SELECT tenant_guard.register_tenant_schema('acme', 'crm_template', NULL, 'tenant_acme', true);`
#[pg_extern(volatile, parallel_unsafe)]
fn register_tenant_schema(
    slug: Option<&str>,
    template: Option<&str>,
    organization: Option<Uuid>,
    tenant_role: Option<&str>,
    role_created: Option<bool>,
    fingerprint: default!(Option<&str>, "NULL"),
) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: "register_tenant_schema", argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    if !relation::schema_exists(slug) {
        return Err(Error::NoSuchSchema { schema: slug.into() }.into());
    }
    let mut entry = registry::Entry {
        slug: slug.into(),
        template: String::new(),
        organization: organization.map(|o| o.to_string()),
        tenant_role: tenant_role.map(str::to_string),
        role_created: false,
        created_by: user::current(),
        fingerprint: fingerprint.map(str::to_string),
        template_version: None,
        state: "active".into(),
        remembered: serde_json::Value::Null,
    };
    // Whose it is comes first: a stranger learns nothing from which argument was missing.
    registry::check_owner(&entry)?;
    entry.template = template.ok_or_else(|| null("template"))?.into();
    entry.role_created = role_created.ok_or_else(|| null("role_created"))?;
    if let Some(fingerprint) = fingerprint {
        same_structure(&entry, fingerprint)?;
    }
    entry.template_version = life::ledger::record(&entry.template)?;
    Ok(registry::register(&entry)?)
}

/// Refuses a clone that is not like its template, and names where.
fn same_structure(entry: &registry::Entry, fingerprint: &str) -> Result<()> {
    let missing = |schema: &str| Error::NoSuchSchema { schema: schema.into() };
    let (slug, template) = (entry.slug.as_str(), entry.template.as_str());
    let clone = catalog::structure_of(slug, template)?.ok_or_else(|| missing(slug))?;
    let templates_role = registry::find(template)?.and_then(|e| e.tenant_role);
    // It has the other's place only where there is another.
    let role = entry.tenant_role.as_deref().filter(|_| templates_role.is_some());
    let structure = clone.structure(role);
    if catalog::fingerprint(&structure) == fingerprint {
        return Ok(());
    }
    let original = catalog::schema(template)?.ok_or_else(|| missing(template))?;
    let mut objects =
        catalog::differences(&original.structure(templates_role.as_deref()), &structure);
    if objects.is_empty() {
        objects.push("the template itself, from what it was".into());
    }
    objects.truncate(20);
    Err(Error::Unlike { schema: slug.into(), template: template.into(), objects })
}

/// Removes a tenant schema's registration; the schema stays. The caller must own the schema, where
/// it still exists, or have registered it. Raises 3F000, 42501.
///
/// Example: `SELECT tenant_guard.unregister_tenant_schema('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn unregister_tenant_schema(slug: Option<&str>) -> Result<(), ErrorReport> {
    let slug =
        slug.ok_or(Error::NullArgument { function: "unregister_tenant_schema", argument: "slug" })?;
    Ok(registry::unregister(slug)?)
}

fn drop(slug: &str, confirm: Option<&str>, dry_run: bool) -> Result<Rows> {
    if !dry_run {
        relation::lock_name("tenant_schema", slug);
    }
    let entry =
        registry::find(slug)?.ok_or_else(|| Error::NotATenantSchema { slug: slug.into() })?;
    registry::check_owner(&entry)?;
    if confirm != Some(slug) && !dry_run {
        return Err(Error::NotConfirmed { slug: slug.into() });
    }
    let dependents = registry::outside_dependents(slug)?;
    if !dependents.is_empty() {
        return Err(Error::SchemaInUse { schema: slug.into(), dependents });
    }
    if !dry_run {
        life::locks::referenced_by_the_tenant(slug)?;
    }
    let mut plan = Plan::new("drop_tenant_schema", slug);
    plan.push(Step::irreversible(
        Object::schema(Kind::TenantSchema, slug),
        "unregister the tenant schema",
        "tenant_schemas shows it no more",
        format!("SELECT tenant_guard.unregister_tenant_schema({})", ident::literal(slug)),
    ));
    if relation::schema_exists(slug) {
        plan.push(Step::irreversible(
            Object::schema(Kind::Schema, slug),
            format!("drop schema {slug}"),
            "with every table and row in it",
            format!("DROP SCHEMA {} CASCADE", ident::quote(slug)),
        ));
    }
    let role = entry.tenant_role.filter(|_| entry.role_created);
    if let Some(role) = role {
        if catalog::role_exists(&role)? {
            plan.push(Step::irreversible(
                Object::global(Kind::Role, &role),
                format!("drop role {role}"),
                "create_tenant_schema made it for this tenant alone",
                format!("DROP ROLE {}", ident::quote(&role)),
            ));
        }
    }
    plan::run(plan, dry_run)
}
