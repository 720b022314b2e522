//! When what was read from the catalog, and kept, is no longer true.

use pgrx::{pg_guard, pg_sys};
use std::cell::{Cell, RefCell};

thread_local! {
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    // None: all of them.
    static WATCHED: RefCell<Option<Vec<pg_sys::Oid>>> = const { RefCell::new(None) };
}

/// Grows whenever a watched relation, or any schema's name, may have changed.
#[must_use]
pub fn generation() -> u64 {
    GENERATION.get()
}

/// From now on changes to these relations count, and to no others.
pub fn watch(relations: Vec<pg_sys::Oid>) {
    WATCHED.replace(Some(relations));
}

/// From now on changes to any relation count: while it is not known yet which ones matter.
pub fn watch_all() {
    WATCHED.replace(None);
}

/// Tells every session, once this transaction commits, that a relation is not what it was.
pub fn announce(relation: pg_sys::Oid) {
    // SAFETY: queues an invalidation message for an existing relation.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) }
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

fn bump() {
    GENERATION.set(GENERATION.get().wrapping_add(1));
}

#[pg_guard]
extern "C-unwind" fn relation_changed(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    // No OID stands for all of them.
    let all = relation == pg_sys::InvalidOid;
    let watched = |watched: &Option<Vec<pg_sys::Oid>>| {
        watched.as_ref().is_none_or(|some| some.contains(&relation))
    };
    if all || WATCHED.with_borrow(watched) {
        bump();
    }
}

#[pg_guard]
extern "C-unwind" fn schema_changed(_arg: pg_sys::Datum, _cache: i32, _hash: u32) {
    bump();
}
