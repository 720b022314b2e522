//! One row of a plain table by its place, as a query that is running has found it.

use super::relation::Relation;
use pgrx::{pg_sys, FromDatum};
use std::num::NonZeroUsize;

/// A row that was copied.
pub struct Fetched {
    tuple: pg_sys::HeapTuple,
    table: Relation,
}

/// The row at a place, where the snapshot in force sees it.
#[must_use]
pub fn fetch(table: u32, place: pg_sys::ItemPointerData) -> Option<Fetched> {
    let table = Relation::open(pg_sys::Oid::from(table), pg_sys::AccessShareLock)?;
    // SAFETY: an open table of rows; a place that it does not have, or of a row that is not seen, gives none. The row
    // is copied before its page is let go.
    unsafe {
        if (*(*table.raw).rd_rel).relkind as u8 != pg_sys::RELKIND_RELATION {
            return None;
        }
        let block = u32::from(place.ip_blkid.bi_hi) << 16 | u32::from(place.ip_blkid.bi_lo);
        if block >= table.pages() || place.ip_posid == 0 {
            return None;
        }
        let mut found = pg_sys::HeapTupleData { t_self: place, ..Default::default() };
        let mut buffer: pg_sys::Buffer = 0;
        let snapshot = pg_sys::GetActiveSnapshot();
        if !pg_sys::heap_fetch(table.raw, snapshot, &mut found, &mut buffer, false) {
            return None;
        }
        let tuple = pg_sys::heap_copytuple(&mut found);
        pg_sys::ReleaseBuffer(buffer);
        Some(Fetched { tuple, table })
    }
}

impl Fetched {
    /// A column, from 1, of the type that `T` is of; None for NULL.
    #[must_use]
    pub fn get<T: FromDatum>(&self, column: usize) -> Option<T> {
        // SAFETY: the tuple is of the open table's descriptor, within which the column is.
        unsafe {
            let descriptor = (*self.table.raw).rd_att;
            let number = NonZeroUsize::new(column)?;
            if column > (*descriptor).natts as usize {
                return None;
            }
            let value = pgrx::htup::heap_getattr_raw(self.tuple, number, descriptor)?;
            T::from_polymorphic_datum(value, false, pg_sys::InvalidOid)
        }
    }
}
