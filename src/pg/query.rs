//! SPI, in the ways the extension uses it: read one value, read rows, run a statement.
//!
//! Every statement here runs under a pinned search path: with pg_catalog first, nobody's function
//! or operator can take the place of the one meant. The `_here` twins are for plans that bring a path of their own.
//! Reads go through `connect`, which assigns no transaction id, so they work on a standby and in a
//! parallel worker.

use super::guc::Scope;
use super::snapshot::Snapshot;
use crate::error::Result;
use pgrx::datum::DatumWithOid;
use pgrx::spi::SpiTupleTable;
use pgrx::{FromDatum, IntoDatum, Spi};
use serde::de::DeserializeOwned;

pub const PINNED: &str = "pg_catalog, pg_temp";

/// Holds the search path at PINNED until it is dropped.
#[must_use]
pub fn pin() -> Scope {
    under(PINNED)
}

/// Holds the search path at `path` until it is dropped; and no query is compiled: for those of the extension that
/// takes many times as long as running them.
#[must_use]
pub fn under(path: &str) -> Scope {
    let scope = Scope::new();
    scope.search_path(path);
    // SAFETY: the server's own setting, read by the session's one thread.
    if unsafe { pgrx::pg_sys::jit_enabled } {
        scope.set(c"jit", "off");
    }
    scope
}

/// Holds everything that reading the catalog for a plan needs, until it is dropped: the path;
/// dates, intervals and numbers written as pg_dump writes them, so that deparsed text means the
/// same whatever the styles of the session that reads it or compares it later; and a snapshot taken
/// now, not when the statement began, so that what is read after waiting for a lock is what
/// whoever held it left behind.
pub struct CatalogRead {
    _snapshot: Snapshot,
    _scope: Scope,
}

#[must_use]
pub fn catalog_read(path: &str) -> CatalogRead {
    let scope = under(path);
    plain(&scope);
    // Catalogs are looked up by their indexes, which are in memory: with statistics of a database that was smaller,
    // or none, all of pg_class might be read for each table instead.
    // And a plan that is kept serves all tables: making one takes as long as reading a hundred of them.
    for (name, value) in [
        (c"quote_all_identifiers", "off"),
        (c"enable_seqscan", "off"),
        (c"random_page_cost", "1"),
        (c"plan_cache_mode", "force_generic_plan"),
    ] {
        scope.set(name, value);
    }
    CatalogRead { _snapshot: Snapshot::latest(), _scope: scope }
}

/// Holds, with the pinned path, all that changes what an expression means from session to session, until
/// it is dropped: for conditions that an administrator wrote down for everybody.
#[must_use]
pub fn plainly() -> Scope {
    let scope = pin();
    plain(&scope);
    scope
}

fn plain(scope: &Scope) {
    for (name, value) in [
        (c"datestyle", "ISO"),
        (c"intervalstyle", "postgres"),
        (c"extra_float_digits", "3"),
        (c"timezone", "UTC"),
        (c"standard_conforming_strings", "on"),
        (c"transform_null_equals", "off"),
        (c"lc_monetary", "C"),
        (c"bytea_output", "hex"),
        (c"xmloption", "content"),
    ] {
        scope.set(name, value);
    }
}

/// For running what was written under `catalog_read`: a backslash in it means what it meant there.
#[must_use]
pub fn replay() -> Scope {
    let scope = pin();
    scope.set(c"standard_conforming_strings", "on");
    scope
}

/// The first column of the first row; None for no row or NULL.
pub fn value<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    let _path = pin();
    value_here(sql, args)
}

/// A query whose one value is JSON text, as a model of the catalog.
pub fn model<T: DeserializeOwned>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    let _path = pin();
    model_here(sql, args)
}

/// `model` under the path in force.
pub fn model_here<T: DeserializeOwned>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    match value_here::<String>(sql, args)? {
        Some(text) => Ok(Some(serde_json::from_str(&text)?)),
        None => Ok(None),
    }
}

/// `value` under the path in force.
pub fn value_here<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    Spi::connect(|client| {
        let rows = client.select(sql, Some(1), args)?;
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(rows.first().get_one::<T>()?)
    })
}

/// Every row through `f`.
pub fn rows<T>(
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let _path = pin();
    Spi::connect(|client| collect(client.select(sql, None, args)?, f))
}

/// Runs one statement with the rights in force.
pub fn run(sql: &str, args: &[DatumWithOid]) -> Result<()> {
    let _path = pin();
    run_here(sql, args)
}

/// `run` under the path in force, and with whatever the statement does to it.
pub fn run_here(sql: &str, args: &[DatumWithOid]) -> Result<()> {
    Spi::connect_mut(|client| {
        client.update(sql, None, args)?;
        Ok(())
    })
}

/// Runs a statement under the path in force; how many rows it changed.
pub fn affected(sql: &str) -> Result<usize> {
    Spi::connect_mut(|client| {
        client.update(sql, None, &[])?;
        // SAFETY: what SPI has just counted.
        Ok(unsafe { pgrx::pg_sys::SPI_processed } as usize)
    })
}

/// Runs a statement that changes rows and returns some, under the path in force; every row through `f`.
pub fn changed_here<T>(
    sql: &str,
    args: &[DatumWithOid],
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    Spi::connect_mut(|client| collect(client.update(sql, None, args)?, f))
}

/// Runs one `INSERT ... RETURNING`, or its like, and gives the first row's value back; None for no row.
pub fn returning<T: FromDatum + IntoDatum>(sql: &str, args: &[DatumWithOid]) -> Result<Option<T>> {
    let _path = pin();
    Spi::connect_mut(|client| {
        // To its end: a statement that stops at its first row fires no trigger for the statement.
        let rows = client.update(sql, None, args)?;
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(rows.first().get_one::<T>()?)
    })
}

/// A query whose rows are fetched some at a time, by the name of its cursor; it reads with the snapshot of now.
pub fn cursor(sql: &str, args: &[DatumWithOid]) -> Result<String> {
    Spi::connect(|client| Ok(client.try_open_cursor(sql, args)?.detach_into_name().to_string()))
}

/// The next rows of a cursor, each through `f`; and its name, while there may be more.
pub fn fetch<T>(
    cursor: String,
    most: i64,
    f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<(Vec<T>, Option<String>)> {
    Spi::connect(|client| {
        let mut open = client.find_cursor(&cursor)?;
        let rows = collect(open.fetch(most)?, f)?;
        if (rows.len() as i64) < most {
            return Ok((rows, None)); // closed as it is dropped
        }
        let _still_open = open.detach_into_name();
        Ok((rows, Some(cursor)))
    })
}

/// The rows of an answer, each through `f`.
pub(super) fn collect<T>(
    mut table: SpiTupleTable,
    mut f: impl FnMut(&mut SpiTupleTable) -> Result<T>,
) -> Result<Vec<T>> {
    let mut out = Vec::with_capacity(table.len());
    while table.next().is_some() {
        out.push(f(&mut table)?);
    }
    Ok(out)
}
