//! The questions asked of the registered tables.

use super::{condition, Column, Membership, Organizations, Projects, RoleColumn};
use crate::error::Result;
use crate::pg::{ident, kept, user};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::spi::SpiTupleTable;

/// Of a user with more memberships, in a table without an index for the organization too, the executor
/// finds the one faster.
const MOST_TO_PICK_FROM: usize = 1_000;

/// One row's answer.
pub struct Row {
    /// As the table spells it.
    pub organization: String,
    pub roles: Vec<String>,
}

impl Membership {
    /// The user's memberships; at most `limit` rows.
    pub fn all(&self, user: &str, limit: Option<usize>) -> Result<Vec<Row>> {
        if let Some(rows) = self.read(user, None, limit.unwrap_or(usize::MAX)) {
            return Ok(rows);
        }
        let limit = limit.map(|n| format!(" LIMIT {n}")).unwrap_or_default();
        self.ask(user, None, &limit)
    }

    /// The same without SPI; None where the table is none for that.
    fn read(&self, user: &str, organization: Option<&str>, limit: usize) -> Option<Vec<Row>> {
        let indexed = self.indexed.0.as_ref()?;
        let ids: Vec<&str> = match organization {
            Some(organization) if indexed.keys.len() > 1 => vec![user, organization],
            _ => vec![user],
        };
        let picked_out = organization.is_some() && ids.len() < 2;
        let limit = if picked_out { MOST_TO_PICK_FROM + 1 } else { limit };
        let rows = indexed.rows(&ids, limit)?;
        if picked_out && rows.len() > MOST_TO_PICK_FROM {
            return None;
        }
        let row = |mut columns: Vec<Option<String>>| {
            let role = if columns.len() > 1 { columns.pop().flatten() } else { None };
            let organization = columns.pop().flatten()?;
            Some(Row { organization, roles: role.into_iter().collect() })
        };
        let found = rows.into_iter().filter_map(row);
        Some(match organization {
            // Where the index does not have it, it is picked out here.
            Some(wanted) if picked_out => {
                found.filter(|row| self.org.r#type.same(&row.organization, wanted)).collect()
            }
            _ => found.collect(),
        })
    }

    /// The user's membership in the organization: no row for no member.
    pub fn one(&self, user: &str, organization: &str) -> Result<Vec<Row>> {
        if let Some(rows) = self.read(user, Some(organization), usize::MAX) {
            return Ok(rows);
        }
        match self.org.r#type.bind(organization) {
            Some(organization) => self.ask(user, Some(organization), ""),
            None => Ok(Vec::new()),
        }
    }

    fn ask(&self, user: &str, org: Option<DatumWithOid>, tail: &str) -> Result<Vec<Row>> {
        let Some(user) = self.user.r#type.bind(user) else {
            return Ok(Vec::new()); // an id that the column's type cannot hold is nobody's
        };
        let roles = match &self.role {
            Some(RoleColumn { column, array: true }) => {
                format!("m.{}::text[]", ident::quote(column))
            }
            Some(RoleColumn { column, array: false }) => {
                format!("ARRAY[m.{}::text]", ident::quote(column))
            }
            None => "NULL::text[]".into(),
        };
        let mut sql = format!(
            "SELECT m.{}::text, {roles} FROM {} m WHERE m.{} OPERATOR(pg_catalog.=) $1",
            ident::quote(&self.org.column),
            self.user.relation(),
            ident::quote(&self.user.column),
        );
        if org.is_some() {
            let column = ident::quote(&self.org.column);
            sql.push_str(&format!(" AND m.{column} OPERATOR(pg_catalog.=) $2"));
        }
        if let Some(active) = &self.active {
            sql.push_str(&format!(" AND {}", condition(active)));
        }
        sql.push_str(tail);
        let args: Vec<DatumWithOid> = [Some(user), org].into_iter().flatten().collect();
        let read = |row: &mut SpiTupleTable| {
            let roles = row.get::<Vec<Option<String>>>(2)?.unwrap_or_default();
            let roles = roles.into_iter().flatten().collect();
            Ok(row.get::<String>(1)?.map(|organization| Row { organization, roles }))
        };
        let owner = pg_sys::Oid::from(self.user.owner);
        let found = user::as_table_owner(owner, || match self.active {
            Some(_) => kept::rows_plainly(&sql, &args, read),
            None => kept::rows(&sql, &args, read),
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Those of the organizations that are active, as their table spells them; all, where none is
    /// registered.
    pub fn active_among(&self, organizations: Vec<String>) -> Result<Vec<String>> {
        let (id, status) = match &self.organizations {
            None => return Ok(organizations),
            Some(Organizations::Gone) => return Ok(Vec::new()),
            Some(Organizations::Table { id, status }) => (id, status),
        };
        let mut sql = format!(
            "SELECT o.{0}::text FROM {1} o WHERE o.{0} OPERATOR(pg_catalog.=) ANY ($1)",
            ident::quote(&id.column),
            id.relation(),
        );
        let mut args: Vec<DatumWithOid> = vec![id.r#type.bind_all(&organizations)];
        if let Some((column, active)) = status {
            sql.push_str(&format!(
                " AND o.{}::text OPERATOR(pg_catalog.=) ANY ($2)",
                ident::quote(column)
            ));
            args.push(active.clone().into());
        }
        let found = id.ask(&sql, &args, |row| Ok(row.get::<String>(1)?))?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Projects {
    /// The organization of a project and the project's id, both as the table spells them.
    pub fn organization_of(&self, project: &str) -> Result<Option<(String, String)>> {
        let Projects::Table { project: id, org } = self else {
            return Ok(None);
        };
        let Some(project) = id.r#type.bind(project) else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT p.{}::text, p.{1}::text FROM {2} p WHERE p.{1} OPERATOR(pg_catalog.=) $1",
            ident::quote(&org.column),
            ident::quote(&id.column),
            id.relation(),
        );
        let found =
            id.ask(&sql, &[project], |row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)))?;
        Ok(found.into_iter().flatten().next())
    }
}

impl Column {
    fn ask<T>(
        &self,
        sql: &str,
        args: &[DatumWithOid],
        row: impl FnMut(&mut SpiTupleTable) -> Result<T>,
    ) -> Result<Vec<T>> {
        user::as_table_owner(pg_sys::Oid::from(self.owner), || kept::rows(sql, args, row))
    }
}
