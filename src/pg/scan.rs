//! Reading a plain table by an index without SPI: for the one look-up that every request makes. Half of
//! what SPI takes for it is the executor's starting and ending.

use super::relation::Relation;
use pgrx::{pg_sys, FromDatum, IntoDatum};
use serde::Deserialize;
use std::ffi::CStr;
use std::num::NonZeroUsize;

/// A column of the table: a uuid, text, varchar, smallint, integer or bigint.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Key {
    pub attribute: i16,
    /// The type under any domains.
    pub r#type: u32,
    pub collation: u32,
}

/// What the caller found to be so: a plain table without children, and a valid btree index over all of
/// its rows that begins with the columns of the keys, each with its type's own operator class.
#[derive(Debug, Clone, Deserialize)]
pub struct Indexed {
    pub table: u32,
    pub index: u32,
    pub keys: Vec<Key>,
    /// Whose text is wanted: of types whose text depends on no setting.
    pub columns: Vec<i16>,
}

impl Indexed {
    /// The wanted columns of every row, visible now, that has these ids in the first keys; at most `limit`.
    /// None where it cannot be read so: an id that the column's type cannot hold, or an index that is gone.
    #[must_use]
    pub fn rows(&self, ids: &[&str], limit: usize) -> Option<Vec<Vec<Option<String>>>> {
        let mut keys = Vec::with_capacity(ids.len());
        for (key, id) in self.keys.iter().zip(ids) {
            keys.push(scan_key(key, id)?);
        }
        if keys.len() < ids.len() {
            return None;
        }
        let table = Relation::open(pg_sys::Oid::from(self.table), pg_sys::AccessShareLock)?;
        let index = pg_sys::Oid::from(self.index);
        // SAFETY: the table is open and locked, so that its index is not dropped in the middle; the keys
        // are of columns of the index, as `Indexed` says; a tuple is read before the next one is fetched.
        unsafe {
            if pg_sys::get_rel_relkind(index) as u8 != pg_sys::RELKIND_INDEX {
                return None;
            }
            let scan = pg_sys::systable_beginscan(
                table.raw,
                index,
                true,
                pg_sys::GetActiveSnapshot(),
                keys.len() as i32,
                keys.as_mut_ptr(),
            );
            let mut rows = Vec::new();
            while rows.len() < limit {
                let tuple = pg_sys::systable_getnext(scan);
                if tuple.is_null() {
                    break;
                }
                let text = |attribute: &i16| text_of(tuple, *attribute, (*table.raw).rd_att);
                rows.push(self.columns.iter().map(text).collect());
            }
            pg_sys::systable_endscan(scan);
            Some(rows)
        }
    }
}

/// Equality with an id; None where the type cannot hold it, or is none of these.
fn scan_key(key: &Key, id: &str) -> Option<pg_sys::ScanKeyData> {
    let kind = pg_sys::Oid::from(key.r#type);
    let (function, value) = match kind {
        pg_sys::UUIDOID => {
            let uuid = crate::id::parse_uuid(id)?;
            (pg_sys::F_UUID_EQ, pgrx::Uuid::from_bytes(*uuid.as_bytes()).into_datum()?)
        }
        pg_sys::TEXTOID | pg_sys::VARCHAROID => (pg_sys::F_TEXTEQ, id.into_datum()?),
        _ => {
            let number = crate::id::parse_bigint(id)?;
            match kind {
                pg_sys::INT8OID => (pg_sys::F_INT8EQ, number.into_datum()?),
                pg_sys::INT4OID => (pg_sys::F_INT4EQ, i32::try_from(number).ok()?.into_datum()?),
                pg_sys::INT2OID => (pg_sys::F_INT2EQ, i16::try_from(number).ok()?.into_datum()?),
                _ => return None,
            }
        }
    };
    let mut scan_key = pg_sys::ScanKeyData::default();
    // SAFETY: fills the key in; the function is the equality of the value's type.
    unsafe {
        pg_sys::ScanKeyEntryInitialize(
            &mut scan_key,
            0,
            key.attribute,
            pg_sys::BTEqualStrategyNumber as u16,
            pg_sys::InvalidOid,
            pg_sys::Oid::from(key.collation),
            pg_sys::Oid::from(function),
            value,
        );
    }
    Some(scan_key)
}

/// # Safety
/// The tuple is of the descriptor, which has the attribute.
unsafe fn text_of(
    tuple: pg_sys::HeapTuple,
    attribute: i16,
    descriptor: pg_sys::TupleDesc,
) -> Option<String> {
    let number = NonZeroUsize::new(usize::try_from(attribute).ok()?)?;
    let value = pgrx::htup::heap_getattr_raw(tuple, number, descriptor)?;
    let kind = super::backend::attribute(descriptor, number.get()).atttypid;
    if kind == pg_sys::UUIDOID {
        let uuid = pgrx::Uuid::from_datum(value, false)?;
        return Some(uuid::Uuid::from_bytes(*uuid.as_bytes()).to_string());
    }
    let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
    pg_sys::getTypeOutputInfo(kind, &mut output, &mut varlena);
    let text = pg_sys::OidOutputFunctionCall(output, value);
    Some(CStr::from_ptr(text).to_string_lossy().into_owned())
}
