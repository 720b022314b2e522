//! Tenant schemas: a template's structure made again for one tenant, with a role of its own.

mod clone;
#[cfg(test)]
mod clone_tests;
mod create;
pub mod destination;
pub mod fleet;
mod registry;
mod slug;
mod tables;

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::types::{Name, PlannedStep};
use crate::pg::{guc, ident, relation, user};
use crate::plan::{self, Kind, Object, Plan, Rows, Step};
use clone::Target;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::Uuid;

/// Makes a schema for one tenant from a template schema: tables (partitions, inheritance, generated
/// and identity columns), sequences, constraints, foreign keys, indexes, triggers, policies and
/// row-level security, without rows. Names inside the template resolve to the new schema, names
/// outside it stay; afterwards nothing in the new schema may depend on the template, or all of it
/// is refused. What is not carried (views, functions, ...) is told in a WARNING; where a table
/// needs it, the clone is refused. The tenant role gets USAGE on the schema and
/// SELECT, INSERT, UPDATE, DELETE on its tables; unless tenant_role names a role, a NOLOGIN role
/// tenant_<slug> is made. A slug is the schema's name: a-z, 0-9 and _, at most 56 characters.
/// A template of a role that has fewer rights than the caller is refused: to make it again would run
/// that role's functions with the caller's rights. trust_template => true clones it all the same.
/// Returns the steps; in a dry run nothing changes. The caller needs CREATE on the database.
/// Raises 42602 (no slug), 42P06, 42710, 3F000, 42501, 42704, 0A000, 55000.
///
/// Example: `SELECT * FROM tenant_guard.create_tenant_schema('acme', template => 'crm_template');`
#[pg_extern(volatile, parallel_unsafe)]
fn create_tenant_schema(
    slug: Option<&str>,
    template: Option<Name>,
    organization: default!(Option<Uuid>, "NULL"),
    tenant_role: default!(Option<Name>, "NULL"),
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
        tenant_role: tenant_role.map(|r| r.0),
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

/// Writes the registration that a plan of create_tenant_schema decided on. The caller must own the
/// schema. Raises 3F000, 42501, 23505.
///
/// Example: `SELECT tenant_guard.register_tenant_schema('acme', 'crm_template', NULL, 'tenant_acme', true);`
#[pg_extern(volatile, parallel_unsafe)]
fn register_tenant_schema(
    slug: Option<&str>,
    template: Option<&str>,
    organization: Option<Uuid>,
    tenant_role: Option<&str>,
    role_created: Option<bool>,
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
        tenant_role: String::new(),
        role_created: false,
        created_by: user::current(),
    };
    // Whose it is comes first: a stranger learns nothing from which argument was missing.
    registry::check_owner(&entry)?;
    entry.template = template.ok_or_else(|| null("template"))?.into();
    entry.tenant_role = tenant_role.ok_or_else(|| null("tenant_role"))?.into();
    entry.role_created = role_created.ok_or_else(|| null("role_created"))?;
    Ok(registry::register(&entry)?)
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

struct Wanted<'a> {
    slug: &'a str,
    template: &'a str,
    organization: Option<String>,
    tenant_role: Option<String>,
    trust_template: bool,
}

fn create(wanted: Wanted, dry_run: bool) -> Result<Rows> {
    let Wanted { slug, template, organization, tenant_role, trust_template } = wanted;
    slug::check(slug)?;
    if !dry_run {
        relation::lock_name("tenant_schema", slug); // two calls for one slug: the second waits and is refused
    }
    let template = match catalog::schema(template)? {
        Some(template) if template.usable => template,
        Some(template) => {
            return Err(Error::NotPermitted {
                what: format!("using schema {} as a template", ident::quote(&template.name)),
                detail: format!(
                    "You have no USAGE on it; it belongs to role \"{}\".",
                    template.owner
                ),
                hint: "Have its owner grant it: GRANT USAGE ON SCHEMA ... TO you.".into(),
            })
        }
        None => return Err(Error::NoSuchSchema { schema: template.into() }),
    };
    if !trust_template && !template.foreign_owners.is_empty() {
        let owners: Vec<String> = template.foreign_owners.iter().map(|o| ident::quote(o)).collect();
        return Err(Error::NotPermitted {
            what: format!("cloning schema {} with your rights", ident::quote(&template.name)),
            detail: format!(
                "It, or something in it, belongs to {}, and making its indexes, defaults and constraints again runs functions that such an owner chose.",
                owners.join(", ")
            ),
            hint: "Call it as the owner (SET ROLE), or, where you have read the template and trust it, say trust_template => true.".into(),
        });
    }
    if relation::schema_exists(slug) {
        return Err(Error::SchemaExists { schema: slug.into() });
    }
    if registry::find(slug)?.is_some() {
        return Err(Error::SchemaMissing { slug: slug.into() });
    }
    let role_created = tenant_role.is_none();
    let role = tenant_role.unwrap_or_else(|| registry::own_role(slug));
    match (catalog::role_exists(&role)?, role_created) {
        (true, true) => return Err(Error::RoleExists { role }),
        (false, false) => return Err(Error::NoSuchRole { role }),
        _ => {}
    }
    may_create(slug, &role, role_created)?;
    let target = Target {
        slug: slug.into(),
        organization,
        role,
        role_created,
        caller: user::current(),
        callers_path: guc::setting(c"search_path"),
    };
    plan::run(clone::plan(&template, &target)?, dry_run)
}

/// Asks beforehand, so that a refusal says what to do about it.
fn may_create(slug: &str, role: &str, role_created: bool) -> Result<()> {
    if !catalog::may_create_schemas()? {
        return Err(Error::NotPermitted {
            what: format!("creating schema {}", ident::quote(slug)),
            detail: "You have no CREATE on this database.".into(),
            hint: "Have its owner grant it: GRANT CREATE ON DATABASE ... TO you.".into(),
        });
    }
    if role_created && !catalog::may_create_roles()? {
        return Err(Error::NotPermitted {
            what: format!("creating role {}", ident::quote(role)),
            detail: "A tenant schema has a role of its own, and you have no CREATEROLE.".into(),
            hint: "Have an administrator create the role, and name it: tenant_role => 'its_name'."
                .into(),
        });
    }
    Ok(())
}

fn drop(slug: &str, confirm: Option<&str>, dry_run: bool) -> Result<Rows> {
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
    if entry.role_created && catalog::role_exists(&entry.tenant_role)? {
        plan.push(Step::irreversible(
            Object::global(Kind::Role, &entry.tenant_role),
            format!("drop role {}", entry.tenant_role),
            "create_tenant_schema made it for this tenant alone",
            format!("DROP ROLE {}", ident::quote(&entry.tenant_role)),
        ));
    }
    plan::run(plan, dry_run)
}
