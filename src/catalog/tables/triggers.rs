//! The triggers of a table, but for those of its foreign keys.

use super::{there, Reader};
use crate::catalog::{Named, Trigger};
use crate::error::Result;
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{system_catalog, Row, SystemCatalog};
use crate::pg::{deparse, user};
use pgrx::pg_sys::Oid;

system_catalog!(TriggerRow = 2620 by 2701(tgrelid) {
    oid, tgparentid, tgname, tgfoid, tgtype, tgenabled, tgisinternal, tgattr, tgargs, tgqual, tgoldtable,
    tgnewtable,
});

/// pg_trigger.tgtype's bit for FOR EACH ROW.
const FOR_EACH_ROW: i16 = 1;

pub struct Triggers<'a> {
    triggers: SystemCatalog<'a, TriggerRow>,
}

impl<'a> Triggers<'a> {
    pub fn open(read: &'a CatalogRead) -> Result<Self> {
        Ok(Triggers { triggers: SystemCatalog::open(read)? })
    }

    pub fn of_table(&self, reader: &Reader, table: Oid) -> Result<Vec<Trigger>> {
        let found = self.triggers.all(&[table], |row, c| {
            (!row.flag(c.tgisinternal)).then(|| trigger(reader, table, row, c)).transpose()
        })?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn trigger(reader: &Reader, table: Oid, row: &Row, c: &TriggerRow) -> Result<Trigger> {
    let (oid, function) = (row.oid(c.oid), row.oid(c.tgfoid));
    let (schema, name) = there(reader.names.function(function)?, table)?;
    let numbers = row.numbers(c.tgattr);
    let transition = !row.is_null(c.tgoldtable) || !row.is_null(c.tgnewtable);
    let arguments = row.bytes(c.tgargs);
    Ok(Trigger {
        name: row.name(c.tgname)?,
        definition: there(deparse::trigger(oid), table)?,
        enabled: row.char(c.tgenabled),
        inherited: row.oid(c.tgparentid) != Oid::INVALID,
        row_with_transition: row.short(c.tgtype) & FOR_EACH_ROW != 0 && transition,
        conditional: !row.is_null(c.tgqual) || !numbers.is_empty(),
        function: Named { schema, name },
        executable: user::may_execute(function),
        arguments_hex: arguments.iter().map(|byte| format!("{byte:02x}")).collect(),
        comment: reader.comment::<TriggerRow>(oid)?,
    })
}
