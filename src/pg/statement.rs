//! Statements and types as the parser knows them, before anything is run.

use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// Whether values of the type can be sorted.
#[must_use]
pub fn has_order(kind: pg_sys::Oid) -> bool {
    // SAFETY: the OID is an existing type's; the entry lives as long as the process.
    unsafe {
        let entry = pg_sys::lookup_type_cache(kind, pg_sys::TYPECACHE_LT_OPR as i32);
        (*entry).lt_opr != pg_sys::InvalidOid
    }
}
