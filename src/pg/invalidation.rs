//! When what was read from the catalog, and kept, is no longer true.

use super::{depending, policies, query, snapshot};
use crate::error::Result;
use pgrx::{pg_guard, pg_sys};
use std::cell::{Cell, RefCell};

/// What something kept was read about, each with relations of its own to watch.
#[derive(Clone, Copy)]
pub enum Subject {
    /// Where claims are found: the profile and the paths.
    ClaimSources,
    Keys,
    Membership,
    RolePermissions,
    /// Which partitions the audit log has.
    AuditLog,
}

const KINDS: usize = 5;

thread_local! {
    static GENERATIONS: [Cell<u64>; KINDS] = const { [const { Cell::new(0) }; KINDS] };
    // None: all of them.
    static WATCHED: RefCell<[Option<Vec<pg_sys::Oid>>; KINDS]> = const { RefCell::new([const { None }; KINDS]) };
}

/// Grows whenever a relation watched for it, or any schema's name, may have changed.
#[must_use]
pub fn generation(subject: Subject) -> u64 {
    GENERATIONS.with(|generations| generations[subject as usize].get())
}

/// From now on changes to these relations count, and to no others.
pub fn watch(subject: Subject, relations: Vec<pg_sys::Oid>) {
    WATCHED.with_borrow_mut(|watched| watched[subject as usize] = Some(relations));
}

/// From now on changes to any relation count: while it is not known yet which ones matter.
pub fn watch_all(subject: Subject) {
    WATCHED.with_borrow_mut(|watched| watched[subject as usize] = None);
}

/// Tells every session, once this transaction commits, that a relation is not what it was.
pub fn announce(relation: pg_sys::Oid) {
    // SAFETY: queues an invalidation message for an existing relation.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) }
}

/// Hears what other sessions have announced since, without waiting for the next lock.
pub fn accept() {
    // SAFETY: inside a transaction, as every call of SQL is, where messages may be processed.
    unsafe { pg_sys::AcceptInvalidationMessages() }
}

/// Called once, when the library is loaded.
pub fn listen() {
    // SAFETY: both callbacks live as long as the process, and neither raises.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null());
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            Some(schema_changed),
            pg_sys::Datum::null(),
        );
    }
}

fn bump(kept: usize) {
    GENERATIONS.with(|generations| {
        let generation = &generations[kept];
        generation.set(generation.get().wrapping_add(1));
    });
}

thread_local! {
    /// The relations that changed since `drain` asked; 0 stands for all of them.
    static CHANGED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

const MOST_CHANGED: usize = 64;

/// Hands each relation that changed since the last call to `f`; 0 stands for all of them.
pub fn drain(f: impl FnMut(u32)) {
    CHANGED.with_borrow_mut(|changed| changed.drain(..).for_each(f));
}

fn note(relation: pg_sys::Oid) {
    CHANGED.with_borrow_mut(|changed| {
        if changed.len() >= MOST_CHANGED {
            changed.clear();
            changed.push(0);
        } else if !changed.contains(&relation.to_u32()) {
            changed.push(relation.to_u32());
        }
    });
}

#[pg_guard]
extern "C-unwind" fn relation_changed(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    policies::forget(relation);
    note(relation);
    depending::changed(relation);
    // No OID stands for all of them.
    let all = relation == pg_sys::InvalidOid;
    let concerns = |watched: &Option<Vec<pg_sys::Oid>>| {
        all || watched.as_ref().is_none_or(|some| some.contains(&relation))
    };
    WATCHED.with_borrow(|watched| {
        (0..KINDS).filter(|kept| concerns(&watched[*kept])).for_each(bump);
    });
}

#[pg_guard]
extern "C-unwind" fn schema_changed(_arg: pg_sys::Datum, _cache: i32, _hash: u32) {
    depending::forget();
    (0..KINDS).for_each(bump);
}

/// A value read from the database, and kept until what it was read from may have changed.
pub struct Cached<T> {
    subject: Subject,
    value: RefCell<Option<(u64, T)>>,
}

impl<T: Clone> Cached<T> {
    #[must_use]
    pub const fn new(subject: Subject) -> Self {
        Cached { subject, value: RefCell::new(None) }
    }

    /// The kept value, or a fresh one. `read` gives the value and the relations it depends on; None
    /// for them means that any relation may come to matter.
    pub fn get(&self, read: impl FnOnce() -> Result<(T, Option<Vec<pg_sys::Oid>>)>) -> Result<T> {
        let current = |kept: &Option<(u64, T)>| match kept {
            Some((at, value)) if *at == generation(self.subject) => Some(value.clone()),
            _ => None,
        };
        if let Some(value) = current(&self.value.borrow()) {
            return Ok(value);
        }
        if snapshot::in_parallel_mode() {
            // No new snapshot can be taken there, and an answer of the old one must not be kept.
            let _path = query::pin();
            return Ok(read()?.0);
        }
        // A change that comes in during the read makes the answer old at once.
        watch_all(self.subject);
        let at = generation(self.subject);
        let (value, relations) = {
            let _read = query::catalog_read(query::PINNED);
            read()?
        };
        if let Some(relations) = relations {
            watch(self.subject, relations);
        }
        self.value.replace(Some((at, value.clone())));
        Ok(value)
    }
}
