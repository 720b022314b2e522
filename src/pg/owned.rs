//! Objects by their names as they are now: what their OIDs are, and who owns them.

use super::catalog_names::{form, role};
use super::relation::{self, schema_oid};
use crate::error::Result;
use pgrx::pg_sys::{self, Oid, SysCacheIdentifier};
use std::ffi::CString;

pub struct Owned {
    pub oid: Oid,
    pub owner: String,
}

fn owned(oid: Oid, owner: Option<Oid>) -> Result<Option<Owned>> {
    let Some(owner) = owner.map(role).transpose()?.flatten() else { return Ok(None) };
    Ok(Some(Owned { oid, owner }))
}

pub fn schema(name: &str) -> Result<Option<Owned>> {
    let (oid, cache) = (schema_oid(name), SysCacheIdentifier::NAMESPACEOID as i32);
    // SAFETY: the form is that of the cache.
    let owner = unsafe { form(cache, oid, |n: &pg_sys::FormData_pg_namespace| n.nspowner) };
    owned(oid, owner)
}

pub fn relation(schema: &str, name: &str) -> Result<Option<Owned>> {
    let Some(oid) = relation::named(schema, name).map(Oid::from) else { return Ok(None) };
    let cache = SysCacheIdentifier::RELOID as i32;
    // SAFETY: the form is that of the cache.
    let owner = unsafe { form(cache, oid, |c: &pg_sys::FormData_pg_class| c.relowner) };
    owned(oid, owner)
}

pub fn r#type(schema: &str, name: &str) -> Result<Option<Owned>> {
    let name = CString::new(name).unwrap_or_default();
    let (by_name, by_oid) =
        (SysCacheIdentifier::TYPENAMENSP as i32, SysCacheIdentifier::TYPEOID as i32);
    // SAFETY: a syscache look-up by a NUL-terminated name, and the form is that of the cache; the number is that of the OID's column in pg_type.
    unsafe {
        let oid = pg_sys::GetSysCacheOid(
            by_name,
            pg_sys::Anum_pg_type_oid as pg_sys::AttrNumber,
            pg_sys::Datum::from(name.as_ptr()),
            schema_oid(schema).into(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        );
        owned(oid, form(by_oid, oid, |t: &pg_sys::FormData_pg_type| t.typowner))
    }
}
