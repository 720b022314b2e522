//! A move begun, gone on with, or given up.

use super::super::database;
use super::super::making::{self, Where};
use super::super::planner::{Assignment, Destination};
use super::super::{conninfo, store};
use super::job::{self, Job};
use super::layout::{self, Layout};
use super::remote::{self, Remote};
use super::{needs, work};
use crate::catalog::{self, Schema};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, quote};
use crate::pg::{log, query, relation, transaction, user};
use crate::tenant::life::{archive, ledger};
use crate::tenant::registrations;
use crate::tenant::registry::{self, Entry};

pub fn begin(slug: &str, destination: &str, trust_owners: bool) -> Result<()> {
    if transaction::in_block() {
        return Err(Error::InTransactionBlock { function: "move_tenant" });
    }
    let dblink = remote::dblink("moving a tenant")?;
    relation::lock_name("tenant_move", slug);
    let _as_of_now = query::catalog_read(query::PINNED);
    let entry = own(slug)?;
    let at = place(destination)?;
    if let Some(job) = job::look(slug)?.filter(|j| matches!(j.state.as_str(), "moving" | "failed"))
    {
        if job.destination != destination {
            return Err(Error::WrongOption {
                option: "destination",
                why: format!("It is being moved to {}", job.destination),
                hint: "Go on with that, or give it up: cancel_tenant_move.".into(),
            });
        }
        if !job::is_under_way(slug)? {
            lay_out(&dblink, &entry, &at, job.trust_owners || trust_owners)?;
        }
        return job::set_state(slug, "moving", None);
    }
    if store::assignment(slug)?.is_none_or(|t| t.destination != at.name) {
        at.has_room(store::tenants(destination)?)?;
    }
    job::begin(slug, destination, trust_owners)?;
    lay_out(&dblink, &entry, &at, trust_owners)
}

/// The caller's own tenant schema.
pub fn own(slug: &str) -> Result<Entry> {
    let entry =
        registry::find(slug)?.ok_or_else(|| Error::NotATenantSchema { slug: slug.into() })?;
    registry::check_owner(&entry)?;
    if !relation::schema_exists(slug) {
        return Err(Error::NoSuchSchema { schema: slug.into() });
    }
    Ok(entry)
}

pub fn place(destination: &str) -> Result<Destination> {
    store::find(destination)?.ok_or_else(|| Error::NoSuchDestination { name: destination.into() })
}

pub fn read(slug: &str) -> Result<Schema> {
    catalog::schema(slug)?.ok_or_else(|| Error::NoSuchSchema { schema: slug.into() })
}

/// What tells a schema that is to come from any other of that name.
pub fn marker(slug: &str) -> String {
    format!(
        "tenant {slug} is being moved here, and is not in use yet; tenant_guard {}",
        relation::origin()
    )
}

/// The database that the tenant goes to.
pub fn connection(slug: &str, at: &Destination) -> Result<String> {
    if at.kind != "server" {
        return Ok(at.conninfo.clone());
    }
    if conninfo::pairs(&at.conninfo).is_none() {
        return Err(Error::WrongOption {
            option: "destination",
            why: "Its conninfo is a URI, behind which no other database can be named".into(),
            hint: "Register it with 'host=... dbname=postgres user=...'.".into(),
        });
    }
    let own = Assignment::new(slug, at, None)?.database.unwrap_or_default();
    if !database::is_ready(slug, &at.name)? {
        return Err(Error::WrongOption {
            option: "destination",
            why: format!(
                "It is a server, and has no database \"{own}\" that was made for the tenant"
            ),
            hint: "Make it first: CALL tenant_guard.create_tenant_database(slug, destination)."
                .into(),
        });
    }
    Ok(making::connection(&at.conninfo, Where::Database, slug))
}

/// The steps, once all that they need is there.
fn lay_out(dblink: &str, entry: &Entry, at: &Destination, trust_owners: bool) -> Result<()> {
    let slug = entry.slug.as_str();
    let schema = read(slug)?;
    if !trust_owners && !schema.foreign_owners.is_empty() {
        let owners: Vec<String> = schema.foreign_owners.iter().map(|o| quote(o)).collect();
        return Err(Error::NotPermitted {
            what: format!("moving schema {} with your rights", quote(slug)),
            detail: format!(
                "It, or something in it, belongs to {}, and making its indexes, defaults and constraints there runs functions that such an owner chose.",
                owners.join(", ")
            ),
            hint: "Call it as the owner (SET ROLE), or, where you have read the schema and trust it, say trust_owners => true.".into(),
        });
    }
    let connection = connection(slug, at)?;
    let outcome = remote::with(dblink, &connection, |remote| {
        needs::check(remote, &schema, entry)?;
        there(remote, slug)
    })?;
    if outcome.map_err(|told| Error::Told { told })? == There::Others {
        return Err(Error::DestinationLacks {
            slug: slug.into(),
            missing: vec![format!("a place for schema {}: there is one of that name", quote(slug))],
        });
    }
    let names = schema.names();
    let registered = registrations::statements(&registry::registered(slug)?, slug, &names);
    let target = layout::target(entry, user::current(), registered);
    let steps = layout::steps(&schema, entry, &target, &[&marker(slug), &complete(slug)])?;
    let privileges = query::value::<String>(&work::privileges(slug), &[])?.unwrap_or_default();
    job::lay_out(slug, &Layout { steps, fingerprint: ledger::fingerprint(&schema), privileges })
}

/// The mark of one that has its keys, triggers and policies as well: these are not made twice.
pub fn complete(slug: &str) -> String {
    marker(slug) + "; it is complete"
}

/// What a schema of that name there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    Nothing,
    /// Made by a move of this database's.
    Ours {
        complete: bool,
    },
    Others,
}

pub fn there(remote: &Remote, slug: &str) -> Result<There> {
    let mark = remote.text(&format!(
        "SELECT coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace n WHERE n.nspname = {}",
        literal(slug)
    ))?;
    Ok(match mark {
        None => There::Nothing,
        Some(mark) if mark == marker(slug) => There::Ours { complete: false },
        Some(mark) if mark == complete(slug) => There::Ours { complete: true },
        Some(_) => There::Others,
    })
}

/// The schema here as it was before the move closed it.
pub fn open(job: &Job) -> Result<()> {
    if job.closed {
        archive::restore(&job.slug, false)?;
        job::set_closed(&job.slug, false)?;
    }
    Ok(())
}

pub fn cancel(slug: &str) -> Result<()> {
    relation::lock_name("tenant_move", slug); // whoever does a step of it ends that first
    let _as_of_now = query::catalog_read(query::PINNED);
    let job = job::find(slug)?;
    own(slug)?;
    if job.switched || !matches!(job.state.as_str(), "moving" | "failed") {
        let why = match job.switched {
            true => "the tenant is assigned to the destination",
            false => "it is cancelled already",
        };
        return Err(Error::MoveOver { slug: slug.into(), why });
    }
    open(&job)?;
    job::set_state(slug, "cancelled", None)?;
    let at = place(&job.destination)?;
    let cleared = remote::dblink("moving a tenant").and_then(|dblink| {
        let connection = connection(slug, &at)?;
        let outcome = remote::with(&dblink, &connection, |remote| match there(remote, slug)? {
            There::Ours { .. } => remote.run(&format!("DROP SCHEMA {} CASCADE", quote(slug))),
            _ => Ok(()),
        })?;
        outcome.map_err(|told| Error::Told { told })
    });
    if let Err(error) = cleared {
        log::warning(
            &format!("what was made of tenant \"{slug}\" at {} is still there", at.name),
            &error.message(),
            "Drop it there, where its comment says that it is not in use: DROP SCHEMA ... CASCADE.",
        );
    }
    Ok(())
}
