//! Reading tables. What makes a table what it is comes from PostgreSQL's catalogs and its own deparsers, one table
//! after the other; what few tables have, and what lies around them, comes by a query for all of them.
//!
//! Names that the search path shows come out unqualified in deparsed text, all others qualified: the caller chooses
//! the path, and with it whether the text is position-independent.

mod by_query;
mod columns;
mod constraints;
mod indexes;
mod policies;
mod triggers;

use self::by_query::{Extras, Of, Surroundings};
use super::model::Named;
use super::table::Table;
use crate::error::{Error, Result};
use crate::pg::catalog_names::{self, Names};
use crate::pg::query::CatalogRead;
use crate::pg::system_catalog::{in_passing_memory, system_catalog, Columns, Row, SystemCatalog};
use crate::pg::{deparse, planned, query, relation, user};
use pgrx::pg_sys::Oid;
use serde::de::DeserializeOwned;
use std::collections::HashSet;

system_catalog!(Class = 1259 by 2662(oid) {
    relname, relnamespace, relowner, relam, reltablespace, reltoastrelid, relpersistence, relkind, relhasrules,
    relrowsecurity, relforcerowsecurity, relispopulated, relreplident, relispartition, reloftype, relacl, reloptions,
    relpartbound,
});
system_catalog!(Inherits = 2611 by 2680(inhrelid) { inhparent });
system_catalog!(Statistics = 3381 by 3379(stxrelid) {});
system_catalog!(Description = 2609 by 2675(objoid, classoid) { objsubid, description });

/// The catalogs that every part of a table is looked for in.
struct Reader<'a> {
    /// Whether all is wanted that the planners of policies want to know, and not only what a table is made of.
    whole: bool,
    names: Names,
    class: SystemCatalog<'a, Class>,
    inherits: SystemCatalog<'a, Inherits>,
    descriptions: SystemCatalog<'a, Description>,
    columns: columns::AllColumns<'a>,
    constraints: constraints::Constraints<'a>,
    indexes: indexes::Indexes<'a>,
    policies: policies::Policies<'a>,
    triggers: triggers::Triggers<'a>,
    statistics: SystemCatalog<'a, Statistics>,
}

/// The relations in this order, each once, without those that are gone, deparsed under `path`; where `whole` is false,
/// what makes them what they are, and not what lies around them: all that a clone needs.
pub fn read(path: &str, oids: &[Oid], whole: bool) -> Result<Vec<Table>> {
    let mut seen = HashSet::new();
    let oids: Vec<Oid> = oids.iter().copied().filter(|oid| seen.insert(*oid)).collect();
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tables = {
        let read = query::catalog_read(path);
        let reader = Reader::open(&read, whole)?;
        let mut tables = Vec::with_capacity(oids.len());
        for oid in &oids {
            pgrx::check_for_interrupts!();
            tables.extend(in_passing_memory(|| reader.table(*oid))?);
        }
        tables
    };
    let extras = tables.iter().filter(|read| read.extras).map(|read| Oid::from(read.table.oid));
    let few = told(path, include_str!("extras.sql"), extras.collect())?;
    by_query::add(&mut tables, |read| read.extras, few, Extras::add_to);
    if whole {
        let around = told(path, include_str!("surroundings.sql"), oids)?;
        by_query::add(&mut tables, |_| true, around, Surroundings::add_to);
    }
    Ok(tables.into_iter().map(|read| read.table).collect())
}

/// What a query tells of tables, if there are any.
fn told<T: DeserializeOwned>(path: &str, sql: &str, oids: Vec<Oid>) -> Result<Vec<Of<T>>> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(planned::model(path, sql, &[oids.into()])?.unwrap_or_default())
}

/// What the server tells of a part of a relation, which has to be there: it was found in its catalog.
fn there<T>(found: Option<T>, relation: Oid) -> Result<T> {
    let object = || format!("the relation with OID {}", relation.to_u32());
    found.ok_or_else(|| Error::ChangedWhileRead { object: object() })
}

/// A table, and whether it has what extras.sql tells.
struct ReadTable {
    table: Table,
    schema: Oid,
    extras: bool,
}

impl<'a> Reader<'a> {
    fn open(read: &'a CatalogRead, whole: bool) -> Result<Self> {
        Ok(Reader {
            whole,
            names: Names::default(),
            class: SystemCatalog::open(read)?,
            inherits: SystemCatalog::open(read)?,
            descriptions: SystemCatalog::open(read)?,
            columns: columns::AllColumns::open(read)?,
            constraints: constraints::Constraints::open(read)?,
            indexes: indexes::Indexes::open(read)?,
            policies: policies::Policies::open(read)?,
            triggers: triggers::Triggers::open(read)?,
            statistics: SystemCatalog::open(read)?,
        })
    }

    fn table(&self, oid: Oid) -> Result<Option<ReadTable>> {
        let Some(mut read) = self.relation(oid)? else { return Ok(None) };
        let comments = self.comments::<Class>(oid)?;
        let comment = |number: i32| {
            comments.iter().find(|(on, _)| *on == number).map(|(_, comment)| comment.clone())
        };
        let table = &mut read.table;
        table.comment = comment(0);
        table.parents = self.parents(oid)?;
        let (constraints, not_nulls) = self.constraints.of_table(self, oid)?;
        let columns = self.columns.of_table(self, oid, read.schema, &not_nulls)?;
        read.extras |= columns.privileges;
        table.indexes = self.indexes.of_table(self, oid, &constraints)?;
        table.constraints = constraints.into_iter().map(|(_, constraint)| constraint).collect();
        table.columns = columns.columns;
        for (number, column) in columns.numbers.iter().zip(&mut table.columns) {
            column.comment = comment(i32::from(*number));
        }
        table.policies = self.policies.of_table(self, oid)?;
        table.triggers = self.triggers.of_table(self, oid)?;
        self.statistics.each(&[oid], |_, _| {
            read.extras = true;
            Ok(())
        })?;
        Ok(Some(read))
    }

    /// The relation's own row.
    fn relation(&self, oid: Oid) -> Result<Option<ReadTable>> {
        let found = self.class.all(&[oid], |row, c| self.class_row(oid, row, c))?;
        Ok(found.into_iter().next())
    }

    fn class_row(&self, oid: Oid, row: &Row, c: &Class) -> Result<ReadTable> {
        let (kind, owner) = (row.char(c.relkind), row.oid(c.relowner));
        let schema = self.names.schema(row.oid(c.relnamespace))?;
        let persistence = row.char(c.relpersistence);
        let own = ["pg_catalog", "information_schema", "pg_toast", "tenant_guard"];
        let system = persistence == "t"
            || own.contains(&schema.as_str())
            || (self.whole && relation::is_of_extension(oid));
        let is_view = matches!(kind.as_str(), "v" | "m");
        let table = Table {
            oid: oid.to_u32(),
            name: row.name(c.relname)?,
            owner: self.names.role(owner)?,
            owned: user::has_rights_of(owner),
            system,
            row_security: row.flag(c.relrowsecurity),
            force_row_security: row.flag(c.relforcerowsecurity),
            is_partition: row.flag(c.relispartition),
            partition_key: (kind == "p")
                .then(|| there(deparse::partition_key(oid), oid))
                .transpose()?,
            partition_bound: row.expression(c.relpartbound, oid)?,
            access_method: self.access_method(row.oid(c.relam))?,
            tablespace: self.tablespace(row.oid(c.reltablespace))?,
            options: row.texts(c.reloptions),
            toast_options: self.options(row.oid(c.reltoastrelid))?,
            of_type: match row.oid(c.reloftype) {
                Oid::INVALID => None,
                of_type => Some(self.names.formatted(of_type, None)?),
            },
            definition: is_view.then(|| there(deparse::view(oid), oid)).transpose()?,
            populated: row.flag(c.relispopulated),
            replica_identity: row.char(c.relreplident),
            schema,
            kind,
            persistence,
            ..Table::default()
        };
        let extras = !row.is_null(c.relacl) || row.flag(c.relhasrules);
        Ok(ReadTable { table, schema: row.oid(c.relnamespace), extras })
    }

    /// None for the one that tables have unless another is named.
    fn access_method(&self, oid: Oid) -> Result<Option<String>> {
        match oid {
            Oid::INVALID => Ok(None),
            oid => Ok(Some(self.names.method(oid)?).filter(|name| name != "heap")),
        }
    }

    /// None for the database's own.
    fn tablespace(&self, oid: Oid) -> Result<Option<String>> {
        match oid {
            Oid::INVALID => Ok(None),
            oid => catalog_names::tablespace(oid),
        }
    }

    fn options(&self, oid: Oid) -> Result<Vec<String>> {
        if oid == Oid::INVALID {
            return Ok(Vec::new());
        }
        let found = self.class.all(&[oid], |row, c| Ok(row.texts(c.reloptions)))?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// What the relation, or index, is under, in order.
    fn parents(&self, oid: Oid) -> Result<Vec<Named>> {
        let found = self.inherits.all(&[oid], |row, c| self.named(row.oid(c.inhparent)))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// None where it is gone.
    fn named(&self, relation: Oid) -> Result<Option<Named>> {
        Ok(self.names.relation(relation)?.map(|(schema, name)| Named { schema, name }))
    }

    /// By the number of the column; 0 is the object itself.
    fn comments<C: Columns>(&self, object: Oid) -> Result<Vec<(i32, String)>> {
        self.descriptions.all(&[object, Oid::from(C::CATALOG)], |row, c| {
            Ok((row.int(c.objsubid), row.text(c.description).unwrap_or_default()))
        })
    }

    /// Of an object that has no columns.
    fn comment<C: Columns>(&self, object: Oid) -> Result<Option<String>> {
        Ok(self.comments::<C>(object)?.into_iter().map(|(_, comment)| comment).next())
    }
}
