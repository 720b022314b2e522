//! What statements leave behind in the session, past the end of their transaction: without an end of its own, the next
//! tenant would find it, and in a temporary table the rows of the one before.

use crate::error::Result;
use crate::pg::query;
use std::cell::RefCell;
use std::collections::BTreeSet;

struct Trace {
    key: String,
    sql: String,
}

impl Trace {
    fn is_lock(&self) -> bool {
        self.key.starts_with("lock ")
    }
}

thread_local! {
    /// Locks that came with a tenant; those that its transaction did not end are the session's.
    static LOCKS: RefCell<Vec<Trace>> = const { RefCell::new(Vec::new()) };
}

/// What was there before, and stays.
pub struct Traces(BTreeSet<String>);

impl Traces {
    pub fn now() -> Result<Self> {
        Ok(Traces(look()?.into_iter().map(|trace| trace.key).collect()))
    }

    /// Ends what came since, but locks, which others may rely on until the transaction is over.
    pub fn clear(&self) -> Result<()> {
        let new = look()?.into_iter().filter(|trace| !self.0.contains(&trace.key));
        let (locks, others): (Vec<Trace>, Vec<Trace>) = new.partition(Trace::is_lock);
        LOCKS.set(locks);
        quietly(|| others.iter().try_for_each(|trace| query::run(&trace.sql, &[])))
    }
}

/// Gives back the locks that the tenant before left.
pub fn unlock() -> Result<()> {
    let left: BTreeSet<String> = LOCKS.take().into_iter().map(|trace| trace.key).collect();
    if left.is_empty() {
        return Ok(());
    }
    quietly(|| {
        for trace in look()?.iter().filter(|trace| left.contains(&trace.key)) {
            // As often as it was taken.
            while query::value::<bool>(&trace.sql, &[])? == Some(true) {}
        }
        Ok(())
    })
}

fn look() -> Result<Vec<Trace>> {
    query::rows(include_str!("traces.sql"), &[], |row| {
        let text = |text: Option<String>| text.unwrap_or_default();
        Ok(Trace { key: text(row.get(1)?), sql: text(row.get(2)?) })
    })
}

/// That a DROP takes others along, and that a lock is not held any more, is told to nobody.
fn quietly(f: impl FnOnce() -> Result<()>) -> Result<()> {
    let scope = query::pin();
    scope.set(c"client_min_messages", "error");
    f()
}
