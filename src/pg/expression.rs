//! SQL expressions that an administrator writes, checked before they stand in a statement of ours.

use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::CString;

/// Raises PostgreSQL's own syntax error for what is no SQL, and ours for what is more, or other, than
/// one expression. Names in it are not looked up.
pub fn check(text: &str, option: &'static str) -> Result<()> {
    let refuse = || Error::NotAnExpression { option, text: text.to_string() };
    let text = CString::new(text).map_err(|_| refuse())?;
    // SAFETY: parses a NUL-terminated text; in this mode the result is a list of one RawStmt around a
    // SELECT without FROM and the like, or an error is raised.
    let single = unsafe {
        let statements =
            pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_PLPGSQL_EXPR);
        let first = (!statements.is_null() && (*statements).length == 1)
            .then(|| (*(*statements).elements).ptr_value.cast::<pg_sys::RawStmt>());
        let select = first.map(|raw| (*raw).stmt);
        match select {
            Some(node) if (*node).type_ == pg_sys::NodeTag::T_SelectStmt => {
                let select = &*node.cast::<pg_sys::SelectStmt>();
                !select.targetList.is_null()
                    && (*select.targetList).length == 1
                    && select.distinctClause.is_null()
                    && select.fromClause.is_null()
                    && select.whereClause.is_null()
                    && select.groupClause.is_null()
                    && select.havingClause.is_null()
                    && select.windowClause.is_null()
                    && select.valuesLists.is_null()
                    && select.sortClause.is_null()
                    && select.limitOffset.is_null()
                    && select.limitCount.is_null()
                    && select.lockingClause.is_null()
                    && select.withClause.is_null()
                    && select.op == pg_sys::SetOperation::SETOP_NONE
            }
            _ => false,
        }
    };
    if single {
        Ok(())
    } else {
        Err(refuse())
    }
}
