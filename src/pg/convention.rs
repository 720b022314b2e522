//! The BEFORE trigger that keeps timestamps, actors, versions and statuses, in one pass over the row.

use super::bytes::{with_values, Cursor};
use super::moved::{self, Departure, Moves};
use super::row_trigger::{column_number, kept, user_datum, Firing, RowOrNothing, Timing};
use super::{backend, ident};
use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::collections::BTreeMap;
use std::ffi::CStr;

/// Columns whose change is no change of the row: those that a convention keeps, and those of `access`.
const NO_CHANGE: &[&str] = &[
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
    "version",
    "version_updated_at",
    "version_updated_by",
    "status_changed_at",
    "status_changed_by",
    "last_accessed",
    "access_count",
];

type Transitions = BTreeMap<String, Vec<String>>;

/// What the trigger's arguments say, looked up in the table once a query.
struct Conventions {
    timestamps: Option<Timestamps>,
    actors: Option<Actors>,
    version: Option<Version>,
    status: Option<Status>,
    /// For each column, whether its change is a change of the row.
    compared: Vec<bool>,
    /// Room for the row before and after, used again for each row.
    old: Values,
    new: Values,
    moves: Moves,
}

struct Timestamps {
    created: usize,
    updated: usize,
}

#[derive(Clone, Copy)]
struct Actor {
    column: usize,
    r#type: pg_sys::Oid,
}

struct Actors {
    created: Actor,
    updated: Actor,
}

struct Version {
    version: usize,
    at: usize,
    by: Actor,
}

struct Status {
    status: usize,
    at: usize,
    by: Actor,
    transitions: Option<Transitions>,
}

impl Conventions {
    fn read(firing: &Firing) -> Result<Self> {
        let mut conventions = Conventions {
            timestamps: None,
            actors: None,
            version: None,
            status: None,
            compared: compared(firing),
            old: Values::default(),
            new: Values::default(),
            moves: Moves::default(),
        };
        let stamp = |name: &str| column(firing, name, &[pg_sys::TIMESTAMPTZOID]);
        let actor = |name: &str| {
            let column = column(firing, name, &[pg_sys::UUIDOID, pg_sys::TEXTOID])?;
            Ok::<_, Error>(Actor { column, r#type: type_of(firing, column) })
        };
        for argument in firing.arguments() {
            let (name, rest) = argument.split_once(':').unwrap_or((&argument, ""));
            match name {
                "timestamps" => {
                    conventions.timestamps = Some(Timestamps {
                        created: stamp("created_at")?,
                        updated: stamp("updated_at")?,
                    });
                }
                "actors" => {
                    conventions.actors = Some(Actors {
                        created: actor("created_by")?,
                        updated: actor("updated_by")?,
                    });
                }
                "version" => {
                    conventions.version = Some(Version {
                        version: column(firing, "version", &[pg_sys::INT4OID])?,
                        at: stamp("version_updated_at")?,
                        by: actor("version_updated_by")?,
                    });
                }
                "status" => {
                    let transitions = match rest {
                        "" => None,
                        json => Some(serde_json::from_str(json).map_err(|_| unknown(&argument))?),
                    };
                    conventions.status = Some(Status {
                        status: column(firing, "status", &[])?,
                        at: stamp("status_changed_at")?,
                        by: actor("status_changed_by")?,
                        transitions,
                    });
                }
                _ => return Err(unknown(&argument)),
            }
        }
        Ok(conventions)
    }

    fn only_timestamps(&self) -> bool {
        self.actors.is_none() && self.version.is_none() && self.status.is_none()
    }
}

fn unknown(argument: &str) -> Error {
    Error::NotOurTrigger {
        function: "keep_conventions",
        why: format!("its argument {} is no convention", ident::literal(argument)),
    }
}

fn compared(firing: &Firing) -> Vec<bool> {
    // SAFETY: the descriptor of an open relation; each number is within it.
    unsafe {
        let count = (*firing.descriptor()).natts as usize;
        (1..=count)
            .map(|i| {
                let attribute = backend::attribute(firing.descriptor(), i);
                let name = CStr::from_ptr(attribute.attname.data.as_ptr()).to_string_lossy();
                // A generated column follows from the others, and has no value yet.
                !attribute.attisdropped
                    && attribute.attgenerated == 0
                    && !NO_CHANGE.contains(&name.as_ref())
            })
            .collect()
    }
}

/// A column's position, from 0; it must be of one of the types, of any where none is given.
fn column(firing: &Firing, name: &str, types: &[pg_sys::Oid]) -> Result<usize> {
    let found = column_number(firing.descriptor(), name).map(|number| number - 1);
    match found.filter(|i| types.is_empty() || types.contains(&type_of(firing, *i))) {
        Some(position) => Ok(position),
        None => Err(Error::ConventionBroken {
            table: firing.table(),
            column: name.to_string(),
            trigger: "tenant_guard_conventions",
        }),
    }
}

fn type_of(firing: &Firing, position: usize) -> pg_sys::Oid {
    // SAFETY: the position is within the descriptor of an open relation.
    unsafe { backend::attribute(firing.descriptor(), position + 1).atttypid }
}

/// One version of the row, taken apart.
#[derive(Default)]
struct Values {
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl Values {
    fn read(&mut self, tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) {
        // SAFETY: both arrays have room for every column of the descriptor that the tuple is of.
        unsafe {
            let count = (*descriptor).natts as usize;
            self.values.resize(count, pg_sys::Datum::null());
            self.nulls.resize(count, true);
            let (values, nulls) = (self.values.as_mut_ptr(), self.nulls.as_mut_ptr());
            backend::unguarded_deform(tuple, descriptor, values, nulls);
        }
    }

    fn set(&mut self, position: usize, value: pg_sys::Datum) {
        self.values[position] = value;
        self.nulls[position] = false;
    }

    fn copy(&mut self, position: usize, from: &Values) {
        self.values[position] = from.values[position];
        self.nulls[position] = from.nulls[position];
    }

    fn set_user(&mut self, actor: Actor, user: &str) {
        match user_datum(user, actor.r#type) {
            Some(value) => self.set(actor.column, value),
            // A user whose id the column cannot hold is nobody to it, but not who the client says.
            None => self.nulls[actor.column] = true,
        }
    }
}

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

/// A value as text; None for NULL.
fn label(firing: &Firing, row: &Values, position: usize) -> Option<String> {
    if row.nulls[position] {
        return None;
    }
    let mut output = pg_sys::InvalidOid;
    let mut varlena = false;
    // SAFETY: the value is of the column's type, whose own output function gives a C string.
    unsafe {
        pg_sys::getTypeOutputInfo(type_of(firing, position), &mut output, &mut varlena);
        let text = pg_sys::OidOutputFunctionCall(output, row.values[position]);
        Some(CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}

fn same(old: &Values, new: &Values, position: usize, descriptor: pg_sys::TupleDesc) -> bool {
    if old.nulls[position] || new.nulls[position] {
        return old.nulls[position] == new.nulls[position];
    }
    // SAFETY: both are values of the column, which is within the descriptor.
    unsafe {
        let attribute = backend::attribute(descriptor, position + 1);
        backend::same_value(old.values[position], new.values[position], attribute)
    }
}

/// The start of the transaction, as now().
fn now() -> pg_sys::Datum {
    // SAFETY: reads a backend-local variable.
    pg_sys::Datum::from(unsafe { backend::unguarded_transaction_start() })
}

fn form(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc, row: &mut Values) -> RowOrNothing {
    // SAFETY: one value for each column of the descriptor; what identifies the row is carried over,
    // as heap_modify_tuple does.
    unsafe {
        let made =
            pg_sys::heap_form_tuple(descriptor, row.values.as_mut_ptr(), row.nulls.as_mut_ptr());
        (*(*made).t_data).t_ctid = (*(*tuple).t_data).t_ctid;
        (*made).t_self = (*tuple).t_self;
        (*made).t_tableOid = (*tuple).t_tableOid;
        RowOrNothing::row(made)
    }
}
