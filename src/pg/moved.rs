//! Rows that an UPDATE moves to another partition. To row triggers that is an UPDATE, a DELETE here and an
//! INSERT there, and the last two are to be told from a DELETE and an INSERT of the query's own, for MERGE has all.

use super::backend;
use super::row_trigger::{Firing, Place};
use pgrx::{pg_sys, PgMemoryContexts};
use std::cell::Cell;

/// What a DELETE is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    /// The query's own.
    Deleted,
    /// Half of a row's move.
    Moved,
    /// One or the other: the query has updated the row, and as it was then it would have stayed.
    Unclear,
}

/// What a trigger knows of the row that its query updated last.
#[derive(Default)]
pub(super) struct Moves {
    updated: Option<(Place, Departure)>,
    constraint: Option<Constraint>,
}

impl Moves {
    /// The row is updated, and goes on as `tuple`.
    pub fn updated(&mut self, firing: &Firing, tuple: pg_sys::HeapTuple) {
        if !firing.is_partition() {
            return;
        }
        let constraint = self.constraint.get_or_insert_with(|| Constraint::of(firing));
        let departure = if constraint.holds(tuple) { Departure::Unclear } else { Departure::Moved };
        self.updated = Some((firing.place(), departure));
    }

    /// A row is deleted.
    pub fn deleted(&mut self, firing: &Firing) -> Departure {
        match self.updated.take() {
            Some((place, departure)) if place == firing.place() => departure,
            _ => Departure::Deleted,
        }
    }
}

/// A partition's constraint, ready to be asked for the rest of the query.
struct Constraint {
    estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Constraint {
    fn of(firing: &Firing) -> Self {
        // SAFETY: all of it lives in the query's memory and holds nothing else; the relation is open as long.
        // The descriptor is a copy, which needs no counting.
        unsafe {
            PgMemoryContexts::For(firing.memory()).switch_to(|_| {
                let estate = pg_sys::CreateExecutorState();
                let relation = std::ptr::from_ref(firing.relation).cast_mut();
                let result = backend::result_relation(relation, 1);
                let descriptor = pg_sys::CreateTupleDescCopy(firing.descriptor());
                let slot = pg_sys::MakeSingleTupleTableSlot(
                    descriptor,
                    &raw const pg_sys::TTSOpsHeapTuple,
                );
                Constraint { estate, result, slot }
            })
        }
    }

    fn holds(&self, tuple: pg_sys::HeapTuple) -> bool {
        // SAFETY: the tuple is of the relation's descriptor, and stays its caller's.
        unsafe {
            pg_sys::ExecStoreHeapTuple(tuple, self.slot, false);
            let holds = pg_sys::ExecPartitionCheck(self.result, self.slot, self.estate, false);
            pg_sys::ExecClearTuple(self.slot);
            pg_sys::MemoryContextReset((*self.context()).ecxt_per_tuple_memory);
            holds
        }
    }

    unsafe fn context(&self) -> *mut pg_sys::ExprContext {
        // ExecPartitionCheck has made it.
        (*self.estate).es_per_tuple_exprcontext
    }
}

thread_local! {
    /// The query whose UPDATE has just deleted a row from one partition to insert it into another.
    static MOVING: Cell<Option<(usize, i64)>> = const { Cell::new(None) };
}

/// The row goes from here to another partition: the INSERT there is no new row.
pub(super) fn starts(firing: &Firing) {
    MOVING.set(Some((firing.query(), statement_start())));
}

/// Whether this INSERT is the second half of a row's move.
pub(super) fn ends(firing: &Firing) -> bool {
    firing.is_partition() && MOVING.take() == Some((firing.query(), statement_start()))
}

fn statement_start() -> i64 {
    // SAFETY: reads a backend-local variable.
    unsafe { backend::unguarded_statement_start() }
}
