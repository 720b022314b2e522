//! Answers that are longer than the memory, read in parts.

use super::own_scan::Row;
use super::query;
use crate::error::Result;
use pgrx::datum::DatumWithOid;
use pgrx::{pg_sys, Spi};

const ROWS: i64 = 10_000;

/// Every row of a read through `f`, under the pinned path; false from `f` ends the reading. An SPI connection keeps what
/// it fetched until it ends, and what pgrx makes of a value is kept until the transaction ends: so each part has a connection
/// of its own, and values are read in place. The types of the columns are those that the caller's SQL yields: bigint,
/// timestamptz, integer, "char", uuid, bytea and text.
pub fn each(
    sql: &str,
    args: &[DatumWithOid],
    mut f: impl FnMut(&Row) -> Result<bool>,
) -> Result<()> {
    let _path = query::pin();
    let name = Spi::connect(|client| {
        Ok::<_, pgrx::spi::Error>(client.try_open_cursor(sql, args)?.detach_into_name())
    })?;
    let (mut values, mut nulls) = (Vec::new(), Vec::new());
    let mut more = true;
    while more {
        more = Spi::connect(|client| {
            let mut cursor = client.find_cursor(&name)?;
            let mut rows = cursor.fetch(ROWS)?;
            let mut more = rows.len() == ROWS as usize;
            let width = rows.columns()?;
            while rows.next().is_some() {
                values.clear();
                nulls.clear();
                for column in 1..=width {
                    let value = rows.get_datum_by_ordinal(column)?;
                    nulls.push(value.is_none());
                    values.push(value.unwrap_or(pg_sys::Datum::null()));
                }
                if !f(&Row { values: &values, nulls: &nulls })? {
                    more = false;
                    break;
                }
            }
            if more {
                let _name = cursor.detach_into_name();
            }
            Ok::<_, crate::error::Error>(more)
        })?;
    }
    Ok(())
}
