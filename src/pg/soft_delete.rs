//! The BEFORE DELETE trigger that marks a row as deleted instead, and the update behind it: past the
//! parser, so that it takes neither the UPDATE privilege nor an UPDATE policy, as logical replication
//! applies its changes; the table's own UPDATE triggers, indexes and constraints all hold.

use super::before::{column_number, kept, user_datum, Before, RowOrNothing};
use super::relation::Relation;
use super::trigger::Operation;
use super::{backend, query, user};
use crate::error::{Error, Result};
use pgrx::datum::DatumWithOid;
use pgrx::{pg_sys, IntoDatum, PgMemoryContexts, Spi};
use serde::Deserialize;
use std::collections::HashMap;
use std::rc::Rc;

/// When, by whom and why: the same for a row and for all that is deleted with it.
pub struct Deletion {
    pub user: Option<String>,
    pub reason: Option<String>,
}

/// A foreign key ON DELETE CASCADE of a table that has the feature too.
#[derive(Deserialize)]
struct Cascade {
    owner: u32,
    /// The columns referenced, by number.
    columns: Vec<i16>,
    /// Finds and locks the rows that refer to a key.
    sql: String,
}

#[derive(Default)]
struct State {
    cascades: HashMap<u32, Rc<Vec<Cascade>>>,
    /// The row that an UPDATE was about, should it be moved to another partition.
    updated: Option<(usize, u32, u16)>,
}

const COLUMNS: [&str; 4] = ["is_deleted", "deleted_at", "deleted_by", "deletion_reason"];

/// The work of tenant_guard.soft_delete.
pub fn instead_of_delete(
    call: pg_sys::FunctionCallInfo,
    deletion: impl FnOnce() -> Deletion,
) -> Result<RowOrNothing> {
    let wrong = |why: &str| Error::NotOurTrigger { function: "soft_delete", why: why.into() };
    let firing =
        Before::of(call).ok_or_else(|| wrong("it was not called as a BEFORE ROW trigger"))?;
    // SAFETY: the call was accepted, and this is the only place that asks.
    let state = unsafe { kept(call, || Ok(State::default()))? };
    // SAFETY: as in `owner`.
    if unsafe { (*firing.relation.rd_rel).relkind } as u8 != pg_sys::RELKIND_RELATION {
        return Err(wrong("the rows of a foreign table are kept elsewhere"));
    }
    let tuple = firing.data.tg_trigtuple;
    match firing.operation() {
        Operation::Delete => {}
        Operation::Update => {
            state.updated = Some(firing.place());
            return Ok(RowOrNothing::row(firing.data.tg_newtuple));
        }
        _ => return Err(wrong("a row that is inserted cannot be deleted")),
    }
    let moved = state.updated.take() == Some(firing.place());
    // A foreign key's action and purge_deleted run like this, and their rows must go. Both run as the table's
    // owner: what a trigger of somebody else's deletes from within such an action is marked as ever.
    if moved || (user::past_policies() && user::has_rights_of(owner(firing.relation))) {
        return Ok(RowOrNothing::row(tuple));
    }
    let marks = Marks::of(firing.relation, &firing)?;
    if marks.is_deleted(tuple, firing.descriptor()) {
        return Ok(RowOrNothing::nothing());
    }
    let deletion = deletion();
    // SAFETY: reads the clock.
    let at = unsafe { backend::unguarded_clock() };
    // SAFETY: the executor has locked the row, and keeps its relation open.
    unsafe { mark(firing.relation, &marks, tuple, at, &deletion, state)? };
    Ok(RowOrNothing::nothing())
}

/// Where a table keeps the feature's columns.
struct Marks {
    /// From 1, in the order of COLUMNS.
    numbers: [usize; 4],
    by: pg_sys::Oid,
}

impl Marks {
    fn of(relation: &pg_sys::RelationData, firing: &Before) -> Result<Self> {
        Self::look(relation).map_err(|column| Error::ConventionBroken {
            table: firing.table(),
            column: column.to_string(),
            trigger: "tenant_guard_soft_delete",
        })
    }

    /// Or the name of the column that is missing, or of another type.
    fn look(relation: &pg_sys::RelationData) -> std::result::Result<Self, &'static str> {
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

    fn is_deleted(&self, tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> bool {
        let mut null = false;
        // SAFETY: the tuple is of this descriptor; the column was checked to be a boolean.
        let value =
            unsafe { pg_sys::heap_getattr(tuple, self.numbers[0] as i32, descriptor, &mut null) };
        !null && value.value() != 0
    }
}

/// Marks the row, and then the rows that would go with it.
///
/// # Safety
/// The relation is open for writing, and the tuple is the current version of a row of it that this
/// transaction has locked.
unsafe fn mark(
    relation: &pg_sys::RelationData,
    marks: &Marks,
    tuple: pg_sys::HeapTuple,
    at: pg_sys::TimestampTz,
    deletion: &Deletion,
    state: &mut State,
) -> Result<()> {
    let by = deletion.user.as_ref().and_then(|user| user_datum(user, marks.by));
    let reason = deletion.reason.clone().and_then(IntoDatum::into_datum);
    let values = [Some(pg_sys::Datum::from(true)), Some(pg_sys::Datum::from(at)), by, reason];
    let mut numbers = marks.numbers.map(|n| n as i32);
    let mut nulls = values.map(|v| v.is_none());
    let mut values = values.map(|v| v.unwrap_or(pg_sys::Datum::null()));
    let marked = pg_sys::heap_modify_tuple_by_cols(
        tuple,
        relation.rd_att,
        4,
        numbers.as_mut_ptr(),
        values.as_mut_ptr(),
        nulls.as_mut_ptr(),
    );
    if update(relation, (*tuple).t_self, marked, &marks.numbers) {
        cascade(relation, tuple, at, deletion, state)?;
    }
    Ok(())
}

/// Writes the new version of a row; false where a BEFORE trigger of the table did not let it be written.
///
/// # Safety
/// As in `mark`; `columns` are those that differ.
unsafe fn update(
    relation: &pg_sys::RelationData,
    place: pg_sys::ItemPointerData,
    new: pg_sys::HeapTuple,
    columns: &[usize],
) -> bool {
    let relation = std::ptr::from_ref(relation).cast_mut();
    let mut updated: *mut pg_sys::Bitmapset = std::ptr::null_mut();
    for column in columns {
        let member = *column as i32 - pg_sys::FirstLowInvalidHeapAttributeNumber;
        updated = pg_sys::bms_add_member(updated, member);
    }
    let estate = pg_sys::CreateExecutorState();
    let entry: *mut pg_sys::RangeTblEntry =
        pg_sys::palloc0(std::mem::size_of::<pg_sys::RangeTblEntry>()).cast();
    (*entry).type_ = pg_sys::NodeTag::T_RangeTblEntry;
    (*entry).rtekind = pg_sys::RTEKind::RTE_RELATION;
    (*entry).relid = (*relation).rd_id;
    (*entry).relkind = (*(*relation).rd_rel).relkind;
    (*entry).rellockmode = pg_sys::RowExclusiveLock as i32;
    range_table(estate, entry, updated);
    let result: *mut pg_sys::ResultRelInfo =
        pg_sys::palloc0(std::mem::size_of::<pg_sys::ResultRelInfo>()).cast();
    (*result).type_ = pg_sys::NodeTag::T_ResultRelInfo;
    pg_sys::InitResultRelInfo(result, relation, 1, std::ptr::null_mut(), 0);
    (*estate).es_output_cid = pg_sys::GetCurrentCommandId(true);
    (*estate).es_snapshot = pg_sys::GetActiveSnapshot();
    pg_sys::ExecOpenIndices(result, false);
    let mut recheck = pg_sys::EPQState::default();
    recheck_init(&mut recheck, estate);
    let old_slot = pg_sys::table_slot_create(relation, &mut (*estate).es_tupleTable);
    (*old_slot).tts_tid = place;
    let new_slot = pg_sys::table_slot_create(relation, &mut (*estate).es_tupleTable);
    pg_sys::ExecForceStoreHeapTuple(new, new_slot, false);
    (*new_slot).tts_tid = place;
    // Its AFTER triggers are queued with those of the DELETE, and fire at the statement's end.
    pg_sys::ExecSimpleRelationUpdate(result, estate, &mut recheck, old_slot, new_slot);
    // What was written stands elsewhere than what it takes the place of.
    let at = (*new_slot).tts_tid;
    let written = at.ip_posid != 0 && (at.ip_posid, block(at)) != (place.ip_posid, block(place));
    pg_sys::EvalPlanQualEnd(&mut recheck);
    pg_sys::ExecCloseIndices(result);
    pg_sys::ExecResetTupleTable((*estate).es_tupleTable, false);
    pg_sys::FreeExecutorState(estate);
    written
}

fn block(place: pg_sys::ItemPointerData) -> (u16, u16) {
    (place.ip_blkid.bi_hi, place.ip_blkid.bi_lo)
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

/// Marks the rows that refer to this one with ON DELETE CASCADE, at the same time.
unsafe fn cascade(
    relation: &pg_sys::RelationData,
    tuple: pg_sys::HeapTuple,
    at: pg_sys::TimestampTz,
    deletion: &Deletion,
    state: &mut State,
) -> Result<()> {
    for child in cascades(relation, state)?.iter() {
        for (table, place) in referring(relation, tuple, child)? {
            let gone = || Error::Internal { what: "a table that was just read is gone".into() };
            let opened = Relation::open(table, pg_sys::RowExclusiveLock).ok_or_else(gone)?;
            let relation = &*opened.raw;
            let Ok(marks) = Marks::look(relation) else { continue };
            let Some(tuple) = fetch(opened.raw, place) else { continue };
            if !marks.is_deleted(tuple, relation.rd_att) {
                // There may be many: what each takes is given back before the next.
                let mut memory = PgMemoryContexts::new("tenant_guard soft delete");
                let mut marked =
                    || memory.switch_to(|_| mark(relation, &marks, tuple, at, deletion, state));
                // The triggers of a child run with its owner's rights, as in a foreign key's action.
                let owner = owner(relation);
                match user::is_current(owner) {
                    true => marked()?,
                    false => user::as_role(owner, marked)?,
                }
            }
            pg_sys::heap_freetuple(tuple);
        }
    }
    Ok(())
}

/// The foreign keys, found by the triggers that enforce them.
fn owner(relation: &pg_sys::RelationData) -> pg_sys::Oid {
    // SAFETY: an open relation's pg_class row is valid while it is open.
    unsafe { (*relation.rd_rel).relowner }
}

unsafe fn cascades(relation: &pg_sys::RelationData, state: &mut State) -> Result<Rc<Vec<Cascade>>> {
    let key = relation.rd_id.to_u32();
    if let Some(known) = state.cascades.get(&key) {
        return Ok(known.clone());
    }
    let mut found = Vec::new();
    if !relation.trigdesc.is_null() {
        let description = &*relation.trigdesc;
        for i in 0..description.numtriggers as usize {
            let trigger = &*description.triggers.add(i);
            if trigger.tgfoid.to_u32() == pg_sys::F_RI_FKEY_CASCADE_DEL {
                let _path = query::pin();
                let constraint = trigger.tgconstraint.into();
                found.extend(query::model_here(include_str!("cascade.sql"), &[constraint])?);
            }
        }
    }
    let found = Rc::new(found);
    state.cascades.insert(key, found.clone());
    Ok(found)
}

/// The rows that refer to the key of this one and are not marked yet, locked.
unsafe fn referring(
    relation: &pg_sys::RelationData,
    tuple: pg_sys::HeapTuple,
    child: &Cascade,
) -> Result<Vec<(pg_sys::Oid, pg_sys::ItemPointerData)>> {
    let mut arguments = Vec::with_capacity(child.columns.len());
    for number in &child.columns {
        let mut null = false;
        let value = pg_sys::heap_getattr(tuple, i32::from(*number), relation.rd_att, &mut null);
        if null {
            return Ok(Vec::new());
        }
        let attribute = backend::attribute(relation.rd_att, *number as usize);
        let value = DatumWithOid::new(Raw(value), attribute.atttypid);
        arguments.push(value);
    }
    // As a foreign key's own action reads: with the owner's rights, and past the policies.
    user::as_table_owner(pg_sys::Oid::from(child.owner), || {
        let _path = query::pin();
        Spi::connect_mut(|client| {
            let mut rows = client.update(&child.sql, None, &arguments)?;
            let mut found = Vec::with_capacity(rows.len());
            while rows.next().is_some() {
                if let (Some(table), Some(place)) = (rows.get(1)?, rows.get(2)?) {
                    found.push((table, place));
                }
            }
            Ok(found)
        })
    })
}

/// A datum whose type is said beside it.
struct Raw(pg_sys::Datum);

impl IntoDatum for Raw {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::InvalidOid
    }
}

/// A copy of the row version at a place.
unsafe fn fetch(
    relation: pg_sys::Relation,
    place: pg_sys::ItemPointerData,
) -> Option<pg_sys::HeapTuple> {
    let mut tuple = pg_sys::HeapTupleData { t_self: place, ..Default::default() };
    let mut buffer = 0;
    let any = std::ptr::addr_of_mut!(pg_sys::SnapshotAnyData);
    if !pg_sys::heap_fetch(relation, any, &mut tuple, &mut buffer, false) {
        return None;
    }
    let copy = pg_sys::heap_copytuple(&mut tuple);
    pg_sys::ReleaseBuffer(buffer);
    Some(copy)
}
