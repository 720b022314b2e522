//! A table of the model, and what planners ask it.

use super::id_type::{IdType, ID_TYPES};
use super::model::{
    Column, Constraint, Index, Named, Policy, Privilege, Referrer, Trigger, UsedSequence, View,
};
use super::objects::{ExtendedStatistics, Rule};
use crate::error::{Error, Result};
use crate::pg::ident;

#[derive(Debug, Clone, Default)]
pub struct Table {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// pg_class.relkind.
    pub kind: String,
    /// pg_class.relpersistence.
    pub persistence: String,
    pub owner: String,
    /// Whether the caller has the owner's rights.
    pub owned: bool,
    /// In a system schema, temporary, or, where all was asked for, part of an extension.
    pub system: bool,
    /// Privileges of others than the owner, on the table or on one of its columns.
    pub privileges: Vec<Privilege>,
    pub row_security: bool,
    pub force_row_security: bool,
    pub is_partition: bool,
    pub partition_key: Option<String>,
    /// The columns in it, also within expressions.
    pub partition_columns: Vec<String>,
    pub partition_bound: Option<String>,
    /// Inheritance parents and the partitioned table above, in order.
    pub parents: Vec<Named>,
    /// Those of them that are not protected.
    pub open_parents: Vec<Named>,
    pub access_method: Option<String>,
    pub tablespace: Option<String>,
    /// False only where there surely is no row.
    pub may_have_rows: bool,
    pub options: Vec<String>,
    pub toast_options: Vec<String>,
    /// What CREATE TABLE ... OF made it of.
    pub of_type: Option<String>,
    /// The query of a view, materialized or not.
    pub definition: Option<String>,
    /// Of a materialized view.
    pub populated: bool,
    /// pg_class.relreplident: d, n, f or i.
    pub replica_identity: String,
    pub comment: Option<String>,
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    pub referenced_by: Vec<Referrer>,
    pub views: Vec<View>,
    pub publications: Vec<String>,
    pub sequences: Vec<UsedSequence>,
    pub indexes: Vec<Index>,
    pub policies: Vec<Policy>,
    pub triggers: Vec<Trigger>,
    pub rules: Vec<Rule>,
    pub extended_statistics: Vec<ExtendedStatistics>,
}

impl Table {
    #[must_use]
    pub fn qualified(&self) -> String {
        ident::qualified(&self.schema, &self.name)
    }

    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The column, or the error that lists those there are.
    pub fn require_column(&self, name: &str) -> Result<&Column> {
        self.column(name).ok_or_else(|| Error::NoSuchColumn {
            table: self.qualified(),
            column: name.to_string(),
            columns: self.columns.iter().map(|c| c.quoted.clone()).collect(),
        })
    }

    /// A column that holds ids, with their type.
    pub fn require_id_column(&self, name: &str) -> Result<(&Column, IdType)> {
        let column = self.require_column(name)?;
        let refuse = |found: String| Error::WrongColumnType {
            table: self.qualified(),
            column: name.to_string(),
            found,
            wanted: ID_TYPES,
        };
        if column.generated == "v" {
            return Err(refuse(format!("{}, generated and not stored", column.r#type)));
        }
        match IdType::from_sql(&column.base_type) {
            Some(id) => Ok((column, id)),
            None => Err(refuse(column.r#type.clone())),
        }
    }

    /// A column whose ids are told apart by every letter.
    pub fn require_exact_id_column(&self, name: &str) -> Result<(&Column, IdType)> {
        let (column, id) = self.require_id_column(name)?;
        if column.fuzzy {
            return Err(Error::FuzzyColumn { table: self.qualified(), column: name.to_string() });
        }
        Ok((column, id))
    }

    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|p| p.name == name)
    }

    #[must_use]
    pub fn trigger(&self, name: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|t| t.name == name)
    }

    /// Whether a query for one value of the column can use an index as it stands.
    #[must_use]
    pub fn has_index_leading_with(&self, column: &str) -> bool {
        self.has_index_leading_with_all(&[column])
    }

    /// Whether a query for one value of each of the columns can use an index that begins with them.
    #[must_use]
    pub fn has_index_leading_with_all(&self, columns: &[&str]) -> bool {
        self.indexes.iter().any(|i| {
            let lead: Vec<&str> =
                i.columns.iter().take(columns.len()).filter_map(|c| c.as_deref()).collect();
            i.valid
                && !i.partial
                && i.method == "btree"
                && lead.len() == columns.len()
                && columns.iter().all(|c| lead.contains(c))
        })
    }
}
