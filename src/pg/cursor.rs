//! Answers that are longer than the memory, read in parts.

use super::query;
use crate::error::Result;
use pgrx::datum::DatumWithOid;
use pgrx::spi::SpiTupleTable;
use pgrx::Spi;

const ROWS: i64 = 10_000;

/// Every row of a read through `f`, under the pinned path. An SPI connection keeps what it fetched until it ends,
/// so each part has one of its own. False from `f` ends the reading.
pub fn each(
    sql: &str,
    args: &[DatumWithOid],
    mut f: impl FnMut(&mut SpiTupleTable) -> Result<bool>,
) -> Result<()> {
    let _path = query::pin();
    let name = Spi::connect(|client| {
        Ok::<_, pgrx::spi::Error>(client.try_open_cursor(sql, args)?.detach_into_name())
    })?;
    let mut more = true;
    while more {
        more = Spi::connect(|client| {
            let mut cursor = client.find_cursor(&name)?;
            let mut rows = cursor.fetch(ROWS)?;
            let mut more = rows.len() == ROWS as usize;
            while rows.next().is_some() {
                if !f(&mut rows)? {
                    more = false;
                    break;
                }
            }
            drop(rows);
            if more {
                let _name = cursor.detach_into_name();
            }
            Ok::<_, crate::error::Error>(more)
        })?;
    }
    Ok(())
}
