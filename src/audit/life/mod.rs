//! The life of the audit log: how long what is kept, and what is erased of it before.

mod erase;
pub mod permission;
pub mod permit;
mod purge;
mod subject;

use crate::error::{Error, Result};
use crate::pg::types::RegClass;
use crate::pg::{log, query, user};
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid};

/// Removes what was logged longer ago than older_than, or before a moment, of one organization or of all: whole trees of
/// sealed blocks, the oldest first. Events that are not sealed stay, and those of an organization that is held, or whose
/// retention is longer. Months of which nothing is left are dropped; who acted goes with the last of his events, unless a
/// session of now may name it again. What was purged is a block of the chain, and verify_audit goes on to verify the
/// rest, which is read for it. For administrators.
/// Returns a row for each organization that lost events, with how many, and for each month that was dropped; in a
/// dry run nothing changes. Raises 42501, 22004 for neither an age nor a moment, 22023 for both, a negative age or a
/// moment to come, XX001 where what is to go is not what was sealed.
///
/// Example: `SELECT * FROM tenant_guard.purge_audit(interval '2 years', dry_run => true);`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
pub fn purge_audit(
    older_than: default!(Option<Interval>, "NULL"),
    organization: default!(Option<Uuid>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
    before: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (name!(action, String), name!(organization, Option<Uuid>), name!(events, i64)),
    >,
    ErrorReport,
> {
    let before = moment(older_than, before)?;
    let purged =
        permission::as_log_owner(|| purge::purge(before, organization, dry_run.unwrap_or(false)))?;
    if purged.held > 0 {
        log::notice(&format!(
            "of {} organizations older events stay: they are held, or kept longer",
            purged.held
        ));
    }
    Ok(TableIterator::new(
        purged
            .done
            .into_iter()
            .map(|done| (done.action, super::seal::uuid(done.organization.as_ref()), done.events)),
    ))
}

/// Before which events are old.
fn moment(
    older_than: Option<Interval>,
    before: Option<TimestampWithTimeZone>,
) -> Result<TimestampWithTimeZone> {
    match (older_than, before) {
        (None, None) => {
            Err(Error::NullArgument { function: "purge_audit", argument: "older_than" })
        }
        (Some(_), Some(_)) => Err(Error::WrongOption {
            option: "before",
            why: "An age is given as well.".into(),
            hint: "Give one of older_than and before.".into(),
        }),
        (Some(age), None) if is_negative(age)? => {
            Err(Error::NegativeInterval { function: "purge_audit" })
        }
        (Some(age), None) => {
            let sql = "SELECT pg_catalog.now() - $1";
            let moment = query::value::<TimestampWithTimeZone>(sql, &[age.into()])?;
            moment.ok_or_else(|| Error::Internal { what: "there is no such moment".into() })
        }
        (None, Some(moment)) => {
            let to_come = "SELECT $1 > pg_catalog.clock_timestamp()";
            if query::value::<bool>(to_come, &[moment.into()])? == Some(true) {
                let value = "one to come".to_string();
                let range = "a moment that was";
                return Err(Error::OutOfRange { argument: "before", value, range });
            }
            Ok(moment)
        }
    }
}

/// What the calendar has no day for, counted back from now, is no promise that could be kept.
fn is_endless(age: Interval) -> Result<bool> {
    let sql = "SELECT $1 > '1000 years'::pg_catalog.interval";
    Ok(query::value::<bool>(sql, &[age.into()])? == Some(true))
}

fn is_negative(age: Interval) -> Result<bool> {
    let sql = "SELECT $1 < '0'::pg_catalog.interval";
    Ok(query::value::<bool>(sql, &[age.into()])? == Some(true))
}

/// Keeps purge_audit from an organization's events, however old they are, until release_audit_hold; NULL: from
/// everybody's. For administrators. Returns the hold's number. Raises 42501, 22004 without a reason.
///
/// Example: `SELECT tenant_guard.hold_audit('aaaaaaaa-0000-4000-8000-000000000001', 'case 12/2026');`
#[pg_extern(volatile, parallel_unsafe)]
pub fn hold_audit(organization: Option<Uuid>, reason: Option<&str>) -> Result<i64, ErrorReport> {
    let reason =
        reason.ok_or(Error::NullArgument { function: "hold_audit", argument: "reason" })?;
    let by = user::current();
    let id = permission::as_log_owner(|| {
        query::returning::<i64>(
            "INSERT INTO tenant_guard.audit_hold (organization, reason, held_by) VALUES ($1, $2, $3) RETURNING id",
            &[organization.into(), reason.into(), by.as_str().into()],
        )
    })?;
    Ok(id.unwrap_or_default())
}

/// Ends a hold. For administrators. Returns whether there was such a hold in force. Raises 42501, 22004.
///
/// Example: `SELECT tenant_guard.release_audit_hold(1);`
#[pg_extern(volatile, parallel_unsafe)]
pub fn release_audit_hold(hold: Option<i64>) -> Result<bool, ErrorReport> {
    let null = Error::NullArgument { function: "release_audit_hold", argument: "hold" };
    let (hold, by) = (hold.ok_or(null)?, user::current());
    let released = permission::as_log_owner(|| {
        query::returning::<i64>(
            "UPDATE tenant_guard.audit_hold SET released_by = $2, released_at = pg_catalog.now()
             WHERE id = $1 AND released_at IS NULL RETURNING id",
            &[hold.into(), by.as_str().into()],
        )
    })?;
    Ok(released.is_some())
}

/// Has an organization's events kept at least so long, whatever purge_audit is asked for; NULL ends that. For
/// administrators. Returns nothing. Raises 42501, 22004, 22023 for a time that is negative, or longer than a
/// thousand years.
///
/// Example: `SELECT tenant_guard.set_audit_retention('aaaaaaaa-0000-4000-8000-000000000001', interval '10 years');`
#[pg_extern(volatile, parallel_unsafe)]
pub fn set_audit_retention(
    organization: Option<Uuid>,
    keep: Option<Interval>,
) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "set_audit_retention", argument: "organization" };
    let organization = organization.ok_or(null)?;
    let by = user::current();
    if keep.map_or(Ok(false), |keep| Ok::<_, Error>(is_negative(keep)? || is_endless(keep)?))? {
        let range = "an interval from nothing to a thousand years, or NULL";
        let value = "less or more".to_string();
        return Err(Error::OutOfRange { argument: "keep", value, range }.into());
    }
    permission::as_log_owner(|| {
        match keep {
        None => query::run(
            "DELETE FROM tenant_guard.audit_retention WHERE organization = $1",
            &[organization.into()],
        ),
        Some(keep) => query::run(
            "INSERT INTO tenant_guard.audit_retention (organization, keep, set_by) VALUES ($1, $2, $3)
             ON CONFLICT (organization) DO UPDATE SET keep = excluded.keep, set_by = excluded.set_by, set_at = pg_catalog.now()",
            &[organization.into(), keep.into(), by.as_str().into()],
        ),
    }
    })?;
    Ok(())
}

/// Erases one subject's personal values from the audit log, for good: in all events of the rows that key names, by
/// their primary key or by any columns that some event has with these values, through all keys that the rows had.
/// columns: which columns' values; NULL means all that were logged as 'erasable'. A value that was logged as it is,
/// before its column was erasable, is hashed as it is: it cannot be erased without breaking the seal, stays, and is
/// counted in kept. What was erased when, by whom and why is a row of audit_erasure. For administrators.
/// Returns how many events there are of the subject, how many values were erased, and how many are kept; in a dry run
/// nothing changes. The whole trail of the table is read. Raises 42501, 22004, 22023, 42703, 55000.
///
/// Example: `SELECT * FROM tenant_guard.erase_subject('crm.contacts', '{"email": "ada@example.com"}', 'request 17');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
pub fn erase_subject(
    table: Option<RegClass>,
    key: Option<JsonB>,
    reason: Option<&str>,
    columns: default!(Option<Vec<Option<String>>>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<'static, (name!(events, i64), name!(erased, i64), name!(kept, i64))>,
    ErrorReport,
> {
    let null = |argument| Error::NullArgument { function: "erase_subject", argument };
    let key = key.ok_or_else(|| null("key"))?.0;
    let found = erase::erase(&erase::Wanted {
        table: table.ok_or_else(|| null("table"))?.0,
        key: &key,
        reason: reason.ok_or_else(|| null("reason"))?,
        // A NULL among them is no column.
        columns: columns.map(|columns| columns.into_iter().flatten().collect()),
        dry_run: dry_run.unwrap_or(false),
    })?;
    if found.kept > 0 {
        log::warning(
            &format!("{} values cannot be erased from the audit log", found.kept),
            &format!(
                "They were logged as they are, and are sealed so: column {}.",
                found.kept_columns.join(", ")
            ),
            "From now on log these columns as 'erasable'. What is there goes with purge_audit.",
        );
    }
    Ok(TableIterator::once((found.events, found.erased, found.kept)))
}
