//! A table's policies as the planner has them at hand, without a look into the catalog.

use super::relation::Relation;
use pgrx::{pg_sys, PgList};
use std::ffi::CStr;

/// A restrictive policy for every role whose conditions are no constants.
pub struct Restrictive {
    pub name: String,
    /// pg_policy.polcmd.
    pub command: char,
}

/// Those of the table; none where row-level security is off.
#[must_use]
pub fn restrictive_of(table: u32) -> Vec<Restrictive> {
    let Some(relation) = Relation::open(pg_sys::Oid::from(table), pg_sys::AccessShareLock) else {
        return Vec::new();
    };
    // SAFETY: the relation is open, and its list of policies lives as long; names are copied.
    unsafe {
        let security = (*relation.raw).rd_rsdesc;
        if security.is_null() || !(*(*relation.raw).rd_rel).relrowsecurity {
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

/// Whether each of its conditions depends on something.
unsafe fn depends(policy: *const pg_sys::RowSecurityPolicy) -> bool {
    let condition = |expression: *mut pg_sys::Expr| {
        !expression.is_null() && (*expression).type_ != pg_sys::NodeTag::T_Const
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
