//! A row trigger's firing by the raw call: for triggers that run once a row and must cost little.

use super::row::c_name;
use super::trigger::Operation;
use crate::error::Result;
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use std::ffi::CStr;

/// What a trigger function returns: a row, or nothing where the row is to be left as it is.
pub struct RowOrNothing(pg_sys::HeapTuple);

impl RowOrNothing {
    pub(super) fn row(tuple: pg_sys::HeapTuple) -> Self {
        RowOrNothing(tuple)
    }

    pub(super) fn tuple(&self) -> pg_sys::HeapTuple {
        self.0
    }

    /// As an AFTER trigger returns it.
    #[must_use]
    pub fn nothing() -> Self {
        RowOrNothing(std::ptr::null_mut())
    }
}

// SAFETY: the declared SQL type is that of every trigger function.
unsafe impl SqlTranslatable for RowOrNothing {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(RowOrNothing);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("trigger"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("trigger")));
}

// SAFETY: the trigger protocol wants a pointer to a tuple, or a null pointer, never an SQL NULL.
unsafe impl BoxRet for RowOrNothing {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_raw_datum(pg_sys::Datum::from(self.0))
    }
}

/// When a trigger fires.
#[derive(Clone, Copy)]
pub(super) enum Timing {
    Before,
    After,
}

/// Where a row is, and in which query.
pub(super) type Place = (usize, u32, u16);

pub(super) struct Firing<'a> {
    call: pg_sys::FunctionCallInfo,
    pub data: &'a pg_sys::TriggerData,
    pub relation: &'a pg_sys::RelationData,
}

impl Firing<'_> {
    /// None unless called as a row trigger of that timing.
    pub fn of(call: pg_sys::FunctionCallInfo, timing: Timing) -> Option<Self> {
        // SAFETY: the node tag is checked before the cast; the executor keeps all of it, the open
        // relation included, while the trigger function runs.
        unsafe {
            let context = (*call).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return None;
            }
            let data = &*context.cast::<pg_sys::TriggerData>();
            let row = data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
            let wanted = match timing {
                Timing::Before => pg_sys::TRIGGER_EVENT_BEFORE,
                Timing::After => pg_sys::TRIGGER_EVENT_AFTER,
            };
            let timely = data.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK == wanted;
            (row && timely && !(*call).flinfo.is_null()).then(|| Firing {
                call,
                data,
                relation: &*data.tg_relation,
            })
        }
    }

    pub fn operation(&self) -> Operation {
        match self.data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Operation::Insert,
            pg_sys::TRIGGER_EVENT_DELETE => Operation::Delete,
            _ => Operation::Update,
        }
    }

    pub fn descriptor(&self) -> pg_sys::TupleDesc {
        self.relation.rd_att
    }

    /// `schema.table`, for messages.
    pub fn table(&self) -> String {
        // SAFETY: an open relation's pg_class row; both names are copied at once.
        unsafe {
            let class = &*self.relation.rd_rel;
            let schema = pg_sys::get_namespace_name(class.relnamespace);
            let schema = if schema.is_null() {
                String::new()
            } else {
                CStr::from_ptr(schema).to_string_lossy().into_owned()
            };
            let name = CStr::from_ptr(class.relname.data.as_ptr()).to_string_lossy();
            super::ident::qualified(&schema, &name)
        }
    }

    pub fn arguments(&self) -> Vec<String> {
        // SAFETY: tgargs holds tgnargs C strings.
        unsafe {
            let trigger = &*self.data.tg_trigger;
            (0..trigger.tgnargs as usize)
                .map(|i| CStr::from_ptr(*trigger.tgargs.add(i)).to_string_lossy().into_owned())
                .collect()
        }
    }

    /// Which query the trigger fires in.
    pub fn query(&self) -> usize {
        // SAFETY: the call's own state, checked in `of`.
        unsafe { (*(*self.call).flinfo).fn_mcxt as usize }
    }

    /// Where the old row is.
    pub fn place(&self) -> Place {
        // SAFETY: the tuple that the trigger was given.
        let tid = unsafe { (*self.data.tg_trigtuple).t_self };
        let (high, low) = (u32::from(tid.ip_blkid.bi_hi), u32::from(tid.ip_blkid.bi_lo));
        (self.query(), high << 16 | low, tid.ip_posid)
    }

    /// Where what is made lives as long as the query.
    pub fn memory(&self) -> pg_sys::MemoryContext {
        // SAFETY: as in `query`.
        unsafe { (*(*self.call).flinfo).fn_mcxt }
    }

    pub fn is_partition(&self) -> bool {
        // SAFETY: an open relation's pg_class row.
        unsafe { (*self.relation.rd_rel).relispartition }
    }
}

/// What a trigger keeps for the rest of the query. `T` is always the same for a trigger function.
///
/// # Safety
/// `Firing::of` has accepted the call, and the function asks once a call.
pub(super) unsafe fn kept<'q, T: 'static>(
    call: pg_sys::FunctionCallInfo,
    make: impl FnOnce() -> Result<T>,
) -> Result<&'q mut T> {
    // fn_extra belongs to the trigger function, which keeps nothing else there; what is kept is
    // dropped with the context that the call's own state lives in: whoever fires triggers makes that the query's.
    let state = &mut *(*call).flinfo;
    if state.fn_extra.is_null() {
        let made = make()?;
        let mut context = pgrx::PgMemoryContexts::For(state.fn_mcxt);
        state.fn_extra = context.leak_and_drop_on_delete(made).cast();
    }
    Ok(&mut *state.fn_extra.cast::<T>())
}

/// The number of a column, from 1; None where there is none of that name.
pub(super) fn column_number(descriptor: pg_sys::TupleDesc, name: &str) -> Option<usize> {
    let name = c_name(name);
    // SAFETY: the descriptor of an open relation and a NUL-terminated name.
    let number = unsafe { pg_sys::SPI_fnumber(descriptor, name.as_ptr()) };
    usize::try_from(number).ok().filter(|n| *n > 0)
}

/// A user's id as a value of a column that is uuid or text; None where it cannot hold the id.
pub(super) fn user_datum(id: &str, column_type: pg_sys::Oid) -> Option<pg_sys::Datum> {
    use pgrx::IntoDatum;
    if column_type == pg_sys::UUIDOID {
        let uuid = crate::id::parse_uuid(id)?;
        return pgrx::Uuid::from_bytes(*uuid.as_bytes()).into_datum();
    }
    id.into_datum()
}
