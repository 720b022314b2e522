//! A foreign key as the public id of the row that it refers to: looked up with the caller's rights and under the caller's
//! policies, once for each value in a query.

use super::plan::Deformed;
use super::value::uuid_text;
use super::{bytes, Call, Descriptor};
use crate::error::Result;
use crate::pg::{backend, kept, record, user};
use pgrx::datum::DatumWithOid;
use pgrx::{pg_sys, PgMemoryContexts, Uuid};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Where the public id of what a row refers to is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// A query of the public id, with a parameter for each column.
    pub sql: String,
    /// The columns that refer, by number.
    pub columns: Vec<i16>,
    /// The table that they refer to, and its columns that the query reads.
    pub table: u32,
    pub reads: Vec<i16>,
}

/// A column that refers, ready to be read.
struct Argument {
    at: usize,
    /// The type under any domains.
    kind: pg_sys::Oid,
    by_value: bool,
    length: i16,
}

pub(super) struct Found {
    reference: Reference,
    arguments: Vec<Argument>,
    /// No other has the same.
    number: u64,
}

impl Found {
    pub(super) fn of(reference: Reference, descriptor: &Descriptor) -> Self {
        thread_local! {
            static NUMBER: Cell<u64> = const { Cell::new(0) };
        }
        NUMBER.set(NUMBER.get() + 1);
        let argument = |number: &i16| {
            let number = usize::try_from(*number).unwrap_or_default();
            let attribute = descriptor.attribute(number);
            Argument {
                at: number - 1,
                // SAFETY: syscache look-ups for the type of a column.
                kind: unsafe { pg_sys::getBaseType(attribute.atttypid) },
                by_value: attribute.attbyval,
                length: attribute.attlen,
            }
        };
        Found {
            arguments: reference.columns.iter().map(argument).collect(),
            reference,
            number: NUMBER.get(),
        }
    }

    /// None where nothing is referred to, or nothing that the caller can see.
    pub(super) fn public_id(&self, call: &Call, row: &Deformed) -> Result<Option<[u8; 36]>> {
        if self.arguments.iter().any(|argument| row.nulls[argument.at]) {
            return Ok(None);
        }
        // SAFETY: the values are of the columns' types, and not NULL.
        let key = unsafe { self.key(row) };
        let known = match call.memory.known(&key) {
            Some(known) => known,
            None => {
                let found = self.look_up(row)?;
                call.memory.keep(key, found);
                found
            }
        };
        Ok(known.map(|id| uuid_text(&id)))
    }

    unsafe fn key(&self, row: &Deformed) -> Vec<u8> {
        let mut key = self.number.to_ne_bytes().to_vec();
        for argument in &self.arguments {
            let value = row.values[argument.at];
            match (argument.by_value, argument.length) {
                (true, _) => key.extend_from_slice(&value.value().to_ne_bytes()),
                (false, -1) => {
                    let bytes = bytes(value);
                    key.extend_from_slice(&bytes.len().to_ne_bytes());
                    key.extend_from_slice(bytes);
                }
                (false, length) => key.extend_from_slice(std::slice::from_raw_parts(
                    value.cast_mut_ptr::<u8>(),
                    usize::try_from(length).unwrap_or_default(),
                )),
            }
        }
        key
    }

    fn look_up(&self, row: &Deformed) -> Result<Option<[u8; 16]>> {
        // Without the privilege the statement would fail, and with it the whole query.
        if !user::may_select(pg_sys::Oid::from(self.reference.table), &self.reference.reads) {
            return Ok(None);
        }
        let argument = |argument: &Argument| {
            // SAFETY: a non-NULL value of the type.
            unsafe { DatumWithOid::new(row.values[argument.at], argument.kind) }
        };
        let arguments: Vec<DatumWithOid> = self.arguments.iter().map(argument).collect();
        let found = kept::rows(&self.reference.sql, &arguments, |row| Ok(row.get::<Uuid>(1)?))?;
        Ok(found.into_iter().next().flatten().map(|id| *id.as_bytes()))
    }
}

/// So many answers take some hundred kilobytes.
const MOST: usize = 10_000;

/// What a query found out, for as long as that runs.
#[derive(Default)]
struct Answers {
    /// The client's statement and the user that they are good for: a cursor may outlive both.
    of: (pg_sys::TimestampTz, u32),
    known: HashMap<Vec<u8>, Option<[u8; 16]>>,
}

/// A call's way to what its query found out.
pub(super) struct Memory(pg_sys::FunctionCallInfo);

impl Memory {
    pub(super) fn of(call: pg_sys::FunctionCallInfo) -> Self {
        Memory(call)
    }

    fn known(&self, key: &[u8]) -> Option<Option<[u8; 16]>> {
        self.with(|answers| answers.known.get(key).copied()).flatten()
    }

    fn keep(&self, key: Vec<u8>, found: Option<[u8; 16]>) {
        self.with(|answers| {
            if answers.known.len() >= MOST {
                answers.known.clear();
            }
            answers.known.insert(key, found);
        });
    }

    /// None where the call is not a query's: what PL/pgSQL evaluates by itself outlives the identity.
    fn with<R>(&self, f: impl FnOnce(&mut Answers) -> R) -> Option<R> {
        // SAFETY: the call's own state; its fn_extra is used by nothing else, and what it points to goes with
        // the memory that the state is in.
        unsafe {
            let state = (*self.0).flinfo;
            if state.is_null() || !record::is_of_a_query((*state).fn_mcxt) {
                return None;
            }
            if (*state).fn_extra.is_null() {
                let mut context = PgMemoryContexts::For((*state).fn_mcxt);
                let answers = RefCell::new(Answers::default());
                (*state).fn_extra = context.leak_and_drop_on_delete(answers).cast();
            }
            let mut answers = (*(*state).fn_extra.cast::<RefCell<Answers>>()).borrow_mut();
            let of = (backend::unguarded_statement_start(), user::current_oid().to_u32());
            if answers.of != of {
                *answers = Answers { of, ..Answers::default() };
            }
            Some(f(&mut answers))
        }
    }
}
