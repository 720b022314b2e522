//! The model of a schema: what schema.sql returns, field for field.

use super::model::Table;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Sequence {
    pub name: String,
    pub r#type: String,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cache: i64,
    pub cycle: bool,
    pub persistence: String,
    /// The column that owns it.
    pub owned_by: Option<OwnedBy>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OwnedBy {
    pub table: String,
    pub column: String,
    pub identity: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Type {
    pub name: String,
    /// pg_type.typtype: e, d or c.
    pub kind: String,
    /// Of an enum.
    pub labels: Vec<String>,
    /// Of a domain.
    pub base: Option<String>,
    pub collation: Option<String>,
    pub default: Option<String>,
    pub not_null: bool,
    pub constraints: Vec<DomainConstraint>,
    /// Of a composite type.
    pub attributes: Vec<Attribute>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct DomainConstraint {
    pub name: String,
    pub definition: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub r#type: String,
    pub collation: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Schema {
    pub name: String,
    pub owner: String,
    pub comment: Option<String>,
    /// Whether the caller may see what is in it.
    pub usable: bool,
    /// The owners, of it or of anything in it, that have not all the rights of the caller.
    pub foreign_owners: Vec<String>,
    /// Enums, domains and composite types, in the order they were made.
    pub types: Vec<Type>,
    pub tables: Vec<Table>,
    pub sequences: Vec<Sequence>,
    /// Whatever is in the schema and is neither, as messages name it, with what in the schema's
    /// tables, sequences, policies and so on depends on it.
    pub others: Vec<Other>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Other {
    /// `view "Acme Co".overview`.
    pub object: String,
    /// Whether a table of the schema cannot be made without it.
    pub needed: bool,
}
