//! A row that a function returns, made once for each query that calls it.

use super::backend;
use crate::error::Result;
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{pg_guard, IntoDatum, PgMemoryContexts, Uuid};
use std::cell::Cell;
use std::ffi::CStr;

/// The columns of a row: their names and types.
pub type Columns = &'static [(&'static CStr, pg_sys::Oid)];

/// A row in memory of its own, with a number that no other row of this process has.
pub struct Row(Box<[u64]>, u64);

/// A value of a row.
pub enum Value<'a> {
    Uuid(uuid::Uuid),
    Text(&'a str),
    Bigint(i64),
    Null,
}

impl Value<'_> {
    fn datum(self) -> Option<pg_sys::Datum> {
        match self {
            Value::Uuid(uuid) => Uuid::from_bytes(*uuid.as_bytes()).into_datum(),
            Value::Text(text) => text.into_datum(),
            Value::Bigint(number) => number.into_datum(),
            Value::Null => None,
        }
    }
}

impl Row {
    /// One value for each column, of its type.
    #[must_use]
    pub fn of(columns: Columns, values: Vec<Value>) -> Self {
        let values: Vec<_> = values.into_iter().map(Value::datum).collect();
        let mut nulls: Vec<bool> = values.iter().map(Option::is_none).collect();
        let mut values: Vec<_> =
            values.into_iter().map(|v| v.unwrap_or(pg_sys::Datum::null())).collect();
        // SAFETY: the descriptor has as many columns as there are values; the tuple is copied, header and all,
        // into memory that is aligned as the server's own.
        unsafe {
            let descriptor = blessed(columns);
            let tuple =
                pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            let length = (*tuple).t_len as usize;
            let datum = pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data);
            let mut bytes = vec![0u64; length.div_ceil(8)];
            std::ptr::copy_nonoverlapping(
                datum.cast_mut_ptr::<u8>(),
                bytes.as_mut_ptr().cast(),
                length,
            );
            Row(bytes.into_boxed_slice(), next_number())
        }
    }
}

fn next_number() -> u64 {
    thread_local! {
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }
    NUMBER.set(NUMBER.get() + 1);
    NUMBER.get()
}

/// The descriptor of a row of these columns, known to the server by a number; one for the life of the process.
unsafe fn blessed(columns: Columns) -> pg_sys::TupleDesc {
    thread_local! {
        static KNOWN: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    }
    let key = columns.as_ptr() as usize;
    match KNOWN.get() {
        (known, descriptor) if known == key => descriptor as pg_sys::TupleDesc,
        _ => {
            let made = PgMemoryContexts::TopMemoryContext.switch_to(|_| {
                let made = pg_sys::CreateTemplateTupleDesc(columns.len() as i32);
                for (i, (name, column_type)) in columns.iter().enumerate() {
                    let number = i as i16 + 1;
                    pg_sys::TupleDescInitEntry(made, number, name.as_ptr(), *column_type, -1, 0);
                }
                pg_sys::BlessTupleDesc(made)
            });
            KNOWN.set((key, made as usize));
            made
        }
    }
}

/// What the function returns: a row, or NULL.
pub struct Record(Option<pg_sys::Datum>);

// SAFETY: the declared SQL type is that of a function with several OUT parameters.
unsafe impl SqlTranslatable for Record {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Record);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("record"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("record")));
}

// SAFETY: a composite datum in the memory of the query, or NULL.
unsafe impl BoxRet for Record {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.0 {
            Some(datum) => fcinfo.return_raw_datum(datum),
            None => fcinfo.return_null(),
        }
    }
}

/// What a call keeps for as long as the expression that it is in is evaluated; the row follows it.
#[repr(C, align(8))]
struct Kept {
    /// The row's number; 0 for NULL.
    number: u64,
    /// Whether it is a query's, for as long as that runs.
    of_query: bool,
    /// Tells when the memory that this is in is given back.
    end: pg_sys::MemoryContextCallback,
}

thread_local! {
    /// What a query kept last, and in which memory: another expression of the same query shares it. Forgotten before
    /// the memory is used again.
    static LAST: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

#[pg_guard]
unsafe extern "C-unwind" fn forget(memory: *mut std::ffi::c_void) {
    if LAST.get().0 == memory as usize {
        LAST.set((0, 0));
    }
}

impl Kept {
    /// In memory that lives as long as the expression.
    unsafe fn make(memory: pg_sys::MemoryContext, row: Option<&Row>) -> *mut Self {
        let row_bytes = row.map_or(0, |row| std::mem::size_of_val(&*row.0));
        let size = std::mem::size_of::<Self>() + row_bytes;
        let no_error = pg_sys::MCXT_ALLOC_NO_OOM as i32;
        let mut kept = backend::unguarded_allocate(memory, size, no_error).cast::<Self>();
        if kept.is_null() {
            kept = pg_sys::MemoryContextAlloc(memory, size).cast();
        }
        kept.write(Kept {
            number: row.map_or(0, |row| row.1),
            of_query: false,
            end: pg_sys::MemoryContextCallback::default(),
        });
        if let Some(row) = row {
            std::ptr::copy_nonoverlapping(
                row.0.as_ptr().cast::<u8>(),
                kept.add(1).cast(),
                row_bytes,
            );
        }
        kept
    }

    /// Lets the other expressions of the query have it.
    unsafe fn share(kept: *mut Self, memory: pg_sys::MemoryContext) {
        (*kept).of_query = true;
        (*kept).end.func = Some(forget);
        (*kept).end.arg = memory.cast();
        backend::unguarded_at_reset(memory, &raw mut (*kept).end);
        LAST.set((memory as usize, kept as usize));
    }

    unsafe fn record(kept: *mut Self) -> Record {
        Record(((*kept).number != 0).then(|| pg_sys::Datum::from(kept.add(1))))
    }
}

/// Whether the memory is that of one run of a query: its parent is a portal's, which a cursor has too, or SPI's for
/// the statements of functions, or another query's. What PL/pgSQL evaluates without a query has memory that lasts
/// from one identity to the next. In a parallel worker there is one query, and one identity.
pub(super) unsafe fn is_of_a_query(memory: pg_sys::MemoryContext) -> bool {
    let parent = (*memory).parent;
    if parent.is_null() {
        return false;
    }
    let name = CStr::from_ptr((*parent).name);
    [c"PortalContext", c"SPI Exec", c"ExecutorState"].contains(&name)
        || pg_sys::ParallelWorkerNumber >= 0
}

/// The row that the call returns. A query asks once, as it would a sub-select, and all its expressions share the
/// answer; anything else asks each time, and copies the row where it is another.
pub fn once(
    call: pg_sys::FunctionCallInfo,
    ask: impl FnOnce(&mut dyn FnMut(&Row)) -> Result<()>,
) -> Result<Record> {
    // SAFETY: the call's own state, which lives as long as the expression; nothing else keeps anything there.
    unsafe {
        let state = (*call).flinfo;
        let mut kept: *mut Kept = match state.is_null() {
            true => std::ptr::null_mut(),
            false => (*state).fn_extra.cast(),
        };
        if !kept.is_null() && (*kept).of_query {
            return Ok(Kept::record(kept));
        }
        let memory = if state.is_null() { pg_sys::CurrentMemoryContext } else { (*state).fn_mcxt };
        let in_query = !state.is_null() && is_of_a_query(memory);
        if in_query {
            let (shared_in, shared) = LAST.get();
            if shared_in == memory as usize {
                kept = shared as *mut Kept;
                (*state).fn_extra = kept.cast();
                return Ok(Kept::record(kept));
            }
        }
        let is_kept = |kept: *mut Kept, number| !kept.is_null() && (*kept).number == number;
        let mut answered = false;
        ask(&mut |row| {
            answered = true;
            if !is_kept(kept, row.1) {
                kept = Kept::make(memory, Some(row));
            }
        })?;
        if !answered && !is_kept(kept, 0) {
            kept = Kept::make(memory, None);
        }
        if in_query {
            Kept::share(kept, memory);
        }
        if !state.is_null() {
            (*state).fn_extra = kept.cast();
        }
        Ok(Kept::record(kept))
    }
}
