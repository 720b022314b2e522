//! SPI, in the three ways the extension uses it: read one value, read rows, run a statement.
//! Reads go through `connect`, which assigns no transaction id, so they work on a standby and in
//! a parallel worker.

use crate::error::Result;
use pgrx::datum::DatumWithOid;
use pgrx::spi::SpiTupleTable;
use pgrx::{FromDatum, IntoDatum, Spi};
use serde::de::DeserializeOwned;

/// The first column of the first row; None for no row or NULL.
pub fn value<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    Spi::connect(|client| {
        let rows = client.select(sql, Some(1), args)?;
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(rows.first().get_one::<T>()?)
    })
}

/// A query whose one value is JSON text, as a model of the catalog.
pub fn model<T: DeserializeOwned>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    match value::<String>(sql, args)? {
        Some(text) => Ok(Some(serde_json::from_str(&text)?)),
        None => Ok(None),
    }
}

/// Every row through `f`.
pub fn rows<T>(
    sql: &str,
    args: &[DatumWithOid],
    mut f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    Spi::connect(|client| {
        let mut table = client.select(sql, None, args)?;
        let mut out = Vec::with_capacity(table.len());
        while table.next().is_some() {
            out.push(f(&mut table)?);
        }
        Ok(out)
    })
}

/// Runs one statement with the rights in force.
pub fn run(sql: &str, args: &[DatumWithOid]) -> Result<()> {
    Spi::connect_mut(|client| {
        client.update(sql, None, args)?;
        Ok(())
    })
}

/// Runs one `INSERT ... RETURNING` and gives the value back.
pub fn returning<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    Spi::connect_mut(|client| Ok(client.update(sql, Some(1), args)?.first().get_one::<T>()?))
}
