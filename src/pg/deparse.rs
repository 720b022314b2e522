//! What the server writes of an object as a statement, under the path in force; None where it is gone.

use pgrx::pg_sys::{self, Datum, Oid};

type Deparser = unsafe fn(pg_sys::FunctionCallInfo) -> Datum;

fn call(deparser: Deparser, oid: Oid, rest: &[Datum]) -> Option<String> {
    let arguments: Vec<Option<Datum>> =
        std::iter::once(oid.into()).chain(rest.iter().copied()).map(Some).collect();
    // SAFETY: one of the deparsers below with the arguments that it takes; each looks up the OID that it gets.
    unsafe { pgrx::direct_function_call(deparser, &arguments) }
}

#[must_use]
pub fn constraint(oid: Oid) -> Option<String> {
    call(pg_sys::pg_get_constraintdef, oid, &[])
}

/// All of it, without parentheses that it can do without.
#[must_use]
pub fn index(oid: Oid) -> Option<String> {
    call(pg_sys::pg_get_indexdef_ext, oid, &[Datum::from(0), Datum::from(true)])
}

#[must_use]
pub fn trigger(oid: Oid) -> Option<String> {
    call(pg_sys::pg_get_triggerdef_ext, oid, &[Datum::from(true)])
}

/// The query of a view, materialized or not.
#[must_use]
pub fn view(oid: Oid) -> Option<String> {
    call(pg_sys::pg_get_viewdef, oid, &[])
}

#[must_use]
pub fn partition_key(oid: Oid) -> Option<String> {
    call(pg_sys::pg_get_partkeydef, oid, &[])
}
