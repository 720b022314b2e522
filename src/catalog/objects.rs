//! Routines, operators and the other objects of a schema: what objects.sql returns, field for field.

use super::model::Named;
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Routine {
    pub oid: u32,
    pub name: String,
    /// As a statement under the schema's path names it: `total(integer, text)`.
    pub identity: String,
    /// What no other of the schema has: its name and the types of what goes in.
    pub signature: String,
    /// pg_proc.prokind: f, p, w or a.
    pub kind: String,
    /// With names and defaults.
    pub arguments: String,
    pub result: Option<String>,
    pub language: String,
    /// pg_proc.provolatile and proparallel.
    pub volatility: String,
    pub parallel: String,
    pub strict: bool,
    pub definer: bool,
    pub leakproof: bool,
    pub cost: String,
    /// Of one that returns a set.
    pub rows: Option<String>,
    pub support: Option<Named>,
    pub transforms: Vec<String>,
    /// `name=value`.
    pub config: Vec<String>,
    pub body: String,
    pub library: Option<String>,
    /// A body in SQL that the catalog understands: RETURN or BEGIN ATOMIC.
    pub atomic: Option<String>,
    pub aggregate: Option<Aggregate>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Aggregate {
    /// pg_aggregate.aggkind: n, o or h.
    pub kind: String,
    pub options: Vec<AggregateFunction>,
    pub state: String,
    pub space: i32,
    pub moving_state: Option<String>,
    pub moving_space: i32,
    pub initial: Option<String>,
    pub moving_initial: Option<String>,
    pub extra: bool,
    pub moving_extra: bool,
    pub modify: String,
    pub moving_modify: String,
    pub sort: Option<Named>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct AggregateFunction {
    /// SFUNC, FINALFUNC, ...
    pub word: String,
    pub schema: String,
    pub name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Operator {
    pub oid: u32,
    pub name: String,
    pub identity: String,
    pub function: Named,
    pub left: Option<String>,
    pub right: String,
    pub commutator: Option<Named>,
    pub negator: Option<Named>,
    pub restrict: Option<Named>,
    pub join: Option<Named>,
    pub hashes: bool,
    pub merges: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Cast {
    pub oid: u32,
    /// `(a AS b)`.
    pub identity: String,
    /// pg_cast.castcontext and castmethod.
    pub context: String,
    pub method: String,
    pub function: Option<Named>,
    pub arguments: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Collation {
    pub oid: u32,
    pub name: String,
    /// pg_collation.collprovider: b, c, i or d.
    pub provider: String,
    pub deterministic: bool,
    pub collate: Option<String>,
    pub ctype: Option<String>,
    pub locale: Option<String>,
    pub rules: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Dictionary {
    pub oid: u32,
    pub name: String,
    pub template: Named,
    pub options: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Configuration {
    pub oid: u32,
    pub name: String,
    pub parser: Named,
    pub mappings: Vec<Mapping>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Mapping {
    pub token: String,
    pub dictionaries: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rule {
    pub name: String,
    pub definition: String,
    /// pg_rewrite.ev_enabled.
    pub enabled: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExtendedStatistics {
    pub schema: String,
    pub name: String,
    /// pg_statistic_ext.stxkind.
    pub kinds: Vec<String>,
    /// Columns and expressions.
    pub columns: String,
    pub expressions: bool,
    /// Whether there is no plain column in it.
    pub single: bool,
    pub target: Option<i32>,
}

/// Who owns an object. `on` and `object` are the words of a statement: FUNCTION, `total(integer)`;
/// the schema itself has no name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Owner {
    pub on: String,
    pub object: String,
    pub owner: String,
    /// Whether the caller may make something that role's.
    pub may: bool,
}

/// How an object's privileges differ from what its kind has by default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ItsPrivilege {
    pub on: String,
    pub object: String,
    /// None for PUBLIC.
    pub grantee: Option<String>,
    pub to_owner: bool,
    pub privilege: String,
    pub grantable: bool,
    /// False for one that the kind has by default and this object has not.
    pub granted: bool,
    pub by_owner: bool,
}

/// Whom the database's default privileges give new objects of the caller's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DefaultGrantee {
    /// pg_default_acl.defaclobjtype: r, S, f, T or n.
    pub kind: String,
    pub grantee: Option<String>,
}

/// A default privilege in the schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DefaultPrivilege {
    /// For what this role makes.
    pub role: String,
    pub kind: String,
    pub grantee: Option<String>,
    pub privilege: String,
    pub grantable: bool,
    /// Whether the caller has the role's rights.
    pub may: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    pub on: String,
    pub object: String,
    pub text: String,
}

/// `ALTER ... DEPENDS ON EXTENSION`.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependent {
    pub on: String,
    pub object: String,
    pub extension: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    pub on: String,
    pub object: String,
    pub provider: String,
    pub label: String,
}

/// A table, or where there is none the whole schema, in a publication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Published {
    pub publication: String,
    pub table: Option<String>,
    pub columns: Option<Vec<String>>,
    pub filter: Option<String>,
    /// Whether the caller has the rights of the publication's owner.
    pub may: bool,
}

/// The table and the column of `"a.b".c`.
#[must_use]
pub fn split_names(object: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let dot = object.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == '.' && !quoted).then_some(at)
    })?;
    Some((&object[..dot], &object[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_columns_name_is_what_follows_the_dot_outside_quotes() {
        assert_eq!(split_names("\"a.b\"\"c\".\"d.e\""), Some(("\"a.b\"\"c\"", "\"d.e\"")));
        assert_eq!(split_names("t.c"), Some(("t", "c")));
    }
}
