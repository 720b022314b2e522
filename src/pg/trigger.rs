//! What a trigger sees: the rows, as values other rooms can use without touching a pointer.

use super::row::c_name;
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use std::ffi::CStr;
use std::marker::PhantomData;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// How many triggers run within each other here.
#[must_use]
pub fn depth() -> i32 {
    // SAFETY: it reads a counter of the process.
    unsafe { pgrx::direct_function_call::<i32>(pg_sys::pg_trigger_depth, &[]) }.unwrap_or_default()
}

/// A firing of an AFTER trigger, valid while the trigger function runs.
pub struct Firing<'a> {
    data: &'a pg_sys::TriggerData,
}

/// The firing of a row trigger for an UPDATE, before or after it; a function of LANGUAGE c sees it.
pub struct Change<'a> {
    data: &'a pg_sys::TriggerData,
}

impl<'a> Change<'a> {
    /// None for any other call.
    #[must_use]
    pub fn of_update(call: pg_sys::FunctionCallInfo) -> Option<Self> {
        // SAFETY: the tag of the context is checked before the cast; the executor keeps it through the call.
        let data = unsafe {
            let context = if call.is_null() { std::ptr::null_mut() } else { (*call).context };
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return None;
            }
            &*context.cast::<pg_sys::TriggerData>()
        };
        let event = data.tg_event;
        let row = event & pg_sys::TRIGGER_EVENT_ROW != 0;
        let update = event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE;
        (row && update).then_some(Change { data })
    }

    /// Whether row-level security binds whoever makes the change; a foreign key's action it does not. Since
    /// version 18 what such an action set off runs as the table's owner, without the action's rights: so whoever
    /// began it counts too.
    #[must_use]
    pub fn policies_bind(&self) -> bool {
        // SAFETY: the OID of an open relation; with noError nothing is raised.
        let bind = |role| unsafe {
            pg_sys::check_enable_rls((*self.data.tg_relation).rd_id, role, true)
                == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
        };
        // SAFETY: reads a backend-local variable.
        bind(pg_sys::InvalidOid) && bind(unsafe { pg_sys::GetOuterUserId() })
    }

    /// The table as a message names it.
    #[must_use]
    pub fn table(&self) -> String {
        let (schema, name) = Firing { data: self.data }.table();
        super::ident::qualified(&schema, &name)
    }

    /// The trigger's first argument.
    #[must_use]
    pub fn argument(&self) -> Option<String> {
        Firing { data: self.data }.argument()
    }

    /// What the trigger returns to let the change be.
    #[must_use]
    pub fn proceed(&self) -> NextRow {
        NextRow(pg_sys::Datum::from(self.data.tg_newtuple))
    }
}

/// The row that a trigger function of LANGUAGE c returns.
pub struct NextRow(pg_sys::Datum);

// SAFETY: never in the SQL of a function: those that return it have their SQL written out.
unsafe impl SqlTranslatable for NextRow {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(NextRow);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("trigger"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("trigger")));
}

// SAFETY: the trigger protocol wants the pointer to the tuple as it is.
unsafe impl BoxRet for NextRow {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_raw_datum(self.0)
    }
}

/// One version of the row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    firing: PhantomData<&'a ()>,
}

impl<'a> Firing<'a> {
    /// None unless it fired after a row or a TRUNCATE.
    #[must_use]
    pub fn of(trigger: &'a pgrx::PgTrigger<'a>) -> Option<Self> {
        let event = trigger.event();
        let truncate = event.fired_by_truncate();
        (event.fired_after() && event.fired_for_row() != truncate)
            .then(|| Firing { data: trigger.trigger_data() })
    }

    #[must_use]
    pub fn operation(&self) -> Operation {
        match self.data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Operation::Insert,
            pg_sys::TRIGGER_EVENT_DELETE => Operation::Delete,
            pg_sys::TRIGGER_EVENT_UPDATE => Operation::Update,
            _ => Operation::Truncate,
        }
    }

    /// The row as it is now: of an INSERT or UPDATE.
    #[must_use]
    pub fn new_row(&self) -> Option<Row<'a>> {
        match self.operation() {
            Operation::Insert => Some(self.row(self.data.tg_trigtuple)),
            Operation::Update => Some(self.row(self.data.tg_newtuple)),
            _ => None,
        }
    }

    fn row(&self, tuple: pg_sys::HeapTuple) -> Row<'a> {
        // SAFETY: the executor keeps the relation open while its triggers run.
        Row { tuple, descriptor: unsafe { (*self.data.tg_relation).rd_att }, firing: PhantomData }
    }

    /// The table's schema and name.
    #[must_use]
    pub fn table(&self) -> (String, String) {
        // SAFETY: as in `row`; both names are copied at once.
        unsafe {
            let class = (*self.data.tg_relation).rd_rel;
            let schema = pg_sys::get_namespace_name((*class).relnamespace);
            let schema = if schema.is_null() { String::new() } else { text(schema) };
            (schema, text((*class).relname.data.as_ptr()))
        }
    }

    /// The trigger's first argument.
    #[must_use]
    pub fn argument(&self) -> Option<String> {
        // SAFETY: tgargs holds tgnargs C strings.
        unsafe {
            let trigger = &*self.data.tg_trigger;
            (trigger.tgnargs > 0).then(|| text(*trigger.tgargs))
        }
    }
}

impl Row<'_> {
    /// A column's value as text, None for NULL; or None where there is no such column.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<Option<String>> {
        let name = c_name(column);
        // SAFETY: SPI_getvalue gives a palloc'd C string, or NULL.
        unsafe {
            let number = pg_sys::SPI_fnumber(self.descriptor, name.as_ptr());
            if number <= 0 {
                return None;
            }
            let value = pg_sys::SPI_getvalue(self.tuple, self.descriptor, number);
            Some((!value.is_null()).then(|| text(value)))
        }
    }
}

unsafe fn text(value: *const std::ffi::c_char) -> String {
    CStr::from_ptr(value).to_string_lossy().into_owned()
}
