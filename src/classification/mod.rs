//! What a column holds, as far as showing it goes; and rows as JSON that shows no more than that.

mod class;
pub mod follow;
pub mod mask;
mod planner;
mod registry;
mod shape;

// For the rooms that go by the classes.
pub use class::Class;
pub use registry::{of_table, relations_of};

use crate::catalog;
use crate::error::{Error, Result};
use crate::pg::relation::{self, Lock};
use crate::pg::row_json::{self, Jsonb, Rules};
use crate::pg::types::{Name, PlannedStep, RegClass};
use crate::plan::{self, Rows};
use pgrx::pg_sys::{self, panic::ErrorReport};
use pgrx::prelude::*;
use pgrx::AnyElement;

/// Says what a column holds: 'public' (for clients), 'internal' (for the application and its logs), 'pii' (of a person:
/// masked in logs) or 'secret' (shown nowhere); NULL takes what was said back. safe_json, log_json and the audit log go by
/// it; it grants and revokes nothing. A partition or a table that inherits the column has the same class, unless it
/// is classified itself. The class stays with the column when that or its table is renamed, and goes with it.
/// Returns the steps, none where the column is of that class; in a dry run nothing changes. The caller must own
/// the table. Raises 42501, 42703, 42809, 42P01, 22004, 22023, 55P03.
///
/// Example: `SELECT * FROM tenant_guard.classify('crm.contacts', 'email', 'pii');`
#[pg_extern(volatile, parallel_unsafe)]
fn classify(
    table: Option<RegClass>,
    column_name: Option<Name>,
    class: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let asked = Asked::of("classify", table, column_name, class)?;
    Ok(asked.plan(dry_run.unwrap_or(false))?)
}

/// Writes what a column holds, as a plan of classify decided; NULL removes it. The caller must own the table.
/// Raises 42501, 42703, 42809, 42P01, 22004, 22023, 55P03.
///
/// Example: `SELECT tenant_guard.register_column_class('crm.contacts', 'email', 'pii');`
#[pg_extern(volatile, parallel_unsafe)]
fn register_column_class(
    table: Option<RegClass>,
    column_name: Option<Name>,
    class: Option<&str>,
) -> Result<(), ErrorReport> {
    let asked = Asked::of("register_column_class", table, column_name, class)?;
    Ok(asked.write()?)
}

const CLIENTS: Rules = Rules { function: "safe_json", shape: shape::of_clients, mask: mask::mask };

const LOGS: Rules = Rules { function: "log_json", shape: shape::of_logs, mask: mask::mask };

/// A row as JSON for clients: of a table's row only the columns that classify made public. Where the table has a column
/// public_id of type uuid, id holds that, unless it is classified as something else, and the primary key is left
/// out; a foreign key to a table with a public_id holds the public_id of the row there, or null where the caller may
/// not see that row. Rows within the row, and arrays of rows, go by the classes of their own tables. Of a row that
/// is no table's (a view's, a sub-select's, a type's) only the tables' rows in it are given, and of a table
/// without a public column nothing: an empty object. value: a row or an array of rows. NULL for NULL. Raises 42804
/// for anything else, 54000 over 256 MB.
///
/// Example: `SELECT tenant_guard.safe_json(c) FROM crm.contacts c;`
#[pg_extern(stable, strict, parallel_restricted)]
fn safe_json(value: AnyElement, fcinfo: pg_sys::FunctionCallInfo) -> Result<Jsonb, ErrorReport> {
    Ok(row_json::render(&CLIENTS, value, fcinfo)?)
}

/// A row as JSON for logs: of a table's row the columns that classify made public or internal as they are, those of class pii
/// masked (text as mask has it, anything else as three asterisks); secret ones and those of no class are left out. Ids
/// are not replaced. Rows within the row, and rows that are no table's, as for safe_json. value: a row or an array
/// of rows. NULL for NULL. Raises 42804 for anything else, 54000 over 256 MB.
///
/// Example: `SELECT tenant_guard.log_json(c) FROM crm.contacts c;`
#[pg_extern(stable, strict, parallel_restricted)]
fn log_json(value: AnyElement, fcinfo: pg_sys::FunctionCallInfo) -> Result<Jsonb, ErrorReport> {
    Ok(row_json::render(&LOGS, value, fcinfo)?)
}

/// Text with its value taken out and its shape left in: of an e-mail address the first letter and the top-level domain
/// stay, of a phone number the last two digits, of a name (up to five words of letters) the first letter of each
/// word; anything else is three asterisks. What is one letter, or one sign of a script that has no capitals, is
/// not shown. NULL for NULL. Raises nothing.
///
/// Example: `SELECT tenant_guard.mask('ada.lovelace@example.com');`
#[pg_extern(immutable, parallel_safe, strict)]
fn mask(value: &str) -> String {
    mask::mask(value)
}

/// What the two functions are told.
struct Asked {
    table: RegClass,
    column: String,
    class: Option<Class>,
}

impl Asked {
    fn of(
        function: &'static str,
        table: Option<RegClass>,
        column: Option<Name>,
        class: Option<&str>,
    ) -> Result<Self> {
        let null = |argument| Error::NullArgument { function, argument };
        let table = table.ok_or_else(|| null("table"))?;
        // Whose table it is comes before what is asked for.
        catalog::table(table)?;
        Ok(Asked {
            table,
            column: column.ok_or_else(|| null("column_name"))?.0,
            class: class.map(Class::parse).transpose()?,
        })
    }

    fn plan(&self, dry_run: bool) -> Result<Rows> {
        let table = self.read(dry_run)?;
        let current = match table.column(&self.column) {
            Some(_) => registry::registered(&table, &self.column)?,
            None => None,
        };
        plan::run(planner::classify(&table, &self.column, self.class, current)?, dry_run)
    }

    fn write(&self) -> Result<()> {
        let table = self.read(false)?;
        table.require_column(&self.column)?;
        registry::write(&table, &self.column, self.class)
    }

    /// The table, which the caller owns; what is planned of it is still so when it is applied. Its readers and
    /// writers are not in the way.
    fn read(&self, dry_run: bool) -> Result<catalog::Table> {
        let table = catalog::table(self.table)?;
        if dry_run {
            return Ok(table);
        }
        relation::lock(self.table.0, Lock::Share)?;
        relation::lock_name("column_class", &self.table.0.to_string());
        catalog::table(self.table)
    }
}
