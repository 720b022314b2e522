//! What the server does beside a statement on a table: policies and triggers; and whether there are statistics.

use super::Reader;
use crate::catalog::{Named, Policy, Trigger};
use crate::error::Result;
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{system_catalog, Row, SystemCatalog};
use crate::pg::{catalog_names, deparse, user};
use pgrx::pg_sys::Oid;

system_catalog!(PolicyRow = 3256 by 3258(polrelid) {
    oid, polname, polcmd, polpermissive, polroles, polqual, polwithcheck,
});
system_catalog!(TriggerRow = 2620 by 2701(tgrelid) {
    oid, tgparentid, tgname, tgfoid, tgtype, tgenabled, tgisinternal, tgattr, tgargs, tgqual, tgoldtable,
    tgnewtable,
});
system_catalog!(StatisticsRow = 3381 by 3379(stxrelid) {});

/// pg_trigger.tgtype's bit for FOR EACH ROW.
const FOR_EACH_ROW: i16 = 1;

pub struct Rules<'a> {
    policies: SystemCatalog<'a, PolicyRow>,
    triggers: SystemCatalog<'a, TriggerRow>,
    statistics: SystemCatalog<'a, StatisticsRow>,
}

impl<'a> Rules<'a> {
    pub fn open(read: &'a CatalogRead) -> Result<Self> {
        Ok(Rules {
            policies: SystemCatalog::open(read)?,
            triggers: SystemCatalog::open(read)?,
            statistics: SystemCatalog::open(read)?,
        })
    }

    pub fn policies(&self, reader: &Reader, table: Oid) -> Result<Vec<Policy>> {
        self.policies.all(&[table], |row, c| {
            let command = match row.char(c.polcmd).as_str() {
                "r" => "SELECT",
                "a" => "INSERT",
                "w" => "UPDATE",
                "d" => "DELETE",
                _ => "ALL",
            };
            Ok(Policy {
                name: row.name(c.polname)?,
                command: command.to_string(),
                permissive: row.flag(c.polpermissive),
                roles: role_names(&row.value::<Vec<Oid>>(c.polroles).unwrap_or_default())?,
                using: row.expression(c.polqual, table),
                check: row.expression(c.polwithcheck, table),
                comment: reader.comment::<PolicyRow>(row.oid(c.oid))?,
            })
        })
    }

    pub fn triggers(&self, reader: &Reader, table: Oid) -> Result<Vec<Trigger>> {
        let found = self.triggers.all(&[table], |row, c| {
            (!row.flag(c.tgisinternal)).then(|| trigger(reader, row, c)).transpose()
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    pub fn has_extended_statistics(&self, table: Oid) -> Result<bool> {
        Ok(!self.statistics.all(&[table], |_, _| Ok(()))?.is_empty())
    }
}

fn trigger(reader: &Reader, row: &Row, c: &TriggerRow) -> Result<Trigger> {
    let (oid, function) = (row.oid(c.oid), row.oid(c.tgfoid));
    let (schema, name) = reader.names.function(function)?;
    let numbers: Vec<i16> = row.value(c.tgattr).unwrap_or_default();
    let transition = !row.is_null(c.tgoldtable) || !row.is_null(c.tgnewtable);
    let arguments: Vec<u8> = row.value(c.tgargs).unwrap_or_default();
    Ok(Trigger {
        name: row.name(c.tgname)?,
        definition: deparse::trigger(oid).unwrap_or_default(),
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

/// Sorted; none for PUBLIC, nor for those that are gone.
fn role_names(oids: &[Oid]) -> Result<Vec<String>> {
    let mut names: Vec<String> = oids
        .iter()
        .filter_map(|oid| catalog_names::role(*oid).transpose())
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}
