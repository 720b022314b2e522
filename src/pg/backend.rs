//! Functions of the backend that pgrx does not bind, and the one that differs between versions.

use pgrx::pg_sys;

extern "C-unwind" {
    fn nextval_internal(relid: pg_sys::Oid, check_permissions: bool) -> i64;
    fn datum_image_eq(a: pg_sys::Datum, b: pg_sys::Datum, by_value: bool, length: i32) -> bool;
}

/// The next value of a sequence, whoever asks.
///
/// # Safety
/// `sequence` is a sequence's OID.
pub unsafe fn nextval(sequence: pg_sys::Oid) -> i64 {
    pg_sys::ffi::pg_guard_ffi_boundary(|| nextval_internal(sequence, false))
}

/// Whether two values have the same bytes, once decompressed.
///
/// # Safety
/// Both are non-NULL values of the attribute's type.
pub unsafe fn same_image(
    a: pg_sys::Datum,
    b: pg_sys::Datum,
    attribute: &pg_sys::FormData_pg_attribute,
) -> bool {
    let (by_value, length) = (attribute.attbyval, i32::from(attribute.attlen));
    pg_sys::ffi::pg_guard_ffi_boundary(|| datum_image_eq(a, b, by_value, length))
}

/// A column of a row's descriptor, counted from 1.
///
/// # Safety
/// `number` is between 1 and the descriptor's number of attributes.
pub unsafe fn attribute<'a>(
    descriptor: pg_sys::TupleDesc,
    number: usize,
) -> &'a pg_sys::FormData_pg_attribute {
    #[cfg(not(feature = "pg18"))]
    let first = (*descriptor).attrs.as_ptr();
    // Since version 18 the full attributes stand behind an array of compact ones.
    #[cfg(feature = "pg18")]
    let first = (*descriptor)
        .compact_attrs
        .as_ptr()
        .add((*descriptor).natts as usize)
        .cast::<pg_sys::FormData_pg_attribute>();
    &*first.add(number - 1)
}
