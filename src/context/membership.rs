//! The registered membership table, and the questions asked of it.

use super::planner::{self, Registration};
use crate::catalog::{self, IdType};
use crate::error::Result;
use crate::pg::{ident, invalidation, kept, query, relation, snapshot, user};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::spi::SpiTupleTable;
use serde::Deserialize;
use std::cell::RefCell;
use std::rc::Rc;

/// What `use_membership` registered, resolved to the table as it is now.
#[derive(Debug, Deserialize)]
pub struct Membership {
    oid: u32,
    schema: String,
    table: String,
    owner: u32,
    user_column: String,
    user_type: IdType,
    org_column: String,
    org_type: IdType,
    role_column: Option<String>,
}

thread_local! {
    // With the generation it was read in; believed only while that lasts.
    static CACHE: RefCell<Option<(u64, Option<Rc<Membership>>)>> = const { RefCell::new(None) };
}

/// None when no table is registered, or the registered one is gone: then nobody is a member. Read
/// once, and again whenever the registration or the table changes.
pub fn registered() -> Result<Option<Rc<Membership>>> {
    let generation = invalidation::generation();
    let cached = CACHE.with_borrow(|cache| match cache {
        Some((at, membership)) if *at == generation => Some(membership.clone()),
        _ => None,
    });
    if let Some(membership) = cached {
        return Ok(membership);
    }
    let read =
        || user::as_extension_owner(|| query::model_here(include_str!("registered.sql"), &[]));
    if snapshot::in_parallel_mode() {
        // No new snapshot can be taken there, and an answer of the old one must not be kept.
        let _path = query::pin();
        return Ok(read()?.map(Rc::new));
    }
    // A change that comes in during the read makes the answer old at once.
    invalidation::watch_all();
    let generation = invalidation::generation();
    let membership: Option<Membership> = {
        let _read = query::catalog_read(query::PINNED);
        read()?
    };
    // While there is none, any relation may become the one.
    if let Some(found) = &membership {
        let table = pg_sys::Oid::from(found.oid);
        invalidation::watch(relation::own("membership").into_iter().chain([table]).collect());
    }
    let membership = membership.map(Rc::new);
    CACHE.replace(Some((generation, membership.clone())));
    Ok(membership)
}

/// Whether the caller may write the registration that a plan decides on.
pub fn may_register() -> Result<bool> {
    let may = query::value::<bool>(
        "SELECT pg_catalog.has_function_privilege('tenant_guard.register_membership(name, name, name, name, name)', 'EXECUTE')",
        &[],
    )?;
    Ok(may == Some(true))
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
    let table = catalog::table(catalog::table_named(&wanted.table_schema, &wanted.table_name)?)?;
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
            "SELECT DISTINCT m.{}::text FROM {} m WHERE m.{} OPERATOR(pg_catalog.=) $1 ORDER BY 1",
            ident::quote(&self.org_column),
            self.table(),
            ident::quote(&self.user_column),
        );
        let found = self.ask(&sql, user, None, |row| Ok(row.get::<String>(1)?))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The user's membership in the organization; None for no member.
    pub fn find(&self, user: &str, organization: &str) -> Result<Option<Member>> {
        let Some(organization) = self.org_type.bind(organization) else {
            return Ok(None);
        };
        let role = match &self.role_column {
            Some(column) => format!("m.{}::text", ident::quote(column)),
            None => "NULL::text".into(),
        };
        let sql = format!(
            "SELECT m.{}::text, {role} FROM {} m WHERE m.{} OPERATOR(pg_catalog.=) $1 AND m.{} OPERATOR(pg_catalog.=) $2 ORDER BY 2 LIMIT 1",
            ident::quote(&self.org_column),
            self.table(),
            ident::quote(&self.user_column),
            ident::quote(&self.org_column),
        );
        let found = self.ask(&sql, user, Some(organization), |row| {
            Ok(row.get::<String>(1)?.map(|organization| (organization, row.get::<String>(2))))
        })?;
        match found.into_iter().flatten().next() {
            Some((organization, role)) => Ok(Some(Member { organization, role: role? })),
            None => Ok(None),
        }
    }

    fn table(&self) -> String {
        ident::qualified(&self.schema, &self.table)
    }

    /// Looks up as the table's owner, past its policies, under the pinned search path.
    fn ask<T>(
        &self,
        sql: &str,
        user: &str,
        organization: Option<DatumWithOid>,
        row: impl FnMut(&mut SpiTupleTable) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Some(user) = self.user_type.bind(user) else {
            return Ok(Vec::new()); // an id that the column's type cannot hold is nobody's
        };
        let args: Vec<DatumWithOid> = [Some(user), organization].into_iter().flatten().collect();
        user::as_table_owner(pg_sys::Oid::from(self.owner), || kept::rows(sql, &args, row))
    }
}

/// One row of the membership table.
pub struct Member {
    /// The organization's id as the table spells it, however it was asked for.
    pub organization: String,
    pub role: Option<String>,
}
