//! The columns of a table.

use super::constraints::NotNulls;
use super::Reader;
use crate::catalog::Column;
use crate::error::Result;
use crate::pg::catalog_names::quoted;
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{system_catalog, Row, SystemCatalog};
use pgrx::pg_sys::Oid;
use std::collections::HashMap;

system_catalog!(Attribute = 1249 by 2659(attrelid) {
    attname, attnum, atttypid, atttypmod, attcollation, attnotnull, atthasdef, attgenerated, attidentity,
    attislocal, attisdropped, attstorage, attcompression, attstattarget, attacl, attoptions,
});
system_catalog!(Default = 2604 by 2656(adrelid) { adnum, adbin });

pub struct AllColumns<'a> {
    attributes: SystemCatalog<'a, Attribute>,
    defaults: SystemCatalog<'a, Default>,
}

/// What there is of a table's columns.
pub struct OfTable {
    pub columns: Vec<Column>,
    /// Their numbers, in the same order.
    pub numbers: Vec<i16>,
    /// Whether any has privileges of its own.
    pub privileges: bool,
}

impl<'a> AllColumns<'a> {
    pub fn open(read: &'a CatalogRead) -> Result<Self> {
        Ok(AllColumns {
            attributes: SystemCatalog::open(read)?,
            defaults: SystemCatalog::open(read)?,
        })
    }

    pub fn of_table(
        &self,
        reader: &Reader,
        table: Oid,
        schema: Oid,
        not_nulls: &NotNulls,
    ) -> Result<OfTable> {
        let mut found = OfTable { columns: Vec::new(), numbers: Vec::new(), privileges: false };
        let mut any_default = false;
        self.attributes.each(&[table], |row, c| {
            // A system column may be granted too.
            found.privileges |= !row.is_null(c.attacl) && !row.flag(c.attisdropped);
            if row.short(c.attnum) > 0 && !row.flag(c.attisdropped) {
                any_default |= row.flag(c.atthasdef);
                found.numbers.push(row.short(c.attnum));
                found.columns.push(column(reader, row, c, schema, not_nulls)?);
            }
            Ok(())
        })?;
        if any_default {
            let mut defaults = self.defaults(table)?;
            for (number, column) in found.numbers.iter().zip(&mut found.columns) {
                column.default = defaults.remove(number).flatten();
            }
        }
        Ok(found)
    }

    /// Of its columns by their numbers.
    fn defaults(&self, table: Oid) -> Result<HashMap<i16, Option<String>>> {
        let defaults = self
            .defaults
            .all(&[table], |row, c| Ok((row.short(c.adnum), row.expression(c.adbin, table)?)))?;
        Ok(defaults.into_iter().collect())
    }

    /// The names of all columns of a table.
    pub fn names(&self, table: Oid) -> Result<Vec<String>> {
        let names = self.attributes.all(&[table], |row, c| {
            let is_column = row.short(c.attnum) > 0 && !row.flag(c.attisdropped);
            is_column.then(|| row.name(c.attname)).transpose()
        })?;
        Ok(names.into_iter().flatten().collect())
    }

    /// Statistics targets of an index's expressions, by their numbers.
    pub fn statistics(&self, index: Oid) -> Result<Vec<(i32, i32)>> {
        let targets = self.attributes.all(&[index], |row, c| {
            Ok(statistics(row, c).map(|target| (i32::from(row.short(c.attnum)), target)))
        })?;
        Ok(targets.into_iter().flatten().collect())
    }
}

/// NULL from version 17 on, and -1 before, where none is set.
fn statistics(row: &Row, c: &Attribute) -> Option<i32> {
    let target = i32::from(row.short(c.attstattarget));
    (!row.is_null(c.attstattarget) && target >= 0).then_some(target)
}

fn column(
    reader: &Reader,
    row: &Row,
    c: &Attribute,
    schema: Oid,
    not_nulls: &NotNulls,
) -> Result<Column> {
    let names = &reader.names;
    let (type_oid, collation_oid) = (row.oid(c.atttypid), row.oid(c.attcollation));
    let (ty, collation) = (names.r#type(type_oid)?, names.collation(collation_oid)?);
    let name = row.name(c.attname)?;
    let storage = row.char(c.attstorage);
    Ok(Column {
        quoted: quoted(&name)?,
        r#type: names.formatted(type_oid, Some(row.int(c.atttypmod)))?,
        base_type: if reader.whole { names.base(type_oid)? } else { String::new() },
        domain: ty.domain,
        own_type: [ty.schema, ty.element_schema].contains(&schema),
        fuzzy: reader.whole && collation.as_ref().is_some_and(|c| !c.deterministic),
        collation: match collation_oid == ty.collation {
            true => None,
            false => collation.map(|c| c.name.clone()),
        },
        not_null: row.flag(c.attnotnull),
        not_null_constraint: not_nulls.get(&row.short(c.attnum)).cloned(),
        default: None,
        generated: row.char(c.attgenerated),
        identity: row.char(c.attidentity),
        is_local: row.flag(c.attislocal),
        storage: (storage.as_bytes() != [ty.storage]).then(|| {
            let word = match storage.as_str() {
                "p" => "PLAIN",
                "e" => "EXTERNAL",
                "m" => "MAIN",
                _ => "EXTENDED",
            };
            word.to_string()
        }),
        compression: match row.char(c.attcompression).as_str() {
            "p" => Some("pglz".into()),
            "l" => Some("lz4".into()),
            _ => None,
        },
        statistics: statistics(row, c),
        // A server may keep stamps of its own among the options: only those that SET takes.
        options: row
            .texts(c.attoptions)
            .into_iter()
            .filter(|option| option.starts_with("n_distinct"))
            .collect(),
        comment: None,
        name,
    })
}
