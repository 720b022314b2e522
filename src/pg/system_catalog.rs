//! Rows of PostgreSQL's own catalogs by their indexes, past SPI: for what is asked of each column and index of a
//! hundred tables, where starting a query for each takes longer than finding the answer. So does starting a scan: each
//! catalog has one, which goes from one key to the next.

use super::backend;
use super::catalog_names::text;
use super::query::CatalogRead;
use super::relation::Relation;
use crate::error::{Error, Result};
use pgrx::{pg_sys, FromDatum, PgMemoryContexts};
use std::cell::Cell;
use std::ffi::CStr;
use std::marker::PhantomData;

/// A catalog's columns by their numbers, which differ between versions. Made by `system_catalog!`.
pub trait Columns: Sized {
    const CATALOG: u32;
    /// The index that rows are looked up by.
    const INDEX: u32;
    /// By these, its first columns, which are OIDs.
    const KEYS: &'static [&'static str];

    /// Asks for each column's number by its name.
    fn find(number: impl Fn(&str) -> Result<usize>) -> Result<Self>;
}

/// Declares what is read of a catalog: its OID, that of the index, the first columns of the index, and other columns.
/// The OIDs are the same in every version.
macro_rules! system_catalog {
    ($name:ident = $catalog:literal by $index:literal ($($key:ident),+) { $($column:ident),* $(,)? }) => {
        struct $name {
            $($column: usize),*
        }

        impl $crate::pg::system_catalog::Columns for $name {
            const CATALOG: u32 = $catalog;
            const INDEX: u32 = $index;
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

            fn find(number: impl Fn(&str) -> Result<usize>) -> Result<Self> {
                let _ = &number; // where no column is read but the keys
                Ok($name { $($column: number(stringify!($column))?),* })
            }
        }
    };
}
pub(crate) use system_catalog;

/// A catalog that is open while the read lasts, and what of it the read's snapshot sees.
pub struct SystemCatalog<'a, C> {
    columns: C,
    types: Vec<pg_sys::Oid>,
    /// None while it is in use.
    scan: Cell<Option<Scan>>,
    // After the scan, which is of both: fields are dropped in this order.
    index: Relation,
    relation: Relation,
    /// Where the scan keeps what it allocates while it goes on.
    context: pg_sys::MemoryContext,
    read: PhantomData<&'a CatalogRead>,
}

struct Scan {
    raw: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    fn begin(relation: &Relation, index: &Relation, keys: usize) -> Self {
        // SAFETY: both are open for as long as the scan, and so is the snapshot.
        unsafe {
            let snapshot = pg_sys::GetActiveSnapshot();
            Scan {
                raw: backend::index_scan(relation.raw, index.raw, snapshot, keys as i32),
                slot: pg_sys::table_slot_create(relation.raw, std::ptr::null_mut()),
            }
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // While an error unwinds the server is not to be called: it ends scans itself.
        if !std::thread::panicking() {
            // SAFETY: begun by `begin`, and ended once.
            unsafe {
                pg_sys::index_endscan(self.raw);
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            }
        }
    }
}

impl<'a, C: Columns> SystemCatalog<'a, C> {
    pub fn open(_read: &'a CatalogRead) -> Result<Self> {
        let internal = |what: String| Error::Internal { what };
        let oid = pg_sys::Oid::from(C::CATALOG);
        let relation = Relation::open(oid, pg_sys::AccessShareLock)
            .ok_or_else(|| internal(format!("no catalog {}", C::CATALOG)))?;
        let index = pg_sys::Oid::from(C::INDEX);
        let index = Relation::open_listed_index(index, pg_sys::AccessShareLock);
        // SAFETY: the catalog and its index are open, and so their descriptors are there; the context is the caller's.
        let (attributes, form, context) = unsafe {
            let descriptor = (*relation.raw).rd_att;
            let all = 1..=(*descriptor).natts as usize;
            let attributes: Vec<_> = all.map(|n| backend::attribute(descriptor, n)).collect();
            (attributes, &*(*index.raw).rd_index, pg_sys::CurrentMemoryContext)
        };
        let number = |name: &str| {
            // SAFETY: a `name` is NUL-terminated.
            let called = |a: &&pg_sys::FormData_pg_attribute| unsafe {
                CStr::from_ptr(a.attname.data.as_ptr()).to_bytes() == name.as_bytes()
            };
            let found = attributes.iter().position(called);
            found.ok_or_else(|| internal(format!("catalog {} without {name}", C::CATALOG)))
        };
        for (position, key) in C::KEYS.iter().enumerate() {
            let column = number(key)?;
            // SAFETY: an index has as many entries there as columns.
            let leads = position < form.indnatts as usize
                && unsafe { *form.indkey.values.as_ptr().add(position) } == column as i16 + 1;
            if form.indrelid != oid || !leads || attributes[column].atttypid != pg_sys::OIDOID {
                return Err(internal(format!("index {} without {key}", C::INDEX)));
            }
        }
        let columns = C::find(number)?;
        let types = attributes.iter().map(|a| a.atttypid).collect();
        let scan = Cell::new(Some(Scan::begin(&relation, &index, C::KEYS.len())));
        Ok(SystemCatalog { columns, types, scan, index, relation, context, read: PhantomData })
    }

    /// Every row that has these OIDs in the index's first columns, in the order of the index, through `f`.
    pub fn each(
        &self,
        keys: &[pg_sys::Oid],
        mut f: impl FnMut(&Row, &C) -> Result<()>,
    ) -> Result<()> {
        let mut scan_keys = [pg_sys::ScanKeyData::default(); 2];
        // SAFETY: the keys are OIDs, as many as the scan has, and each of the index's column of that number; a row is
        // read before the next one is fetched.
        unsafe {
            for (position, scan_key) in scan_keys.iter_mut().enumerate().take(C::KEYS.len()) {
                pg_sys::ScanKeyInit(
                    scan_key,
                    position as pg_sys::AttrNumber + 1,
                    pg_sys::BTEqualStrategyNumber as u16,
                    pg_sys::F_OIDEQ.into(),
                    keys[position].into(),
                );
            }
            // Where `f` asks the same catalog, that is a scan of its own.
            let in_context = || PgMemoryContexts::For(self.context);
            let begin = || {
                in_context().switch_to(|_| Scan::begin(&self.relation, &self.index, C::KEYS.len()))
            };
            let scan = self.scan.take().unwrap_or_else(begin);
            in_context().switch_to(|_| {
                let none = std::ptr::null_mut();
                pg_sys::index_rescan(
                    scan.raw,
                    scan_keys.as_mut_ptr(),
                    C::KEYS.len() as i32,
                    none,
                    0,
                );
            });
            let width = self.types.len();
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            let mut answer = Ok(());
            while answer.is_ok()
                && in_context()
                    .switch_to(|_| pg_sys::index_getnext_slot(scan.raw, forward, scan.slot))
            {
                pg_sys::slot_getallattrs(scan.slot);
                answer = f(
                    &Row {
                        values: std::slice::from_raw_parts((*scan.slot).tts_values, width),
                        nulls: std::slice::from_raw_parts((*scan.slot).tts_isnull, width),
                        types: &self.types,
                    },
                    &self.columns,
                );
            }
            self.scan.set(Some(scan));
            answer
        }
    }

    /// `each`, all that `f` makes of them together.
    pub fn all<T>(
        &self,
        keys: &[pg_sys::Oid],
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

/// A row, while it is looked at. To ask for another type than the column has is a mistake of ours, and panics.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    types: &'a [pg_sys::Oid],
}

impl Row<'_> {
    /// None for NULL.
    fn datum(&self, column: usize, types: &[pg_sys::Oid]) -> Option<pg_sys::Datum> {
        assert!(types.contains(&self.types[column]), "column {column} has another type");
        (!self.nulls[column]).then(|| self.values[column])
    }

    fn value<T: FromDatum>(&self, column: usize, types: &[pg_sys::Oid]) -> Option<T> {
        let datum = self.datum(column, types)?;
        // SAFETY: the types are those that T is read from.
        unsafe { T::from_datum(datum, false) }
    }

    #[must_use]
    pub fn is_null(&self, column: usize) -> bool {
        self.nulls[column]
    }

    /// An expression of the relation's as SQL writes it under the path in force; None for NULL.
    pub fn expression(&self, column: usize, relation: pg_sys::Oid) -> Result<Option<String>> {
        let Some(expression) = self.datum(column, &[pg_sys::PG_NODE_TREEOID]) else {
            return Ok(None);
        };
        let arguments = [Some(expression), Some(relation.into())];
        // SAFETY: the function takes an expression and the OID of a relation; without that one, it gives NULL.
        let text: Option<String> =
            unsafe { pgrx::direct_function_call(pg_sys::pg_get_expr, &arguments) };
        let object = || format!("the relation with OID {}", relation.to_u32());
        text.map(Some).ok_or_else(|| Error::ChangedWhileRead { object: object() })
    }

    /// 0 for NULL.
    #[must_use]
    pub fn oid(&self, column: usize) -> pg_sys::Oid {
        let datum = self.datum(column, &[pg_sys::OIDOID, pg_sys::REGPROCOID]);
        pg_sys::Oid::from(datum.map_or(0, |datum| datum.value() as u32))
    }

    #[must_use]
    pub fn flag(&self, column: usize) -> bool {
        self.datum(column, &[pg_sys::BOOLOID]).is_some_and(|datum| datum.value() as u8 != 0)
    }

    /// A smallint, or what is one from some version on. 0 for NULL.
    #[must_use]
    pub fn short(&self, column: usize) -> i16 {
        let datum = self.datum(column, &[pg_sys::INT2OID, pg_sys::INT4OID]);
        datum.map_or(0, |datum| datum.value() as i16)
    }

    /// 0 for NULL.
    #[must_use]
    pub fn int(&self, column: usize) -> i32 {
        self.datum(column, &[pg_sys::INT4OID]).map_or(0, |datum| datum.value() as i32)
    }

    /// A "char" as text; none for one of nothing.
    #[must_use]
    pub fn char(&self, column: usize) -> String {
        match self.datum(column, &[pg_sys::CHAROID]).map_or(0, |datum| datum.value() as u8) {
            0 => String::new(),
            byte => char::from(byte).to_string(),
        }
    }

    pub fn name(&self, column: usize) -> Result<String> {
        let datum = self.datum(column, &[pg_sys::NAMEOID]);
        // SAFETY: a `name` is NUL-terminated.
        let name = unsafe { text(datum.map_or(std::ptr::null(), |datum| datum.cast_mut_ptr())) };
        Ok(name?.unwrap_or_default())
    }

    #[must_use]
    pub fn text(&self, column: usize) -> Option<String> {
        self.value(column, &[pg_sys::TEXTOID])
    }

    /// None of them for NULL.
    #[must_use]
    pub fn texts(&self, column: usize) -> Vec<String> {
        self.value(column, &[pg_sys::TEXTARRAYOID]).unwrap_or_default()
    }

    /// Numbers of columns; none of them for NULL.
    #[must_use]
    pub fn numbers(&self, column: usize) -> Vec<i16> {
        let types = [pg_sys::INT2ARRAYOID, pg_sys::INT2VECTOROID];
        self.value(column, &types).unwrap_or_default()
    }

    /// None of them for NULL.
    #[must_use]
    pub fn oids(&self, column: usize) -> Vec<pg_sys::Oid> {
        self.value(column, &[pg_sys::OIDARRAYOID]).unwrap_or_default()
    }

    /// None of them for NULL.
    #[must_use]
    pub fn bytes(&self, column: usize) -> Vec<u8> {
        self.value(column, &[pg_sys::BYTEAOID]).unwrap_or_default()
    }
}

/// Runs `f`, and lets go of all that it had the server allocate.
pub fn in_passing_memory<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: what `f` returns is Rust's own.
    unsafe { PgMemoryContexts::new("tenant_guard catalog").switch_to(|_| f()) }
}
