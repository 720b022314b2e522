//! The rows of a query as bytes that mean the same for ever (see codec.rs): for comparing what is there with what
//! was logged.

use super::codec::Writer;
use super::shape::Shape;
use crate::error::Result;
use pgrx::{pg_sys, Spi};

/// A row of the answer.
pub struct Row<'a> {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    writers: &'a [&'a Writer],
}

impl Row<'_> {
    /// The bytes of a column, from 0; None for NULL.
    #[must_use]
    pub fn bytes(&self, column: usize) -> Option<Vec<u8>> {
        let mut null = false;
        // SAFETY: the tuple is of the descriptor, and the column of the writer's type, as `each_of` is told.
        unsafe {
            let number = column as i32 + 1;
            let value = pg_sys::heap_getattr(self.tuple, number, self.descriptor, &mut null);
            let writer = self.writers.get(column).filter(|_| !null)?;
            Some(writer.with_bytes(value, <[u8]>::to_vec))
        }
    }
}

/// Every row of `SELECT *` from a table, through `f`.
pub fn each<T>(sql: &str, shape: &Shape, f: impl FnMut(&Row) -> T) -> Result<Vec<T>> {
    let writers: Vec<&Writer> = shape.columns.iter().map(|c| &c.writer).collect();
    each_of(sql, &writers, f)
}

const AT_ONCE: i64 = 10_000;

/// Every row of a query whose columns are of the writers' types, through `f`; some at a time.
pub fn each_of<T>(sql: &str, writers: &[&Writer], mut f: impl FnMut(&Row) -> T) -> Result<Vec<T>> {
    let mut answers = Vec::new();
    Spi::connect(|client| -> Result<()> {
        let mut cursor = client.open_cursor(sql, &[]);
        loop {
            // What is fetched stays until SPI ends, but for what is freed here.
            let table = cursor.fetch(AT_ONCE)?;
            if table.is_empty() {
                return Ok(());
            }
            drop(table);
            // SAFETY: the answer of the fetch, whose rows are as many as it says.
            unsafe {
                let fetched = pg_sys::SPI_tuptable;
                if fetched.is_null() {
                    return Ok(());
                }
                for i in 0..pg_sys::SPI_processed as usize {
                    let tuple = *(*fetched).vals.add(i);
                    answers.push(f(&Row { tuple, descriptor: (*fetched).tupdesc, writers }));
                }
                pg_sys::SPI_freetuptable(fetched);
            }
        }
    })?;
    Ok(answers)
}
