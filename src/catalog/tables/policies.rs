//! The policies of a table.

use super::Reader;
use crate::catalog::Policy;
use crate::error::Result;
use crate::pg::catalog_names;
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{system_catalog, SystemCatalog};
use pgrx::pg_sys::Oid;

system_catalog!(PolicyRow = 3256 by 3258(polrelid) {
    oid, polname, polcmd, polpermissive, polroles, polqual, polwithcheck,
});

pub struct Policies<'a> {
    policies: SystemCatalog<'a, PolicyRow>,
}

impl<'a> Policies<'a> {
    pub fn open(read: &'a CatalogRead) -> Result<Self> {
        Ok(Policies { policies: SystemCatalog::open(read)? })
    }

    pub fn of_table(&self, reader: &Reader, table: Oid) -> Result<Vec<Policy>> {
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
                roles: role_names(&row.oids(c.polroles))?,
                using: row.expression(c.polqual, table)?,
                check: row.expression(c.polwithcheck, table)?,
                comment: reader.comment::<PolicyRow>(row.oid(c.oid))?,
            })
        })
    }
}

/// Sorted; none for PUBLIC, nor for those that are gone.
fn role_names(oids: &[Oid]) -> Result<Vec<String>> {
    let mut names: Vec<String> = oids
        .iter()
        .filter_map(|oid| catalog_names::role(*oid).transpose())
        .collect::<Result<_>>()?;
    names.sort();
    names.dedup(); // TO app, app
    Ok(names)
}
