//! The registered tenant schemas.

use crate::error::{Error, Result};
use crate::pg::{ident, query, user};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    pub slug: String,
    pub template: String,
    pub organization: Option<String>,
    pub tenant_role: String,
    pub role_created: bool,
}

pub fn find(slug: &str) -> Result<Option<Entry>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(t)::pg_catalog.text FROM tenant_guard.tenant_schema t WHERE t.slug = $1",
            &[slug.into()],
        )
    })
}

/// The caller has checked whose schema it is.
pub fn register(entry: &Entry) -> Result<()> {
    let created_by = user::current();
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.tenant_schema (slug, template, organization, tenant_role, role_created, created_by)
             VALUES ($1, $2, $3::pg_catalog.uuid, $4, $5, $6)",
            &[
                entry.slug.as_str().into(),
                entry.template.as_str().into(),
                entry.organization.as_deref().into(),
                entry.tenant_role.as_str().into(),
                entry.role_created.into(),
                created_by.into(),
            ],
        )
    })
}

pub fn unregister(slug: &str) -> Result<()> {
    check_owner(slug)?;
    user::as_extension_owner(|| {
        query::run("DELETE FROM tenant_guard.tenant_schema WHERE slug = $1", &[slug.into()])
    })
}

#[derive(Deserialize)]
struct Owner {
    owner: String,
    owned: bool,
}

/// Refuses unless the caller owns the schema.
pub fn check_owner(slug: &str) -> Result<()> {
    let owner: Option<Owner> = query::model(
        "SELECT pg_catalog.json_build_object('owner', pg_catalog.pg_get_userbyid(n.nspowner),
                  'owned', pg_catalog.pg_has_role(n.nspowner, 'USAGE'))::pg_catalog.text
         FROM pg_catalog.pg_namespace n WHERE n.nspname = $1",
        &[slug.into()],
    )?;
    match owner {
        None => Err(Error::NoSuchSchema { schema: slug.into() }),
        Some(Owner { owned: true, .. }) => Ok(()),
        Some(Owner { owner, .. }) => Err(Error::NotOwner {
            object: format!("schema {}", ident::quote(slug)),
            owner,
            caller: user::current(),
        }),
    }
}

/// What lies outside the schema and depends on something in it.
pub fn outside_dependents(slug: &str) -> Result<Vec<String>> {
    let found = query::rows(include_str!("outside_dependents.sql"), &[slug.into()], |row| {
        Ok(row.get::<String>(1)?)
    })?;
    Ok(found.into_iter().flatten().collect())
}
