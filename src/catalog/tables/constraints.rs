//! The constraints of a table.

use super::{there, Reader};
use crate::catalog::{Constraint, NotNull, References};
use crate::error::Result;
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{system_catalog, Row, SystemCatalog};
use crate::pg::{catalog_names, deparse};
use pgrx::pg_sys::Oid;
use std::collections::HashMap;

system_catalog!(ConstraintRow = 2606 by 2665(conrelid) {
    oid, conname, contype, condeferrable, convalidated, conindid, conparentid, confrelid, confupdtype,
    confdeltype, conislocal, connoinherit, conkey, confkey, confdelsetcols,
});

pub struct Constraints<'a> {
    constraints: SystemCatalog<'a, ConstraintRow>,
}

/// Not-null constraints have names of their own from version 18 on; by the number of their column.
pub type NotNulls = HashMap<i16, NotNull>;

impl<'a> Constraints<'a> {
    pub fn open(read: &'a CatalogRead) -> Result<Self> {
        Ok(Constraints { constraints: SystemCatalog::open(read)? })
    }

    /// Each with the index that it has, or 0.
    pub fn of_table(
        &self,
        reader: &Reader,
        table: Oid,
    ) -> Result<(Vec<(Oid, Constraint)>, NotNulls)> {
        let (mut found, mut not_nulls) = (Vec::new(), HashMap::new());
        self.constraints.each(&[table], |row, c| {
            match row.char(c.contype).as_str() {
                "n" => {
                    let not_null = NotNull {
                        name: row.name(c.conname)?,
                        is_local: row.flag(c.conislocal),
                        no_inherit: row.flag(c.connoinherit),
                    };
                    not_nulls.extend(row.numbers(c.conkey).first().map(|n| (*n, not_null)));
                }
                "c" | "f" | "p" | "u" | "x" => {
                    found.push((row.oid(c.conindid), self.constraint(reader, table, row, c)?));
                }
                _ => {}
            }
            Ok(())
        })?;
        found.sort_by(|(_, a): &(Oid, Constraint), (_, b)| a.name.cmp(&b.name));
        Ok((found, not_nulls))
    }

    fn constraint(
        &self,
        reader: &Reader,
        table: Oid,
        row: &Row,
        c: &ConstraintRow,
    ) -> Result<Constraint> {
        let (oid, kind) = (row.oid(c.oid), row.char(c.contype));
        let references = match kind.as_str() {
            "f" => self.references(reader, table, row, c)?,
            _ => None,
        };
        Ok(Constraint {
            oid: oid.to_u32(),
            name: row.name(c.conname)?,
            definition: there(deparse::constraint(oid), table)?,
            is_local: row.flag(c.conislocal),
            inherited: row.oid(c.conparentid) != Oid::INVALID,
            columns: column_names(table, &row.numbers(c.conkey))?,
            deferrable: row.flag(c.condeferrable),
            validated: row.flag(c.convalidated),
            references,
            comment: reader.comment::<ConstraintRow>(oid)?,
            kind,
        })
    }

    fn references(
        &self,
        reader: &Reader,
        table: Oid,
        row: &Row,
        c: &ConstraintRow,
    ) -> Result<Option<References>> {
        let oid = row.oid(c.confrelid);
        let Some(forced) = catalog_names::forced(oid) else { return Ok(None) };
        let mut found = References {
            oid: oid.to_u32(),
            columns: column_names(oid, &row.numbers(c.confkey))?,
            on_delete: row.char(c.confdeltype),
            on_update: row.char(c.confupdtype),
            forced,
            ..References::default()
        };
        let named = there(reader.named(oid)?, oid)?;
        (found.schema, found.name) = (named.schema, named.name);
        if reader.whole {
            let from = match row.numbers(c.confdelsetcols) {
                some if !some.is_empty() => some,
                _ => row.numbers(c.conkey),
            };
            found.from_columns = column_names(table, &from)?;
            found.all_columns = reader.columns.names(oid)?;
            found.keys = self.unique_keys(oid)?;
        }
        Ok(Some(found))
    }

    /// The columns of each key that a foreign key can mean.
    fn unique_keys(&self, table: Oid) -> Result<Vec<Vec<String>>> {
        let keys = self.constraints.all(&[table], |row, c| {
            let is_key = matches!(row.char(c.contype).as_str(), "p" | "u");
            (is_key && !row.flag(c.condeferrable))
                .then(|| column_names(table, &row.numbers(c.conkey)))
                .transpose()
        })?;
        Ok(keys.into_iter().flatten().collect())
    }
}

/// Without what is no column.
pub fn column_names(table: Oid, numbers: &[i16]) -> Result<Vec<String>> {
    let columns = numbers.iter().filter(|number| **number != 0);
    columns.map(|number| there(catalog_names::column(table, *number)?, table)).collect()
}
