//! What a table looks like, from the server's own cache: for what must cost little and may run where no query can.

use super::relation::Relation;
use super::{backend, codec, user};
use pgrx::pg_sys;
use std::ffi::CStr;

pub struct Shape {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub owner: String,
    pub columns: Vec<Column>,
    /// The numbers of the columns of the primary key, or of the index that is the replica identity, in its order.
    pub key: Vec<i16>,
    /// The audit triggers' argument, where it has one.
    pub audited_with: Option<String>,
}

pub struct Column {
    /// From 1, as pg_attribute counts.
    pub number: i16,
    pub name: String,
    pub type_oid: pg_sys::Oid,
    /// As SQL writes the type, with its schema and modifiers.
    pub type_name: String,
    /// Generated when it is read, and so in no row.
    pub is_virtual: bool,
    /// Of another column, stored or not.
    pub is_generated: bool,
    pub writer: codec::Writer,
}

/// None where there is no such table.
#[must_use]
pub fn shape(oid: u32) -> Option<Shape> {
    let relation = Relation::open(pg_sys::Oid::from(oid), pg_sys::AccessShareLock)?;
    // SAFETY: an open relation's descriptor, class and index list; names are copied.
    unsafe {
        let class = &*(*relation.raw).rd_rel;
        let schema = pg_sys::get_namespace_name(class.relnamespace);
        let descriptor = (*relation.raw).rd_att;
        let columns = (1..=(*descriptor).natts)
            .map(|i| backend::attribute(descriptor, i as usize))
            .filter(|attribute| !attribute.attisdropped)
            .map(|attribute| Column {
                number: attribute.attnum,
                name: text(attribute.attname.data.as_ptr()),
                type_oid: attribute.atttypid,
                type_name: type_name(attribute),
                is_virtual: attribute.attgenerated as u8 == b'v',
                is_generated: attribute.attgenerated != 0,
                writer: codec::Writer::of(attribute.atttypid),
            })
            .collect();
        Some(Shape {
            oid,
            schema: if schema.is_null() { String::new() } else { text(schema) },
            name: text(class.relname.data.as_ptr()),
            owner: user::name_of(class.relowner),
            columns,
            key: key(&relation),
            audited_with: audit_argument(relation.raw),
        })
    }
}

unsafe fn type_name(attribute: &pg_sys::FormData_pg_attribute) -> String {
    let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY;
    let name = pg_sys::format_type_extended(attribute.atttypid, attribute.atttypmod, flags as u16);
    text(name)
}

unsafe fn key(relation: &Relation) -> Vec<i16> {
    // Fills in the two below.
    pg_sys::list_free(pg_sys::RelationGetIndexList(relation.raw));
    let raw = &*relation.raw;
    #[cfg(feature = "pg18")]
    let primary = if raw.rd_ispkdeferrable { pg_sys::InvalidOid } else { raw.rd_pkindex };
    #[cfg(not(feature = "pg18"))]
    let primary = raw.rd_pkindex;
    let index = match primary {
        pg_sys::InvalidOid => raw.rd_replidindex,
        primary => primary,
    };
    let Some(index) = Relation::open_index(index, pg_sys::AccessShareLock) else {
        return Vec::new();
    };
    let form = &*(*index.raw).rd_index;
    (0..form.indnkeyatts as usize).map(|i| *form.indkey.values.as_ptr().add(i)).collect()
}

/// Whether a function is the extension's: anybody who may make triggers may call one of another's as he likes.
unsafe fn is_own(function: pg_sys::Oid) -> bool {
    let schema = pg_sys::get_func_namespace(function);
    schema != pg_sys::InvalidOid
        && schema == pg_sys::get_namespace_oid(c"tenant_guard".as_ptr(), true)
}

/// The argument of the first audit trigger of the relation.
unsafe fn audit_argument(relation: pg_sys::Relation) -> Option<String> {
    let triggers = (*relation).trigdesc;
    if triggers.is_null() {
        return None;
    }
    (0..(*triggers).numtriggers as usize)
        .map(|i| &*(*triggers).triggers.add(i))
        .find(|trigger| {
            CStr::from_ptr(trigger.tgname).to_bytes().starts_with(b"tenant_guard_audit_")
                && is_own(trigger.tgfoid)
        })
        .map(|trigger| match trigger.tgnargs {
            0 => String::new(),
            _ => text(*trigger.tgargs),
        })
}

/// The topmost of the partitioned tables above a partition that has an audit trigger; the table itself where none has.
#[must_use]
pub fn audited_root(oid: u32) -> u32 {
    // SAFETY: a list of OIDs, nearest first; each relation is closed again.
    unsafe {
        let Some(relation) = Relation::open(pg_sys::Oid::from(oid), pg_sys::AccessShareLock) else {
            return oid;
        };
        if !(*(*relation.raw).rd_rel).relispartition {
            return oid;
        }
        let above = backend::partition_ancestors(pg_sys::Oid::from(oid));
        above
            .into_iter()
            .rev()
            .find(|above| {
                Relation::open(*above, pg_sys::AccessShareLock)
                    .is_some_and(|relation| audit_argument(relation.raw).is_some())
            })
            .map_or(oid, pg_sys::Oid::to_u32)
    }
}

/// For each of the columns of a table that is above, the number of the partition's own column of that name.
#[must_use]
pub fn column_numbers(oid: u32, names: &[&str]) -> Option<Vec<Option<i16>>> {
    let relation = Relation::open(pg_sys::Oid::from(oid), pg_sys::AccessShareLock)?;
    // SAFETY: an open relation's descriptor.
    unsafe {
        let descriptor = (*relation.raw).rd_att;
        let attributes: Vec<_> = (1..=(*descriptor).natts)
            .map(|i| backend::attribute(descriptor, i as usize))
            .filter(|attribute| !attribute.attisdropped)
            .collect();
        let number = |name: &&str| {
            attributes
                .iter()
                .find(|a| CStr::from_ptr(a.attname.data.as_ptr()).to_bytes() == name.as_bytes())
                .map(|a| a.attnum)
        };
        Some(names.iter().map(number).collect())
    }
}

unsafe fn text(value: *const std::ffi::c_char) -> String {
    CStr::from_ptr(value).to_string_lossy().into_owned()
}
