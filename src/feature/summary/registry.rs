//! The registered queries of summaries.

use super::planner::Definition;
use crate::error::{Error, Result};
use crate::pg::relation::Described;
use crate::pg::{ident, query, relation, user};
use pgrx::pg_sys::Oid;
use serde::Deserialize;

/// A table that is, or is to be, a summary, with the caller's right to it checked.
pub struct Owned {
    pub oid: u32,
    pub is: Described,
}

impl Owned {
    /// Refuses what is no table of the caller's.
    pub fn table(oid: u32) -> Result<Self> {
        let is = relation::describe(oid).ok_or(Error::NoSuchTable { oid })?;
        let owned = Owned { oid, is };
        if !user::has_rights_of(owned.is.owner) {
            return Err(Error::NotOwner {
                object: format!("table {}", owned.qualified()),
                owner: user::name_of(owned.is.owner),
                caller: user::current(),
            });
        }
        match relation::other_kind(owned.is.kind) {
            None => Ok(owned),
            Some(kind) => Err(Error::WrongRelationKind {
                relation: owned.qualified(),
                kind,
                wanted: "an ordinary table",
                hint: "Name the table that create_tenant_summary made.".into(),
            }),
        }
    }

    #[must_use]
    pub fn qualified(&self) -> String {
        ident::qualified(&self.is.schema, &self.is.name)
    }

    /// What is registered for it. Another owner's query is none: it would run with this one's rights.
    pub fn definition(&self) -> Result<Definition> {
        let refuse = |why| Err(Error::NotASummary { table: self.qualified(), why });
        match find(self)? {
            None => refuse("No query is registered for it."),
            Some(found) if found.owner != user::name_of(self.is.owner) => refuse(
                "Its query was registered by another owner than the table has now; as the new one, register it again: tenant_guard.register_tenant_summary.",
            ),
            Some(found) => Ok(found.definition()),
        }
    }
}

#[derive(Deserialize)]
struct Found {
    owner: String,
    query: String,
    tenant_column: String,
    key: Vec<String>,
}

impl Found {
    fn definition(self) -> Definition {
        Definition { query: self.query, tenant_column: self.tenant_column, key: self.key }
    }
}

fn find(table: &Owned) -> Result<Option<Found>> {
    user::as_extension_owner(|| {
        query::model(
            include_str!("find.sql"),
            &[
                Oid::from(table.oid).into(),
                table.is.schema.as_str().into(),
                table.is.name.as_str().into(),
            ],
        )
    })
}

/// Takes the place of what was registered before.
pub fn register(table: &Owned, definition: &Definition) -> Result<()> {
    unregister(table)?;
    let owner = user::name_of(table.is.owner);
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.tenant_summary (origin, table_oid, table_schema, table_name, table_owner, query, tenant_column, key)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8::pg_catalog.name[])",
            &[
                relation::origin().into(),
                Oid::from(table.oid).into(),
                table.is.schema.as_str().into(),
                table.is.name.as_str().into(),
                owner.as_str().into(),
                definition.query.as_str().into(),
                definition.tenant_column.as_str().into(),
                definition.key.clone().into(),
            ],
        )
    })
}

pub fn unregister(table: &Owned) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            include_str!("forget.sql"),
            &[
                Oid::from(table.oid).into(),
                table.is.schema.as_str().into(),
                table.is.name.as_str().into(),
            ],
        )
    })
}
