//! rename_tenant_schema.

use super::amendment;
use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::{ident, query, relation};
use crate::plan::{self, Finding, Kind, Object, Plan, Rows, Severity, Step};
use crate::tenant::registry::{self, own_role, Entry};
use crate::tenant::slug as slugs;

pub fn rename(slug: &str, new: &str, dry_run: bool) -> Result<Rows> {
    super::own(slug)?; // whose it is comes first
    slugs::check(new)?;
    if !dry_run {
        // In one order, for two that change names with each other.
        let (first, second) = if slug < new { (slug, new) } else { (new, slug) };
        relation::lock_name("tenant_schema", first);
        relation::lock_name("tenant_schema", second);
    }
    let entry = super::own(slug)?;
    if slug == new {
        return plan::run(Plan::new("rename_tenant_schema", slug), dry_run);
    }
    if relation::schema_exists(new) {
        return Err(Error::SchemaExists { schema: new.into() });
    }
    if registry::find(new)?.is_some() {
        return Err(Error::SchemaMissing { slug: new.into() });
    }
    let (from, to) = (ident::quote(slug), ident::quote(new));
    let mut plan = Plan::new("rename_tenant_schema", slug);
    if entry.role_created {
        let role = [("tenant_role", entry.tenant_role.clone().into())];
        let why = "on the way back it is registered again when the schema has its old name";
        let step = amendment::step(&entry, "keep the role that is registered", why, &role);
        plan.push(Step { object: Object::schema(Kind::TenantSchema, new), ..step });
    }
    plan.push(Step::new(
        Object::schema(Kind::Schema, new),
        format!("rename schema {slug} to {new}"),
        "everything in it stays what it is; its registrations follow",
        format!("ALTER SCHEMA {from} RENAME TO {to}"),
        format!("ALTER SCHEMA {to} RENAME TO {from}"),
    ));
    if entry.role_created {
        rename_role(&mut plan, &entry, new)?;
    }
    let texts = mentions(slug)?;
    if !texts.is_empty() {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message: format!("functions name schema {from} in their text or settings"),
            detail: format!("They are {}.", texts.join(", ")),
            hint: "PostgreSQL does not know what a text means: change them by hand, they look for the old name.".into(),
            fix: None,
        });
    }
    plan::run(plan, dry_run)
}

/// The role that was made for the tenant is known by the tenant's name.
fn rename_role(plan: &mut Plan, entry: &Entry, new: &str) -> Result<()> {
    let Some(old_role) = &entry.tenant_role else { return Ok(()) };
    let new_role = own_role(new);
    if catalog::role_exists(&new_role)? {
        return Err(Error::RoleExists { role: new_role });
    }
    let rename = |from: &str, to: &str| {
        format!("ALTER ROLE {} RENAME TO {}", ident::quote(from), ident::quote(to))
    };
    plan.push(Step::new(
        Object::global(Kind::Role, &new_role),
        format!("rename role {old_role} to {new_role}"),
        "it was made for this tenant, and has its name",
        rename(old_role, &new_role),
        rename(&new_role, old_role),
    ));
    let renamed = Entry { slug: new.into(), ..entry.clone() };
    let mut step = amendment::step(
        &renamed,
        "register the role's new name",
        "drop_tenant_schema drops it with the tenant",
        &[("tenant_role", new_role.into())],
    );
    step.undo = Some(String::new()); // the first step's does it, when the schema has its old name again
    plan.push(step);
    Ok(())
}

fn mentions(slug: &str) -> Result<Vec<String>> {
    let found =
        query::rows(include_str!("mentions.sql"), &[slug.into()], |row| Ok(row.get::<String>(1)?))?;
    Ok(found.into_iter().flatten().collect())
}
