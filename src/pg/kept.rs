//! Statements that a session runs again and again, planned once.

use super::query::pin;
use crate::error::Result;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};
use pgrx::{PgOid, Spi};
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;

// Not dropped when the process ends: by then the server's memory is not to be touched.
// The same text with parameters of other types is another statement.
type Plans = HashMap<(String, Vec<Oid>), ManuallyDrop<OwnedPreparedStatement>>;

/// More than the extension has; a registration that changes all the time cannot fill the memory.
const MOST: usize = 32;

thread_local! {
    static PLANS: RefCell<Plans> = RefCell::default();
}

/// Every row of a read through `f`. PostgreSQL plans the statement anew when what it names changes;
/// it runs under the pinned path, as every statement of the extension.
pub fn rows<T>(
    sql: &str,
    args: &[DatumWithOid],
    mut f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let _path = pin();
    Spi::connect(|client| {
        let types: Vec<Oid> = args.iter().map(DatumWithOid::oid).collect();
        let key = (sql.to_string(), types);
        // Taken out while it runs: should it raise, it is forgotten and planned again.
        let kept = PLANS.with_borrow_mut(|plans| plans.remove(&key));
        let statement = match kept {
            Some(statement) => statement,
            None => {
                let types: Vec<PgOid> = key.1.iter().map(|oid| PgOid::from(*oid)).collect();
                ManuallyDrop::new(client.prepare(sql, &types)?.keep())
            }
        };
        let mut table = client.select(&*statement, None, args)?;
        let mut out = Vec::with_capacity(table.len());
        while table.next().is_some() {
            out.push(f(&mut table)?);
        }
        PLANS.with_borrow_mut(|plans| {
            if plans.len() >= MOST {
                plans.drain().for_each(|(_, statement)| drop(ManuallyDrop::into_inner(statement)));
            }
            if let Some(other) = plans.insert(key, statement) {
                drop(ManuallyDrop::into_inner(other));
            }
        });
        Ok(out)
    })
}
