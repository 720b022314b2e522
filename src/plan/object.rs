//! What a step touches: enough to find it in the catalog again, to name it in a message, and to
//! tell whether somebody altered it.

use crate::error::Result;
use crate::pg::owned::{self, Owned};
use crate::pg::{ident, planned, query};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    ClaimSource,
    Column,
    /// What classify was told of a column.
    ColumnClass,
    Constraint,
    /// Rows that were copied; nothing that undo could compare.
    Data,
    /// A registered place that tenants live in.
    Destination,
    /// At which of them a tenant is.
    DestinationAssignment,
    /// What enforce watches in a schema.
    Enforcement,
    Index,
    Membership,
    /// A line of a plan that only tells.
    NotCarried,
    Policy,
    /// The session's path while the plan runs; nothing in the catalog.
    Path,
    /// How protect_table was asked to protect a table.
    /// Owners, grants, labels and the like of what is in a schema, by the schema.
    Privileges,
    Protection,
    Role,
    /// A function, procedure or aggregate, with all that share its name.
    Routine,
    /// What a role of the application may do.
    RolePermissions,
    RowSecurity,
    Schema,
    /// An operator, cast, collation and the like, which goes by its name alone.
    SchemaObject,
    Sequence,
    Table,
    TableGrants,
    SchemaGrants,
    TenantSchema,
    /// The registered query of a summary.
    TenantSummary,
    Trigger,
    Type,
    /// Materialized or not.
    View,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    pub kind: Kind,
    pub schema: String,
    /// The table that a policy, trigger or constraint belongs to; empty for the rest.
    pub table: String,
    /// Empty where the schema or the table itself is meant.
    pub name: String,
}

impl Object {
    #[must_use]
    pub fn in_table(kind: Kind, schema: &str, table: &str, name: &str) -> Self {
        Object { kind, schema: schema.into(), table: table.into(), name: name.into() }
    }

    #[must_use]
    pub fn table(kind: Kind, schema: &str, table: &str) -> Self {
        Self::in_table(kind, schema, table, "")
    }

    #[must_use]
    pub fn in_schema(kind: Kind, schema: &str, name: &str) -> Self {
        Self::in_table(kind, schema, "", name)
    }

    #[must_use]
    pub fn schema(kind: Kind, schema: &str) -> Self {
        Self::in_table(kind, schema, "", "")
    }

    #[must_use]
    pub fn global(kind: Kind, name: &str) -> Self {
        Self::in_table(kind, "", "", name)
    }

    /// The object as a message names it.
    #[must_use]
    pub fn describe(&self) -> String {
        let table = || ident::qualified(&self.schema, &self.table);
        let name = || ident::quote(&self.name);
        let within = || ident::qualified(&self.schema, &self.name);
        match self.kind {
            Kind::ClaimSource => format!("the claim source \"{}\"", self.name),
            Kind::Column => format!("column {} of table {}", name(), table()),
            Kind::ColumnClass => format!("the class of column {} of table {}", name(), table()),
            Kind::Constraint => format!("constraint {} of table {}", name(), table()),
            Kind::Data => format!("the rows of table {}", table()),
            Kind::Destination => format!("destination \"{}\"", self.name),
            Kind::DestinationAssignment => format!("where tenant \"{}\" is", self.name),
            Kind::Enforcement => {
                format!("what is enforced in schema {}", ident::quote(&self.schema))
            }
            Kind::Index => format!("index {}", within()),
            Kind::Membership => "the registered membership table".into(),
            Kind::NotCarried => {
                format!("what is not carried to schema {}", ident::quote(&self.schema))
            }
            Kind::Policy => format!("policy {} of table {}", name(), table()),
            Kind::Path => format!("the search path for schema {}", ident::quote(&self.schema)),
            Kind::Protection => format!("the registered protection of table {}", table()),
            Kind::Privileges => format!("the privileges in schema {}", ident::quote(&self.schema)),
            Kind::Role => format!("role {}", name()),
            Kind::Routine => format!("function {}", within()),
            Kind::RolePermissions => format!("what the role \"{}\" may do", self.name),
            Kind::RowSecurity => format!("row-level security of table {}", table()),
            Kind::Schema => format!("schema {}", ident::quote(&self.schema)),
            Kind::SchemaObject => within(),
            Kind::Sequence => format!("sequence {}", within()),
            Kind::Table => format!("table {}", table()),
            Kind::TableGrants => format!("grants on {}", table()),
            Kind::SchemaGrants => format!("grants on schema {}", ident::quote(&self.schema)),
            Kind::TenantSchema => {
                format!("the registration of tenant schema {}", ident::quote(&self.schema))
            }
            Kind::TenantSummary => format!("the registered query of summary {}", table()),
            Kind::Trigger => format!("trigger {} of table {}", name(), table()),
            Kind::Type => format!("type {}", within()),
            Kind::View => format!("view {}", table()),
        }
    }

    /// The query of the object's definition: $1 schema, $2 table, $3 name; None where the catalog has nothing.
    fn state_query(kind: Kind) -> Option<&'static str> {
        Some(match kind {
            Kind::ClaimSource => include_str!("state/claim_source.sql"),
            Kind::Column => include_str!("state/column.sql"),
            Kind::ColumnClass => include_str!("state/column_class.sql"),
            Kind::Constraint => include_str!("state/constraint.sql"),
            Kind::Destination => include_str!("state/destination.sql"),
            Kind::DestinationAssignment => include_str!("state/destination_assignment.sql"),
            Kind::Enforcement => include_str!("state/enforcement.sql"),
            Kind::Index => include_str!("state/index.sql"),
            Kind::Membership => include_str!("state/membership.sql"),
            Kind::Policy => include_str!("state/policy.sql"),
            Kind::Path | Kind::Data | Kind::NotCarried | Kind::Privileges | Kind::SchemaObject => {
                return None
            }
            Kind::Protection => include_str!("state/protection.sql"),
            Kind::Role => include_str!("state/role.sql"),
            Kind::Routine => include_str!("state/routine.sql"),
            Kind::RolePermissions => include_str!("state/role_permissions.sql"),
            Kind::RowSecurity => include_str!("state/row_security.sql"),
            Kind::Schema => include_str!("state/schema.sql"),
            Kind::Sequence => include_str!("state/sequence.sql"),
            Kind::Table => include_str!("state/table.sql"),
            Kind::TableGrants => include_str!("state/table_grants.sql"),
            Kind::SchemaGrants => include_str!("state/schema_grants.sql"),
            Kind::TenantSchema => include_str!("state/tenant_schema.sql"),
            Kind::TenantSummary => include_str!("state/tenant_summary.sql"),
            Kind::Trigger => include_str!("state/trigger.sql"),
            Kind::Type => include_str!("state/type.sql"),
            Kind::View => include_str!("state/view.sql"),
        })
    }

    /// The object, or what it is in: a policy, trigger, column or constraint is its table's, a routine its schema's.
    /// None where there is no such thing, or it is nobody's.
    pub fn owned(&self) -> Result<Option<Owned>> {
        match self.kind {
            Kind::Schema
            | Kind::SchemaGrants
            | Kind::TenantSchema
            | Kind::Path
            | Kind::Enforcement
            | Kind::Routine
            | Kind::SchemaObject
            | Kind::Privileges
            | Kind::NotCarried
            | Kind::Data => owned::schema(&self.schema),
            Kind::Membership
            | Kind::Role
            | Kind::ClaimSource
            | Kind::RolePermissions
            | Kind::Destination
            | Kind::DestinationAssignment => Ok(None),
            Kind::Type => owned::r#type(&self.schema, &self.name),
            Kind::Column
            | Kind::ColumnClass
            | Kind::Constraint
            | Kind::Index
            | Kind::Policy
            | Kind::Protection
            | Kind::RowSecurity
            | Kind::Sequence
            | Kind::Table
            | Kind::TableGrants
            | Kind::TenantSummary
            | Kind::Trigger
            | Kind::View => {
                let relation = if self.table.is_empty() { &self.name } else { &self.table };
                owned::relation(&self.schema, relation)
            }
        }
    }

    /// The kind's word in the journal.
    #[must_use]
    pub fn kind_name(&self) -> String {
        serde_json::to_value(self.kind)
            .ok()
            .and_then(|v| v.as_str().map(str::to_string))
            .unwrap_or_default()
    }

    /// The kind that the journal's word stands for.
    pub fn kind_from(name: &str) -> Result<Kind> {
        Ok(serde_json::from_value(serde_json::Value::String(name.to_string()))?)
    }
}

/// Which of the objects are told by the state of their table, which is among them: the parts of it that go with it.
#[must_use]
pub fn told_by_tables(objects: &[&Object], parts: &[bool]) -> Vec<bool> {
    let tables = objects.iter().filter(|o| o.kind == Kind::Table);
    let tables: HashSet<(&str, &str)> =
        tables.map(|o| (o.schema.as_str(), o.table.as_str())).collect();
    let told = |(o, part): (&&Object, &bool)| {
        *part
            && matches!(
                o.kind,
                Kind::Constraint | Kind::Index | Kind::Policy | Kind::RowSecurity | Kind::Trigger
            )
            && tables.contains(&(o.schema.as_str(), o.table.as_str()))
    };
    objects.iter().zip(parts).map(told).collect()
}

/// The objects' definitions as the catalog has them, in their order; None where there is no such object, and where
/// `told` says that its table tells. One query a kind: a plan may touch thousands.
pub fn states(objects: &[&Object], told: &[bool]) -> Result<Vec<Option<String>>> {
    let mut states = vec![None; objects.len()];
    let asked: Vec<usize> = (0..objects.len()).filter(|i| !told[*i]).collect();
    let kinds: BTreeSet<String> = asked.iter().map(|i| objects[*i].kind_name()).collect();
    for name in kinds {
        let kind = Object::kind_from(&name)?;
        let Some(state) = Object::state_query(kind) else { continue };
        let places: Vec<usize> =
            asked.iter().copied().filter(|i| objects[*i].kind == kind).collect();
        // Many steps of a plan may touch one object: it is asked for once.
        let mut numbers = HashMap::new();
        let mut distinct: Vec<&Object> = Vec::new();
        let number_of: Vec<usize> = places
            .iter()
            .map(|i| {
                *numbers.entry(objects[*i]).or_insert_with(|| {
                    distinct.push(objects[*i]);
                    distinct.len() - 1
                })
            })
            .collect();
        let column = |part: fn(&Object) -> &String| {
            distinct.iter().map(|o| part(o).clone()).collect::<Vec<String>>()
        };
        let state = ["o.s", "o.t", "o.n"]
            .iter()
            .zip(1..)
            .fold(state.to_string(), |sql, (name, i)| sql.replace(&format!("${i}"), name));
        let sql = format!(
            "SELECT pg_catalog.json_agg(({state}\n) ORDER BY o.ord)::pg_catalog.text
             FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3))
                  WITH ORDINALITY o(s, t, n, ord)"
        );
        let args =
            [column(|o| &o.schema).into(), column(|o| &o.table).into(), column(|o| &o.name).into()];
        let found: Vec<Option<String>> =
            planned::model(query::PINNED, &sql, &args)?.unwrap_or_default();
        for (place, number) in places.into_iter().zip(number_of) {
            states[place] = found.get(number).cloned().flatten();
        }
    }
    Ok(states)
}
