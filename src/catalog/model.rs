//! What a table of the model is made of. What queries tell, as in tables/by_query.rs, comes field for field.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Named {
    pub schema: String,
    pub name: String,
}

/// A foreign key on the way from a table to its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ForeignKey {
    pub constraint: String,
    pub from: u32,
    pub to: u32,
    /// The table that it points at.
    pub schema: String,
    pub name: String,
    pub columns: Vec<String>,
    /// The columns there, in the same order.
    pub referenced: Vec<String>,
    /// What compares the two.
    pub operators: Vec<String>,
    /// pg_constraint.confdeltype.
    pub on_delete: String,
    pub on_update: String,
    /// Whether the caller may read the table that it points at.
    pub readable: bool,
    /// Whether that table has the floor of protect_table.
    pub protected: bool,
    /// The tenant column there.
    pub tenant: Option<TenantColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TenantColumn {
    pub name: String,
    pub quoted: String,
    pub r#type: String,
    pub base_type: String,
    pub domain: bool,
    pub fuzzy: bool,
    pub not_null: bool,
}

/// One privilege of one grantee.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Privilege {
    /// A role, or public.
    pub grantee: String,
    pub privilege: String,
    /// Of a column; the whole table's where there is none.
    #[serde(default)]
    pub column: Option<String>,
    pub grantable: bool,
    /// Whether the owner granted it, and so can revoke it.
    pub by_owner: bool,
}

/// A view, or a materialized one, that reads the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct View {
    pub schema: String,
    pub name: String,
    /// pg_class.relkind: v or m.
    pub kind: String,
    pub owned: bool,
    pub security_invoker: bool,
}

/// A sequence that a column owns or takes its default from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UsedSequence {
    pub schema: String,
    pub name: String,
    pub identity: bool,
    pub owned: bool,
    pub privileges: Vec<Privilege>,
}

#[derive(Debug, Clone)]
pub struct NotNull {
    pub name: String,
    pub is_local: bool,
    /// Whether tables that inherit are left alone.
    pub no_inherit: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Column {
    pub name: String,
    /// As the server itself quotes it: how its deparsed expressions spell the column.
    pub quoted: String,
    pub r#type: String,
    /// The type under any domains, without modifiers.
    pub base_type: String,
    /// Whether the type is a domain.
    pub domain: bool,
    /// Whether it, or that of its elements, is of the table's own schema.
    pub own_type: bool,
    pub collation: Option<String>,
    /// Whether two spellings may be equal: its collation is not deterministic.
    pub fuzzy: bool,
    pub not_null: bool,
    /// The constraint that says so, which has a name of its own from version 18 on.
    pub not_null_constraint: Option<NotNull>,
    pub default: Option<String>,
    /// '' or 's' (stored) or 'v' (virtual).
    pub generated: String,
    /// '' or 'a' (always) or 'd' (by default).
    pub identity: String,
    pub is_local: bool,
    /// Set where it differs from the type's.
    pub storage: Option<String>,
    pub compression: Option<String>,
    pub statistics: Option<i32>,
    /// n_distinct and its like.
    pub options: Vec<String>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Constraint {
    pub oid: u32,
    pub name: String,
    /// pg_constraint.contype.
    pub kind: String,
    pub definition: String,
    pub is_local: bool,
    /// Made by PostgreSQL from the parent's.
    pub inherited: bool,
    /// In the constraint's order; none for a CHECK of none.
    pub columns: Vec<String>,
    pub deferrable: bool,
    pub validated: bool,
    /// Of a foreign key.
    pub references: Option<References>,
    pub comment: Option<String>,
}

/// What a foreign key points at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub columns: Vec<String>,
    /// pg_constraint.confdeltype: a, r, c, n or d.
    pub on_delete: String,
    pub on_update: String,
    /// Whether its owner obeys policies there.
    pub forced: bool,
    /// The referring columns that ON DELETE SET NULL and SET DEFAULT are for.
    pub from_columns: Vec<String>,
    /// Every column of the table that it points at.
    pub all_columns: Vec<String>,
    /// The columns of each of its unique keys.
    pub keys: Vec<Vec<String>>,
}

/// A foreign key of a table that points here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Referrer {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub constraint: String,
    pub columns: Vec<String>,
    /// The columns here, in the same order.
    pub referenced: Vec<String>,
    pub on_delete: String,
    pub on_update: String,
}

#[derive(Debug, Clone, Default)]
pub struct Index {
    pub name: String,
    pub definition: String,
    pub method: String,
    /// The constraint that it serves.
    pub constraint: Option<String>,
    pub valid: bool,
    /// Of a partitioned table, where it is not valid until each partition has its own.
    pub partitioned: bool,
    pub options: Vec<String>,
    pub tablespace: Option<String>,
    /// Statistics targets by the number of the column.
    pub statistics: Vec<(i32, i32)>,
    pub partial: bool,
    pub unique: bool,
    pub clustered: bool,
    pub replica_identity: bool,
    /// Key columns in order; None for an expression.
    pub columns: Vec<Option<String>>,
    /// The partitioned index it is attached to.
    pub parent: Option<Named>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub name: String,
    /// ALL, SELECT, INSERT, UPDATE or DELETE.
    pub command: String,
    pub permissive: bool,
    /// Role names; empty for PUBLIC.
    pub roles: Vec<String>,
    pub using: Option<String>,
    pub check: Option<String>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Trigger {
    pub name: String,
    pub definition: String,
    /// pg_trigger.tgenabled: O, D, R or A.
    pub enabled: String,
    /// Cloned by PostgreSQL from the partitioned parent's.
    pub inherited: bool,
    /// FOR EACH ROW, with the rows of the whole statement as a table.
    pub row_with_transition: bool,
    /// Whether it has a WHEN, or is for some columns alone.
    pub conditional: bool,
    pub function: Named,
    /// Whether the caller may make a trigger of the function.
    pub executable: bool,
    /// pg_trigger.tgargs in hex: each argument followed by a zero byte.
    pub arguments_hex: String,
    pub comment: Option<String>,
}

impl Index {
    /// Whether it can be made again as it is.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.valid || self.partitioned
    }
}

impl Trigger {
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let bytes: Vec<u8> = (0..self.arguments_hex.len() / 2)
            .filter_map(|i| u8::from_str_radix(self.arguments_hex.get(2 * i..2 * i + 2)?, 16).ok())
            .collect();
        let mut arguments: Vec<String> =
            bytes.split(|b| *b == 0).map(|a| String::from_utf8_lossy(a).into_owned()).collect();
        arguments.pop(); // after the last zero byte
        arguments
    }
}
