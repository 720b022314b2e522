//! SQL types of the extension's signatures that pgrx has no Rust type for.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{pg_sys, FromDatum};
use std::ffi::CStr;

/// A relation's OID, not opened: whether it exists and what it is, the catalog room finds out.
#[derive(Clone, Copy, Debug)]
pub struct RegClass(pub u32);

/// A name, as the catalog spells it.
#[derive(Clone, Debug)]
pub struct Name(pub String);

/// An array of names; a NULL element is None.
#[derive(Clone, Debug)]
pub struct Names(pub Vec<Option<String>>);

/// jsonb as its text.
#[derive(Clone, Debug)]
pub struct JsonText(pub String);

/// One row of what a mutating function returns: `tenant_guard.planned_step`.
#[derive(Clone, Debug)]
pub struct PlannedStep {
    pub change_id: Option<i64>,
    pub step: i32,
    pub action: String,
    pub sql: String,
    pub undo: Option<String>,
}

impl FromDatum for RegClass {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        (!null).then(|| RegClass(datum.value() as u32))
    }
}

impl FromDatum for Name {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: a `name` datum points to a NUL-terminated array of NAMEDATALEN bytes.
        (!null).then(|| Name(name_at(datum)))
    }
}

impl FromDatum for Names {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if null {
            return None;
        }
        let mut elements = std::ptr::null_mut();
        let mut nulls = std::ptr::null_mut();
        let mut count = 0;
        // SAFETY: the datum is a name[]; both arrays hold `count` entries afterwards.
        pg_sys::deconstruct_array(
            pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast(),
            pg_sys::NAMEOID,
            pg_sys::NAMEDATALEN as i32,
            false,
            b'c' as _,
            &mut elements,
            &mut nulls,
            &mut count,
        );
        let names = (0..count as usize)
            .map(|i| (!*nulls.add(i)).then(|| name_at(*elements.add(i))))
            .collect();
        Some(Names(names))
    }
}

impl FromDatum for JsonText {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if null {
            return None;
        }
        // SAFETY: the datum is a jsonb, and jsonb_out gives a palloc'd C string.
        let text = pgrx::direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(datum)])?;
        Some(JsonText(CStr::from_ptr(text.cast_mut_ptr()).to_string_lossy().into_owned()))
    }
}

unsafe fn name_at(datum: pg_sys::Datum) -> String {
    CStr::from_ptr(datum.cast_mut_ptr()).to_string_lossy().into_owned()
}

macro_rules! sql_argument {
    ($rust:ty, $sql:literal) => {
        // SAFETY: the SQL type named is the one whose datums `FromDatum` above reads.
        unsafe impl SqlTranslatable for $rust {
            const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!($rust);
            const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
            const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
                Ok(SqlMappingRef::literal($sql));
            const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
                Ok(ReturnsRef::One(SqlMappingRef::literal($sql)));
        }

        // SAFETY: as above. Every face takes these as Option, so the panic for a NULL is never reached.
        unsafe impl<'fcx> ArgAbi<'fcx> for $rust {
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
                let index = arg.index();
                arg.unbox_arg_using_from_datum()
                    .unwrap_or_else(|| panic!("argument {index} must not be null"))
            }

            unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
                arg.unbox_arg_using_from_datum().into()
            }
        }
    };
}

sql_argument!(RegClass, "regclass");
sql_argument!(Name, "name");
sql_argument!(Names, "name[]");
sql_argument!(JsonText, "jsonb");

// SAFETY: an OID is the datum of a regclass.
unsafe impl BoxRet for RegClass {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_raw_datum(pg_sys::Datum::from(pg_sys::Oid::from(self.0)))
    }
}

const PLANNED_STEP: &str = "tenant_guard.planned_step";

// SAFETY: the composite type is made by sql/bootstrap.sql before any function that returns it.
unsafe impl SqlTranslatable for PlannedStep {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(PlannedStep);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal(PLANNED_STEP));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal(PLANNED_STEP)));
}

// SAFETY: returns a datum of the declared composite type, or NULL should the type be gone.
unsafe impl BoxRet for PlannedStep {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.into_composite() {
            Some(datum) => fcinfo.return_raw_datum(datum),
            None => fcinfo.return_null(),
        }
    }
}

impl PlannedStep {
    fn into_composite(self) -> Option<pg_sys::Datum> {
        let mut tuple = PgHeapTuple::new_composite_type(PLANNED_STEP).ok()?;
        tuple.set_by_name("change_id", self.change_id).ok()?;
        tuple.set_by_name("step", self.step).ok()?;
        tuple.set_by_name("action", self.action).ok()?;
        tuple.set_by_name("sql", self.sql).ok()?;
        tuple.set_by_name("undo", self.undo).ok()?;
        tuple.into_composite_datum()
    }
}
