//! The BEFORE trigger that keeps timestamps, actors, versions and statuses, in one pass over the row.

mod told;
mod values;

use self::told::{Conventions, Status, Version};
use self::values::{form, label, now, same, Values};
use super::bytes::{with_values, Cursor};
use super::moved::{self, Departure};
use super::row_trigger::{kept, Firing, RowOrNothing, Timing};
use crate::error::{Error, Result};
use pgrx::pg_sys;

/// The work of tenant_guard.keep_conventions. `user` is asked only where a convention needs to know.
pub fn keep(
    call: pg_sys::FunctionCallInfo,
    user: impl Fn() -> Option<String>,
) -> Result<RowOrNothing> {
    let wrong = || Error::NotOurTrigger {
        function: "keep_conventions",
        why: "it was not called as a BEFORE ROW trigger".into(),
    };
    let firing = Firing::of(call, Timing::Before).ok_or_else(wrong)?;
    // SAFETY: the call was accepted, and this is the only place that asks.
    let conventions = unsafe { kept(call, || Conventions::read(&firing))? };
    match firing.operation() {
        super::trigger::Operation::Insert => insert(&firing, conventions, user),
        super::trigger::Operation::Update => {
            let row = update(&firing, conventions, user)?;
            // The others have nothing to do with what is inserted.
            if !conventions.only_timestamps() {
                conventions.moves.updated(&firing, row.tuple());
            }
            Ok(row)
        }
        _ => {
            if conventions.moves.deleted(&firing) == Departure::Moved {
                moved::starts(&firing);
            }
            Ok(RowOrNothing::row(firing.data.tg_trigtuple))
        }
    }
}

fn insert(
    firing: &Firing,
    conventions: &mut Conventions,
    user: impl Fn() -> Option<String>,
) -> Result<RowOrNothing> {
    let tuple = firing.data.tg_trigtuple;
    let Conventions { actors, version, status, new, .. } = conventions;
    if moved::ends(firing) || (actors.is_none() && version.is_none() && status.is_none()) {
        return Ok(RowOrNothing::row(tuple));
    }
    let user = user();
    new.read(tuple, firing.descriptor());
    if let (Some(actors), Some(user)) = (actors, &user) {
        new.set_user(actors.created, user);
        new.set_user(actors.updated, user);
    }
    if let Some(version) = version {
        new.set(version.version, pg_sys::Datum::from(1));
        new.set(version.at, now());
        if let Some(user) = &user {
            new.set_user(version.by, user);
        }
    }
    if let Some(status) = status {
        new.set(status.at, now());
        if let Some(user) = &user {
            new.set_user(status.by, user);
        }
    }
    Ok(form(tuple, firing.descriptor(), new))
}

fn update(
    firing: &Firing,
    conventions: &mut Conventions,
    user: impl Fn() -> Option<String>,
) -> Result<RowOrNothing> {
    if let Some(done) = stamp(firing, conventions) {
        return Ok(done);
    }
    let (tuple, descriptor) = (firing.data.tg_newtuple, firing.descriptor());
    let Conventions { timestamps, actors, version, status, compared, old, new, .. } = conventions;
    old.read(firing.data.tg_trigtuple, descriptor);
    new.read(tuple, descriptor);
    let (old, new) = (&*old, new);
    let changed = compared
        .iter()
        .enumerate()
        .any(|(i, compared)| *compared && !same(old, new, i, descriptor));
    let user = (actors.is_some() || version.is_some() || status.is_some()).then(user).flatten();
    if let Some(timestamps) = timestamps {
        new.copy(timestamps.created, old);
        if changed {
            new.set(timestamps.updated, now());
        } else {
            new.copy(timestamps.updated, old);
        }
    }
    if let (Some(actors), Some(user)) = (actors, &user) {
        new.copy(actors.created.column, old);
        if changed {
            new.set_user(actors.updated, user);
        } else {
            new.copy(actors.updated.column, old);
        }
    }
    if let Some(version) = version {
        let next = next_version(firing, version, old, new)?;
        if changed {
            new.set(version.version, pg_sys::Datum::from(next));
            new.set(version.at, now());
            match &user {
                Some(user) => new.set_user(version.by, user),
                None => new.nulls[version.by.column] = true,
            }
        } else {
            for position in [version.version, version.at, version.by.column] {
                new.copy(position, old);
            }
        }
    }
    if let Some(status) = status {
        if same(old, new, status.status, descriptor) {
            new.copy(status.at, old);
            new.copy(status.by.column, old);
        } else {
            check_transition(firing, status, old, new)?;
            new.set(status.at, now());
            match &user {
                Some(user) => new.set_user(status.by, user),
                None => new.nulls[status.by.column] = true,
            }
        }
    }
    Ok(form(tuple, descriptor, new))
}

/// The usual case, timestamps alone, without taking the row apart; None where it has to be.
fn stamp(firing: &Firing, conventions: &Conventions) -> Option<RowOrNothing> {
    let stamps = conventions.timestamps.as_ref().filter(|_| conventions.only_timestamps())?;
    let (tuple, descriptor) = (firing.data.tg_newtuple, firing.descriptor());
    // SAFETY: both tuples are of the descriptor of the relation that the executor holds open.
    let (mut old, mut new) = unsafe {
        (Cursor::new(firing.data.tg_trigtuple, descriptor), Cursor::new(tuple, descriptor))
    };
    let (mut created, mut updated, mut changed) = (None, None, false);
    for (i, compared) in conventions.compared.iter().enumerate() {
        let (before, after) = (old.column()?, new.column()?);
        if i == stamps.created {
            created = Some((before?, after?));
        } else if i == stamps.updated {
            updated = Some((before?, after?));
        } else if *compared && !changed {
            changed = !new.same(after, before);
        }
        if changed && created.is_some() && updated.is_some() {
            break;
        }
    }
    let ((created_before, created), (updated_before, updated)) = (created?, updated?);
    let stamp = if changed { now().value() as i64 } else { updated_before.read() };
    if created.read() == created_before.read() && updated.read() == stamp {
        return Some(RowOrNothing::row(tuple));
    }
    let values = [(created, created_before.read()), (updated, stamp)];
    // SAFETY: the places are those of two timestamps of this tuple.
    Some(RowOrNothing::row(unsafe { with_values(tuple, &values) }))
}

/// The version after the change; refuses a row that somebody else changed since it was read.
fn next_version(firing: &Firing, version: &Version, old: &Values, new: &Values) -> Result<i32> {
    let number = |row: &Values| {
        (!row.nulls[version.version]).then(|| row.values[version.version].value() as i32)
    };
    let current = number(old).unwrap_or(0);
    let next = current.checked_add(1).unwrap_or(1);
    match number(new) {
        Some(given) if given == current || given == next => Ok(next),
        given => Err(Error::StaleVersion { table: firing.table(), given, current }),
    }
}

fn check_transition(firing: &Firing, status: &Status, old: &Values, new: &Values) -> Result<()> {
    let Some(transitions) = &status.transitions else { return Ok(()) };
    let label = |row: &Values| label(firing, row, status.status);
    let (Some(from), Some(to)) = (label(old), label(new)) else { return Ok(()) };
    let allowed = transitions.get(&from).cloned().unwrap_or_default();
    if allowed.contains(&to) {
        return Ok(());
    }
    Err(Error::ForbiddenTransition { table: firing.table(), from, to, allowed })
}
