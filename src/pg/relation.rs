//! Relations by OID: locks, owners, and writing rows of the extension's own tables without SPI.

use pgrx::pg_sys;
use std::ffi::CString;
use std::hash::{DefaultHasher, Hash, Hasher};

pub const SCHEMA: &std::ffi::CStr = c"tenant_guard";

/// A lock held to the end of the transaction.
#[derive(Clone, Copy)]
pub enum Lock {
    /// Conflicts only with DROP and the like: for what is merely read.
    Share,
    /// What ALTER TABLE takes: taken before planning, so that the plan cannot be outdated.
    Exclusive,
}

pub fn lock(oid: u32, lock: Lock) {
    let mode = match lock {
        Lock::Share => pg_sys::AccessShareLock,
        Lock::Exclusive => pg_sys::AccessExclusiveLock,
    };
    // SAFETY: takes a heavyweight lock by OID; valid for any OID, existing or not.
    unsafe { pg_sys::LockRelationOid(pg_sys::Oid::from(oid), mode as i32) }
}

/// Waits for, and holds to the end of the transaction, a name that somebody else may be about to
/// make. Nobody can take such a lock by SQL, so nobody can hold others up with it.
pub fn lock_name(own_table: &str, name: &str) {
    let Some(class) = own(own_table) else { return };
    let mut hasher = DefaultHasher::new(); // the same in every session of one build
    name.hash(&mut hasher);
    let key = pg_sys::Oid::from(hasher.finish() as u32);
    // SAFETY: takes a heavyweight lock on an object address under our own table.
    unsafe { pg_sys::LockDatabaseObject(class, key, 1, pg_sys::AccessExclusiveLock as i32) }
}

/// Whether there is such a schema now, even one made by a transaction that was waited for.
#[must_use]
pub fn schema_exists(name: &str) -> bool {
    let name = CString::new(name).unwrap_or_default();
    // SAFETY: a syscache look-up by a NUL-terminated name.
    unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) != pg_sys::InvalidOid }
}

/// Where OIDs mean what they meant when they were written down: this database of this cluster. A
/// dump restored elsewhere, or beside its original, has another origin.
#[must_use]
pub fn origin() -> i64 {
    let mut hasher = DefaultHasher::new();
    // SAFETY: reads the control file's copy in memory and a backend-local variable.
    unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId.to_u32()) }.hash(&mut hasher);
    hasher.finish() as i64
}

/// The OID of one of the extension's own tables or sequences.
#[must_use]
pub fn own(name: &str) -> Option<pg_sys::Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: syscache look-ups by NUL-terminated names.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(SCHEMA.as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

#[must_use]
pub fn owner_of_own_table(name: &str) -> Option<pg_sys::Oid> {
    let relation = Relation::open(own(name)?, pg_sys::AccessShareLock)?;
    // SAFETY: an open relation's pg_class row is valid while it is open.
    Some(unsafe { (*(*relation.raw).rd_rel).relowner })
}

/// An open relation, closed on drop; its lock stays to the end of the transaction.
pub struct Relation {
    pub raw: pg_sys::Relation,
}

impl Relation {
    #[must_use]
    pub fn open(oid: pg_sys::Oid, mode: u32) -> Option<Self> {
        // SAFETY: try_relation_open returns NULL for a relation that is gone.
        let raw = unsafe { pg_sys::try_relation_open(oid, mode as i32) };
        (!raw.is_null()).then_some(Relation { raw })
    }

    /// Inserts one row, indexes included, without executor, privilege or policy checks: for the
    /// extension's own tables only, whose indexes are plain and which have no constraint that a
    /// writer here could break.
    ///
    /// # Safety
    /// `values` and `nulls` hold one entry per column, each datum of its column's type.
    pub unsafe fn insert(&self, values: &mut [pg_sys::Datum], nulls: &mut [bool]) {
        let descriptor = (*self.raw).rd_att;
        debug_assert_eq!((*descriptor).natts as usize, values.len());
        let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::CatalogTupleInsert(self.raw, tuple);
        pg_sys::heap_freetuple(tuple);
    }
}

impl Drop for Relation {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`; NoLock keeps the lock until the transaction ends.
            unsafe { pg_sys::relation_close(self.raw, pg_sys::NoLock as i32) }
        }
    }
}
