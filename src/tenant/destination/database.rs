//! What the procedure create_tenant_database (sql/destination.sql) calls between its commits.

use super::making::{self, Where};
use super::moving::dblink;
use super::planner::{Assignment, Destination};
use super::{conninfo, store};
use crate::error::{Error, Result};
use crate::pg::{attempt, guc, ident, log, query, relation, transaction, user};
use crate::tenant::{registry, slug};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde::Deserialize;

const FUNCTION: &str = "create_tenant_database";

#[derive(Debug, Deserialize)]
struct Database {
    destination: String,
    template: String,
    connection_limit: i32,
    state: String,
    steps_done: i32,
    error: Option<String>,
}

/// Records that a tenant's database is to be made, or gone on with: create_tenant_database begins with it.
/// Administrative: EXECUTE is not granted to PUBLIC. Raises as create_tenant_database does.
///
/// Example: `SELECT tenant_guard.begin_tenant_database('acme', 'eu-server', 'template1', -1);`
#[pg_extern(volatile, parallel_unsafe)]
fn begin_tenant_database(
    slug: Option<&str>,
    destination: Option<&str>,
    template: Option<&str>,
    connection_limit: Option<i32>,
) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: FUNCTION, argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    let destination = destination.ok_or_else(|| null("destination"))?;
    let template = template.ok_or_else(|| null("template"))?;
    let limit = connection_limit.unwrap_or(-1);
    if limit < -1 {
        let (argument, value) = ("connection_limit", limit.to_string());
        return Err(Error::OutOfRange { argument, value, range: "-1 (no limit) or more" }.into());
    }
    Ok(begin(slug, destination, template, limit)?)
}

/// Does the next step of making a tenant's database, over a connection of its own, and notes it. Returns
/// whether there are more; an error is noted, not raised, and ends it. Administrative: EXECUTE is not granted
/// to PUBLIC. Raises 22004, 42704, 0A000.
///
/// Example: `SELECT tenant_guard.run_database_step('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn run_database_step(slug: Option<&str>) -> Result<bool, ErrorReport> {
    let null = Error::NullArgument { function: "run_database_step", argument: "slug" };
    Ok(step(slug.ok_or(null)?)?)
}

/// Says how making a tenant's database ended; raises 55000 with what went wrong where it failed.
/// Administrative: EXECUTE is not granted to PUBLIC.
///
/// Example: `SELECT tenant_guard.report_tenant_database('acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn report_tenant_database(slug: Option<&str>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "report_tenant_database", argument: "slug" };
    let slug = slug.ok_or(null)?;
    let database = find(slug)?;
    match (database.state.as_str(), database.error) {
        ("ready", _) => {
            log::notice(&format!("database {} is ready", ident::quote(slug)));
            Ok(())
        }
        (_, error) => {
            let why = error.unwrap_or_else(|| "another session goes on with it".into());
            Err(Error::DatabaseNotMade { slug: slug.into(), why }.into())
        }
    }
}

/// Forgets that a tenant's database is being made or was made, and where the tenant is. The database stays:
/// drop it on its server (DROP DATABASE). confirm: the slug again. Administrative: EXECUTE is not granted to
/// PUBLIC. Raises 22004, 22023 (not confirmed), 42704.
///
/// Example: `SELECT tenant_guard.forget_tenant_database('acme', confirm => 'acme');`
#[pg_extern(volatile, parallel_unsafe)]
fn forget_tenant_database(slug: Option<&str>, confirm: Option<&str>) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "forget_tenant_database", argument: "slug" };
    let slug = slug.ok_or(null)?;
    relation::lock_name("tenant_database", slug);
    let database = find(slug)?;
    if confirm != Some(slug) {
        return Err(Error::WrongOption {
            option: "confirm",
            why: "It is not the slug again".into(),
            hint: format!("Repeat the slug: confirm => '{slug}'."),
        }
        .into());
    }
    if store::assignment(slug)?.is_some_and(|a| a.destination == database.destination) {
        store::unassign(slug)?;
    }
    write("DELETE FROM tenant_guard.tenant_database WHERE slug = $1", slug, None)?;
    Ok(())
}

fn begin(slug: &str, destination: &str, template: &str, limit: i32) -> Result<()> {
    if transaction::in_block() {
        return Err(Error::InTransactionBlock { function: FUNCTION });
    }
    slug::check(slug)?;
    let dblink = dblink("making a database")?;
    relation::lock_name("tenant_database", slug);
    let at = store::find(destination)?
        .ok_or_else(|| Error::NoSuchDestination { name: destination.into() })?;
    if at.kind != "server" || conninfo::pairs(&at.conninfo).is_none() {
        return Err(Error::WrongOption {
            option: "destination",
            why: "It is one database, or its conninfo is a URI, behind which no other database can be named".into(),
            hint: "Register a server: register_destination(name, 'server', 'host=... dbname=postgres user=...').".into(),
        });
    }
    if let Some(there) = look(slug)? {
        if there.state == "ready" {
            return Err(Error::DatabaseExists { slug: slug.into() });
        }
        // What that server refused to make may be asked for otherwise.
        let refused = there.state == "failed" && there.steps_done == 0;
        let other = |option, given: &str| {
            Err(Error::WrongOption {
                option,
                why: format!("It is being made with another: {given}"),
                hint: "Go on with the same, or give it up: forget_tenant_database.".into(),
            })
        };
        if there.destination != destination {
            return other("destination", &there.destination);
        }
        if !refused && there.template != template {
            return other("template", &there.template);
        }
        if !refused && there.connection_limit != limit {
            return other("connection_limit", &there.connection_limit.to_string());
        }
        // And where it is there now, it is somebody else's.
        if refused && remote_has(&dblink, &at.conninfo, &making::exists(slug))? {
            return Err(Error::DatabaseExists { slug: slug.into() });
        }
        return user::as_extension_owner(|| {
            query::run(
                "UPDATE tenant_guard.tenant_database SET state = 'creating', error = NULL, template = $2, connection_limit = $3
                 WHERE slug = $1",
                &[slug.into(), template.into(), limit.into()],
            )
        });
    }
    at.has_room(store::tenants(destination)?)?;
    // One that somebody else made is not taken over.
    if remote_has(&dblink, &at.conninfo, &making::exists(slug))? {
        return Err(Error::DatabaseExists { slug: slug.into() });
    }
    let caller = user::current();
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.tenant_database (slug, destination, template, connection_limit, created_by)
             VALUES ($1, $2, $3, $4, $5)",
            &[slug.into(), destination.into(), template.into(), limit.into(), caller.as_str().into()],
        )
    })
}

fn step(slug: &str) -> Result<bool> {
    let dblink = dblink("making a database")?;
    relation::lock_name("tenant_database", slug); // another session that goes on with it waits
    let _as_of_now = query::catalog_read(query::PINNED);
    let database = find(slug)?;
    if database.state != "creating" {
        return Ok(false);
    }
    let at = store::find(&database.destination)?
        .ok_or_else(|| Error::NoSuchDestination { name: database.destination.clone() })?;
    let trust = guc::setting(c"tenant_guard.trust");
    let tasks = making::tasks(slug, &database.template, database.connection_limit, &trust);
    let Some(task) = tasks.get(database.steps_done as usize) else {
        return finish(slug, &at);
    };
    let outcome = attempt::told(|| {
        let connection = making::connection(&at.conninfo, task.place, slug);
        let done = match &task.done {
            Some(query) => remote_has(&dblink, &connection, query)?,
            None => false,
        };
        if !done {
            let sql = format!("SELECT {}($1, $2)", ident::qualified(&dblink, "dblink_exec"));
            query::value::<String>(&sql, &[connection.as_str().into(), task.sql.as_str().into()])?;
        }
        Ok(())
    });
    match outcome {
        Ok(()) => {
            write(
                "UPDATE tenant_guard.tenant_database SET steps_done = steps_done + 1 WHERE slug = $1",
                slug,
                None,
            )?;
            Ok(true)
        }
        Err(told) => {
            let at = match task.place {
                Where::Server => "the server",
                Where::Database => "the new database",
            };
            fail(slug, &format!("{}, on {at}: {}: {}", task.what, told.code, told.message))?;
            Ok(false)
        }
    }
}

/// The last step is this database's own. A tenant that has a schema here is assigned when it has been moved.
fn finish(slug: &str, at: &Destination) -> Result<bool> {
    if registry::find(slug)?.is_some() {
        write(
            "UPDATE tenant_guard.tenant_database SET state = 'ready' WHERE slug = $1",
            slug,
            None,
        )?;
        return Ok(false);
    }
    relation::lock_name("destination", &at.name);
    let there = store::assignment(slug)?;
    if there.is_none_or(|t| t.destination != at.name) {
        if let Err(full) = at.has_room(store::tenants(&at.name)?) {
            fail(slug, &full.message())?;
            return Ok(false);
        }
    }
    store::assign(&Assignment::new(slug, at, None)?)?;
    write("UPDATE tenant_guard.tenant_database SET state = 'ready' WHERE slug = $1", slug, None)?;
    Ok(false)
}

fn fail(slug: &str, error: &str) -> Result<()> {
    write(
        "UPDATE tenant_guard.tenant_database SET state = 'failed', error = $2 WHERE slug = $1",
        slug,
        Some(error),
    )
}

/// Whether the tenant's database at that server was made.
pub fn is_ready(slug: &str, destination: &str) -> Result<bool> {
    Ok(look(slug)?.is_some_and(|d| d.state == "ready" && d.destination == destination))
}

fn remote_has(dblink: &str, connection: &str, sql: &str) -> Result<bool> {
    let query = format!(
        "SELECT count(*) FROM {}($1, $2) AS t (found pg_catalog.int4)",
        ident::qualified(dblink, "dblink")
    );
    Ok(query::value::<i64>(&query, &[connection.into(), sql.into()])? > Some(0))
}

fn look(slug: &str) -> Result<Option<Database>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.to_json(t)::pg_catalog.text FROM tenant_guard.tenant_database t WHERE t.slug = $1",
            &[slug.into()],
        )
    })
}

fn find(slug: &str) -> Result<Database> {
    look(slug)?.ok_or_else(|| Error::NoSuchDatabase { slug: slug.into() })
}

fn write(sql: &str, slug: &str, error: Option<&str>) -> Result<()> {
    user::as_extension_owner(|| match error {
        Some(error) => query::run(sql, &[slug.into(), error.into()]),
        None => query::run(sql, &[slug.into()]),
    })
}
