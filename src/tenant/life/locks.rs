//! One order of locks: whoever makes or drops foreign keys on tables that several tenants share takes them
//! first, by OID, so that no two wait for each other.

use crate::error::Result;
use crate::pg::relation::{lock, Lock};
use crate::pg::{planned, query};
use pgrx::pg_sys::Oid;

/// What the foreign keys of a template point at outside it. Only what the caller may refer to: the rest is refused
/// by PostgreSQL.
pub fn referenced_by_the_template(template: &str) -> Result<()> {
    outside(template, true)?.into_iter().try_for_each(|oid| lock(oid.to_u32(), Lock::Refer))
}

/// The same of a tenant's schema that is to be dropped, which the caller owns: their triggers go.
pub fn referenced_by_the_tenant(slug: &str) -> Result<()> {
    outside(slug, false)?.into_iter().try_for_each(|oid| lock(oid.to_u32(), Lock::Exclusive))
}

fn outside(schema: &str, to_refer: bool) -> Result<Vec<Oid>> {
    let (sql, args) = (include_str!("referenced.sql"), [schema.into(), to_refer.into()]);
    let found = planned::rows(query::PINNED, sql, &args, |row| Ok(row.get::<Oid>(1)?))?;
    Ok(found.into_iter().flatten().collect())
}
