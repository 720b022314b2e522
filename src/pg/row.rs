//! A row of one of the extension's own tables, checked against its columns and written past the
//! executor: no SPI, no plan, no privilege of the caller's needed.

use super::backend;
use super::relation::{self, Relation};
use crate::error::{Error, Result};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{pg_sys, IntoDatum};
use std::ffi::CString;

/// jsonb that PostgreSQL made, kept as it is.
#[derive(Clone, Copy)]
pub struct RawJsonb(pub(super) pg_sys::Datum);

impl IntoDatum for RawJsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: the datum is a jsonb's.
unsafe impl SqlTranslatable for RawJsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(RawJsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

// SAFETY: as above.
unsafe impl BoxRet for RawJsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_raw_datum(self.0)
    }
}

/// A 64-bit transaction id.
pub struct Xid8(u64);

impl Xid8 {
    /// That of the current top-level transaction, which gets one if it had none.
    #[must_use]
    pub fn current() -> Self {
        // SAFETY: inside a transaction, as every call of SQL is.
        Xid8(unsafe { pg_sys::GetTopFullTransactionId().value })
    }

    /// That of the current top-level transaction, if it has one.
    #[must_use]
    pub fn if_any() -> Option<Self> {
        // SAFETY: reads the state of the current transaction.
        let id = unsafe { pg_sys::GetTopFullTransactionIdIfAny().value };
        (id != 0).then_some(Xid8(id))
    }

    #[must_use]
    pub fn of(number: u64) -> Self {
        Xid8(number)
    }

    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

// SAFETY: the datum is an xid8's.
unsafe impl SqlTranslatable for Xid8 {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Xid8);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("xid8"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("xid8")));
}

impl pgrx::FromDatum for Xid8 {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        (!null).then(|| Xid8(datum.value() as u64))
    }
}

// SAFETY: as above.
unsafe impl BoxRet for Xid8 {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_raw_datum(pg_sys::Datum::from(self.0))
    }
}

// SAFETY: as above. Every face takes it as Option, so the panic for a NULL is never reached.
unsafe impl<'fcx> ArgAbi<'fcx> for Xid8 {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        let index = arg.index();
        arg.unbox_arg_using_from_datum()
            .unwrap_or_else(|| panic!("argument {index} must not be null"))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> pgrx::nullable::Nullable<Self> {
        arg.unbox_arg_using_from_datum().into()
    }
}

impl IntoDatum for Xid8 {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::from(self.0))
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::XID8OID
    }
}

pub struct OwnRow {
    table: &'static str,
    relation: Relation,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl OwnRow {
    /// Starts a row of `table` in the schema tenant_guard.
    pub fn new(table: &'static str) -> Result<Self> {
        let missing = || Error::Internal { what: format!("its table {table} is missing") };
        let oid = relation::own(table).ok_or_else(missing)?;
        let relation = Relation::open(oid, pg_sys::RowExclusiveLock).ok_or_else(missing)?;
        Ok(OwnRow { table, relation, values: Vec::new(), nulls: Vec::new() })
    }

    /// Whether the table has grown to so many bytes and has no room left in them.
    #[must_use]
    pub fn is_full(&self, bytes: u64) -> bool {
        const USUAL_ROW: usize = 200;
        self.relation.is_full(bytes, USUAL_ROW)
    }

    /// The next column's value.
    pub fn push<T: IntoDatum>(&mut self, value: Option<T>) -> Result<()> {
        let position = self.values.len();
        if self.column_type(position) != Some(T::type_oid()) {
            return Err(Error::Internal {
                what: format!(
                    "column {} of its table {} is of another type",
                    position + 1,
                    self.table
                ),
            });
        }
        let datum = value.and_then(IntoDatum::into_datum);
        self.nulls.push(datum.is_none());
        self.values.push(datum.unwrap_or(pg_sys::Datum::null()));
        Ok(())
    }

    pub fn insert(mut self) -> Result<()> {
        if self.column_type(self.values.len()).is_some() {
            return Err(Error::Internal {
                what: format!("a row of its table {} is short", self.table),
            });
        }
        // SAFETY: one value per column, each checked against the column's type.
        unsafe { self.relation.insert(&mut self.values, &mut self.nulls) }
        Ok(())
    }

    fn column_type(&self, position: usize) -> Option<pg_sys::Oid> {
        // SAFETY: the descriptor of an open relation; the position is checked against its width.
        unsafe {
            let descriptor = (*self.relation.raw).rd_att;
            (position < (*descriptor).natts as usize)
                .then(|| backend::attribute(descriptor, position + 1).atttypid)
        }
    }
}

/// The next value of one of the extension's own sequences.
pub fn next_value(sequence: &'static str) -> Result<i64> {
    let oid = relation::own(sequence)
        .ok_or_else(|| Error::Internal { what: format!("its sequence {sequence} is missing") })?;
    // SAFETY: the OID is a sequence's; privileges are not checked, for the caller has none on it.
    Ok(unsafe { backend::nextval(oid) })
}

/// The time of day now, not of the transaction's start.
#[must_use]
pub fn now() -> pgrx::datum::TimestampWithTimeZone {
    moment(clock())
}

/// The same as PostgreSQL counts it.
#[must_use]
pub fn clock() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// A moment that `clock` gave.
#[must_use]
pub fn moment(at: i64) -> pgrx::datum::TimestampWithTimeZone {
    pgrx::datum::TimestampWithTimeZone::try_from(at)
        .unwrap_or_else(|_| pgrx::datum::TimestampWithTimeZone::positive_infinity())
}

/// A NUL-free C string of a name.
pub(super) fn c_name(name: &str) -> CString {
    CString::new(name).unwrap_or_default()
}
