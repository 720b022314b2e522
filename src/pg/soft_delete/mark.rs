//! The update that marks a row as deleted: past the parser, so that it takes neither the UPDATE privilege
//! nor an UPDATE policy, as logical replication applies its changes; the table's own UPDATE triggers,
//! indexes and constraints all hold.

use crate::pg::backend;
use crate::pg::row_trigger::{column_number, user_datum};
use pgrx::{pg_sys, IntoDatum};

const COLUMNS: [&str; 4] = ["is_deleted", "deleted_at", "deleted_by", "deletion_reason"];

/// Where a table keeps the feature's columns.
pub struct Marks {
    /// From 1, in the order of COLUMNS.
    numbers: [usize; 4],
    by: pg_sys::Oid,
}

impl Marks {
    /// Or the name of the column that is missing, or of another type.
    pub fn of(relation: &pg_sys::RelationData) -> Result<Self, &'static str> {
        let mut numbers = [0; 4];
        let mut by = pg_sys::InvalidOid;
        for (i, name) in COLUMNS.iter().enumerate() {
            let number = column_number(relation.rd_att, name).ok_or(*name)?;
            // SAFETY: the number is within the descriptor.
            let found = unsafe { backend::attribute(relation.rd_att, number).atttypid };
            let fits = match i {
                0 => found == pg_sys::BOOLOID,
                1 => found == pg_sys::TIMESTAMPTZOID,
                2 => found == pg_sys::UUIDOID || found == pg_sys::TEXTOID,
                _ => found == pg_sys::TEXTOID,
            };
            if !fits {
                return Err(name);
            }
            if i == 2 {
                by = found;
            }
            numbers[i] = number;
        }
        Ok(Marks { numbers, by })
    }

    pub fn is_deleted(&self, tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> bool {
        self.get(0, tuple, descriptor).is_some_and(|value| value.value() != 0)
    }

    fn get(
        &self,
        which: usize,
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
    ) -> Option<pg_sys::Datum> {
        let mut null = false;
        let number = self.numbers[which] as i32;
        // SAFETY: the tuple is of the descriptor in which the number was found.
        let value = unsafe { pg_sys::heap_getattr(tuple, number, descriptor, &mut null) };
        (!null).then_some(value)
    }
}

/// A table open for marking rows.
pub struct Writer<'a> {
    relation: &'a pg_sys::RelationData,
    marks: &'a Marks,
    estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    old: *mut pg_sys::TupleTableSlot,
    new: *mut pg_sys::TupleTableSlot,
    /// What gathers the rows for the table's statement triggers; NULL where none asks for them.
    gathered: *mut pg_sys::TransitionCaptureState,
}

impl<'a> Writer<'a> {
    /// # Safety
    /// The relation is open for writing, and stays so until `close`.
    pub unsafe fn open(relation: &'a pg_sys::RelationData, marks: &'a Marks) -> Self {
        let raw = std::ptr::from_ref(relation).cast_mut();
        let mut updated: *mut pg_sys::Bitmapset = std::ptr::null_mut();
        for column in marks.numbers {
            let member = column as i32 - pg_sys::FirstLowInvalidHeapAttributeNumber;
            updated = pg_sys::bms_add_member(updated, member);
        }
        let estate = pg_sys::CreateExecutorState();
        let entry: *mut pg_sys::RangeTblEntry =
            pg_sys::palloc0(std::mem::size_of::<pg_sys::RangeTblEntry>()).cast();
        (*entry).type_ = pg_sys::NodeTag::T_RangeTblEntry;
        (*entry).rtekind = pg_sys::RTEKind::RTE_RELATION;
        (*entry).relid = relation.rd_id;
        (*entry).relkind = (*relation.rd_rel).relkind;
        (*entry).rellockmode = pg_sys::RowExclusiveLock as i32;
        range_table(estate, entry, updated);
        let result = backend::result_relation(raw, 1);
        (*estate).es_output_cid = pg_sys::GetCurrentCommandId(true);
        (*estate).es_snapshot = pg_sys::GetActiveSnapshot();
        prepare_triggers(result, (*estate).es_query_cxt);
        pg_sys::ExecOpenIndices(result, false);
        let old = pg_sys::table_slot_create(raw, &mut (*estate).es_tupleTable);
        let new = pg_sys::table_slot_create(raw, &mut (*estate).es_tupleTable);
        pg_sys::ExecBSUpdateTriggers(estate, result);
        let update = pg_sys::CmdType::CMD_UPDATE;
        let gathered =
            pg_sys::MakeTransitionCaptureState((*result).ri_TrigDesc, relation.rd_id, update);
        Writer { relation, marks, estate, result, old, new, gathered }
    }

    /// Marks a row; None where a BEFORE trigger of the table did not let it be written. The AFTER triggers are
    /// queued with those of the query that this is part of. Returns where the new version is.
    ///
    /// # Safety
    /// The tuple is the current version of a row of the table that this transaction has locked.
    pub unsafe fn mark(
        &mut self,
        tuple: pg_sys::HeapTuple,
        at: pg_sys::TimestampTz,
        user: Option<&str>,
        reason: Option<String>,
    ) -> Option<pg_sys::ItemPointerData> {
        let by = user.and_then(|user| user_datum(user, self.marks.by));
        let reason = reason.and_then(IntoDatum::into_datum);
        let values = [Some(pg_sys::Datum::from(true)), Some(pg_sys::Datum::from(at)), by, reason];
        let mut numbers = self.marks.numbers.map(|n| n as i32);
        let mut nulls = values.map(|v| v.is_none());
        let mut values = values.map(|v| v.unwrap_or(pg_sys::Datum::null()));
        let marked = pg_sys::heap_modify_tuple_by_cols(
            tuple,
            self.relation.rd_att,
            4,
            numbers.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        let mut recheck = pg_sys::EPQState::default();
        recheck_init(&mut recheck, self.estate);
        pg_sys::ExecForceStoreHeapTuple(marked, self.new, false);
        (*self.old).tts_tid = (*tuple).t_self;
        (*self.new).tts_tid = (*tuple).t_self;
        pg_sys::ExecSimpleRelationUpdate(
            self.result,
            self.estate,
            &mut recheck,
            self.old,
            self.new,
        );
        pg_sys::EvalPlanQualEnd(&mut recheck);
        let (was, is) = ((*tuple).t_self, (*self.new).tts_tid);
        let block = |at: pg_sys::ItemPointerData| (at.ip_blkid.bi_hi, at.ip_blkid.bi_lo);
        let written = is.ip_posid != 0 && (is.ip_posid, block(is)) != (was.ip_posid, block(was));
        if written && !self.gathered.is_null() {
            self.gather(&mut (*tuple).t_self);
        }
        pg_sys::ExecClearTuple(self.old);
        pg_sys::ExecClearTuple(self.new);
        pg_sys::MakePerTupleExprContext(self.estate);
        pg_sys::MemoryContextReset(
            (*(*self.estate).es_per_tuple_exprcontext).ecxt_per_tuple_memory,
        );
        written.then_some(is)
    }

    /// The row, as it was and as it is in the slot, for the statement triggers. The simple update that replication
    /// makes does not gather rows, and has queued the row triggers already: here the table has none.
    unsafe fn gather(&mut self, was: pg_sys::ItemPointer) {
        let mut triggers = *(*self.result).ri_TrigDesc;
        triggers.trig_update_after_row = false;
        let mut result = std::ptr::read(self.result);
        result.ri_TrigDesc = &mut triggers;
        let (no_table, no_tuple) = (std::ptr::null_mut(), std::ptr::null_mut());
        let nothing = std::ptr::null_mut();
        pg_sys::ExecARUpdateTriggers(
            self.estate,
            &mut result,
            no_table,
            no_table,
            was,
            no_tuple,
            self.new,
            nothing,
            self.gathered,
            false,
        );
        // Slots that it made for itself, to be used again.
        (*self.result).ri_TrigOldSlot = result.ri_TrigOldSlot;
        (*self.result).ri_TrigNewSlot = result.ri_TrigNewSlot;
    }

    /// Queues the table's statement triggers with those of the query level.
    ///
    /// # Safety
    /// All is marked that is to be.
    pub unsafe fn end_statement(&mut self) {
        pg_sys::ExecASUpdateTriggers(self.estate, self.result, self.gathered);
    }

    /// Fires the AFTER triggers of what was marked since the query level was begun.
    ///
    /// # Safety
    /// `AfterTriggerBeginQuery` was called, and its level is the innermost.
    pub unsafe fn fire(&mut self) {
        self.end_statement();
        pg_sys::AfterTriggerEndQuery(self.estate);
    }

    /// # Safety
    /// Nothing else may be done with it afterwards.
    pub unsafe fn close(self) {
        pg_sys::ExecCloseIndices(self.result);
        // Those that its triggers were found by.
        pg_sys::ExecCloseResultRelations(self.estate);
        pg_sys::ExecResetTupleTable((*self.estate).es_tupleTable, false);
        pg_sys::FreeExecutorState(self.estate);
    }
}

/// The executor looks a trigger's function up as it fires first, into the memory at hand, which may be of that row
/// alone; what the functions keep is to last for all.
unsafe fn prepare_triggers(result: *mut pg_sys::ResultRelInfo, memory: pg_sys::MemoryContext) {
    let triggers = (*result).ri_TrigDesc;
    if triggers.is_null() {
        return;
    }
    for i in 0..(*triggers).numtriggers as usize {
        let function = (*(*triggers).triggers.add(i)).tgfoid;
        pg_sys::fmgr_info_cxt(function, (*result).ri_TrigFunctions.add(i), memory);
    }
}

#[cfg(feature = "pg15")]
unsafe fn range_table(
    estate: *mut pg_sys::EState,
    entry: *mut pg_sys::RangeTblEntry,
    updated: *mut pg_sys::Bitmapset,
) {
    (*entry).updatedCols = updated;
    pg_sys::ExecInitRangeTable(estate, pg_sys::lappend(std::ptr::null_mut(), entry.cast()));
}

#[cfg(not(feature = "pg15"))]
unsafe fn range_table(
    estate: *mut pg_sys::EState,
    entry: *mut pg_sys::RangeTblEntry,
    updated: *mut pg_sys::Bitmapset,
) {
    let mut permissions = std::ptr::null_mut();
    (*pg_sys::addRTEPermissionInfo(&mut permissions, entry)).updatedCols = updated;
    let entries = pg_sys::lappend(std::ptr::null_mut(), entry.cast());
    #[cfg(not(feature = "pg18"))]
    pg_sys::ExecInitRangeTable(estate, entries, permissions);
    #[cfg(feature = "pg18")]
    pg_sys::ExecInitRangeTable(estate, entries, permissions, pg_sys::bms_make_singleton(1));
}

unsafe fn recheck_init(recheck: &mut pg_sys::EPQState, estate: *mut pg_sys::EState) {
    let nothing = std::ptr::null_mut();
    #[cfg(feature = "pg15")]
    pg_sys::EvalPlanQualInit(recheck, estate, std::ptr::null_mut(), nothing, -1);
    #[cfg(not(feature = "pg15"))]
    pg_sys::EvalPlanQualInit(recheck, estate, std::ptr::null_mut(), nothing, -1, nothing);
}
