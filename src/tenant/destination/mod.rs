//! Destinations: the databases and servers that tenants live in, for whoever sends queries there.

mod conninfo;
pub mod database;
mod making;
pub mod moving;
mod planner;
mod store;

use crate::error::{Error, Result};
use crate::pg::relation;
use crate::pg::types::{Name, PlannedStep};
use crate::plan;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::Uuid;
use planner::{Assignment, Destination};

/// Registers a place that tenants live in, or changes what is registered. kind: database, where tenants are
/// schemas or rows, or server, where each has a database. conninfo: as libpq reads it, without a password;
/// secret: where a router finds that, in words of your own; capacity: so many tenants at most.
/// Administrative: EXECUTE is not granted to PUBLIC.
/// Returns the steps; in a dry run nothing changes. Raises 22004, 22023 (kind, conninfo, capacity).
///
/// Example: `SELECT * FROM tenant_guard.register_destination('eu1', 'database', 'host=eu1.example.com dbname=app user=router', secret => 'vault:db/eu1', region => 'eu', capacity => 500);`
#[pg_extern(volatile, parallel_unsafe)]
fn register_destination(
    name: Option<&str>,
    kind: Option<&str>,
    conninfo: Option<&str>,
    secret: default!(Option<&str>, "NULL"),
    region: default!(Option<&str>, "NULL"),
    capacity: default!(Option<i32>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "register_destination", argument };
    let wanted = Destination {
        name: name.ok_or_else(|| null("name"))?.into(),
        kind: kind.ok_or_else(|| null("kind"))?.into(),
        conninfo: conninfo.ok_or_else(|| null("conninfo"))?.into(),
        secret: secret.map(str::to_string),
        region: region.map(str::to_string),
        capacity,
    };
    wanted.check()?;
    let dry_run = dry_run.unwrap_or(false);
    lock(&wanted.name, dry_run);
    let plan = planner::register(&wanted, store::find(&wanted.name)?.as_ref());
    Ok(plan::run(plan, dry_run)?)
}

/// Takes a destination out of the registry. Refused while tenants are at it. Administrative: EXECUTE is not
/// granted to PUBLIC. Returns the steps; in a dry run nothing changes. Raises 22004, 42704, 2BP01.
///
/// Example: `SELECT * FROM tenant_guard.unregister_destination('eu1');`
#[pg_extern(volatile, parallel_unsafe)]
fn unregister_destination(
    name: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = Error::NullArgument { function: "unregister_destination", argument: "name" };
    let name = name.ok_or(null)?;
    let dry_run = dry_run.unwrap_or(false);
    lock(name, dry_run);
    let there = store::find(name)?.ok_or_else(|| Error::NoSuchDestination { name: name.into() })?;
    let tenants = store::users(name)?;
    if tenants > 0 {
        return Err(Error::DestinationInUse { name: name.into(), tenants }.into());
    }
    Ok(plan::run(planner::unregister(&there), dry_run)?)
}

/// Says at which destination a tenant is: an organization's id, or a slug. database: its database, where the
/// destination is a server; a slug's is named like it. NULL for the destination takes the tenant from where
/// it is. Nothing is moved. Administrative: EXECUTE is not granted to PUBLIC.
/// Returns the steps; in a dry run nothing changes. Raises 22004, 22023, 42704, 53400 (no room).
///
/// Example: `SELECT * FROM tenant_guard.assign_destination('acme', 'eu1');`
#[pg_extern(volatile, parallel_unsafe)]
fn assign_destination(
    tenant: Option<&str>,
    destination: Option<&str>,
    database: default!(Option<Name>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = Error::NullArgument { function: "assign_destination", argument: "tenant" };
    let tenant = planner::tenant(tenant.ok_or(null)?)?;
    let dry_run = dry_run.unwrap_or(false);
    let there = store::assignment(&tenant)?;
    let Some(name) = destination else {
        return Ok(plan::run(planner::assign(&tenant, None, there.as_ref()), dry_run)?);
    };
    lock(name, dry_run); // the last place goes to one
    let at = store::find(name)?.ok_or_else(|| Error::NoSuchDestination { name: name.into() })?;
    let wanted = Assignment::new(&tenant, &at, database.map(|d| d.0))?;
    if there.as_ref().is_none_or(|t| t.destination != at.name) {
        at.has_room(store::tenants(name)?)?;
    }
    Ok(plan::run(planner::assign(&tenant, Some(&wanted), there.as_ref()), dry_run)?)
}

/// Where an organization's data is, for routers: the destination, the database on a server, and the schema
/// of a tenant that has one; no row for one that was assigned nowhere. Two look-ups by key. Granted to nobody:
/// GRANT EXECUTE to the role that routes. Raises nothing.
///
/// Example: `SELECT name, conninfo, database, schema FROM tenant_guard.destination_for('aaaaaaaa-0000-4000-8000-000000000001');`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn destination_for(
    organization: Option<Uuid>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(name, String),
            name!(kind, String),
            name!(conninfo, String),
            name!(secret, Option<String>),
            name!(region, Option<String>),
            name!(database, Option<String>),
            name!(schema, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(place(organization.map(|id| id.to_string()))?))
}

/// destination_for by a slug, or by an organization's id in its text form.
///
/// Example: `SELECT name, conninfo, database, schema FROM tenant_guard.destination_for_text('acme');`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn destination_for_text(
    tenant: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(name, String),
            name!(kind, String),
            name!(conninfo, String),
            name!(secret, Option<String>),
            name!(region, Option<String>),
            name!(database, Option<String>),
            name!(schema, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(place(tenant.map(|t| planner::tenant(t).unwrap_or_default()))?))
}

fn place(tenant: Option<String>) -> Result<Vec<store::Place>> {
    tenant.map_or_else(|| Ok(Vec::new()), |tenant| store::place(&tenant))
}

/// Writes one row of the registry, as a plan decided; NULL for the kind removes it. Administrative: EXECUTE is
/// not granted to PUBLIC. Raises 22004, 22023, 2BP01.
///
/// Example: `SELECT tenant_guard.record_destination('eu1', 'database', 'host=eu1.example.com', NULL, 'eu', 500);`
#[pg_extern(volatile, parallel_unsafe)]
fn record_destination(
    name: Option<&str>,
    kind: Option<&str>,
    conninfo: Option<&str>,
    secret: Option<&str>,
    region: Option<&str>,
    capacity: Option<i32>,
) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: "record_destination", argument };
    let name = name.ok_or_else(|| null("name"))?;
    relation::lock_name("destination", name);
    let Some(kind) = kind else {
        let tenants = store::users(name)?;
        if tenants > 0 {
            return Err(Error::DestinationInUse { name: name.into(), tenants }.into());
        }
        return Ok(store::remove(name)?);
    };
    let wanted = Destination {
        name: name.into(),
        kind: kind.into(),
        conninfo: conninfo.ok_or_else(|| null("conninfo"))?.into(),
        secret: secret.map(str::to_string),
        region: region.map(str::to_string),
        capacity,
    };
    wanted.check()?;
    Ok(store::write(&wanted)?)
}

/// Writes where a tenant is, as a plan of assign_destination decided; NULL for the destination removes it.
/// Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 22023, 42704, 53400.
///
/// Example: `SELECT tenant_guard.record_assignment('acme', 'eu1', NULL);`
#[pg_extern(volatile, parallel_unsafe)]
fn record_assignment(
    tenant: Option<&str>,
    destination: Option<&str>,
    database: Option<Name>,
) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "record_assignment", argument: "tenant" };
    let tenant = planner::tenant(tenant.ok_or(null)?)?;
    let Some(name) = destination else { return Ok(store::unassign(&tenant)?) };
    relation::lock_name("destination", name);
    let at = store::find(name)?.ok_or_else(|| Error::NoSuchDestination { name: name.into() })?;
    let wanted = Assignment::new(&tenant, &at, database.map(|d| d.0))?;
    if store::assignment(&tenant)?.is_none_or(|t| t.destination != at.name) {
        at.has_room(store::tenants(name)?)?;
    }
    Ok(store::assign(&wanted)?)
}

/// Lines for a PgBouncer's [databases] section, one for each destination and each tenant's database on a
/// server: text to be put into its file, where the passwords come from auth_file or auth_query. Only what
/// PgBouncer knows of a conninfo is taken over (host, port, dbname); a URI, a service and a name that another
/// pool has are not, and named in a comment. Administrative: EXECUTE is not granted to PUBLIC. Raises nothing.
///
/// Example: `SELECT line FROM tenant_guard.pgbouncer_databases() AS line;`
#[pg_extern(stable, parallel_restricted)]
fn pgbouncer_databases() -> Result<SetOfIterator<'static, String>, ErrorReport> {
    let lines = conninfo::pool_lines(&store::pools()?);
    Ok(SetOfIterator::new(lines))
}

fn lock(name: &str, dry_run: bool) {
    if !dry_run {
        relation::lock_name("destination", name);
    }
}
