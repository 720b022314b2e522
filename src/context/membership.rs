//! The registered membership table, and the questions asked of it.

use super::planner::{self, Registration};
use crate::catalog::{self, IdType};
use crate::error::Result;
use crate::pg::{ident, query, user};
use pgrx::pg_sys;
use serde::Deserialize;

/// What `use_membership` registered, resolved to the table as it is now.
#[derive(Debug, Deserialize)]
pub struct Membership {
    schema: String,
    table: String,
    owner: u32,
    user_column: String,
    user_type: IdType,
    org_column: String,
    role_column: Option<String>,
}

/// None when no table is registered, or the registered one is gone: then nobody is a member.
pub fn registered() -> Result<Option<Membership>> {
    user::as_extension_owner(|| query::model(include_str!("registered.sql"), &[]))
}

/// What is registered, by name, whether or not it still exists.
pub fn registration() -> Result<Option<Registration>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(m)::pg_catalog.text FROM tenant_guard.membership m",
            &[],
        )
    })
}

/// Replaces the registration. The caller must own the table, columns included.
pub fn register(wanted: &Registration) -> Result<()> {
    let table = catalog::table(catalog::table_named(
        &wanted.table_schema,
        &wanted.table_name,
    )?)?;
    planner::register(
        &table,
        &wanted.user_column,
        &wanted.org_column,
        wanted.role_column.as_deref(),
        None,
    )?;
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.membership (table_schema, table_name, user_column, org_column, role_column)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (only_row) DO UPDATE SET table_schema = excluded.table_schema, table_name = excluded.table_name,
               user_column = excluded.user_column, org_column = excluded.org_column, role_column = excluded.role_column",
            &[
                wanted.table_schema.as_str().into(),
                wanted.table_name.as_str().into(),
                wanted.user_column.as_str().into(),
                wanted.org_column.as_str().into(),
                wanted.role_column.as_deref().into(),
            ],
        )
    })
}

pub fn unregister() -> Result<()> {
    user::as_extension_owner(|| query::run("DELETE FROM tenant_guard.membership", &[]))
}

impl Membership {
    /// Every organization of the user, in the table's spelling, sorted.
    pub fn organizations(&self, user: &str) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT DISTINCT m.{}::text FROM {} m WHERE m.{} {} ORDER BY 1",
            ident::quote(&self.org_column),
            self.table(),
            ident::quote(&self.user_column),
            self.user_type.equals_parameter(1),
        );
        Ok(self.ask(&sql, user, None)?.into_iter().flatten().collect())
    }

    /// The user's role in the organization: None for no member, `Some(None)` for a member without one.
    pub fn role(&self, user: &str, organization: &str) -> Result<Option<Option<String>>> {
        let role = match &self.role_column {
            Some(column) => format!("m.{}::text", ident::quote(column)),
            None => "NULL::text".into(),
        };
        let sql = format!(
            "SELECT {role} FROM {} m WHERE m.{} {} AND m.{}::text = $2 ORDER BY 1 LIMIT 1",
            self.table(),
            ident::quote(&self.user_column),
            self.user_type.equals_parameter(1),
            ident::quote(&self.org_column),
        );
        Ok(self.ask(&sql, user, Some(organization))?.into_iter().next())
    }

    fn table(&self) -> String {
        ident::qualified(&self.schema, &self.table)
    }

    /// Looks up as the table's owner, past its policies, with nothing on the search path that
    /// anyone could plant.
    fn ask(
        &self,
        sql: &str,
        user: &str,
        organization: Option<&str>,
    ) -> Result<Vec<Option<String>>> {
        let Some(user) = self.user_type.bind(user) else {
            return Ok(Vec::new()); // an id that the column's type cannot hold is nobody's
        };
        let args = match organization {
            Some(organization) => vec![user, organization.into()],
            None => vec![user],
        };
        user::as_table_owner(pg_sys::Oid::from(self.owner), || {
            query::rows(sql, &args, |row| Ok(row.get::<String>(1)?))
        })
    }
}
