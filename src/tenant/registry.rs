//! The registered tenant schemas.

use crate::error::{Error, Result};
use crate::pg::{ident, kept, planned, query, relation, user};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    pub slug: String,
    pub template: String,
    pub organization: Option<String>,
    pub tenant_role: Option<String>,
    pub role_created: bool,
    #[serde(default)]
    pub created_by: String,
    /// What the structure was when it was made.
    #[serde(default)]
    pub fingerprint: Option<String>,
    #[serde(default)]
    pub template_version: Option<i32>,
    /// active or archived.
    #[serde(default)]
    pub state: String,
    /// What archiving took away.
    #[serde(default)]
    pub remembered: serde_json::Value,
}

pub fn find(slug: &str) -> Result<Option<Entry>> {
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED); // as it is after what was waited for
        kept::model_here(
            "SELECT pg_catalog.to_json(t)::pg_catalog.text FROM tenant_guard.tenant_schema t WHERE t.slug = $1",
            &[slug.into()],
        )
    })
}

/// The role that create_tenant_schema makes for a tenant, and drop_tenant_schema drops.
#[must_use]
pub fn own_role(slug: &str) -> String {
    format!("tenant_{slug}")
}

/// The caller has checked whose schema it is.
pub fn register(entry: &Entry) -> Result<()> {
    if entry.role_created && entry.tenant_role.as_ref() != Some(&own_role(&entry.slug)) {
        // Or dropping the tenant would drop a role that somebody else needs.
        return Err(Error::NotPermitted {
            what: format!(
                "registering role {} as made for tenant {}",
                ident::quote(entry.tenant_role.as_deref().unwrap_or_default()),
                entry.slug
            ),
            detail: format!("Only {} is made for it, and dropped with it.", own_role(&entry.slug)),
            hint: "Register another role with role_created => false.".into(),
        });
    }
    user::as_extension_owner(|| {
        kept::run(
            "INSERT INTO tenant_guard.tenant_schema (slug, template, organization, tenant_role, role_created, created_by, fingerprint, schema_oid, origin, template_version)
             VALUES ($1, $2, $3::pg_catalog.uuid, $4, $5, $6, $7,
                     (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1), $8, $9)",
            &[
                entry.slug.as_str().into(),
                entry.template.as_str().into(),
                entry.organization.as_deref().into(),
                entry.tenant_role.as_deref().into(),
                entry.role_created.into(),
                entry.created_by.as_str().into(),
                entry.fingerprint.as_deref().into(),
                relation::origin().into(),
                entry.template_version.into(),
            ],
        )
    })
}

/// Those whose schema the caller owns.
pub fn of_the_caller() -> Result<Vec<Entry>> {
    let slugs = query::rows(
        "SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
         WHERE pg_catalog.pg_has_role(n.nspowner, 'USAGE')
           AND EXISTS (SELECT FROM tenant_guard.tenant_schema t WHERE t.slug = n.nspname) ORDER BY 1",
        &[],
        |row| Ok(row.get::<String>(1)?),
    )?;
    let found: Result<Vec<Option<Entry>>> = slugs.into_iter().flatten().map(|s| find(&s)).collect();
    Ok(found?.into_iter().flatten().collect())
}

pub fn unregister(slug: &str) -> Result<()> {
    let entry = find(slug)?.ok_or_else(|| Error::NotATenantSchema { slug: slug.into() })?;
    check_owner(&entry)?;
    user::as_extension_owner(|| {
        query::run("DELETE FROM tenant_guard.tenant_schema WHERE slug = $1", &[slug.into()])
    })
}

#[derive(Deserialize)]
struct Owner {
    owner: String,
    owned: bool,
}

/// Refuses unless the caller owns the schema, or registered it where somebody dropped it by hand.
pub fn check_owner(entry: &Entry) -> Result<()> {
    let owner: Option<Owner> = planned::model(
        query::PINNED,
        "SELECT pg_catalog.json_build_object('owner', r.rolname, 'owned', pg_catalog.pg_has_role(r.oid, 'USAGE'))::pg_catalog.text
         FROM pg_catalog.pg_roles r
         WHERE r.oid = coalesce((SELECT n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = $1),
                                (SELECT c.oid FROM pg_catalog.pg_roles c WHERE c.rolname = $2))",
        &[entry.slug.as_str().into(), entry.created_by.as_str().into()],
    )?;
    match owner {
        Some(Owner { owned: true, .. }) => Ok(()),
        Some(Owner { owner, .. }) => Err(not_owner(&entry.slug, owner)),
        // The schema is gone, and so is the role that made it: only the administrator is left.
        None if user::is_superuser() => Ok(()),
        None => Err(not_owner(&entry.slug, entry.created_by.clone())),
    }
}

fn not_owner(slug: &str, owner: String) -> Error {
    Error::NotOwner {
        object: format!("schema {}", ident::quote(slug)),
        owner,
        caller: user::current(),
    }
}

/// What lies outside the schema and depends on something in it.
pub fn outside_dependents(slug: &str) -> Result<Vec<String>> {
    let found = query::rows(include_str!("outside_dependents.sql"), &[slug.into()], |row| {
        Ok(row.get::<String>(1)?)
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// What tenant_guard has registered of a template.
#[derive(Debug, Deserialize)]
pub struct Registered {
    /// protection, class, summary or enforcement.
    pub kind: String,
    pub table: Option<String>,
    pub column: Option<String>,
    /// The options as JSON, the class, the mode, or the query.
    pub value: String,
    pub options: Option<String>,
    pub key: Option<Vec<String>>,
}

pub fn registered(template: &str) -> Result<Vec<Registered>> {
    let found: Option<Vec<Registered>> = user::as_extension_owner(|| {
        let _path = query::pin();
        kept::model_here(include_str!("registered.sql"), &[template.into()])
    })?;
    Ok(found.unwrap_or_default())
}
