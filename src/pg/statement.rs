//! Statements and types as the parser knows them, before anything is run.

use super::backend;
use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// Whether values of the type can be sorted.
#[must_use]
pub fn has_order(kind: pg_sys::Oid) -> bool {
    // SAFETY: the OID is an existing type's; the entry lives as long as the process.
    unsafe {
        let entry = pg_sys::lookup_type_cache(kind, pg_sys::TYPECACHE_LT_OPR as i32);
        (*entry).lt_opr != pg_sys::InvalidOid
    }
}

/// A column of a query's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    pub name: String,
    /// As CREATE TABLE spells it, every name qualified.
    pub r#type: String,
    /// The type under any domains, without modifiers.
    pub base_type: String,
    /// Where it is not the type's.
    pub collation: Option<String>,
}

/// The one SELECT that a text is, without what follows it; None for more, or for something else. Raises
/// PostgreSQL's own syntax error for what is no SQL. Names in it are not looked up.
pub fn one_select(text: &str) -> Option<String> {
    let source = CString::new(text).ok()?;
    // SAFETY: parses a NUL-terminated text into a list of RawStmt, or raises; the nodes live in the
    // caller's memory context.
    let (location, length) = unsafe {
        let statements =
            pg_sys::raw_parser(source.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        if statements.is_null() || (*statements).length != 1 {
            return None;
        }
        let raw = &*(*(*statements).elements).ptr_value.cast::<pg_sys::RawStmt>();
        if (*raw.stmt).type_ != pg_sys::NodeTag::T_SelectStmt {
            return None;
        }
        let select = &*raw.stmt.cast::<pg_sys::SelectStmt>();
        if !select.intoClause.is_null() || !select.lockingClause.is_null() {
            return None;
        }
        (usize::try_from(raw.stmt_location).unwrap_or(0), usize::try_from(raw.stmt_len).ok()?)
    };
    let end = if length == 0 { text.len() } else { location + length };
    text.get(location..end).map(|select| select.trim().to_string())
}

/// What a text of several statements is, before any of it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    pub statements: usize,
    /// BEGIN, COMMIT, SAVEPOINT and their like.
    pub controls_transactions: bool,
    /// COPY from or to the client, which is not there for a function.
    pub copies_to_the_client: bool,
}

/// Raises PostgreSQL's own syntax error for what is no SQL. Names in it are not looked up.
pub fn script(text: &str) -> Script {
    let mut script =
        Script { statements: 0, controls_transactions: false, copies_to_the_client: false };
    let Ok(source) = CString::new(text) else { return script };
    // SAFETY: parses a NUL-terminated text into a list of RawStmt, or raises; a node is what its tag says.
    unsafe {
        let statements =
            pg_sys::raw_parser(source.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        let count = if statements.is_null() { 0 } else { (*statements).length as usize };
        for i in 0..count {
            let raw = &*(*(*statements).elements.add(i)).ptr_value.cast::<pg_sys::RawStmt>();
            script.statements += 1;
            match (*raw.stmt).type_ {
                pg_sys::NodeTag::T_TransactionStmt => script.controls_transactions = true,
                pg_sys::NodeTag::T_CopyStmt => {
                    let copy = &*raw.stmt.cast::<pg_sys::CopyStmt>();
                    script.copies_to_the_client |= copy.filename.is_null() && !copy.is_program;
                }
                _ => {}
            }
        }
    }
    script
}

/// The columns that a query without parameters yields, found by analyzing it: it is not run.
pub fn columns(query: &str) -> Result<Vec<ResultColumn>> {
    let failed = || Error::Internal { what: "a query could not be analyzed".into() };
    let source = CString::new(query).map_err(|_| failed())?;
    pgrx::Spi::connect(|_| {
        // SAFETY: inside an SPI connection, which frees the plan as it ends; a prepared plan of one
        // statement has one source, whose descriptor is NULL where it yields no rows.
        unsafe {
            let plan = pg_sys::SPI_prepare(source.as_ptr(), 0, std::ptr::null_mut());
            if plan.is_null() {
                return Err(failed());
            }
            let sources = pg_sys::SPI_plan_get_plan_sources(plan);
            if sources.is_null() || (*sources).length != 1 {
                return Err(failed());
            }
            let source = (*(*sources).elements).ptr_value.cast::<pg_sys::CachedPlanSource>();
            let descriptor = (*source).resultDesc;
            if descriptor.is_null() {
                return Err(failed());
            }
            let count = (*descriptor).natts as usize;
            Ok((1..=count).map(|number| column(backend::attribute(descriptor, number))).collect())
        }
    })
}

/// # Safety
/// The attribute is of a query's result.
unsafe fn column(attribute: &pg_sys::FormData_pg_attribute) -> ResultColumn {
    let text = |palloced| CStr::from_ptr(palloced).to_string_lossy().into_owned();
    let kind = attribute.atttypid;
    let collation = attribute.attcollation;
    let own = collation != pg_sys::InvalidOid && collation != pg_sys::get_typcollation(kind);
    ResultColumn {
        name: text(attribute.attname.data.as_ptr().cast_mut()),
        r#type: text(pg_sys::format_type_with_typemod(kind, attribute.atttypmod)),
        base_type: text(pg_sys::format_type_be(pg_sys::getBaseType(kind))),
        collation: own.then(|| text(pg_sys::generate_collation_name(collation))),
    }
}
