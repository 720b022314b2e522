//! How a column's values are written and compared so that nobody's code runs for it: a domain's constraints are its
//! owner's, and whoever reads may have more rights than he.

use super::{backend, ident};
use pgrx::pg_sys;
use std::ffi::CStr;

/// How a value of a type is written into a query, and compared there.
pub struct Comparing {
    /// The type under domains, as SQL writes it, without modifiers, which would cut a value.
    pub type_name: String,
    /// The equality that indexes of the type go by.
    pub equals: String,
}

/// None where values cannot be written without asking a domain within the type, or have no equality.
#[must_use]
pub fn comparing(type_oid: pg_sys::Oid) -> Option<Comparing> {
    // SAFETY: syscache look-ups for a type that a column has; palloc'd names are copied.
    unsafe {
        let base = pg_sys::getBaseType(type_oid);
        if has_domain(base) {
            return None;
        }
        let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY;
        let type_name = text(pg_sys::format_type_extended(base, -1, flags as u16));
        let known = pg_sys::lookup_type_cache(base, pg_sys::TYPECACHE_EQ_OPR as i32);
        let operator = (*known).eq_opr;
        let name = pg_sys::get_opname(operator);
        if name.is_null() {
            return None;
        }
        let function = pg_sys::get_opcode(operator);
        let schema = pg_sys::get_namespace_name(pg_sys::get_func_namespace(function));
        if schema.is_null() {
            return None;
        }
        let equals = format!("OPERATOR({}.{})", ident::quote(&text(schema)), text(name));
        Some(Comparing { type_name, equals })
    }
}

/// Whether reading a value of the type asks a domain.
unsafe fn has_domain(type_oid: pg_sys::Oid) -> bool {
    pg_sys::check_stack_depth();
    let within = |part| pg_sys::getBaseType(part) != part || has_domain(part);
    let element = pg_sys::get_element_type(type_oid);
    if element != pg_sys::InvalidOid {
        return within(element);
    }
    match pg_sys::get_typtype(type_oid) as u8 {
        pg_sys::TYPTYPE_RANGE => within(pg_sys::get_range_subtype(type_oid)),
        pg_sys::TYPTYPE_MULTIRANGE => within(pg_sys::get_multirange_range(type_oid)),
        pg_sys::TYPTYPE_COMPOSITE => {
            let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(type_oid, -1);
            (1..=(*descriptor).natts as usize)
                .map(|i| backend::attribute(descriptor, i))
                .any(|attribute| !attribute.attisdropped && within(attribute.atttypid))
        }
        _ => false,
    }
}

unsafe fn text(value: *const std::ffi::c_char) -> String {
    CStr::from_ptr(value).to_string_lossy().into_owned()
}
