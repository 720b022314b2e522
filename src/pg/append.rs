//! Rows for the extension's own logs, many at a time: formed here, put on the heap's pages together, and entered
//! in the indexes one by one. Values that a summarizing index is over grow from row to row, as ids and times do.
//! Past the executor: no SPI, no plan, no privilege of the caller's needed.

use super::backend;
use super::relation::Relation;
use crate::error::{Error, Result};
use pgrx::{pg_sys, PgList};

/// A value of a row's column.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    Null,
    /// bigint, timestamptz or xid8.
    Long(i64),
    /// integer or date.
    Int(i32),
    /// "char".
    Char(u8),
    Bool(bool),
    Uuid(&'a [u8; 16]),
    Bytes(&'a [u8]),
}

/// Rows are put on the pages when so many wait, or so much.
const MOST_ROWS: usize = 500;
const MOST_BYTES: usize = 1 << 20;

/// A table of the extension's, open for rows.
pub struct Appender {
    table: Relation,
    indexes: Vec<Index>,
    /// The executor's way: for an index over expressions or part of the rows, and for checks.
    slowly: bool,
    width: usize,
    memory: pg_sys::MemoryContext,
    tuples: Vec<pg_sys::HeapTuple>,
    /// Each row's values, for the indexes.
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    bytes: usize,
}

struct Index {
    relation: Relation,
    info: *mut pg_sys::IndexInfo,
    columns: Vec<usize>,
    /// Of the rows only those have an entry that are false in this column.
    unless: Option<usize>,
    /// It summarizes what is on a page: of rows whose values grow, the first and the last say all.
    summarizes: bool,
}

impl Appender {
    /// None where there is no such table.
    #[must_use]
    pub fn open(table: u32) -> Option<Self> {
        let table = Relation::open(pg_sys::Oid::from(table), pg_sys::RowExclusiveLock)?;
        // SAFETY: an open table and its indexes; what is made lives in a memory context of its own, or in the
        // current one, which outlives this.
        unsafe {
            let constraints = (*(*table.raw).rd_att).constr;
            let mut slowly = !constraints.is_null() && (*constraints).num_check > 0;
            let list = pg_sys::RelationGetIndexList(table.raw);
            let mut indexes = Vec::new();
            for oid in PgList::<pg_sys::Oid>::from_pg(list).iter_oid() {
                let relation = Relation::open_listed_index(oid, pg_sys::RowExclusiveLock);
                let form = &*(*relation.raw).rd_index;
                let columns: Vec<i16> = (0..form.indnatts as usize)
                    .map(|i| *form.indkey.values.as_ptr().add(i))
                    .collect();
                let plain = columns.iter().all(|column| *column > 0);
                let predicate = pg_sys::RelationGetIndexPredicate(relation.raw);
                let unless = not_column(predicate);
                slowly |= !plain || form.indisunique || (!predicate.is_null() && unless.is_none());
                let summarizes = (*(*relation.raw).rd_rel).relam == pg_sys::BRIN_AM_OID;
                if !form.indisready {
                    continue;
                }
                let info: *mut pg_sys::IndexInfo =
                    pg_sys::palloc0(std::mem::size_of::<pg_sys::IndexInfo>()).cast();
                (*info).type_ = pg_sys::NodeTag::T_IndexInfo;
                (*info).ii_NumIndexAttrs = form.indnatts.into();
                (*info).ii_NumIndexKeyAttrs = form.indnkeyatts.into();
                (*info).ii_ReadyForInserts = true;
                (*info).ii_Context = pg_sys::CurrentMemoryContext;
                let columns = columns.iter().map(|column| (*column - 1).max(0) as usize).collect();
                indexes.push(Index { relation, info, columns, unless, summarizes });
            }
            pg_sys::list_free(list);
            let width = (*(*table.raw).rd_att).natts as usize;
            Some(Appender {
                table,
                indexes,
                slowly,
                width,
                memory: std::ptr::null_mut(),
                tuples: Vec::new(),
                values: Vec::new(),
                nulls: Vec::new(),
                slots: Vec::new(),
                bytes: 0,
            })
        }
    }

    /// Adds a row; it is on the pages after `finish` at the latest.
    pub fn push(&mut self, row: &[Field]) -> Result<()> {
        if row.len() != self.width {
            return Err(Error::Internal { what: "a row of one of its tables is short".into() });
        }
        // SAFETY: the fields are of the columns' types, as `checked` has found; what they point to is copied into
        // memory that lasts until the rows are written.
        unsafe {
            if self.memory.is_null() {
                self.memory = pg_sys::AllocSetContextCreateInternal(
                    pg_sys::CurrentMemoryContext,
                    c"tenant_guard rows".as_ptr(),
                    pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                );
            }
            let outer = pg_sys::MemoryContextSwitchTo(self.memory);
            let at = self.values.len();
            for field in row {
                self.nulls.push(matches!(field, Field::Null));
                self.values.push(match field {
                    Field::Null => pg_sys::Datum::null(),
                    Field::Long(n) => pg_sys::Datum::from(*n),
                    Field::Int(n) => pg_sys::Datum::from(*n),
                    Field::Char(c) => pg_sys::Datum::from(*c as i8),
                    Field::Bool(b) => pg_sys::Datum::from(*b),
                    Field::Uuid(uuid) => copy(&uuid[..], 0),
                    Field::Bytes(bytes) => copy(bytes, pg_sys::VARHDRSZ),
                });
            }
            let tuple = pg_sys::heap_form_tuple(
                (*self.table.raw).rd_att,
                self.values[at..].as_mut_ptr(),
                self.nulls[at..].as_mut_ptr(),
            );
            (*tuple).t_tableOid = (*self.table.raw).rd_id;
            pg_sys::MemoryContextSwitchTo(outer);
            self.bytes += (*tuple).t_len as usize;
            self.tuples.push(tuple);
        }
        if self.tuples.len() >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.write();
        }
        Ok(())
    }

    /// Whether each column is of the type that its fields will be.
    #[must_use]
    pub fn checked(&self, types: &[pg_sys::Oid]) -> bool {
        // SAFETY: the descriptor of the open table.
        types.len() == self.width
            && types.iter().enumerate().all(|(i, wanted)| unsafe {
                backend::attribute((*self.table.raw).rd_att, i + 1).atttypid == *wanted
            })
    }

    /// Writes the rows that wait.
    pub fn finish(mut self) {
        self.write();
        // SAFETY: each was made in `open` or `write`.
        unsafe {
            #[cfg(any(feature = "pg17", feature = "pg18"))]
            for index in &self.indexes {
                pg_sys::index_insert_cleanup(index.relation.raw, index.info);
            }
            for slot in self.slots.drain(..) {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            for index in &self.indexes {
                pg_sys::pfree(index.info.cast());
            }
            if !self.memory.is_null() {
                pg_sys::MemoryContextDelete(self.memory);
            }
        }
    }

    fn write(&mut self) {
        let count = self.tuples.len();
        if count == 0 {
            return;
        }
        // SAFETY: formed tuples of the table, in memory that is given back once they are written; an index of plain
        // columns takes the values of these.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(self.memory);
            if self.slowly {
                for i in 0..count {
                    let row = i * self.width..(i + 1) * self.width;
                    self.table.insert(&mut self.values[row.clone()], &mut self.nulls[row]);
                }
            } else {
                self.put(outer);
                self.index();
            }
            pg_sys::MemoryContextSwitchTo(outer);
            self.tuples.clear();
            self.values.clear();
            self.nulls.clear();
            self.bytes = 0;
            pg_sys::MemoryContextReset(self.memory);
        }
    }

    /// On the pages.
    unsafe fn put(&mut self, outer: pg_sys::MemoryContext) {
        let command = pg_sys::GetCurrentCommandId(true);
        let raw = self.table.raw;
        if let [one] = self.tuples[..] {
            pg_sys::heap_insert(raw, one, command, 0, std::ptr::null_mut());
            return;
        }
        let memory = pg_sys::MemoryContextSwitchTo(outer);
        while self.slots.len() < self.tuples.len() {
            let descriptor = (*raw).rd_att;
            self.slots.push(pg_sys::MakeSingleTupleTableSlot(
                descriptor,
                &raw const pg_sys::TTSOpsHeapTuple,
            ));
        }
        pg_sys::MemoryContextSwitchTo(memory);
        for (tuple, slot) in self.tuples.iter().zip(&self.slots) {
            pg_sys::ExecStoreHeapTuple(*tuple, *slot, false);
        }
        let count = self.tuples.len();
        // Without the ring of buffers that COPY takes: its pages are written to disk again and again.
        let ring = std::ptr::null_mut();
        let slots = self.slots.as_mut_ptr();
        pg_sys::heap_multi_insert(raw, slots, count as i32, command, 0, ring);
        for (tuple, slot) in self.tuples.iter().zip(&self.slots) {
            (**tuple).t_self = (**slot).tts_tid;
            pg_sys::ExecClearTuple(*slot);
        }
    }

    unsafe fn index(&mut self) {
        let mut values = [pg_sys::Datum::null(); 8];
        let mut nulls = [false; 8];
        let page = |i: usize| {
            let id = &(**self.tuples.get(i)?).t_self.ip_blkid;
            Some((id.bi_hi, id.bi_lo))
        };
        for index in &self.indexes {
            for (i, tuple) in self.tuples.iter().enumerate() {
                let within = i > 0 && page(i - 1) == page(i) && page(i + 1) == page(i);
                let without = |column: usize| self.values[i * self.width + column].value() != 0;
                if (index.summarizes && within) || index.unless.is_some_and(without) {
                    continue;
                }
                for (position, column) in index.columns.iter().enumerate() {
                    values[position] = self.values[i * self.width + column];
                    nulls[position] = self.nulls[i * self.width + column];
                }
                pg_sys::index_insert(
                    index.relation.raw,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                    &mut (**tuple).t_self,
                    self.table.raw,
                    pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
                    false,
                    index.info,
                );
            }
        }
    }
}

/// The column, from 0, of the predicate `NOT column`; None for any other.
unsafe fn not_column(predicate: *mut pg_sys::List) -> Option<usize> {
    let conditions = PgList::<pg_sys::Node>::from_pg(predicate);
    let one = conditions.get_ptr(0).filter(|_| conditions.len() == 1)?;
    if (*one).type_ != pg_sys::NodeTag::T_BoolExpr {
        return None;
    }
    let not = one.cast::<pg_sys::BoolExpr>();
    if (*not).boolop != pg_sys::BoolExprType::NOT_EXPR {
        return None;
    }
    let argument = PgList::<pg_sys::Node>::from_pg((*not).args).get_ptr(0)?;
    if (*argument).type_ != pg_sys::NodeTag::T_Var {
        return None;
    }
    usize::try_from((*argument.cast::<pg_sys::Var>()).varattno - 1).ok()
}

/// A copy in the current memory, behind a length word of so many bytes.
unsafe fn copy(bytes: &[u8], head: usize) -> pg_sys::Datum {
    let copied = pg_sys::palloc(bytes.len() + head);
    if head > 0 {
        pgrx::set_varsize_4b(copied.cast(), (bytes.len() + head) as i32);
    }
    std::ptr::copy_nonoverlapping(bytes.as_ptr(), copied.cast::<u8>().add(head), bytes.len());
    pg_sys::Datum::from(copied)
}
