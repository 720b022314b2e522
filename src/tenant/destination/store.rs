//! The registry's rows. Whoever calls has EXECUTE on what is administrative.

use super::planner::{Assignment, Destination};
use crate::error::Result;
use crate::pg::{query, user};

pub type Place =
    (String, String, String, Option<String>, Option<String>, Option<String>, Option<String>);

pub fn find(name: &str) -> Result<Option<Destination>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(d)::pg_catalog.text FROM tenant_guard.destination d WHERE d.name = $1",
            &[name.into()],
        )
    })
}

pub fn assignment(tenant: &str) -> Result<Option<Assignment>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(a)::pg_catalog.text FROM tenant_guard.destination_assignment a WHERE a.tenant = $1",
            &[tenant.into()],
        )
    })
}

/// How many are there now, also those that a transaction that was waited for put there.
pub fn tenants(destination: &str) -> Result<i64> {
    let _as_of_now = query::catalog_read(query::PINNED);
    let count = user::as_extension_owner(|| {
        query::value(
            "SELECT count(*) FROM tenant_guard.destination_assignment WHERE destination = $1",
            &[destination.into()],
        )
    })?;
    Ok(count.unwrap_or(0))
}

/// How many are there, or on their way.
pub fn users(destination: &str) -> Result<i64> {
    let _as_of_now = query::catalog_read(query::PINNED);
    let moving = user::as_extension_owner(|| {
        query::value(
            "SELECT count(*) FROM tenant_guard.tenant_move m
             WHERE m.destination = $1 AND m.state IN ('moving', 'failed') AND NOT m.switched",
            &[destination.into()],
        )
    })?;
    Ok(tenants(destination)? + moving.unwrap_or(0))
}

/// How many tenant schemas an organization has here.
pub fn schemas(organization: &str) -> Result<i64> {
    let count = user::as_extension_owner(|| {
        query::value(
            "SELECT count(*) FROM tenant_guard.tenant_schema t WHERE t.organization = $1::pg_catalog.uuid",
            &[organization.into()],
        )
    })?;
    Ok(count.unwrap_or(0))
}

pub fn write(d: &Destination) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.destination (name, kind, conninfo, secret, region, capacity) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, conninfo = excluded.conninfo, secret = excluded.secret,
               region = excluded.region, capacity = excluded.capacity",
            &[
                d.name.as_str().into(),
                d.kind.as_str().into(),
                d.conninfo.as_str().into(),
                d.secret.as_deref().into(),
                d.region.as_deref().into(),
                d.capacity.into(),
            ],
        )
    })
}

pub fn remove(name: &str) -> Result<()> {
    user::as_extension_owner(|| {
        query::run("DELETE FROM tenant_guard.destination WHERE name = $1", &[name.into()])
    })
}

pub fn assign(a: &Assignment) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.destination_assignment (tenant, destination, database) VALUES ($1, $2, $3)
             ON CONFLICT (tenant) DO UPDATE SET destination = excluded.destination, database = excluded.database",
            &[
                a.tenant.as_str().into(),
                a.destination.as_str().into(),
                a.database.as_deref().into(),
            ],
        )
    })
}

pub fn unassign(tenant: &str) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "DELETE FROM tenant_guard.destination_assignment WHERE tenant = $1",
            &[tenant.into()],
        )
    })
}

/// Where a tenant is, by its own name or by that of its organization's schema.
pub fn place(tenant: &str) -> Result<Vec<Place>> {
    user::as_extension_owner(|| {
        let id = crate::id::parse_uuid(tenant).map(|id| id.to_string());
        query::rows(include_str!("place.sql"), &[tenant.into(), id.into()], |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<String>(3)?.unwrap_or_default(),
                row.get::<String>(4)?,
                row.get::<String>(5)?,
                row.get::<String>(6)?,
                row.get::<String>(7)?,
            ))
        })
    })
}

/// A pool's name, conninfo and, on a server, database.
pub fn pools() -> Result<Vec<(String, String, Option<String>)>> {
    user::as_extension_owner(|| {
        query::rows(include_str!("pools.sql"), &[], |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<String>(3)?,
            ))
        })
    })
}
