//! Rows as jsonb, without SPI: what of a kind of row is given, and how, is found out once and kept until a table that it
//! depends on changes.

mod plan;
mod reference;
mod value;
mod writer;

pub use reference::Reference;

use super::{backend, depending};
use crate::error::{Error, Result};
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable,
};
use pgrx::AnyElement;
use reference::Memory;
use std::cell::RefCell;
use std::ffi::CStr;
use value::Convert;
use writer::Writer;

/// What is given of a table's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    pub fields: Vec<Field>,
    /// The relations that this depends on.
    pub relations: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The number of the column.
    pub attribute: i16,
    pub key: String,
    pub how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    Given,
    Masked,
    /// By the public id of the row that it refers to.
    Replaced(Reference),
}

/// For whom the rows are.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The function's name, which no other rules have.
    pub function: &'static str,
    pub shape: fn(u32) -> Result<Shape>,
    pub mask: fn(&str) -> String,
}

/// jsonb in the memory of the call.
pub struct Jsonb(pg_sys::Datum);

// SAFETY: the SQL type is the one whose datums this holds.
unsafe impl SqlTranslatable for Jsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: pgrx::pgrx_sql_entity_graph::metadata::TypeOrigin =
        pgrx::pgrx_sql_entity_graph::metadata::TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

// SAFETY: a jsonb datum, as declared.
unsafe impl BoxRet for Jsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_raw_datum(self.0)
    }
}

/// One call: the rules, and what its query looked up before.
struct Call<'a> {
    rules: &'a Rules,
    memory: Memory,
}

/// A row, or an array of rows, by the rules; what is neither is refused.
pub fn render(rules: &Rules, value: AnyElement, call: pg_sys::FunctionCallInfo) -> Result<Jsonb> {
    depending::listen();
    // SAFETY: the value is of the type that the call says, and not NULL.
    unsafe {
        let kind = pg_sys::getBaseType(value.oid());
        let convert = match Convert::of_rows(kind) {
            Some(convert) => convert,
            None => return Err(not_a_row(rules.function, value.oid())),
        };
        let call = Call { rules, memory: Memory::of(call) };
        document(|writer| convert.write_root(&call, value.datum(), writer))
    }
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::default();
}

/// A longer buffer than this is not kept.
const MOST_KEPT: usize = 1 << 20;

/// What is written, in the memory of the call.
unsafe fn document(write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<Jsonb> {
    let mut writer = Writer::begin(BUFFER.take());
    write(&mut writer)?;
    let bytes = writer.finish().map_err(|_| Error::JsonTooLarge)?;
    let memory = pg_sys::palloc(bytes.len()).cast::<u8>();
    std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
    pgrx::set_varsize_4b(memory.cast(), bytes.len() as i32);
    if bytes.capacity() <= MOST_KEPT {
        BUFFER.replace(bytes);
    }
    Ok(Jsonb(pg_sys::Datum::from(memory)))
}

unsafe fn not_a_row(function: &'static str, kind: pg_sys::Oid) -> Error {
    let name = pg_sys::format_type_be(kind);
    Error::NotARow { function, found: CStr::from_ptr(name).to_string_lossy().into_owned() }
}

/// A varlena's bytes behind its head, whole.
unsafe fn bytes<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    let mut pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
    if !pgrx::varatt_is_4b_u(pointer)
        && (!pgrx::varatt_is_1b(pointer) || pgrx::varatt_is_1b_e(pointer))
    {
        pointer = pg_sys::pg_detoast_datum_packed(pointer);
    }
    pgrx::varlena_to_byte_slice(pointer)
}

/// A varlena whole, with a four-byte head.
unsafe fn whole<T>(datum: pg_sys::Datum) -> *mut T {
    let pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
    if pgrx::varatt_is_4b_u(pointer) {
        return pointer.cast();
    }
    pg_sys::pg_detoast_datum(pointer).cast()
}

/// The columns of a kind of row, kept as long as this.
struct Descriptor(pg_sys::TupleDesc);

impl Descriptor {
    /// A copy of the one that the server has for the type.
    unsafe fn of(kind: pg_sys::Oid, modifier: i32) -> Self {
        let known = pg_sys::lookup_rowtype_tupdesc(kind, modifier);
        let copy = pgrx::PgMemoryContexts::TopMemoryContext
            .switch_to(|_| pg_sys::CreateTupleDescCopyConstr(known));
        if (*known).tdrefcount >= 0 {
            pg_sys::DecrTupleDescRefCount(known);
        }
        Descriptor(copy)
    }

    fn len(&self) -> usize {
        // SAFETY: the descriptor is ours.
        unsafe { (*self.0).natts as usize }
    }

    fn attribute(&self, number: usize) -> &pg_sys::FormData_pg_attribute {
        assert!((1..=self.len()).contains(&number), "no such column");
        // SAFETY: the descriptor is ours and has that column.
        unsafe { backend::attribute(self.0, number) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: a copy that nobody else has; only memory is given back.
            unsafe { pg_sys::FreeTupleDesc(self.0) }
        }
    }
}
