//! Rows of PostgreSQL's own catalogs by their indexes, and what OIDs are called, past SPI: for what is asked of each
//! column and index of a hundred tables, where starting a query for each takes longer than finding the answer.
//!
//! Everything is as the last commit, and this transaction, left it, whatever snapshot is in force.

use super::backend;
use super::catalog_names::text;
use super::relation::Relation;
use crate::error::{Error, Result};
use pgrx::{pg_sys, FromDatum, PgMemoryContexts};
use std::ffi::CStr;

/// A catalog's columns by their numbers, which differ between versions. Made by `system_catalog!`.
pub trait Columns: Sized {
    const CATALOG: u32;
    /// The index that begins with the columns that rows are looked up by.
    const INDEX: u32;

    /// Asks for each column's number by its name.
    fn find(number: impl Fn(&'static str) -> Result<usize>) -> Result<Self>;
}

/// Declares the columns that are read of a catalog, which has the same OIDs in every version.
macro_rules! system_catalog {
    ($name:ident = $catalog:literal by $index:literal { $($column:ident),+ $(,)? }) => {
        struct $name {
            $($column: usize),+
        }

        impl $crate::pg::system_catalog::Columns for $name {
            const CATALOG: u32 = $catalog;
            const INDEX: u32 = $index;

            fn find(number: impl Fn(&'static str) -> Result<usize>) -> Result<Self> {
                Ok($name { $($column: number(stringify!($column))?),+ })
            }
        }
    };
}
pub(crate) use system_catalog;

/// An open catalog.
pub struct SystemCatalog<C> {
    relation: Relation,
    pub columns: C,
}

impl<C: Columns> SystemCatalog<C> {
    pub fn open() -> Result<Self> {
        let internal = |what: String| Error::Internal { what };
        let oid = pg_sys::Oid::from(C::CATALOG);
        let relation = Relation::open(oid, pg_sys::AccessShareLock)
            .ok_or_else(|| internal(format!("no catalog {}", C::CATALOG)))?;
        // SAFETY: the catalog is open, and so its descriptor is there.
        let names: Vec<&CStr> = unsafe {
            let descriptor = (*relation.raw).rd_att;
            (1..=(*descriptor).natts as usize)
                .map(|n| CStr::from_ptr(backend::attribute(descriptor, n).attname.data.as_ptr()))
                .collect()
        };
        let columns = C::find(|name| {
            let found = names.iter().position(|n| n.to_bytes() == name.as_bytes());
            found.ok_or_else(|| internal(format!("catalog {} without {name}", C::CATALOG)))
        })?;
        Ok(SystemCatalog { relation, columns })
    }

    /// Every row that has these OIDs in these columns, in the order of the index, through `f`.
    pub fn each(
        &self,
        keys: &[(usize, pg_sys::Oid)],
        mut f: impl FnMut(&Row, &C) -> Result<()>,
    ) -> Result<()> {
        let mut scan_keys = [pg_sys::ScanKeyData::default(); 2];
        // SAFETY: the catalog is open and locked; the keys are of columns of the index, which are OIDs; a row is read
        // before the next one is fetched.
        unsafe {
            for (scan_key, (column, oid)) in scan_keys.iter_mut().zip(keys) {
                pg_sys::ScanKeyInit(
                    scan_key,
                    *column as pg_sys::AttrNumber + 1,
                    pg_sys::BTEqualStrategyNumber as u16,
                    pg_sys::F_OIDEQ.into(),
                    (*oid).into(),
                );
            }
            let descriptor = (*self.relation.raw).rd_att;
            let width = (*descriptor).natts as usize;
            let (mut values, mut nulls) = (vec![pg_sys::Datum::null(); width], vec![true; width]);
            let scan = pg_sys::systable_beginscan(
                self.relation.raw,
                pg_sys::Oid::from(C::INDEX),
                true,
                std::ptr::null_mut(),
                keys.len() as i32,
                scan_keys.as_mut_ptr(),
            );
            let mut answer = Ok(());
            while answer.is_ok() {
                let tuple = pg_sys::systable_getnext(scan);
                if tuple.is_null() {
                    break;
                }
                let (values_at, nulls_at) = (values.as_mut_ptr(), nulls.as_mut_ptr());
                backend::unguarded_deform(tuple, descriptor, values_at, nulls_at);
                answer = f(&Row { values: &values, nulls: &nulls }, &self.columns);
            }
            pg_sys::systable_endscan(scan);
            answer
        }
    }

    /// `each`, all that `f` makes of them together.
    pub fn all<T>(
        &self,
        keys: &[(usize, pg_sys::Oid)],
        mut f: impl FnMut(&Row, &C) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(keys, |row, columns| {
            found.push(f(row, columns)?);
            Ok(())
        })?;
        Ok(found)
    }
}

/// A row, while it is looked at. Whoever asks names the type that the column has.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
}

impl Row<'_> {
    #[must_use]
    fn datum(&self, column: usize) -> Option<pg_sys::Datum> {
        (!self.nulls[column]).then(|| self.values[column])
    }

    #[must_use]
    pub fn is_null(&self, column: usize) -> bool {
        self.nulls[column]
    }

    /// An expression of the relation's as SQL writes it under the path in force; None for NULL.
    #[must_use]
    pub fn expression(&self, column: usize, relation: pg_sys::Oid) -> Option<String> {
        let arguments = [Some(self.datum(column)?), Some(relation.into())];
        // SAFETY: whoever asks knows that the column has expressions, and of which relation.
        unsafe { pgrx::direct_function_call(pg_sys::pg_get_expr, &arguments) }
    }

    /// 0 for NULL.
    #[must_use]
    pub fn oid(&self, column: usize) -> pg_sys::Oid {
        let oid = self.datum(column).map_or(0, |datum| datum.value() as u32);
        pg_sys::Oid::from(oid)
    }

    #[must_use]
    pub fn flag(&self, column: usize) -> bool {
        self.datum(column).is_some_and(|datum| datum.value() as u8 != 0)
    }

    /// A smallint, or an integer that would be one. 0 for NULL.
    #[must_use]
    pub fn short(&self, column: usize) -> i16 {
        self.datum(column).map_or(0, |datum| datum.value() as i16)
    }

    /// 0 for NULL.
    #[must_use]
    pub fn int(&self, column: usize) -> i32 {
        self.datum(column).map_or(0, |datum| datum.value() as i32)
    }

    /// A "char" as text; none for one of nothing.
    #[must_use]
    pub fn char(&self, column: usize) -> String {
        match self.datum(column).map_or(0, |datum| datum.value() as u8) {
            0 => String::new(),
            byte => char::from(byte).to_string(),
        }
    }

    pub fn name(&self, column: usize) -> Result<String> {
        // SAFETY: a `name` is NUL-terminated.
        Ok(unsafe { text(self.values[column].cast_mut_ptr()) }?.unwrap_or_default())
    }

    /// Of one of the types that Rust has: text, arrays of text, numbers or OIDs.
    #[must_use]
    pub fn value<T: FromDatum>(&self, column: usize) -> Option<T> {
        // SAFETY: whoever asks knows the column's type.
        unsafe { T::from_datum(self.values[column], self.nulls[column]) }
    }
}

/// Runs `f`, and lets go of all that it had the server allocate.
pub fn in_passing_memory<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: what `f` returns is Rust's own.
    unsafe { PgMemoryContexts::new("tenant_guard catalog").switch_to(|_| f()) }
}
