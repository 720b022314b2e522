//! What audit_status and audit_log_status tell of the log: how much it holds, and how much of it is not sealed yet.

use super::{dictionary, seal};
use crate::error::{Error, Result};
use crate::pg::{query, relation, row, user};
use pgrx::datum::{Date, Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What the log holds of a table.
#[derive(Default)]
struct Held {
    since: Option<TimestampWithTimeZone>,
    unsealed_since: Option<i64>,
    estimated: Option<(i64, i64)>,
}

/// What the audit log holds of each table that is the caller's: since when it has events of it, when the oldest was
/// written that is not sealed yet (NULL where all are), and how many events and bytes there are, as the planner
/// estimates them, NULL where it does not know. For audit_status. Raises nothing.
///
/// Example: `SELECT * FROM tenant_guard.audit_logged();`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
pub fn audit_logged() -> Result<
    TableIterator<
        'static,
        (
            name!(table, Oid),
            name!(audited_since, Option<TimestampWithTimeZone>),
            name!(unsealed_since, Option<TimestampWithTimeZone>),
            name!(events_estimated, Option<i64>),
            name!(size_estimated, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    let owned: HashMap<i32, Oid> = query::rows(
        "SELECT t.layout, t.table_oid FROM tenant_guard.audited_tables() t WHERE pg_has_role(t.table_owner, 'USAGE')",
        &[],
        |row| Ok((row.get::<i32>(1)?.unwrap_or_default(), row.get::<Oid>(2)?.unwrap_or(Oid::INVALID))),
    )?
    .into_iter()
    .collect();
    let mut held: BTreeMap<u32, Held> = BTreeMap::new();
    if !owned.is_empty() {
        as_log_owner(|| gather(&owned, &mut held))?;
    }
    Ok(TableIterator::new(held.into_iter().map(|(table, held)| {
        (
            Oid::from(table),
            held.since,
            held.unsealed_since.and_then(moment),
            held.estimated.map(|e| e.0),
            held.estimated.map(|e| e.1),
        )
    })))
}

fn gather(owned: &HashMap<i32, Oid>, held: &mut BTreeMap<u32, Held>) -> Result<()> {
    for (layout, since) in dictionary::written()? {
        if let Some(table) = owned.get(&layout) {
            let held = held.entry(table.to_u32()).or_default();
            held.since = match (held.since, since) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    for (layout, since) in seal::unsealed()? {
        if let Some(table) = owned.get(&layout) {
            let held = held.entry(table.to_u32()).or_default();
            held.unsealed_since =
                Some(held.unsealed_since.map_or(since, |before| before.min(since)));
        }
    }
    let estimates = query::rows(include_str!("estimates.sql"), &[], |row| {
        let long = |i: usize| Ok::<_, Error>(row.get::<i64>(i)?.unwrap_or_default());
        Ok((row.get::<i32>(1)?.unwrap_or_default(), long(2)?, long(3)?))
    })?;
    for (layout, events, size) in estimates {
        if let Some(table) = owned.get(&layout) {
            let held = held.entry(table.to_u32()).or_default();
            let before = held.estimated.unwrap_or_default();
            held.estimated = Some((before.0 + events, before.1 + size));
        }
    }
    Ok(())
}

/// The audit log itself: how many partitions it has, its size in bytes with indexes, the events as the planner estimates
/// them, the days between which the partitions are that hold some; when it was sealed last, and how long the oldest
/// event that is not sealed yet has waited, NULL where there is none. What is not sealed yet is read for it. For owners
/// of audited tables, auditors and superusers: for others there is no row, since it tells of all organizations. Raises
/// nothing.
///
/// Example: `SELECT pg_size_pretty(size), oldest, sealing_lag FROM tenant_guard.audit_log_status();`
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn audit_log_status() -> Result<
    TableIterator<
        'static,
        (
            name!(partitions, Option<i32>),
            name!(size, Option<i64>),
            name!(events_estimated, Option<i64>),
            name!(oldest, Option<Date>),
            name!(newest, Option<Date>),
            name!(sealed_at, Option<TimestampWithTimeZone>),
            name!(sealing_lag, Option<Interval>),
        ),
    >,
    ErrorReport,
> {
    let reads = query::value::<bool>("SELECT tenant_guard.audit_reads_tables()", &[])?;
    if reads != Some(true) {
        return Ok(TableIterator::new(Vec::new()));
    }
    let rows = as_log_owner(|| {
        let unsealed = seal::unsealed()?.into_iter().map(|(_, since)| since).min();
        let lag = unsealed.map(|since| (row::clock() - since).max(0)).map(Interval::from_micros);
        query::rows(include_str!("log_status.sql"), &[], |row| {
            Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, lag))
        })
    })?;
    Ok(TableIterator::new(rows))
}

fn moment(micros: i64) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(micros).ok()
}

/// With the log's own rights, and past its policies.
fn as_log_owner<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    let owner = relation::owner_of_own_table("audit_event")
        .ok_or_else(|| Error::Internal { what: "the audit log is missing".into() })?;
    user::as_table_owner(owner, f)
}
