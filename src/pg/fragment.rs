//! Names and fragments of statements that a caller writes, read by PostgreSQL's own parser.

use crate::error::{Error, Result};
use pgrx::{pg_sys, PgList};
use std::ffi::{CStr, CString};

/// The parts of a name that may be qualified and quoted: `crm.contacts`, `"Acme Co"."order"`. Raises
/// PostgreSQL's own error for what is no name.
pub fn name_parts(name: &str) -> Result<Vec<String>> {
    let bad = || Error::BadTableName { name: name.to_string() };
    let text = CString::new(name).map_err(|_| bad())?;
    if name.trim().is_empty() {
        return Err(bad());
    }
    // SAFETY: a NUL-terminated text; the answer is a list of String nodes, copied at once.
    unsafe {
        #[cfg(feature = "pg15")]
        let parts = pg_sys::stringToQualifiedNameList(text.as_ptr());
        #[cfg(not(feature = "pg15"))]
        let parts = pg_sys::stringToQualifiedNameList(text.as_ptr(), std::ptr::null_mut());
        Ok(PgList::<pg_sys::String>::from_pg(parts)
            .iter_ptr()
            .map(|part| CStr::from_ptr((*part).sval).to_string_lossy().into_owned())
            .collect())
    }
}

/// What stands between the parentheses of a CREATE TABLE.
#[derive(Debug, Default)]
pub struct Elements {
    pub columns: Vec<String>,
    /// How many of them are UNIQUE.
    pub uniques: usize,
    pub primary: bool,
}

/// Reads a whole CREATE TABLE: raises PostgreSQL's own syntax error for what is no SQL, and ours for what is
/// more, or other, than one CREATE TABLE of columns and constraints. Names in it are not looked up.
pub fn create_table(sql: &str) -> Result<Elements> {
    let refuse = |why: &str| Error::BadColumns { why: why.into() };
    let text = CString::new(sql).map_err(|_| refuse("They have a zero byte in them."))?;
    // SAFETY: parses a NUL-terminated text into nodes that live in the current context; each node's
    // tag is checked before it is cast.
    unsafe {
        let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::raw_parser(
            text.as_ptr(),
            pg_sys::RawParseMode::RAW_PARSE_DEFAULT,
        ));
        let single = if statements.len() == 1 { statements.get_ptr(0) } else { None };
        let statement = single.map(|raw| (*raw).stmt);
        let statement = match statement {
            Some(node) if (*node).type_ == pg_sys::NodeTag::T_CreateStmt => {
                &*node.cast::<pg_sys::CreateStmt>()
            }
            _ => return Err(refuse("They end the statement, and start another.")),
        };
        let plain = statement.inhRelations.is_null()
            && statement.partspec.is_null()
            && statement.options.is_null()
            && statement.ofTypename.is_null()
            && statement.tablespacename.is_null()
            && statement.accessMethod.is_null()
            && statement.oncommit == pg_sys::OnCommitAction::ONCOMMIT_NOOP;
        if !plain {
            return Err(refuse("They end the list, and go on with what comes after it."));
        }
        let mut elements = Elements::default();
        for element in PgList::<pg_sys::Node>::from_pg(statement.tableElts).iter_ptr() {
            match (*element).type_ {
                pg_sys::NodeTag::T_ColumnDef => {
                    let column = &*element.cast::<pg_sys::ColumnDef>();
                    let name = CStr::from_ptr(column.colname).to_string_lossy().into_owned();
                    elements.columns.push(name);
                    for constraint in PgList::<pg_sys::Node>::from_pg(column.constraints).iter_ptr()
                    {
                        elements.see(constraint);
                    }
                }
                _ => elements.see(element),
            }
        }
        Ok(elements)
    }
}

impl Elements {
    unsafe fn see(&mut self, node: *mut pg_sys::Node) {
        if (*node).type_ == pg_sys::NodeTag::T_Constraint {
            match (*node.cast::<pg_sys::Constraint>()).contype {
                pg_sys::ConstrType::CONSTR_UNIQUE => self.uniques += 1,
                pg_sys::ConstrType::CONSTR_PRIMARY => self.primary = true,
                _ => {}
            }
        }
    }
}
