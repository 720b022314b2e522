//! Relations by OID: locks, owners, and writing rows of the extension's own tables without SPI.

use super::{backend, ident};
use crate::error::{Error, Result};
use pgrx::{pg_sys, PgSqlErrorCode, PgTryBuilder};
use std::ffi::{CStr, CString};
use std::hash::{DefaultHasher, Hash, Hasher};

pub const SCHEMA: &std::ffi::CStr = c"tenant_guard";

/// A lock held to the end of the transaction.
#[derive(Clone, Copy)]
pub enum Lock {
    /// Conflicts only with DROP and the like: for what is merely read.
    Share,
    /// What ATTACH PARTITION takes: readers and writers go on.
    Attach,
    /// What a foreign key takes on the table that it points at.
    Refer,
    /// What ALTER TABLE takes: taken before planning, so that the plan cannot be outdated.
    Exclusive,
}

impl Lock {
    fn mode(self) -> i32 {
        let mode = match self {
            Lock::Share => pg_sys::AccessShareLock,
            Lock::Attach => pg_sys::ShareUpdateExclusiveLock,
            Lock::Refer => pg_sys::ShareRowExclusiveLock,
            Lock::Exclusive => pg_sys::AccessExclusiveLock,
        };
        mode as i32
    }
}

/// Takes the lock if nobody has one against it.
#[must_use]
pub fn lock_if_free(relation: pg_sys::Oid, lock: Lock) -> bool {
    // SAFETY: takes a heavyweight lock by OID; valid for any OID, existing or not.
    unsafe { pg_sys::ConditionalLockRelationOid(relation, lock.mode()) }
}

/// Waits for the lock, as long as lock_timeout lets it.
pub fn lock(oid: u32, lock: Lock) -> Result<()> {
    let mode = lock.mode();
    let oid = pg_sys::Oid::from(oid);
    // SAFETY: takes a heavyweight lock by OID; valid for any OID, existing or not.
    unsafe {
        if pg_sys::ConditionalLockRelationOid(oid, mode) {
            return Ok(());
        }
        // Whoever catches it raises it again under another text, which aborts the same.
        PgTryBuilder::new(|| {
            pg_sys::LockRelationOid(oid, mode);
            Ok(())
        })
        .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |_| {
            Err(Error::LockTimeout { table: qualified_name(oid) })
        })
        .execute()
    }
}

fn qualified_name(oid: pg_sys::Oid) -> String {
    // SAFETY: syscache look-ups whose palloc'd answers are copied at once.
    unsafe {
        let text = |name: *mut std::ffi::c_char| match name.is_null() {
            true => String::new(),
            false => std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned(),
        };
        let schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(oid)));
        ident::qualified(&schema, &text(pg_sys::get_rel_name(oid)))
    }
}

/// Waits for, and holds to the end of the transaction, a name that somebody else may be about to
/// make. Nobody can take such a lock by SQL, so nobody can hold others up with it.
pub fn lock_name(own_table: &str, name: &str) {
    let Some(class) = own(own_table) else { return };
    // SAFETY: takes a heavyweight lock on an object address under our own table.
    unsafe { pg_sys::LockDatabaseObject(class, key(name), 1, pg_sys::AccessExclusiveLock as i32) }
}

/// `lock_name` if nobody has it; false where somebody has.
#[must_use]
pub fn lock_name_if_free(own_table: &str, name: &str) -> bool {
    own(own_table).is_some_and(|class| lock_address_if_free(class, key(name).to_u32()))
}

fn lock_address_if_free(class: pg_sys::Oid, object: u32) -> bool {
    // SAFETY: the address that LockDatabaseObject would lock; LockAcquire copies the tag.
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.to_u32(),
            locktag_field2: class.to_u32(),
            locktag_field3: object,
            locktag_field4: 1,
            locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
            locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
        };
        let mode = pg_sys::AccessExclusiveLock as i32;
        pg_sys::LockAcquire(&tag, mode, false, true)
            != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
    }
}

/// Holds a row of an own table to the end of the transaction, by its number: `pg_locks` shows that
/// somebody works on it, and who. False where somebody else has it.
#[must_use]
pub fn lock_row_if_free(own_table: &str, number: i64) -> bool {
    own(own_table).is_some_and(|class| lock_address_if_free(class, number as u32))
}

fn key(name: &str) -> pg_sys::Oid {
    let mut hasher = DefaultHasher::new(); // the same in every session of one build
    name.hash(&mut hasher);
    pg_sys::Oid::from(hasher.finish() as u32)
}

/// The OID of a relation that could be locked, by its names as they are now.
#[must_use]
pub fn named(schema: &str, name: &str) -> Option<u32> {
    let (schema, name) = (CString::new(schema).ok()?, CString::new(name).ok()?);
    // SAFETY: both names are NUL-terminated; an unknown one gives InvalidOid.
    let oid = unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), namespace)
    };
    (oid != pg_sys::InvalidOid).then(|| oid.to_u32())
}

/// Whether there is such a schema now, even one made by a transaction that was waited for.
#[must_use]
pub fn schema_exists(name: &str) -> bool {
    schema_oid(name) != pg_sys::InvalidOid
}

/// 0 where there is no such schema.
pub(super) fn schema_oid(name: &str) -> pg_sys::Oid {
    let name = CString::new(name).unwrap_or_default();
    // SAFETY: a syscache look-up by a NUL-terminated name.
    unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) }
}

/// Where OIDs mean what they meant when they were written down: this database of this cluster. A
/// dump restored elsewhere, or beside its original, has another origin.
#[must_use]
pub fn origin() -> i64 {
    // SAFETY: both are set before any session runs a statement, and never change in it.
    let (cluster, database) =
        unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId.to_u32()) };
    // Stored for good, so plain arithmetic and not a hash that another build may compute otherwise.
    cluster.rotate_left(32) as i64 ^ i64::from(database)
}

/// A relation as it is now.
pub struct Described {
    pub schema: String,
    pub name: String,
    pub kind: char,
    pub temporary: bool,
    pub owner: pg_sys::Oid,
}

/// What a relation that is no table is, for messages; None for an ordinary or partitioned table.
#[must_use]
pub fn other_kind(kind: char) -> Option<&'static str> {
    match kind {
        'r' | 'p' => None,
        'v' => Some("a view"),
        'm' => Some("a materialized view"),
        'f' => Some("a foreign table"),
        _ => Some("a relation of another kind"),
    }
}

/// None where there is no such relation.
#[must_use]
pub fn describe(oid: u32) -> Option<Described> {
    let relation = Relation::open(pg_sys::Oid::from(oid), pg_sys::AccessShareLock)?;
    // SAFETY: an open relation's pg_class row is valid while it is open, and its schema exists.
    unsafe {
        let class = &*(*relation.raw).rd_rel;
        let schema = pg_sys::get_namespace_name(class.relnamespace);
        let text = |name| CStr::from_ptr(name).to_string_lossy().into_owned();
        Some(Described {
            schema: if schema.is_null() { String::new() } else { text(schema) },
            name: text(class.relname.data.as_ptr()),
            kind: char::from(class.relkind as u8),
            temporary: class.relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP,
            owner: class.relowner,
        })
    }
}

/// Whether an extension made it.
#[must_use]
pub fn is_of_extension(oid: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in pg_depend; 0 for none.
    unsafe { pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, oid) != pg_sys::InvalidOid }
}

/// The type of a table's column, under any domains.
#[must_use]
pub fn column_type(oid: u32, column: &str) -> Option<pg_sys::Oid> {
    let (oid, column) = (pg_sys::Oid::from(oid), CString::new(column).ok()?);
    // SAFETY: syscache look-ups by an OID and a NUL-terminated name; no such column gives 0.
    unsafe {
        let number = pg_sys::get_attnum(oid, column.as_ptr());
        (number > 0).then(|| pg_sys::getBaseType(pg_sys::get_atttype(oid, number)))
    }
}

/// The number of a table's column; 0 where it has none of that name.
#[must_use]
pub fn column_number(oid: u32, column: &str) -> i32 {
    let column = CString::new(column).unwrap_or_default();
    // SAFETY: a syscache look-up by an OID and a NUL-terminated name.
    i32::from(unsafe { pg_sys::get_attnum(pg_sys::Oid::from(oid), column.as_ptr()) })
}

/// The table and all that inherits from it.
#[must_use]
pub fn descendants(oid: u32) -> Vec<pg_sys::Oid> {
    // SAFETY: reads pg_inherits without locking any of them; the list is of OIDs.
    unsafe {
        let none = std::ptr::null_mut();
        let no_lock = pg_sys::NoLock as i32;
        let list = backend::inheritors(pg_sys::Oid::from(oid), no_lock, none);
        pgrx::PgList::<pg_sys::Oid>::from_pg(list).iter_oid().collect()
    }
}

/// Whether one of the extension's own tables has never had a row since it was last emptied.
#[must_use]
pub fn own_is_empty(name: &str) -> bool {
    let Some(oid) = own(name) else { return true };
    let Some(relation) = Relation::open(oid, pg_sys::AccessShareLock) else { return true };
    // SAFETY: asks the storage of an open table how long it is.
    unsafe {
        pg_sys::RelationGetNumberOfBlocksInFork(relation.raw, pg_sys::ForkNumber::MAIN_FORKNUM) == 0
    }
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
        // Lazily: one around NULL would be closed as it is dropped.
        (!raw.is_null()).then(|| Relation { raw })
    }

    /// An index; None for 0 or one that is gone.
    #[must_use]
    pub fn open_index(oid: pg_sys::Oid, mode: u32) -> Option<Self> {
        if oid == pg_sys::InvalidOid {
            return None;
        }
        Self::open(oid, mode)
    }

    /// An index of a table that is locked against the dropping of its indexes.
    #[must_use]
    pub fn open_listed_index(oid: pg_sys::Oid, mode: u32) -> Self {
        // SAFETY: raises where there is none.
        Relation { raw: unsafe { pg_sys::index_open(oid, mode as i32) } }
    }

    /// How many pages it has.
    #[must_use]
    pub fn pages(&self) -> u32 {
        // SAFETY: the relation is open.
        unsafe {
            pg_sys::RelationGetNumberOfBlocksInFork(self.raw, pg_sys::ForkNumber::MAIN_FORKNUM)
        }
    }

    /// Whether it has grown to so many bytes and has no room left in them for a row of `row` bytes.
    #[must_use]
    pub fn is_full(&self, bytes: u64, row: usize) -> bool {
        // SAFETY: asks an open table's map of free space.
        u64::from(self.pages()) * u64::from(pg_sys::BLCKSZ) >= bytes
            && unsafe { pg_sys::GetPageWithFreeSpace(self.raw, row) } == pg_sys::InvalidBlockNumber
    }

    /// Inserts one row as the executor would, indexes and constraints included, but without a plan
    /// and without asking for privileges or policies: for the extension's own tables only.
    ///
    /// # Safety
    /// `values` and `nulls` hold one entry per column, each datum of its column's type.
    pub unsafe fn insert(&self, values: &mut [pg_sys::Datum], nulls: &mut [bool]) {
        let descriptor = (*self.raw).rd_att;
        debug_assert_eq!((*descriptor).natts as usize, values.len());
        let estate = pg_sys::CreateExecutorState();
        let target = backend::result_relation(self.raw, 0);
        pg_sys::ExecOpenIndices(target, false);

        let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &pg_sys::TTSOpsVirtual);
        for (position, (value, null)) in values.iter().zip(nulls.iter()).enumerate() {
            *(*slot).tts_values.add(position) = *value;
            *(*slot).tts_isnull.add(position) = *null;
        }
        pg_sys::ExecStoreVirtualTuple(slot);
        (*slot).tts_tableOid = (*self.raw).rd_id;
        if !(*descriptor).constr.is_null() {
            pg_sys::ExecConstraints(target, slot, estate);
        }
        pg_sys::simple_table_tuple_insert(self.raw, slot);
        let (conflict, arbiters) = (std::ptr::null_mut(), std::ptr::null_mut());
        #[cfg(feature = "pg15")]
        pg_sys::ExecInsertIndexTuples(target, slot, estate, false, false, conflict, arbiters);
        #[cfg(not(feature = "pg15"))]
        pg_sys::ExecInsertIndexTuples(
            target, slot, estate, false, false, conflict, arbiters, false,
        );

        pg_sys::ExecCloseIndices(target);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::FreeExecutorState(estate);
        pg_sys::pfree(target.cast());
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
