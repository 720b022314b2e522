//! Reading one of the extension's own tables from end to end, past the executor and whatever the caller may: for
//! what looks at every row of a log.

use super::backend;
use super::codec::Detoasted;
use super::relation::Relation;
use crate::error::Result;
use pgrx::pg_sys;

/// A row that stands still until the next one is read.
pub struct Row<'a> {
    pub(super) values: &'a [pg_sys::Datum],
    pub(super) nulls: &'a [bool],
}

impl Row<'_> {
    fn get(&self, column: usize) -> Option<pg_sys::Datum> {
        (!self.nulls[column]).then(|| self.values[column])
    }

    /// A bigint or a timestamptz; None for NULL.
    #[must_use]
    pub fn long(&self, column: usize) -> Option<i64> {
        self.get(column).map(|datum| datum.value() as i64)
    }

    /// An integer or a date.
    #[must_use]
    pub fn int(&self, column: usize) -> Option<i32> {
        self.get(column).map(|datum| datum.value() as i32)
    }

    #[must_use]
    pub fn flag(&self, column: usize) -> bool {
        self.get(column).is_some_and(|datum| datum.value() as u8 != 0)
    }

    /// A "char".
    #[must_use]
    pub fn char(&self, column: usize) -> Option<u8> {
        self.get(column).map(|datum| datum.value() as u8)
    }

    #[must_use]
    pub fn uuid(&self, column: usize) -> Option<[u8; 16]> {
        // SAFETY: whoever made the row has checked, or named, the columns' types; a uuid is 16 bytes by its address.
        self.get(column).map(|datum| unsafe { *datum.cast_mut_ptr::<[u8; 16]>() })
    }

    /// Hands a bytea to `f`; none for NULL.
    pub fn with_bytes<R>(&self, column: usize, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        // SAFETY: as above.
        self.get(column).map(|datum| f(unsafe { Detoasted::of(datum) }.bytes()))
    }

    #[must_use]
    pub fn text(&self, column: usize) -> Option<String> {
        self.with_bytes(column, |bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Every row of the table that the snapshot in force sees, in the order that it stands in; false where there is
/// no such table, or its columns are not of these types.
pub fn each(
    table: u32,
    types: &[pg_sys::Oid],
    mut f: impl FnMut(&Row) -> Result<()>,
) -> Result<bool> {
    let opened = Relation::open(pg_sys::Oid::from(table), pg_sys::AccessShareLock);
    let Some(table) = opened else { return Ok(false) };
    // SAFETY: the table is open and locked; the scan ends before the snapshot is let go, and a row is read before
    // the next one is fetched.
    unsafe {
        let descriptor = (*table.raw).rd_att;
        let width = (*descriptor).natts as usize;
        let as_wanted = width == types.len()
            && (0..width).all(|i| backend::attribute(descriptor, i + 1).atttypid == types[i]);
        if !as_wanted || (*(*table.raw).rd_rel).relkind as u8 != pg_sys::RELKIND_RELATION {
            return Ok(false);
        }
        let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetActiveSnapshot());
        // With a ring of buffers of its own: a log is larger than the memory, and nobody needs it there.
        let scan = pg_sys::heap_beginscan(
            table.raw,
            snapshot,
            0,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            pg_sys::ScanOptions::SO_TYPE_SEQSCAN
                | pg_sys::ScanOptions::SO_ALLOW_STRAT
                | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE,
        );
        let (mut values, mut nulls) = (vec![pg_sys::Datum::null(); width], vec![true; width]);
        let mut answer = Ok(());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() || answer.is_err() {
                break;
            }
            backend::unguarded_deform(tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            answer = f(&Row { values: &values, nulls: &nulls });
        }
        pg_sys::heap_endscan(scan);
        pg_sys::UnregisterSnapshot(snapshot);
        answer.map(|()| true)
    }
}
