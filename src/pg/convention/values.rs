//! The row's values: taken apart, compared, and put together again.

use super::told::{type_of, Actor};
use crate::pg::backend;
use crate::pg::row_trigger::{user_datum, Firing, RowOrNothing};
use pgrx::pg_sys;
use std::ffi::CStr;

/// One version of the row, taken apart.
#[derive(Default)]
pub struct Values {
    pub values: Vec<pg_sys::Datum>,
    pub nulls: Vec<bool>,
}

impl Values {
    pub fn read(&mut self, tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) {
        // SAFETY: both arrays have room for every column of the descriptor that the tuple is of.
        unsafe {
            let count = (*descriptor).natts as usize;
            self.values.resize(count, pg_sys::Datum::null());
            self.nulls.resize(count, true);
            let (values, nulls) = (self.values.as_mut_ptr(), self.nulls.as_mut_ptr());
            backend::unguarded_deform(tuple, descriptor, values, nulls);
        }
    }

    pub fn set(&mut self, position: usize, value: pg_sys::Datum) {
        self.values[position] = value;
        self.nulls[position] = false;
    }

    pub fn copy(&mut self, position: usize, from: &Values) {
        self.values[position] = from.values[position];
        self.nulls[position] = from.nulls[position];
    }

    pub fn set_user(&mut self, actor: Actor, user: &str) {
        match user_datum(user, actor.r#type) {
            Some(value) => self.set(actor.column, value),
            // A user whose id the column cannot hold is nobody to it, but not who the client says.
            None => self.nulls[actor.column] = true,
        }
    }
}

/// A value as text; None for NULL.
pub fn label(firing: &Firing, row: &Values, position: usize) -> Option<String> {
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

pub fn same(old: &Values, new: &Values, position: usize, descriptor: pg_sys::TupleDesc) -> bool {
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
pub fn now() -> pg_sys::Datum {
    // SAFETY: reads a backend-local variable.
    pg_sys::Datum::from(unsafe { backend::unguarded_transaction_start() })
}

pub fn form(
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    row: &mut Values,
) -> RowOrNothing {
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
