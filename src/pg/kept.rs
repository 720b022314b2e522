//! Statements that a session runs again and again, planned once.

use super::query;
use crate::error::Result;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};
use pgrx::{PgOid, Spi};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;

// Not dropped when the process ends: by then the server's memory is not to be touched.
// The same text with parameters of other types is another statement.
type Plans = HashMap<(String, Vec<Oid>), ManuallyDrop<OwnedPreparedStatement>>;

/// More than the extension has; a registration that changes all the time cannot fill the memory.
const MOST: usize = 64;

thread_local! {
    static PLANS: RefCell<Plans> = RefCell::default();
}

/// A statement in use. Whatever becomes of the use, it goes back among the kept ones.
struct Lent {
    key: Option<(String, Vec<Oid>)>,
    statement: Option<ManuallyDrop<OwnedPreparedStatement>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (Some(key), Some(statement)) = (self.key.take(), self.statement.take()) else {
            return;
        };
        PLANS.with_borrow_mut(|plans| {
            // Freed, and not only forgotten; while an error unwinds the server is not to be called.
            if plans.len() >= MOST && !std::thread::panicking() {
                plans.drain().for_each(|(_, old)| drop(ManuallyDrop::into_inner(old)));
            }
            plans.insert(key, statement);
        });
    }
}

/// Every row of a read through `f`, under the pinned path, as every statement of the extension.
/// PostgreSQL plans the statement anew when what it names changes.
pub fn rows<T>(
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let _path = query::pin();
    rows_here(sql, args, f)
}

/// `rows` for a statement with a condition in it that an administrator wrote: prepared and run so that it
/// means the same in every session.
pub fn rows_plainly<T>(
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let _settings = query::plainly();
    rows_here(sql, args, f)
}

/// `rows` for a statement that changes or locks the rows.
pub fn changed<T>(
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let _path = query::pin();
    Spi::connect_mut(|client| {
        let lent = lend(client, sql, args)?;
        let Some(statement) = &lent.statement else {
            return Ok(Vec::new());
        };
        query::collect(client.update(&**statement, None, args)?, f)
    })
}

/// `changed` for a statement that returns nothing.
pub fn run(sql: &str, args: &[DatumWithOid]) -> Result<()> {
    changed(sql, args, |_| Ok(())).map(|_| ())
}

/// The model of `query::model_here`, by a statement that is read like it.
pub fn model_here<T: DeserializeOwned>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    let found = rows_here(sql, args, |row| Ok(row.get::<String>(1)?))?;
    match found.into_iter().flatten().next() {
        Some(text) => Ok(Some(serde_json::from_str(&text)?)),
        None => Ok(None),
    }
}

fn rows_here<T>(
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    Spi::connect(|client| {
        let lent = lend(client, sql, args)?;
        let Some(statement) = &lent.statement else {
            return Ok(Vec::new());
        };
        query::collect(client.select(&**statement, None, args)?, f)
    })
}

fn lend(client: &SpiClient, sql: &str, args: &[DatumWithOid]) -> Result<Lent> {
    let types: Vec<Oid> = args.iter().map(DatumWithOid::oid).collect();
    let key = (sql.to_string(), types);
    // Taken out while it runs, for it may be asked for again meanwhile.
    let kept = PLANS.with_borrow_mut(|plans| plans.remove(&key));
    let statement = match kept {
        Some(statement) => statement,
        None => {
            let types: Vec<PgOid> = key.1.iter().map(|oid| PgOid::from(*oid)).collect();
            ManuallyDrop::new(client.prepare(sql, &types)?.keep())
        }
    };
    Ok(Lent { key: Some(key), statement: Some(statement) })
}
