//! What OIDs are called, each looked up once in a read: fifty tables have much the same types, schemas and owners.

use crate::error::{Error, Result};
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_char, CStr, CString};
use std::rc::Rc;

#[derive(Default)]
pub struct Names {
    schemas: RefCell<HashMap<u32, String>>,
    roles: RefCell<HashMap<u32, String>>,
    methods: RefCell<HashMap<u32, String>>,
    types: RefCell<HashMap<u32, Rc<Type>>>,
    formatted: RefCell<HashMap<(u32, Option<i32>), String>>,
    collations: RefCell<HashMap<u32, Option<Rc<Collation>>>>,
}

/// What columns of a type differ from, or not.
#[derive(Default)]
pub struct Type {
    pub domain: bool,
    pub schema: Oid,
    /// Of its elements; 0 for none.
    pub element_schema: Oid,
    pub storage: u8,
    pub collation: Oid,
}

pub struct Collation {
    /// As a statement names it under the path in force.
    pub name: String,
    pub deterministic: bool,
}

/// The remembered answer, or the one that `find` gives.
fn remembered<K: std::hash::Hash + Eq, V: Clone>(
    known: &RefCell<HashMap<K, V>>,
    key: K,
    find: impl FnOnce() -> Result<V>,
) -> Result<V> {
    if let Some(value) = known.borrow().get(&key) {
        return Ok(value.clone());
    }
    let value = find()?;
    known.borrow_mut().insert(key, value.clone());
    Ok(value)
}

impl Names {
    /// The schema and the name of a relation; None where it is gone.
    pub fn relation(&self, oid: Oid) -> Result<Option<(String, String)>> {
        // SAFETY: syscache look-ups; what is gone is NULL, or 0.
        let (name, schema) =
            unsafe { (text(pg_sys::get_rel_name(oid))?, pg_sys::get_rel_namespace(oid)) };
        name.map(|name| Ok((self.schema(schema)?, name))).transpose()
    }

    /// The schema and the name of a function; None where it is gone.
    pub fn function(&self, oid: Oid) -> Result<Option<(String, String)>> {
        // SAFETY: as above.
        let (name, schema) =
            unsafe { (text(pg_sys::get_func_name(oid))?, pg_sys::get_func_namespace(oid)) };
        name.map(|name| Ok((self.schema(schema)?, name))).transpose()
    }

    pub fn schema(&self, oid: Oid) -> Result<String> {
        // SAFETY: a syscache look-up; one that is gone is NULL.
        let find = || Ok(unsafe { text(pg_sys::get_namespace_name(oid)) }?.unwrap_or_default());
        remembered(&self.schemas, oid.to_u32(), find)
    }

    pub fn role(&self, oid: Oid) -> Result<String> {
        remembered(&self.roles, oid.to_u32(), || {
            Ok(role(oid)?.unwrap_or_else(|| format!("unknown (OID={})", oid.to_u32())))
        })
    }

    pub fn method(&self, oid: Oid) -> Result<String> {
        // SAFETY: a syscache look-up; one that is gone is NULL.
        let find = || Ok(unsafe { text(pg_sys::get_am_name(oid)) }?.unwrap_or_default());
        remembered(&self.methods, oid.to_u32(), find)
    }

    /// format_type, as a statement names the type under the path in force.
    pub fn formatted(&self, oid: Oid, modifier: Option<i32>) -> Result<String> {
        remembered(&self.formatted, (oid.to_u32(), modifier), || {
            let given = if modifier.is_some() { pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN } else { 0 };
            let flags = (pg_sys::FORMAT_TYPE_ALLOW_INVALID | given) as u16;
            // SAFETY: gives a palloc'd name for whatever OID.
            let name =
                unsafe { text(pg_sys::format_type_extended(oid, modifier.unwrap_or(-1), flags)) };
            Ok(name?.unwrap_or_default())
        })
    }

    /// The type under domains, without modifiers.
    pub fn base(&self, oid: Oid) -> Result<String> {
        // SAFETY: a syscache look-up for the type of a column.
        self.formatted(unsafe { pg_sys::getBaseType(oid) }, None)
    }

    pub fn r#type(&self, oid: Oid) -> Result<Rc<Type>> {
        remembered(&self.types, oid.to_u32(), || {
            let of = |oid: Oid, f: &mut dyn FnMut(&pg_sys::FormData_pg_type)| {
                // SAFETY: the form is the fixed part of a pg_type row.
                unsafe { form(pg_sys::SysCacheIdentifier::TYPEOID as i32, oid, f) }
            };
            let (mut found, mut element) = (Type::default(), Oid::INVALID);
            of(oid, &mut |t| {
                found = Type {
                    domain: t.typtype as u8 == pg_sys::TYPTYPE_DOMAIN,
                    schema: t.typnamespace,
                    storage: t.typstorage as u8,
                    collation: t.typcollation,
                    ..Type::default()
                };
                element = t.typelem;
            });
            of(element, &mut |t| found.element_schema = t.typnamespace);
            Ok(Rc::new(found))
        })
    }

    /// None for a column without one.
    pub fn collation(&self, oid: Oid) -> Result<Option<Rc<Collation>>> {
        remembered(&self.collations, oid.to_u32(), || {
            // SAFETY: the form is the fixed part of a pg_collation row, copied before it is let go.
            let found = unsafe {
                let cache = pg_sys::SysCacheIdentifier::COLLOID as i32;
                form(cache, oid, |c: &pg_sys::FormData_pg_collation| {
                    (text(c.collname.data.as_ptr()), c.collnamespace, c.collisdeterministic)
                })
            };
            let Some((name, schema, deterministic)) = found else { return Ok(None) };
            let name = quoted(&name?.unwrap_or_default())?;
            let schema = self.schema(schema)?;
            // SAFETY: a syscache look-up.
            let visible = unsafe { pg_sys::CollationIsVisible(oid) };
            let name = match schema != "pg_catalog" && visible {
                true => name,
                false => format!("{}.{name}", quoted(&schema)?),
            };
            Ok(Some(Rc::new(Collation { name, deterministic })))
        })
    }
}

/// Whether the relation's owner obeys its policies; None where it is gone.
#[must_use]
pub fn forced(relation: Oid) -> Option<bool> {
    let cache = pg_sys::SysCacheIdentifier::RELOID as i32;
    // SAFETY: the form is that of the cache.
    unsafe { form(cache, relation, |class: &pg_sys::FormData_pg_class| class.relforcerowsecurity) }
}

/// None where it is gone.
pub fn column(table: Oid, number: i16) -> Result<Option<String>> {
    // SAFETY: a syscache look-up; what is gone is NULL.
    unsafe { text(pg_sys::get_attname(table, number, true)) }
}

/// None where it is gone, and for PUBLIC.
pub fn role(oid: Oid) -> Result<Option<String>> {
    // SAFETY: a syscache look-up; what is gone is NULL.
    unsafe { text(pg_sys::GetUserNameFromId(oid, true)) }
}

/// None where it is gone.
pub fn tablespace(oid: Oid) -> Result<Option<String>> {
    // SAFETY: a look-up in the catalog; what is gone is NULL.
    unsafe { text(pg_sys::get_tablespace_name(oid)) }
}

/// As the server itself quotes a name in what it deparses.
pub fn quoted(name: &str) -> Result<String> {
    let name = CString::new(name).unwrap_or_default();
    // SAFETY: the name is a C string, and so is what comes back.
    Ok(unsafe { text(pg_sys::quote_identifier(name.as_ptr())) }?.unwrap_or_default())
}

/// What a C string says; None for NULL.
///
/// # Safety
/// It is one, or NULL.
pub(super) unsafe fn text(at: *const c_char) -> Result<Option<String>> {
    if at.is_null() {
        return Ok(None);
    }
    let text = CStr::from_ptr(at).to_str();
    let text = text.map_err(|_| Error::Internal { what: "a name that is not UTF-8".into() })?;
    Ok(Some(text.to_string()))
}

/// The fixed part of a row of a catalog, through `f`; None where there is none.
///
/// # Safety
/// The form is that of the cache's catalog.
pub(super) unsafe fn form<F, T>(
    cache: i32,
    oid: pg_sys::Oid,
    f: impl FnOnce(&F) -> T,
) -> Option<T> {
    let tuple = pg_sys::SearchSysCache1(cache, oid.into());
    if tuple.is_null() {
        return None;
    }
    let found = f(&*pg_sys::GETSTRUCT(tuple).cast::<F>());
    pg_sys::ReleaseSysCache(tuple);
    Some(found)
}
