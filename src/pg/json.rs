//! jsonb made by PostgreSQL's own functions, called directly. `to_jsonb` and `jsonb_build_object`
//! are polymorphic: they ask the call expression for their argument types, so one is built.

use super::codec::Restored;
use super::row::RawJsonb;
use pgrx::{pg_sys, IntoDatum};
use std::ffi::CString;

/// jsonb of JSON that is valid; of what is not, PostgreSQL raises its own error.
#[must_use]
pub fn parse(text: &str) -> RawJsonb {
    let text = CString::new(text).unwrap_or_default();
    // SAFETY: jsonb_in reads a NUL-terminated string, and needs no expression that calls it.
    RawJsonb(unsafe {
        let text = pg_sys::Datum::from(text.as_ptr());
        pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text)])
            .unwrap_or(pg_sys::Datum::null())
    })
}

/// `to_jsonb(value)`.
///
/// # Safety
/// `value` is a non-NULL datum of type `type_oid`.
pub unsafe fn to_jsonb(value: pg_sys::Datum, type_oid: pg_sys::Oid) -> pg_sys::Datum {
    call(pg_sys::F_TO_JSONB, &[(value, false, type_oid)])
}

/// `jsonb_build_object(name, value, ...)`.
///
/// # Safety
/// Each argument is a datum of the type beside it, or NULL where the flag says so.
pub unsafe fn build_object(args: &[(pg_sys::Datum, bool, pg_sys::Oid)]) -> pg_sys::Datum {
    call(pg_sys::F_JSONB_BUILD_OBJECT_ANY, args)
}

/// An object of these names and values; None is null.
#[must_use]
pub fn object(members: &[(&str, Option<Restored>)]) -> RawJsonb {
    let mut arguments = Vec::with_capacity(members.len() * 2);
    for (name, value) in members {
        arguments.push((
            (*name).into_datum().unwrap_or(pg_sys::Datum::null()),
            false,
            pg_sys::TEXTOID,
        ));
        arguments.push(match value {
            Some(value) => (value.datum, false, value.type_oid),
            None => (pg_sys::Datum::null(), true, pg_sys::TEXTOID),
        });
    }
    // SAFETY: each value is one of the type beside it.
    RawJsonb(unsafe { build_object(&arguments) })
}

unsafe fn call(function: u32, args: &[(pg_sys::Datum, bool, pg_sys::Oid)]) -> pg_sys::Datum {
    let mut types = std::ptr::null_mut();
    for (_, _, type_oid) in args {
        let node = pg_sys::makeConst(
            *type_oid,
            -1,
            pg_sys::InvalidOid,
            -1,
            pg_sys::Datum::null(),
            true,
            false,
        );
        types = pg_sys::lappend(types, node.cast());
    }
    let expr = pg_sys::makeFuncExpr(
        pg_sys::Oid::from(function),
        pg_sys::JSONBOID,
        types,
        pg_sys::InvalidOid,
        pg_sys::InvalidOid,
        pg_sys::CoercionForm::COERCE_EXPLICIT_CALL,
    );
    let mut info = pg_sys::FmgrInfo::default();
    pg_sys::fmgr_info(pg_sys::Oid::from(function), &mut info);
    info.fn_expr = expr.cast();

    // FunctionCallInfoBaseData ends in a flexible array of arguments.
    let size = std::mem::size_of::<pg_sys::FunctionCallInfoBaseData>()
        + args.len() * std::mem::size_of::<pg_sys::NullableDatum>();
    let frame: pg_sys::FunctionCallInfo = pg_sys::palloc0(size).cast();
    (*frame).flinfo = &mut info;
    (*frame).fncollation = pg_sys::InvalidOid;
    (*frame).nargs = args.len() as i16;
    let slots = (*frame).args.as_mut_ptr();
    for (i, (value, isnull, _)) in args.iter().enumerate() {
        *slots.add(i) = pg_sys::NullableDatum { value: *value, isnull: *isnull };
    }
    let Some(target) = info.fn_addr else {
        return pg_sys::Datum::null();
    };
    // The function's address is C code that may raise: go through the guarded boundary.
    pg_sys::ffi::pg_guard_ffi_boundary(|| target(frame))
}
