//! Who looked at a row, how often and when last: noted by readers without a lock on the row, counted later
//! by the table's owner.

use crate::catalog;
use crate::error::{Error, Result};
use crate::identity;
use crate::pg::attempt::attempt;
use crate::pg::row::{self, OwnRow};
use crate::pg::types::RegClass;
use crate::pg::{ident, kept, log, query, relation, transaction, user};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pgrx::Uuid;
use std::cell::RefCell;
use std::collections::HashSet;

/// What a table has to have, and the types that do.
const COLUMNS: &[(&str, &[Oid], &str)] = &[
    ("public_id", &[pg_sys::UUIDOID], "uuid"),
    ("last_accessed", &[pg_sys::TIMESTAMPTZOID], "timestamptz"),
    ("access_count", &[pg_sys::INT8OID, pg_sys::INT4OID], "bigint"),
];

/// What is not counted yet takes no more of the disk than this; further accesses are not noted.
const MOST_BYTES: u64 = 128 << 20;

/// A session notes no more in one second.
const MOST_A_SECOND: usize = 10_000;

/// Longer ids of users are cut: the event is to be small.
const LONGEST_USER: usize = 255;

/// Notes that the caller looked at a row, for flush_access to count: without a lock on the row or a write
/// to its table, so readers do not hold each other up. The row is named by its public_id and counts only
/// if the caller can see it, by privileges and policies; for one that is not there, or is not the
/// caller's to see, nothing happens, and nobody learns which. A session notes a row once a second for
/// each user and operation, 10,000 rows a second at most; while 128 MB wait to be counted, nothing more
/// is noted. operation: 1 to 63 bytes, as 'read'. The table needs the columns public_id uuid, with an
/// index, last_accessed timestamptz and access_count bigint. Raises 22004, 22023 (operation), 25006 (in a
/// read-only transaction), 42501 (no SELECT), 42809, 42P01, 55000 (no such columns).
///
/// Example: `SELECT tenant_guard.log_access('crm.leads', '01990000-0000-7000-8000-000000000001');`
#[pg_extern(volatile, parallel_unsafe)]
fn log_access(
    table: Option<RegClass>,
    public_id: Option<Uuid>,
    operation: default!(Option<&str>, "'read'"),
) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: "log_access", argument };
    let table = table.ok_or_else(|| null("table"))?;
    let public_id = public_id.ok_or_else(|| null("public_id"))?;
    let operation = operation.ok_or_else(|| null("operation"))?;
    Ok(note(table.0, public_id, operation)?)
}

/// Adds the accesses that log_access noted to access_count and last_accessed, one UPDATE a table, and
/// forgets them. table: NULL counts those of every table that the caller owns, and forgets those of
/// tables that are gone; one that fails is warned of, and its accesses wait. Runs with the rights of the table's owner, whatever the policies; the table's
/// triggers fire as on any UPDATE. Two calls at once count nothing twice. Returns how many accesses were
/// counted; those to rows that are gone by now are not. The caller must own the table. Raises 42501,
/// 42809, 42P01, 55000 (no such columns).
///
/// Example: `SELECT tenant_guard.flush_access('crm.leads');`
#[pg_extern(volatile, parallel_unsafe)]
fn flush_access(table: default!(Option<RegClass>, "NULL")) -> Result<i64, ErrorReport> {
    match table {
        Some(table) => Ok(flush_one(table)?),
        None => Ok(flush_own()?),
    }
}

/// What this session noted in the second that it is.
#[derive(Default)]
struct Recent {
    second: i64,
    noted: HashSet<(u32, [u8; 16], String, Option<String>)>,
}

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::default();
}

/// The values stand in the order of the columns in sql/access.sql.
fn note(table: u32, public_id: Uuid, operation: &str) -> Result<()> {
    if !(1..=ident::MAX_IDENTIFIER).contains(&operation.len()) {
        let value = format!("of {} bytes", operation.len());
        return Err(Error::OutOfRange { argument: "operation", value, range: "1 to 63 bytes" });
    }
    if !transaction::writable() {
        return Err(Error::ReadOnly { function: "log_access" });
    }
    let name = tracked(table)?;
    let user = identity::user().map(|u| ident::truncate(&u, LONGEST_USER).to_string());
    let access = (table, *public_id.as_bytes(), operation.to_string(), user.clone());
    let second = transaction::Moment::Now.unix_micros() / 1_000_000;
    let enough = RECENT.with_borrow_mut(|recent| {
        if recent.second != second {
            *recent = Recent { second, ..Recent::default() };
        }
        recent.noted.len() >= MOST_A_SECOND || recent.noted.contains(&access)
    });
    if enough {
        return Ok(());
    }
    // With the caller's own rights: what the policies hide is not there.
    let organization = kept::rows(
        &format!(
            "SELECT (SELECT coalesce(tenant_guard.org_id()::pg_catalog.text, tenant_guard.org_id_text())) FROM {name} WHERE public_id = $1"
        ),
        &[public_id.into()],
        |row| Ok(row.get::<String>(1)?),
    )?;
    let Some(organization) = organization.into_iter().next() else {
        return Ok(());
    };
    let mut event = OwnRow::new("access_event")?;
    if event.is_full(MOST_BYTES) {
        return Ok(());
    }
    event.push(Some(Oid::from(table)))?;
    event.push(Some(public_id))?;
    event.push(Some(row::now()))?;
    event.push(Some(operation))?;
    event.push(organization)?;
    event.push(user)?;
    event.insert()?;
    RECENT.with_borrow_mut(|recent| recent.noted.insert(access));
    Ok(())
}

/// The name of a table that has the columns.
fn tracked(table: u32) -> Result<String> {
    let described = relation::describe(table).ok_or(Error::NoSuchTable { oid: table })?;
    let name = ident::qualified(&described.schema, &described.name);
    if described.temporary {
        // Whoever can make tables of its own could fill the events for everybody.
        return Err(Error::SystemTable { table: name });
    }
    if let Some(kind) = relation::other_kind(described.kind) {
        return Err(Error::WrongRelationKind {
            relation: name,
            kind,
            wanted: "an ordinary or partitioned table",
            hint: "Name the table that holds the rows.".into(),
        });
    }
    let lacks = |(column, types, _): &&(&str, &[Oid], &str)| {
        !relation::column_type(table, column).is_some_and(|found| types.contains(&found))
    };
    let missing: Vec<String> =
        COLUMNS.iter().filter(lacks).map(|(column, _, kind)| format!("{column} {kind}")).collect();
    if missing.is_empty() {
        Ok(name)
    } else {
        Err(Error::NotTracked { table: name, missing })
    }
}

fn flush_one(table: RegClass) -> Result<i64> {
    // Whose it is comes first.
    catalog::table(table)?;
    tracked(table.0)?;
    flush(table.0)
}

fn flush_own() -> Result<i64> {
    let tables = user::as_extension_owner(|| {
        query::rows(
            "SELECT DISTINCT e.table_oid FROM tenant_guard.access_event e ORDER BY 1",
            &[],
            |row| Ok(row.get::<Oid>(1)?),
        )
    })?;
    let mut counted = 0;
    for table in tables.into_iter().flatten() {
        let table = table.to_u32();
        match relation::describe(table) {
            None => forget(table)?,
            Some(described) if user::has_rights_of(described.owner) => match tracked(table) {
                Ok(name) => counted += flush_or_warn(table, &name),
                // The columns are gone, and with them what could be counted.
                Err(_) => forget(table)?,
            },
            Some(_) => {}
        }
    }
    Ok(counted)
}

/// One table that cannot be counted does not keep the others.
fn flush_or_warn(table: u32, name: &str) -> i64 {
    attempt(|| flush(table)).unwrap_or_else(|why| {
        log::warning(
            &format!("the accesses to {name} are not counted"),
            &why,
            &format!(
                "They wait. Count them by themselves once that is mended: tenant_guard.flush_access({}).",
                ident::literal(name)
            ),
        );
        0
    })
}

fn forget(table: u32) -> Result<()> {
    user::as_extension_owner(|| {
        query::run(
            "DELETE FROM tenant_guard.access_event e WHERE e.table_oid = $1",
            &[Oid::from(table).into()],
        )
    })
}

fn flush(table: u32) -> Result<i64> {
    // Two at once would update the same rows in two orders, and wait for each other.
    relation::lock_name("access_event", &table.to_string());
    let Some(described) = relation::describe(table) else {
        return Ok(0);
    };
    let taken = user::as_extension_owner(|| {
        query::returning::<String>(include_str!("take.sql"), &[Oid::from(table).into()])
    })?;
    let Some(taken) = taken else {
        return Ok(0);
    };
    let name = ident::qualified(&described.schema, &described.name);
    let count = include_str!("count.sql").replace("{table}", &name);
    let counted =
        user::as_table_owner(described.owner, || query::returning::<i64>(&count, &[taken.into()]))?;
    Ok(counted.unwrap_or(0))
}
