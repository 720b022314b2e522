//! The model of a schema: what schema.sql, objects.sql, classes.sql and edges.sql return, field for field.

use super::classes::Classes;
use super::model::Named;
use super::objects::{
    Cast, Collation, Comment, Configuration, DefaultGrantee, DefaultPrivilege, Dependent,
    Dictionary, ItsPrivilege, Label, Operator, Owner, Published, Routine,
};
use super::table::Table;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Sequence {
    #[serde(default)]
    pub oid: u32,
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
    #[serde(default)]
    pub oid: u32,
    pub name: String,
    /// pg_type.typtype: e, d, c or r.
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
    #[serde(default)]
    pub range: Option<Range>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Range {
    pub subtype: String,
    pub multirange: String,
    pub class: Option<Named>,
    pub collation: Option<Named>,
    pub canonical: Option<Named>,
    pub difference: Option<Named>,
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

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Schema {
    pub name: String,
    pub owner: String,
    pub comment: Option<String>,
    /// Whether the caller may see what is in it.
    pub usable: bool,
    /// Whether it holds tables, views and sequences alone, and nobody made a cast, which may be of a row type.
    #[serde(skip)]
    pub only_relations: bool,
    /// Whether there is anything that classes.sql could tell.
    #[serde(default)]
    pub has_classes: bool,
    /// The owners, of it or of anything in it, that have not all the rights of the caller.
    pub foreign_owners: Vec<String>,
    /// Enums, domains, composite types and ranges.
    #[serde(default)]
    pub types: Vec<Type>,
    #[serde(skip)]
    pub tables: Vec<Table>,
    /// Views, materialized or not: like tables, with a definition.
    #[serde(skip)]
    pub views: Vec<Table>,
    pub sequences: Vec<Sequence>,
    /// Whatever is in the schema and cannot be made again, as messages name it, with whether
    /// anything that can depends on it.
    pub others: Vec<Other>,
    #[serde(skip)]
    pub objects: Objects,
    #[serde(skip)]
    pub classes: Classes,
    #[serde(skip)]
    pub edges: Vec<Edge>,
}

/// What objects.sql tells.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Objects {
    /// Whether an extension's objects lie in the schema: references to them stay.
    pub has_extension: bool,
    pub routines: Vec<Routine>,
    pub operators: Vec<Operator>,
    pub casts: Vec<Cast>,
    pub collations: Vec<Collation>,
    pub dictionaries: Vec<Dictionary>,
    pub configurations: Vec<Configuration>,
    pub owners: Vec<Owner>,
    pub privileges: Vec<ItsPrivilege>,
    pub default_grantees: Vec<DefaultGrantee>,
    pub default_privileges: Vec<DefaultPrivilege>,
    pub comments: Vec<Comment>,
    pub labels: Vec<Label>,
    pub dependents: Vec<Dependent>,
    pub publications: Vec<Published>,
}

/// The address of an object in the catalog: its catalog's OID and its own.
pub type Address = (u32, u32);

/// The first object, or a part of it, depends on the second.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "(u32, u32, Option<String>, u32, u32)")]
pub struct Edge {
    pub from: Address,
    /// `default <column>`, `check <constraint>`, `query` or `body`: what can be made later than the rest.
    pub part: Option<String>,
    pub to: Address,
}

impl From<(u32, u32, Option<String>, u32, u32)> for Edge {
    fn from((class, oid, part, to_class, to_oid): (u32, u32, Option<String>, u32, u32)) -> Self {
        Edge { from: (class, oid), part, to: (to_class, to_oid) }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Other {
    /// `foreign table "Acme Co".overview`.
    pub object: String,
    /// Whether something of the schema cannot be made without it.
    pub needed: bool,
}
