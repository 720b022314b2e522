//! The log's partitions, one a month. There is no default partition: it could not be parted from later. Where
//! the month's is missing it is made; where somebody else is making it, the events go to the latest there is.

use crate::error::{Error, Result};
use crate::pg::invalidation::{Cached, Subject};
use crate::pg::{query, relation, user};
use pgrx::pg_sys::Oid;
use std::rc::Rc;

/// A partition, by its first day in days since 2000-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    pub first_day: i32,
    pub table: u32,
}

thread_local! {
    static MONTHS: Cached<Rc<Vec<Month>>> = const { Cached::new(Subject::AuditLog) };
}

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Where an event of that moment goes.
pub fn partition(at: i64) -> Result<Month> {
    let wanted = first_day(at.div_euclid(MICROS_A_DAY) as i32);
    let there = months()?;
    if let Some(month) = there.iter().find(|m| m.first_day == wanted) {
        return Ok(*month);
    }
    let latest = there.last().copied();
    let log = relation::own("audit_event")
        .ok_or_else(|| Error::Internal { what: "the audit log is missing".into() })?;
    match latest {
        // Whoever holds the lock is making it, or altering the log.
        Some(latest) if !relation::lock_if_free(log, relation::Lock::Attach) => Ok(latest),
        Some(_) => make(wanted),
        None => {
            relation::lock(log.to_u32(), relation::Lock::Attach)?;
            make(wanted)
        }
    }
}

/// The first day of the month of a moment.
#[must_use]
pub fn first_day_at(moment: i64) -> i32 {
    first_day(moment.div_euclid(MICROS_A_DAY) as i32)
}

/// Makes the partitions of this month and the next, where they are missing.
pub fn prepare(now: i64) -> Result<()> {
    let this = first_day(now.div_euclid(MICROS_A_DAY) as i32);
    for wanted in [this, first_day(this + 40)] {
        if !read()?.iter().any(|m| m.first_day == wanted) {
            if let Some(log) = relation::own("audit_event") {
                relation::lock(log.to_u32(), relation::Lock::Attach)?;
            }
            make(wanted)?;
        }
    }
    Ok(())
}

/// The log's partitions, by their first day.
pub fn months() -> Result<Rc<Vec<Month>>> {
    MONTHS.with(|cache| {
        cache.get(|| {
            let own = relation::own("audit_event").into_iter().collect();
            Ok((Rc::new(read_here()?), Some(own)))
        })
    })
}

pub fn read() -> Result<Vec<Month>> {
    let _read = query::catalog_read(query::PINNED);
    read_here()
}

/// With the snapshot in force, which is all that a parallel worker has.
fn read_here() -> Result<Vec<Month>> {
    query::rows(include_str!("months.sql"), &[], |row| {
        Ok(Month {
            first_day: row.get::<i32>(1)?.unwrap_or_default(),
            table: row.get::<Oid>(2)?.map_or(0, Oid::to_u32),
        })
    })
}

/// Under the lock: unless somebody has made it meanwhile.
fn make(first_day: i32) -> Result<Month> {
    if let Some(month) = read()?.into_iter().find(|m| m.first_day == first_day) {
        return Ok(month);
    }
    let (from, to) = (date(first_day), date(self::first_day(first_day + 40)));
    let month = from[..7].replace('-', "_");
    let name = format!("tenant_guard.audit_event_{month}");
    let sql = include_str!("month.sql")
        .replace("{name}", &name)
        .replace("{index}", &format!("idx_audit_event_{month}"))
        .replace("{from}", &from)
        .replace("{to}", &to);
    user::as_extension_owner(|| {
        sql.split(";\n")
            .filter(|one| !one.trim().is_empty())
            .try_for_each(|one| query::run(one, &[]))
    })?;
    read()?
        .into_iter()
        .find(|m| m.first_day == first_day)
        .ok_or_else(|| Error::Internal { what: format!("{name} was not made") })
}

/// The first day of the month that a day is in; both in days since 2000-01-01.
fn first_day(day: i32) -> i32 {
    let (year, month, _) = civil(day);
    days(year, month, 1)
}

fn date(day: i32) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days from 0000-03-01 to 2000-01-01.
const SHIFT: i32 = 730_425;

/// Year, month and day of the proleptic Gregorian calendar. Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms".
fn civil(day: i32) -> (i32, i32, i32) {
    let day = day + SHIFT;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i32::from(month <= 2), month, day)
}

fn days(year: i32, month: i32, day: i32) -> i32 {
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(civil(0), (2000, 1, 1));
        assert_eq!(date(59), "2000-02-29");
        assert_eq!(date(-1), "1999-12-31");
        assert_eq!(date(first_day(9_820)), "2026-11-01");
        assert_eq!(date(first_day(first_day(9_820) + 40)), "2026-12-01");
        assert_eq!(date(first_day(first_day(days(2026, 12, 31)) + 40)), "2027-01-01");
        for day in -200_000..200_000 {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
