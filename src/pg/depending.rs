//! What was found out about relations, and is kept until one of them may have changed.

use super::{backend, invalidation, snapshot};
use crate::error::Result;
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// No session has to do with more at a time; one that has starts anew.
const MOST: usize = 1_000;

thread_local! {
    /// Grows when one of the watched relations may have changed: then nothing that was kept counts.
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    static WATCHED: RefCell<HashSet<u32>> = RefCell::default();
    /// How many reads are under way: until they are done, any relation may matter.
    static READING: Cell<u32> = const { Cell::new(0) };
}

/// A relation is not what it was: no OID stands for all of them.
pub(super) fn changed(relation: pg_sys::Oid) {
    let concerns = relation == pg_sys::InvalidOid
        || READING.get() > 0
        || WATCHED.with_borrow(|watched| watched.contains(&relation.to_u32()));
    if concerns {
        forget();
    }
}

/// What a name stands for may have changed.
pub(super) fn forget() {
    GENERATION.set(GENERATION.get().wrapping_add(1));
    WATCHED.with_borrow_mut(HashSet::clear);
}

/// Hears, once a statement of the client's, what other sessions have announced: a transaction that holds its locks
/// already would not hear of it before its end.
pub fn listen() {
    thread_local! {
        static HEARD: Cell<pg_sys::TimestampTz> = const { Cell::new(0) };
    }
    // SAFETY: reads the state of the session.
    let statement = unsafe { backend::unguarded_statement_start() };
    if HEARD.replace(statement) != statement {
        invalidation::accept();
    }
}

struct Reading;

impl Reading {
    fn begin() -> Self {
        READING.set(READING.get() + 1);
        Reading
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.set(READING.get() - 1);
    }
}

struct Entry<V> {
    value: V,
    /// The statement that it is good for, where it was read with a snapshot that may have been an old one.
    statement: Option<pg_sys::TimestampTz>,
}

/// Values by key, and the generation that they are of.
pub struct Kept<K, V> {
    entries: RefCell<(u64, Entries<K, V>)>,
}

type Entries<K, V> = Option<HashMap<K, Entry<V>>>;

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    #[must_use]
    pub const fn new() -> Self {
        Kept { entries: RefCell::new((0, None)) }
    }

    /// The value that is kept, if it still counts.
    pub fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.borrow();
        let entry = match &*entries {
            (at, Some(map)) if *at == GENERATION.get() => map.get(key)?,
            _ => return None,
        };
        match entry.statement {
            // SAFETY: reads the state of the session.
            Some(at) if at != unsafe { backend::unguarded_statement_start() } => None,
            _ => Some(entry.value.clone()),
        }
    }

    /// The value, from what is kept, or as `read` finds it with the relations that it depends on.
    pub fn get_or_read(&self, key: K, read: impl FnOnce() -> Result<(V, Vec<u32>)>) -> Result<V> {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let generation = GENERATION.get();
        let (value, relations) = {
            let _reading = Reading::begin();
            read()?
        };
        // What changed while it was read may not have been seen.
        if GENERATION.get() != generation {
            return Ok(value);
        }
        let statement = snapshot::in_parallel_mode()
            // SAFETY: as above.
            .then(|| unsafe { backend::unguarded_statement_start() });
        WATCHED.with_borrow_mut(|watched| watched.extend(relations));
        let outdated = {
            let mut entries = self.entries.borrow_mut();
            let current = entries.0 == generation;
            let outdated = match &entries.1 {
                Some(map) if current && map.len() < MOST => None,
                _ => entries.1.take(),
            };
            entries.0 = generation;
            let map = entries.1.get_or_insert_with(HashMap::new);
            map.insert(key, Entry { value: value.clone(), statement });
            outdated
        };
        // Dropped only now: that may call the server.
        drop(outdated);
        Ok(value)
    }
}
