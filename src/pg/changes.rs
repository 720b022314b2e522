//! The rows that an audit trigger was fired for: one row, or all of a statement's from its transition tables.

use super::trigger::Operation;
use super::{backend, codec};
use crate::error::Result;
use pgrx::pg_sys;

/// A firing of an audit trigger: AFTER a row, AFTER a statement with its transition tables, or BEFORE a TRUNCATE.
pub struct Changes<'a> {
    data: &'a pg_sys::TriggerData,
    pub operation: Operation,
}

/// A version of a row: each column's value, and whether it is NULL.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
}

impl Version<'_> {
    /// None for NULL. A column that the row does not have is NULL.
    fn get(&self, column: usize) -> Option<pg_sys::Datum> {
        match self.nulls.get(column) {
            Some(false) => Some(self.values[column]),
            _ => None,
        }
    }
}

/// How a column of the table is read; made of what the table is now, and used no longer than it is so.
pub struct Reader {
    /// From 0; None for a column that the table does not have, or that no row holds.
    column: Option<usize>,
    writer: codec::Writer,
}

impl Reader {
    /// `number` as pg_attribute counts.
    #[must_use]
    pub fn new(number: Option<i16>, writer: codec::Writer) -> Self {
        let column = number.and_then(|number| usize::try_from(number - 1).ok());
        Reader { column, writer }
    }

    fn value(&self, row: &Version) -> Option<pg_sys::Datum> {
        row.get(self.column?)
    }

    /// Hands the value's bytes to `f`; None for NULL.
    pub fn with_bytes<R>(&self, row: &Version, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let value = self.value(row)?;
        // SAFETY: a value of the column's type.
        Some(unsafe { self.writer.with_bytes(value, f) })
    }

    /// Whether the value is in the TOAST table, so that to read it is to fetch it.
    #[must_use]
    pub fn is_elsewhere(&self, row: &Version) -> bool {
        // SAFETY: as above; only what has a length word may be elsewhere.
        self.writer.has_length_word()
            && self.value(row).is_some_and(|value| unsafe { codec::is_elsewhere(value) })
    }

    /// Whether two versions have the same bytes in it.
    #[must_use]
    pub fn same(&self, a: &Version, b: &Version) -> bool {
        match (self.value(a), self.value(b)) {
            (None, None) => true,
            // SAFETY: as above.
            (Some(a), Some(b)) => unsafe { self.writer.same(a, b) },
            _ => false,
        }
    }
}

impl Changes<'_> {
    /// None for any other call.
    #[must_use]
    pub fn of(call: pg_sys::FunctionCallInfo) -> Option<Self> {
        // SAFETY: the node tag is checked before the cast; the executor keeps all of it while the function runs.
        unsafe {
            let context = if call.is_null() { std::ptr::null_mut() } else { (*call).context };
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return None;
            }
            let data = &*context.cast::<pg_sys::TriggerData>();
            let operation = match data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
                pg_sys::TRIGGER_EVENT_INSERT => Operation::Insert,
                pg_sys::TRIGGER_EVENT_DELETE => Operation::Delete,
                pg_sys::TRIGGER_EVENT_UPDATE => Operation::Update,
                _ => Operation::Truncate,
            };
            let of_row = data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
            let after =
                data.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_AFTER;
            let (old, new) = (!data.tg_oldtable.is_null(), !data.tg_newtable.is_null());
            let complete = match operation {
                Operation::Truncate => !of_row && !after,
                _ if of_row => after,
                Operation::Insert => after && new,
                Operation::Delete => after && old,
                Operation::Update => after && old && new,
            };
            complete.then_some(Changes { data, operation })
        }
    }

    #[must_use]
    pub fn table(&self) -> u32 {
        // SAFETY: the executor keeps the relation open.
        unsafe { (*self.data.tg_relation).rd_id.to_u32() }
    }

    /// How many rows a statement changed; 1 for one row.
    #[must_use]
    pub fn count(&self) -> i64 {
        let of = |table: *mut pg_sys::Tuplestorestate| match table.is_null() {
            true => 0,
            false => Table::of(table).count(),
        };
        of(self.data.tg_oldtable).max(of(self.data.tg_newtable)).max(1)
    }

    /// Hands each changed row to `f`: as it was, as it is. Where an UPDATE's rows do not pair, for a trigger has
    /// suppressed what another partition was to get, all that were come before all that are.
    pub fn each(
        &self,
        mut f: impl FnMut(Option<Version>, Option<Version>) -> Result<()>,
    ) -> Result<()> {
        if self.data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0 {
            return self.row(f);
        }
        let (old, new) = (Table::of(self.data.tg_oldtable), Table::of(self.data.tg_newtable));
        // SAFETY: the executor keeps the relation open.
        let descriptor = unsafe { (*self.data.tg_relation).rd_att };
        match self.operation {
            Operation::Insert => new.each(descriptor, |row| f(None, Some(row))),
            Operation::Delete => old.each(descriptor, |row| f(Some(row), None)),
            Operation::Update if old.count() == new.count() => {
                let (mut before, mut after) =
                    (Scan::of(&old, descriptor), Scan::of(&new, descriptor));
                while let (Some(was), Some(is)) = (before.next(), after.next()) {
                    f(Some(was), Some(is))?;
                }
                Ok(())
            }
            Operation::Update => {
                old.each(descriptor, |row| f(Some(row), None))?;
                new.each(descriptor, |row| f(None, Some(row)))
            }
            Operation::Truncate => Ok(()),
        }
    }

    fn row(&self, mut f: impl FnMut(Option<Version>, Option<Version>) -> Result<()>) -> Result<()> {
        // SAFETY: both tuples are of the open relation's descriptor.
        unsafe {
            let descriptor = (*self.data.tg_relation).rd_att;
            let first = Deformed::of(self.data.tg_trigtuple, descriptor);
            match self.operation {
                Operation::Insert => f(None, Some(first.version())),
                Operation::Delete => f(Some(first.version()), None),
                _ => {
                    let second = Deformed::of(self.data.tg_newtuple, descriptor);
                    f(Some(first.version()), Some(second.version()))
                }
            }
        }
    }

    /// Hands each row that the table has, and the transaction sees, to `f`.
    pub fn each_there(&self, mut f: impl FnMut(Version) -> Result<()>) -> Result<()> {
        // SAFETY: the relation is open and locked by the TRUNCATE; the scan and its slot end before the function.
        unsafe {
            let relation = self.data.tg_relation;
            if (*(*relation).rd_rel).relkind as u8 != pg_sys::RELKIND_RELATION {
                return Ok(());
            }
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
            let scan = pg_sys::heap_beginscan(
                relation,
                snapshot,
                0,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                pg_sys::ScanOptions::SO_TYPE_SEQSCAN | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE,
            );
            let mut answer = Ok(());
            loop {
                let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
                if tuple.is_null() || answer.is_err() {
                    break;
                }
                let row = Deformed::of(tuple, (*relation).rd_att);
                answer = f(row.version());
            }
            pg_sys::heap_endscan(scan);
            pg_sys::UnregisterSnapshot(snapshot);
            answer
        }
    }
}

struct Deformed {
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl Deformed {
    unsafe fn of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Self {
        let count = (*descriptor).natts as usize;
        let mut row =
            Deformed { values: vec![pg_sys::Datum::null(); count], nulls: vec![true; count] };
        // Of an attribute that was added later it asks the descriptor: that raises nothing.
        backend::unguarded_deform(
            tuple,
            descriptor,
            row.values.as_mut_ptr(),
            row.nulls.as_mut_ptr(),
        );
        row
    }

    fn version(&self) -> Version<'_> {
        Version { values: &self.values, nulls: &self.nulls }
    }
}

struct Table(*mut pg_sys::Tuplestorestate);

impl Table {
    fn of(store: *mut pg_sys::Tuplestorestate) -> Self {
        Table(store)
    }

    fn count(&self) -> i64 {
        // SAFETY: a transition table that the trigger asked for.
        unsafe { pg_sys::tuplestore_tuple_count(self.0) }
    }

    fn each(
        &self,
        descriptor: pg_sys::TupleDesc,
        mut f: impl FnMut(Version) -> Result<()>,
    ) -> Result<()> {
        let mut scan = Scan::of(self, descriptor);
        while let Some(row) = scan.next() {
            f(row)?;
        }
        Ok(())
    }
}

/// A reading of a transition table from its beginning; it may be longer than the memory.
struct Scan {
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    fn of(table: &Table, descriptor: pg_sys::TupleDesc) -> Self {
        // SAFETY: others who read the table have pointers of their own; this one is every native trigger's, and each
        // reads from the beginning.
        unsafe {
            pg_sys::tuplestore_select_read_pointer(table.0, 0);
            pg_sys::tuplestore_rescan(table.0);
            let slot =
                pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
            Scan { store: table.0, slot }
        }
    }

    fn next(&mut self) -> Option<Version<'_>> {
        // SAFETY: the row stays in the slot until the next one is fetched, which the borrow forbids meanwhile.
        unsafe {
            if !pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot) {
                return None;
            }
            let slot = &mut *self.slot;
            let count = (*slot.tts_tupleDescriptor).natts;
            pg_sys::slot_getsomeattrs_int(slot, count);
            Some(Version {
                values: std::slice::from_raw_parts(slot.tts_values, count as usize),
                nulls: std::slice::from_raw_parts(slot.tts_isnull, count as usize),
            })
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made by `of`.
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) }
        }
    }
}
