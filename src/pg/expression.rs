//! SQL expressions that an administrator writes, checked before they stand in a statement of ours.

use super::relation::Relation;
use crate::error::{Error, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::PgTryBuilder;
use std::ffi::CString;

/// Refuses what is no SQL, and what is more, or other, than one expression. Names in it are not looked up.
pub fn check(text: &str, option: &'static str) -> Result<()> {
    told(option, || single_expression(text, option))
}

fn single_expression(text: &str, option: &'static str) -> Result<()> {
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

/// A condition on a table's rows, parsed as CREATE POLICY parses it.
pub struct Condition {
    /// As pg_get_expr shows it: what a policy made with it compares equal to.
    pub text: String,
    pub has_subquery: bool,
    pub volatile: bool,
}

/// Reads a condition the way CREATE POLICY on that table would; raises what that raises for a name or
/// operator that does not exist. The caller holds the search path at what the text was written under.
pub fn condition(table: u32, text: &str, option: &'static str) -> Result<Condition> {
    told(option, || parsed(table, text, option))
}

/// PostgreSQL's error under the name of the option. Whoever gets it raises it, which aborts the same.
fn told<T>(
    option: &'static str,
    parse: impl FnOnce() -> Result<T> + std::panic::UnwindSafe + std::panic::RefUnwindSafe,
) -> Result<T> {
    PgTryBuilder::new(parse)
        .catch_others(|caught| match caught {
            CaughtError::PostgresError(report) => Err(Error::BadCondition {
                option,
                code: report.sql_error_code(),
                message: report.message().to_string(),
            }),
            other => other.rethrow(),
        })
        .execute()
}

fn parsed(table: u32, text: &str, option: &'static str) -> Result<Condition> {
    let refuse = || Error::NotAnExpression { option, text: text.to_string() };
    let table = pg_sys::Oid::from(table);
    let relation = Relation::open(table, pg_sys::AccessShareLock)
        .ok_or(Error::NoSuchTable { oid: table.to_u32() })?;
    let text = CString::new(text).map_err(|_| refuse())?;
    // SAFETY: the relation is open; every node made here lives in the current memory context; the parse
    // tree of this mode is one SELECT with a target, which `check` or our own text made sure of.
    unsafe {
        let statements =
            pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_PLPGSQL_EXPR);
        let raw = (*(*statements).elements).ptr_value.cast::<pg_sys::RawStmt>();
        let select = (*raw).stmt.cast::<pg_sys::SelectStmt>();
        if (*select).targetList.is_null() || (*(*select).targetList).length != 1 {
            return Err(refuse());
        }
        let target = (*(*(*select).targetList).elements).ptr_value.cast::<pg_sys::ResTarget>();

        let state = pg_sys::make_parsestate(std::ptr::null_mut());
        (*state).p_sourcetext = text.as_ptr();
        let item = pg_sys::addRangeTableEntryForRelation(
            state,
            relation.raw,
            pg_sys::AccessShareLock as i32,
            std::ptr::null_mut(),
            false,
            false,
        );
        pg_sys::addNSItemToQuery(state, item, false, true, true);
        let kind = pg_sys::ParseExprKind::EXPR_KIND_POLICY;
        let node = pg_sys::transformExpr(state, (*target).val, kind);
        let node = pg_sys::coerce_to_boolean(state, node, c"POLICY".as_ptr());
        pg_sys::assign_expr_collations(state, node);
        let has_subquery = pg_sys::checkExprHasSubLink(node);
        let volatile = pg_sys::contain_volatile_functions(node);
        let tree = pg_sys::cstring_to_text(pg_sys::nodeToString(node.cast()));
        pg_sys::free_parsestate(state);
        let shown = pgrx::direct_function_call::<String>(
            pg_sys::pg_get_expr,
            &[Some(pg_sys::Datum::from(tree)), Some(pg_sys::Datum::from(table))],
        );
        Ok(Condition { text: shown.ok_or_else(refuse)?, has_subquery, volatile })
    }
}
