//! The life of a tenant's schema after it was made: renamed, archived and restored, given to another owner; and
//! used by whoever belongs.

pub mod amendment;
pub mod archive;
pub mod ledger;
pub mod locks;
mod move_to;
mod rename;
mod use_tenant;

use super::registry::{self, Entry};
use crate::error::{Error, Result};
use crate::pg::types::{Name, PlannedStep};
use crate::pg::{query, relation};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde::de::DeserializeOwned;

/// Gives a tenant schema another slug, which is the schema's name, and its role another name, where
/// create_tenant_schema made that. A WARNING names the functions whose text names the schema: texts are not
/// changed. Returns the steps; in a dry run nothing changes. The caller must own the schema, and needs CREATE on
/// the database, and CREATEROLE where the role is renamed. Raises 22004, 3F000, 42501, 42602, 42P06, 42710, 55000.
///
/// Example: `SELECT * FROM tenant_guard.rename_tenant_schema('acme', 'acme_inc');`
#[pg_extern(volatile, parallel_unsafe)]
fn rename_tenant_schema(
    slug: Option<&str>,
    new_slug: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "rename_tenant_schema", argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    let new_slug = new_slug.ok_or_else(|| null("new_slug"))?;
    Ok(rename::rename(slug, new_slug, dry_run.unwrap_or(false))?)
}

/// Closes a tenant schema and keeps it with its rows: every privilege on it that others than its owner have is
/// taken away and remembered, and use_tenant refuses it. Returns the steps; in a dry run nothing changes. The
/// caller must own the schema. Raises 22004, 3F000, 42501, 55000.
///
/// Example: `SELECT * FROM tenant_guard.archive_tenant_schema('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn archive_tenant_schema(
    slug: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = Error::NullArgument { function: "archive_tenant_schema", argument: "slug" };
    Ok(archive::archive(slug.ok_or(null)?, dry_run.unwrap_or(false))?)
}

/// Opens an archived tenant schema again to those who could use it. A WARNING names roles that are gone since.
/// Returns the steps; in a dry run nothing changes. The caller must own the schema. Raises 22004, 3F000, 42501,
/// 55000.
///
/// Example: `SELECT * FROM tenant_guard.restore_tenant_schema('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn restore_tenant_schema(
    slug: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = Error::NullArgument { function: "restore_tenant_schema", argument: "slug" };
    Ok(archive::restore(slug.ok_or(null)?, dry_run.unwrap_or(false))?)
}

/// Gives a tenant schema, and everything in it, to another owner: all of it or nothing. A WARNING names the
/// SECURITY DEFINER functions, which run with the new owner's rights from then on, and the views and rules that
/// reach what the present owner may not read. Returns the steps; in a dry run
/// nothing changes. The caller must have the rights of all present owners, and be a member of the new one.
/// Raises 22004, 3F000, 42501, 42704, 55000.
///
/// Example: `SELECT * FROM tenant_guard.move_tenant_schema('acme', 'crm_owner');`
#[pg_extern(volatile, parallel_unsafe)]
fn move_tenant_schema(
    slug: Option<&str>,
    new_owner: Option<Name>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "move_tenant_schema", argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    let new_owner = new_owner.ok_or_else(|| null("new_owner"))?;
    Ok(move_to::move_to(slug, &new_owner.0, dry_run.unwrap_or(false))?)
}

/// Sets search_path, to the end of the transaction, to a tenant's schema and nothing else: names that are not
/// there are found nowhere. The caller must belong: be a member of the tenant's role, or its owner; and whoever
/// acts for a user of an application, where the tenant has an organization, must have that one active. It gives no
/// right that the caller has not: USAGE on the schema is asked for too. Returns the slug. Outside a transaction
/// block it holds for its own statement only. Raises 22004, 42501, 55000.
///
/// Example: `SELECT tenant_guard.use_tenant('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn use_tenant(slug: Option<&str>) -> Result<String, ErrorReport> {
    let null = Error::NullArgument { function: "use_tenant", argument: "slug" };
    let slug = slug.ok_or(null)?;
    use_tenant::enter(slug)?;
    Ok(slug.into())
}

/// A tenant schema of the caller's, which is there.
fn own(slug: &str) -> Result<Entry> {
    let entry =
        registry::find(slug)?.ok_or_else(|| Error::NotATenantSchema { slug: slug.into() })?;
    registry::check_owner(&entry)?;
    if !relation::schema_exists(slug) {
        return Err(Error::SchemaMissing { slug: slug.into() });
    }
    Ok(entry)
}

/// What a query with the slug as $1 lists, as it is after what was waited for.
fn now<T: DeserializeOwned>(sql: &str, slug: &str) -> Result<Vec<T>> {
    let _now = query::catalog_read(query::PINNED);
    Ok(query::model_here(sql, &[slug.into()])?.unwrap_or_default())
}
