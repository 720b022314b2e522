//! The registered membership table, with those of projects and organizations, and the questions
//! asked of them. Each is read as its owner, past its policies, under the pinned search path.

use super::planner::{self, Registration};
use crate::catalog::{self, IdType};
use crate::error::Result;
use crate::pg::invalidation::{Cached, Subject};
use crate::pg::scan::Indexed;
use crate::pg::{ident, invalidation, kept, query, relation, user};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::spi::SpiTupleTable;
use serde::Deserialize;
use std::collections::HashMap;
use std::rc::Rc;

/// What `use_membership` registered, as it is now.
#[derive(Debug, Clone)]
pub enum Registered {
    No,
    /// A table that was registered and is gone, or no longer fits: nobody is a member of anything.
    Gone,
    Table(Rc<Membership>),
}

#[derive(Debug)]
pub struct Membership {
    user: Column,
    org: Column,
    /// Whether roles come from here, even if their column is gone.
    pub has_roles: bool,
    role: Option<RoleColumn>,
    active: Option<String>,
    /// How the table is read without SPI, where it can be.
    indexed: Option<Indexed>,
    pub projects: Option<Projects>,
    /// None: every organization is active.
    pub organizations: Option<Organizations>,
}

#[derive(Debug)]
pub enum Projects {
    Gone,
    Table { project: Column, org: Column },
}

#[derive(Debug)]
pub enum Organizations {
    Gone,
    Table { id: Column, status: Option<(String, Vec<String>)> },
}

#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    oid: u32,
    schema: String,
    table: String,
    owner: u32,
    column: String,
    r#type: IdType,
    /// Whether two spellings may be equal: its collation says so.
    fuzzy: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct RoleColumn {
    column: String,
    array: bool,
}

/// Of a user with more memberships, in a table without an index for the organization too, the executor
/// finds the one faster.
const MOST_TO_PICK_FROM: usize = 1_000;

/// What registered.sql gives.
#[derive(Debug, Deserialize)]
struct Found {
    columns: HashMap<String, Column>,
    role_named: bool,
    role: Option<RoleColumn>,
    active: Option<String>,
    indexed: Option<Indexed>,
    projects_named: bool,
    organizations_named: bool,
    status_named: bool,
    status_column: Option<String>,
    active_statuses: Vec<String>,
}

impl Found {
    fn resolve(mut self) -> Registered {
        let (Some(user), Some(org)) = (self.columns.remove("user"), self.columns.remove("org"))
        else {
            return Registered::Gone;
        };
        let projects = self.projects_named.then(|| {
            match (self.columns.remove("project"), self.columns.remove("project_org")) {
                (Some(project), Some(org)) => Projects::Table { project, org },
                _ => Projects::Gone,
            }
        });
        let organizations = self.organizations_named.then(|| {
            let status = self.status_column.map(|column| (column, self.active_statuses));
            match self.columns.remove("organization") {
                Some(id) if status.is_some() == self.status_named => {
                    Organizations::Table { id, status }
                }
                _ => Organizations::Gone,
            }
        });
        Registered::Table(Rc::new(Membership {
            user,
            org,
            has_roles: self.role_named,
            role: self.role,
            active: self.active,
            indexed: self.indexed,
            projects,
            organizations,
        }))
    }
}

thread_local! {
    static CACHE: Cached<Registered> = const { Cached::new(Subject::Membership) };
}

/// Changes whenever `registered` may give another answer.
#[must_use]
pub fn generation() -> u64 {
    invalidation::generation(Subject::Membership)
}

/// Read once, and again whenever the registration or one of its tables changes.
pub fn registered() -> Result<Registered> {
    CACHE.with(|cache| {
        cache.get(|| {
            let found: Option<Found> = user::as_extension_owner(|| {
                query::model_here(include_str!("registered.sql"), &[])
            })?;
            let own = relation::own("membership");
            let Some(found) = found else {
                return Ok((Registered::No, Some(own.into_iter().collect())));
            };
            let tables = found.columns.values().map(|c| pg_sys::Oid::from(c.oid));
            let mut watched: Vec<pg_sys::Oid> = own.into_iter().chain(tables).collect();
            watched.dedup();
            let complete = found.columns.len()
                == 2 + 2 * usize::from(found.projects_named)
                    + usize::from(found.organizations_named);
            let resolved = found.resolve();
            // While something is missing, any relation may become it.
            Ok((resolved, complete.then_some(watched)))
        })
    })
}

/// Whether the caller may write the registration that a plan decides on.
pub fn may_register() -> Result<bool> {
    let may = query::value::<bool>(
        "SELECT pg_catalog.has_function_privilege('tenant_guard.register_membership(jsonb)', 'EXECUTE')",
        &[],
    )?;
    Ok(may == Some(true))
}

/// What is registered, by name, whether or not it still exists.
pub fn registration() -> Result<Option<Registration>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT (pg_catalog.to_jsonb(m) - '{only_row,table_owner,project_owner,organization_owner}'::pg_catalog.text[])::pg_catalog.text
             FROM tenant_guard.membership m",
            &[],
        )
    })
}

/// Replaces the registration. The caller must own the tables, columns included.
pub fn register(wanted: &Registration) -> Result<()> {
    let named = |schema: &str, name: &str| catalog::table(catalog::table_named(schema, name)?);
    let membership = named(&wanted.table_schema, &wanted.table_name)?;
    let projects = match (&wanted.project_schema, &wanted.project_table) {
        (Some(schema), Some(table)) => Some(named(schema, table)?),
        _ => None,
    };
    let organizations = match (&wanted.organization_schema, &wanted.organization_table) {
        (Some(schema), Some(table)) => Some(named(schema, table)?),
        _ => None,
    };
    let tables = planner::Tables {
        membership: &membership,
        projects: projects.as_ref(),
        organizations: organizations.as_ref(),
    };
    planner::check(wanted, &tables)?;
    check_condition(wanted)?;
    let mut row = serde_json::to_value(wanted)?;
    let owner = |table: &Option<catalog::Table>| table.as_ref().map(|table| table.owner.clone());
    row["table_owner"] = membership.owner.clone().into();
    row["project_owner"] = owner(&projects).into();
    row["organization_owner"] = owner(&organizations).into();
    user::as_extension_owner(|| {
        query::run("DELETE FROM tenant_guard.membership", &[])?;
        query::run(
            "INSERT INTO tenant_guard.membership SELECT * FROM pg_catalog.jsonb_populate_record(
               NULL::tenant_guard.membership, $1 || '{\"only_row\": true}')",
            &[pgrx::JsonB(row).into()],
        )
    })
}

pub fn unregister() -> Result<()> {
    user::as_extension_owner(|| query::run("DELETE FROM tenant_guard.membership", &[]))
}

/// The condition is one expression, and means something about the table's rows.
pub fn check_condition(wanted: &Registration) -> Result<()> {
    let Some(active) = &wanted.active else {
        return Ok(());
    };
    crate::pg::expression::check(active, "active")?;
    let table = ident::qualified(&wanted.table_schema, &wanted.table_name);
    // With the caller's rights: who registers the table owns it.
    query::rows(
        &format!("SELECT 1 FROM {table} m WHERE {} LIMIT 0", condition(active)),
        &[],
        |_| Ok(()),
    )?;
    Ok(())
}

/// On lines of its own, for it may end in a comment.
fn condition(active: &str) -> String {
    format!("(\n{active}\n)")
}

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
        let indexed = self.indexed.as_ref()?;
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

    #[must_use]
    pub fn org_type(&self) -> IdType {
        self.org.r#type
    }

    /// The table and the column of the organizations' ids, as messages name them.
    #[must_use]
    pub fn org_column(&self) -> (String, String) {
        (ident::qualified(&self.org.schema, &self.org.table), self.org.column.clone())
    }

    /// Whether two spellings of an organization's id may be the same to the table.
    #[must_use]
    pub fn fuzzy(&self) -> bool {
        self.org.fuzzy
    }

    /// What was registered beside the table and is gone, or no longer fits; for a person.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let role = self.has_roles && self.role.is_none();
        let organizations = matches!(self.organizations, Some(Organizations::Gone));
        let projects = matches!(self.projects, Some(Projects::Gone));
        [
            (role, "the role column: members have no roles"),
            (organizations, "the organizations: none is active"),
            (projects, "the projects: none is anybody's"),
        ]
        .into_iter()
        .filter_map(|(gone, what)| gone.then_some(what))
        .collect()
    }

    /// The table, for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        self.user.relation()
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
    fn relation(&self) -> String {
        ident::qualified(&self.schema, &self.table)
    }

    fn ask<T>(
        &self,
        sql: &str,
        args: &[DatumWithOid],
        row: impl FnMut(&mut SpiTupleTable) -> Result<T>,
    ) -> Result<Vec<T>> {
        user::as_table_owner(pg_sys::Oid::from(self.owner), || kept::rows(sql, args, row))
    }
}
