//! A table as it was.

use super::events;
use super::row::told;
use super::state::{Row, Rows};
use super::subject::Subject;
use crate::error::{Error, Result};
use pgrx::datum::TimestampWithTimeZone;

/// The rows that the caller sees, less what was done since and the caller may read.
pub fn as_of(subject: &mut Subject, at: TimestampWithTimeZone) -> Result<Vec<Row>> {
    let reach = super::Reach::here()?;
    let mut rows = Rows::new(subject.key.clone());
    for row in subject.rows_now(None)? {
        rows.add(row);
    }
    let name = subject.name();
    let table_key = subject.table_key;
    events::of_table(table_key, at, |event| {
        if event.hides_rows() {
            return Err(Error::RowsNotLogged { table: name.clone() });
        }
        if event.operation == b'K' || !event.is_within(&reach) {
            return Ok(());
        }
        if let Some(told) = told(subject, &event)? {
            rows.take_back(told.found, told.left, &told.untold);
        }
        Ok(())
    })?;
    Ok(rows.into_rows().into_iter().map(|row| subject.widened(row)).collect())
}
