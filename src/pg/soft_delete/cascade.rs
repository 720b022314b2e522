//! The AFTER UPDATE trigger that follows a mark along the foreign keys ON DELETE CASCADE. It is an AFTER
//! trigger as a foreign key's own action is: a row that the same statement deletes too is marked by then.

use super::mark::{Marks, Writer};
use super::{broken, owner, Deletion};
use crate::error::{Error, Result};
use crate::pg::relation::Relation;
use crate::pg::row_trigger::{kept, Firing, RowOrNothing, Timing};
use crate::pg::transaction::{self, Position};
use crate::pg::trigger::Operation;
use crate::pg::{backend, kept as statements, user};
use pgrx::datum::DatumWithOid;
use pgrx::{pg_sys, IntoDatum, PgMemoryContexts};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// A foreign key ON DELETE CASCADE of a table that has the feature too.
#[derive(Deserialize)]
struct Cascade {
    owner: u32,
    /// The columns referenced, by number.
    columns: Vec<i16>,
    /// Finds and locks the rows that refer to a key.
    sql: String,
}

/// The foreign keys of the tables met so far.
type Known = HashMap<pg_sys::Oid, Rc<Vec<Cascade>>>;

/// What a mark says, for those of the rows that go along.
struct Mark {
    at: pg_sys::TimestampTz,
    user: Option<String>,
    reason: Option<String>,
}

/// Where a row version is: its table, block and number.
type Place = (pg_sys::Oid, u32, u16);

/// Rows of one table that were marked, and whose referring rows are not yet.
struct Marked {
    table: pg_sys::Oid,
    rows: Vec<pg_sys::ItemPointerData>,
    /// Whether every table on the way here is of the first one's owner.
    trusted: bool,
}

thread_local! {
    /// Row versions of the transaction that a DELETE marked which its user has no privilege for on the very table: it
    /// had it on the partitioned table or the view that it named.
    static DELETED: RefCell<(Position, HashSet<Place>)> = RefCell::default();

    /// Row versions that a run of `follow` has marked, and whose triggers are firing: what refers to them it
    /// looks up itself, level by level, so that a long way down takes no deep stack.
    static IN_HAND: RefCell<Vec<HashSet<Place>>> = const { RefCell::new(Vec::new()) };
}

/// Takes the row versions out of hand, also when an error unwinds.
struct InHand;

impl InHand {
    fn take(table: pg_sys::Oid, rows: &[pg_sys::ItemPointerData]) -> Self {
        IN_HAND.with_borrow_mut(|sets| sets.push(rows.iter().map(|p| place(table, *p)).collect()));
        InHand
    }

    fn has(place: Place) -> bool {
        IN_HAND.with_borrow(|sets| sets.iter().any(|set| set.contains(&place)))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        IN_HAND.with_borrow_mut(Vec::pop);
    }
}

fn place(table: pg_sys::Oid, at: pg_sys::ItemPointerData) -> Place {
    (table, u32::from(at.ip_blkid.bi_hi) << 16 | u32::from(at.ip_blkid.bi_lo), at.ip_posid)
}

/// A DELETE has marked a row: what refers to it is to go along, whatever the privileges on this table are.
pub(super) fn expect(table: pg_sys::Oid, at: pg_sys::ItemPointerData) {
    if user::may_delete(table) {
        return;
    }
    let now = transaction::position();
    DELETED.with_borrow_mut(|(then, places)| {
        if !then.same_transaction(now) {
            places.clear();
        }
        *then = now;
        places.insert(place(table, at));
    });
}

fn is_expected(place: Place) -> bool {
    DELETED.with_borrow_mut(|(then, places)| {
        then.same_transaction(transaction::position()) && places.remove(&place)
    })
}

/// The work of tenant_guard.soft_delete_cascade.
pub fn after_mark(
    call: pg_sys::FunctionCallInfo,
    deletion: impl FnOnce() -> Deletion,
) -> Result<RowOrNothing> {
    let wrong =
        |why: &str| Error::NotOurTrigger { function: "soft_delete_cascade", why: why.into() };
    let firing = Firing::of(call, Timing::After)
        .filter(|firing| firing.operation() == Operation::Update)
        .ok_or_else(|| wrong("it was not called as an AFTER UPDATE trigger FOR EACH ROW"))?;
    let (relation, descriptor) = (firing.relation, firing.descriptor());
    let (old, new) = (firing.data.tg_trigtuple, firing.data.tg_newtuple);
    // SAFETY: the tuple that the trigger was given.
    let at = unsafe { (*new).t_self };
    let marks =
        Marks::of(relation).map_err(|c| broken(&firing, c, "tenant_guard_soft_delete_cascade"))?;
    if marks.is_deleted(old, descriptor)
        || !marks.is_deleted(new, descriptor)
        || InHand::has(place(relation.rd_id, at))
        || !(is_expected(place(relation.rd_id, at)) || user::may_delete(relation.rd_id))
    {
        return Ok(RowOrNothing::nothing());
    }
    // SAFETY: the call was accepted, and this is the only place that asks.
    let known = unsafe { kept(call, || Ok(Known::default()))? };
    if cascades(relation, known)?.is_empty() {
        return Ok(RowOrNothing::nothing());
    }
    // Not what the row says: an UPDATE may have written anything there.
    let Deletion { user, reason } = deletion();
    let mark = Mark { at: super::moment(), user, reason };
    let first = Marked { table: relation.rd_id, rows: vec![at], trusted: true };
    let mut waiting = VecDeque::from([first]);
    while let Some(marked) = waiting.pop_front() {
        follow(&marked, &mark, known, &mut waiting)?;
    }
    Ok(RowOrNothing::nothing())
}

fn open(table: pg_sys::Oid) -> Result<Relation> {
    Relation::open(table, pg_sys::RowExclusiveLock)
        .ok_or_else(|| Error::Internal { what: "a table that was just read is gone".into() })
}

/// Marks what refers to the rows.
fn follow(
    marked: &Marked,
    mark: &Mark,
    known: &mut Known,
    waiting: &mut VecDeque<Marked>,
) -> Result<()> {
    let opened = open(marked.table)?;
    // SAFETY: open until the end of this function.
    let relation = unsafe { &*opened.raw };
    for child in cascades(relation, known)?.iter() {
        let mut found = Vec::new();
        for at in &marked.rows {
            // There may be many: what each takes is given back before the next.
            let mut memory = PgMemoryContexts::new("tenant_guard soft delete");
            // SAFETY: the row version was written by this transaction, and is of the open relation.
            let rows = unsafe {
                memory.switch_to(|_| match fetch(opened.raw, *at) {
                    Some(tuple) => referring(relation, tuple, child),
                    None => Ok(Vec::new()),
                })
            };
            found.extend(rows?);
        }
        found.sort_by_key(|(table, _)| table.to_u32());
        for rows in found.chunk_by(|a, b| a.0 == b.0) {
            waiting.extend(mark_rows(rows, mark, owner(relation), marked.trusted)?);
        }
    }
    Ok(())
}

/// Marks rows of one table, and fires its triggers with its owner's rights, as in a foreign key's action.
fn mark_rows(
    rows: &[(pg_sys::Oid, pg_sys::ItemPointerData)],
    mark: &Mark,
    referred: pg_sys::Oid,
    trusted: bool,
) -> Result<Option<Marked>> {
    let Some((table, _)) = rows.first().copied() else { return Ok(None) };
    let opened = open(table)?;
    // SAFETY: open until the end of this function.
    let relation = unsafe { &*opened.raw };
    let Ok(marks) = Marks::of(relation) else { return Ok(None) };
    let owner = owner(relation);
    let trusted = trusted && owner == referred;
    let run = || {
        let mut written = Vec::with_capacity(rows.len());
        // SAFETY: the rows were locked when they were found, and the relation is open. What a failure leaves
        // behind goes with the transaction, or the subtransaction.
        unsafe {
            pg_sys::AfterTriggerBeginQuery();
            let mut writer = Writer::open(relation, &marks);
            for (_, at) in rows {
                let mut memory = PgMemoryContexts::new("tenant_guard soft delete");
                written.extend(memory.switch_to(|_| {
                    let tuple = fetch(opened.raw, *at)
                        .filter(|tuple| !marks.is_deleted(*tuple, relation.rd_att))?;
                    writer.mark(tuple, mark.at, mark.user.as_deref(), mark.reason.clone())
                }));
            }
            let _in_hand = InHand::take(table, &written);
            writer.fire();
            writer.close();
        }
        Ok(written)
    };
    let rows = if user::is_current(owner) {
        run()?
    } else if trusted {
        // Whoever deletes the rows of that owner trusts it.
        user::as_owner(owner, run)?
    } else {
        // A stranger's triggers leave nothing behind that would run later.
        user::as_role(owner, run)?
    };
    Ok(Some(Marked { table, rows, trusted }))
}

/// The foreign keys of a table, found by the triggers that enforce them.
fn cascades(relation: &pg_sys::RelationData, known: &mut Known) -> Result<Rc<Vec<Cascade>>> {
    if let Some(found) = known.get(&relation.rd_id) {
        return Ok(found.clone());
    }
    // SAFETY: the relation is open.
    let found = Rc::new(unsafe { look_up(relation)? });
    known.insert(relation.rd_id, found.clone());
    Ok(found)
}

unsafe fn look_up(relation: &pg_sys::RelationData) -> Result<Vec<Cascade>> {
    let mut found = Vec::new();
    if !relation.trigdesc.is_null() {
        let description = &*relation.trigdesc;
        for i in 0..description.numtriggers as usize {
            let trigger = &*description.triggers.add(i);
            if trigger.tgfoid.to_u32() == pg_sys::F_RI_FKEY_CASCADE_DEL {
                let rows = statements::rows(
                    include_str!("cascade.sql"),
                    &[trigger.tgconstraint.into()],
                    |row| Ok(row.get::<String>(1)?),
                )?;
                for json in rows.into_iter().flatten() {
                    found.push(serde_json::from_str(&json)?);
                }
            }
        }
    }
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
    let found = user::as_table_owner(pg_sys::Oid::from(child.owner), || {
        statements::changed(&child.sql, &arguments, |row| Ok((row.get(1)?, row.get(2)?)))
    })?;
    Ok(found.into_iter().filter_map(|(table, place)| Some((table?, place?))).collect())
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
