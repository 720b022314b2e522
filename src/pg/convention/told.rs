//! What the trigger's arguments say, looked up in the table.

use super::values::Values;
use crate::error::{Error, Result};
use crate::pg::moved::Moves;
use crate::pg::row_trigger::{column_number, Firing};
use crate::pg::{backend, ident};
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
pub struct Conventions {
    pub timestamps: Option<Timestamps>,
    pub actors: Option<Actors>,
    pub version: Option<Version>,
    pub status: Option<Status>,
    /// For each column, whether its change is a change of the row.
    pub compared: Vec<bool>,
    /// Room for the row before and after, used again for each row.
    pub old: Values,
    pub new: Values,
    pub moves: Moves,
}

pub struct Timestamps {
    pub created: usize,
    pub updated: usize,
}

#[derive(Clone, Copy)]
pub struct Actor {
    pub column: usize,
    pub r#type: pg_sys::Oid,
}

pub struct Actors {
    pub created: Actor,
    pub updated: Actor,
}

pub struct Version {
    pub version: usize,
    pub at: usize,
    pub by: Actor,
}

pub struct Status {
    pub status: usize,
    pub at: usize,
    pub by: Actor,
    pub transitions: Option<Transitions>,
}

impl Conventions {
    pub fn read(firing: &Firing) -> Result<Self> {
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

    pub fn only_timestamps(&self) -> bool {
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

pub fn type_of(firing: &Firing, position: usize) -> pg_sys::Oid {
    // SAFETY: the position is within the descriptor of an open relation.
    unsafe { backend::attribute(firing.descriptor(), position + 1).atttypid }
}
