//! The indexes of a table.

use super::constraints::column_names;
use super::{there, Class, Reader};
use crate::catalog::{Constraint, Index};
use crate::error::Result;
use crate::pg::deparse;
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{system_catalog, Row, SystemCatalog};
use pgrx::pg_sys::Oid;

system_catalog!(IndexRow = 2610 by 2678(indrelid) {
    indexrelid, indnkeyatts, indisunique, indisclustered, indisvalid, indisreplident, indkey, indexprs,
    indpred,
});

pub struct Indexes<'a> {
    indexes: SystemCatalog<'a, IndexRow>,
}

impl<'a> Indexes<'a> {
    pub fn open(read: &'a CatalogRead) -> Result<Self> {
        Ok(Indexes { indexes: SystemCatalog::open(read)? })
    }

    /// Of the table with these constraints, each with its index.
    pub fn of_table(
        &self,
        reader: &Reader,
        table: Oid,
        constraints: &[(Oid, Constraint)],
    ) -> Result<Vec<Index>> {
        let mut found = self.indexes.all(&[table], |row, c| {
            let oid = row.oid(c.indexrelid);
            let constraint = constraints
                .iter()
                .find(|(index, k)| *index == oid && matches!(k.kind.as_str(), "p" | "u" | "x"));
            let mut index = index(reader, table, row, c)?;
            index.constraint = constraint.map(|(_, constraint)| constraint.name.clone());
            Ok(index)
        })?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

fn index(reader: &Reader, table: Oid, row: &Row, c: &IndexRow) -> Result<Index> {
    let oid = row.oid(c.indexrelid);
    let mut index = reader.index_relation(oid)?;
    index.definition = there(deparse::index(oid), table)?;
    index.valid = row.flag(c.indisvalid);
    if !row.is_null(c.indexprs) {
        index.statistics = reader.columns.statistics(oid)?;
    }
    index.partial = !row.is_null(c.indpred);
    index.unique = row.flag(c.indisunique);
    index.clustered = row.flag(c.indisclustered);
    index.replica_identity = row.flag(c.indisreplident);
    let numbers: Vec<i16> = row.numbers(c.indkey);
    let keys = numbers.iter().take(row.short(c.indnkeyatts) as usize);
    index.columns = keys
        .map(|number| Ok(column_names(table, &[*number])?.into_iter().next()))
        .collect::<Result<_>>()?;
    index.comment = reader.comment::<Class>(oid)?;
    Ok(index)
}

impl Reader<'_> {
    /// What pg_class tells of an index.
    fn index_relation(&self, oid: Oid) -> Result<Index> {
        let found = self.class.all(&[oid], |row, c| {
            let under = row.flag(c.relispartition);
            Ok(Index {
                name: row.name(c.relname)?,
                method: self.names.method(row.oid(c.relam))?,
                partitioned: row.char(c.relkind) == "I",
                options: row.texts(c.reloptions),
                tablespace: self.tablespace(row.oid(c.reltablespace))?,
                parent: if under { self.parents(oid)?.into_iter().next() } else { None },
                ..Index::default()
            })
        })?;
        there(found.into_iter().next(), oid)
    }
}
