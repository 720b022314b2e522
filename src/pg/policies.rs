//! A table's policies as the planner has them at hand, without a look into the catalog.

use super::backend;
use super::relation::SCHEMA;
use pgrx::{pg_guard, pg_sys, PgList};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;

thread_local! {
    /// What was found out about a table's policies; and a number that grows with each thing forgotten.
    static KNOWN: RefCell<(HashMap<u32, bool>, u64)> = RefCell::default();
}

/// What `find` says of the table's policies, found out anew when one of them may have changed.
pub fn kept(table: u32, find: impl FnOnce() -> bool) -> bool {
    if let Some(known) = KNOWN.with_borrow(|(known, _)| known.get(&table).copied()) {
        return known;
    }
    let forgotten = KNOWN.with_borrow(|(_, forgotten)| *forgotten);
    let found = find();
    KNOWN.with_borrow_mut(|(known, now)| {
        // What changed while it was read may not have been seen.
        if *now == forgotten {
            known.insert(table, found);
        }
    });
    found
}

/// A relation is not what it was: no OID stands for all of them.
pub(super) fn forget(relation: pg_sys::Oid) {
    KNOWN.with_borrow_mut(|(known, forgotten)| {
        *forgotten += 1;
        match relation {
            pg_sys::InvalidOid => known.clear(),
            one => drop(known.remove(&one.to_u32())),
        }
    });
}

/// A restrictive policy for every role, of which each condition asks a function of the extension.
pub struct Restrictive {
    pub name: String,
    /// pg_policy.polcmd.
    pub command: char,
}

/// Those of the table; none where row-level security is off.
#[must_use]
pub fn restrictive_of(table: u32) -> Vec<Restrictive> {
    // Whoever plans a query on the table has it locked; nobody else is to hold it up for longer than this takes.
    let Some(relation) = Briefly::open(pg_sys::Oid::from(table)) else {
        return Vec::new();
    };
    // SAFETY: the relation is open, and its list of policies lives as long; names are copied.
    unsafe {
        let security = (*relation.0).rd_rsdesc;
        if security.is_null() || !(*(*relation.0).rd_rel).relrowsecurity {
            return Vec::new();
        }
        PgList::<pg_sys::RowSecurityPolicy>::from_pg((*security).policies)
            .iter_ptr()
            .filter(|policy| !(**policy).permissive && is_for_all(*policy) && depends(*policy))
            .map(|policy| Restrictive {
                name: CStr::from_ptr((*policy).policy_name).to_string_lossy().into_owned(),
                command: char::from((*policy).polcmd as u8),
            })
            .collect()
    }
}

/// Whether its roles are PUBLIC, which stands alone.
unsafe fn is_for_all(policy: *const pg_sys::RowSecurityPolicy) -> bool {
    let roles = (*policy).roles;
    // An array of OIDs without NULLs: its values follow the header and two numbers a dimension.
    if (*roles).ndim != 1 || (*roles).dataoffset != 0 {
        return false;
    }
    let values = roles
        .cast::<u8>()
        .add(std::mem::size_of::<pg_sys::ArrayType>() + 2 * std::mem::size_of::<i32>())
        .cast::<pg_sys::Oid>();
    *values == pg_sys::InvalidOid
}

/// Whether each of its conditions, as the planner would see it, asks the extension.
unsafe fn depends(policy: *const pg_sys::RowSecurityPolicy) -> bool {
    let condition = |expression: *mut pg_sys::Expr| {
        !expression.is_null()
            && asks(pg_sys::eval_const_expressions(std::ptr::null_mut(), expression.cast()))
    };
    // What is not given for what is written is what is given for what is read.
    match (*policy).polcmd as u8 {
        b'a' => condition((*policy).with_check_qual),
        _ => {
            condition((*policy).qual)
                && ((*policy).with_check_qual.is_null() || condition((*policy).with_check_qual))
        }
    }
}

unsafe fn asks(node: *mut pg_sys::Node) -> bool {
    let schema = pg_sys::get_namespace_oid(SCHEMA.as_ptr(), true);
    calls_of(node, std::ptr::from_ref(&schema).cast_mut().cast())
}

/// Whether a function of the schema is called in the tree, sub-queries included.
#[pg_guard]
unsafe extern "C-unwind" fn calls_of(
    node: *mut pg_sys::Node,
    schema: *mut std::ffi::c_void,
) -> bool {
    if node.is_null() {
        return false;
    }
    match (*node).type_ {
        pg_sys::NodeTag::T_FuncExpr
            if pg_sys::get_func_namespace((*node.cast::<pg_sys::FuncExpr>()).funcid)
                == *schema.cast::<pg_sys::Oid>() =>
        {
            true
        }
        pg_sys::NodeTag::T_Query => backend::walk_query(node.cast(), calls_of, schema),
        _ => backend::walk_expression(node, calls_of, schema),
    }
}

/// A relation that is open, and locked no longer than that.
struct Briefly(pg_sys::Relation);

impl Briefly {
    fn open(oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: NULL for a relation that is gone.
        let raw = unsafe { pg_sys::try_relation_open(oid, pg_sys::AccessShareLock as i32) };
        (!raw.is_null()).then(|| Briefly(raw))
    }
}

impl Drop for Briefly {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened in `open`.
            unsafe { pg_sys::relation_close(self.0, pg_sys::AccessShareLock as i32) }
        }
    }
}
