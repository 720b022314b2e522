//! What queries tell of tables beside what is read of each: extras.sql and surroundings.sql, field for field.

use super::ReadTable;
use crate::catalog::{
    ExtendedStatistics, Named, Privilege, Referrer, Rule, Table, UsedSequence, View,
};
use serde::Deserialize;
use std::collections::HashMap;

/// What a query tells of one table.
#[derive(Deserialize)]
pub struct Of<T> {
    oid: u32,
    #[serde(flatten)]
    told: T,
}

/// What few tables have.
#[derive(Deserialize)]
pub struct Extras {
    privileges: Vec<Privilege>,
    rules: Vec<Rule>,
    extended_statistics: Vec<ExtendedStatistics>,
}

/// What lies around a table.
#[derive(Deserialize)]
pub struct Surroundings {
    partition_columns: Vec<String>,
    open_parents: Vec<Named>,
    may_have_rows: bool,
    referenced_by: Vec<Referrer>,
    views: Vec<View>,
    publications: Vec<String>,
    sequences: Vec<UsedSequence>,
}

impl Extras {
    pub fn add_to(self, table: &mut Table) {
        table.privileges = self.privileges;
        table.rules = self.rules;
        table.extended_statistics = self.extended_statistics;
    }
}

impl Surroundings {
    pub fn add_to(self, table: &mut Table) {
        table.partition_columns = self.partition_columns;
        table.open_parents = self.open_parents;
        table.may_have_rows = self.may_have_rows;
        table.referenced_by = self.referenced_by;
        table.views = self.views;
        table.publications = self.publications;
        table.sequences = self.sequences;
    }
}

/// Adds what was told to the tables that were asked about. One that nothing was told of is gone since it was read.
pub fn add<T>(
    tables: &mut Vec<ReadTable>,
    asked: impl Fn(&ReadTable) -> bool,
    told: Vec<Of<T>>,
    add_to: impl Fn(T, &mut Table),
) {
    let mut told: HashMap<u32, T> = told.into_iter().map(|of| (of.oid, of.told)).collect();
    tables.retain_mut(|read| {
        let of_it = told.remove(&read.table.oid);
        let there = of_it.is_some() || !asked(read);
        if let Some(told) = of_it {
            add_to(told, &mut read.table);
        }
        there
    });
}
