//! Whose rights run the code. Switches are undone when the guard drops, or by the transaction's
//! abort when an error unwinds.

use super::{catalog_names, relation};
use crate::error::{Error, Result};
use pgrx::{pg_sys, IntoDatum};

struct Switch {
    user: pg_sys::Oid,
    context: i32,
}

impl Switch {
    fn to(user: pg_sys::Oid, flags: u32) -> Self {
        let mut saved = Switch { user: pg_sys::InvalidOid, context: 0 };
        // SAFETY: reads and writes two backend-local variables; AbortSubTransaction restores them.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut saved.user, &mut saved.context);
            pg_sys::SetUserIdAndSecContext(user, saved.context | flags as i32);
        }
        saved
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: puts back exactly what `to` saved.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) }
        }
    }
}

/// Runs `f` as the owner of the extension's own tables. `f` must touch only those, with values
/// bound as parameters: nothing of the caller's may be evaluated in here.
pub fn as_extension_owner<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    let owner = relation::owner_of_own_table("change")
        .ok_or_else(|| Error::Internal { what: "its own tables are missing".into() })?;
    let _switch = Switch::to(owner, pg_sys::SECURITY_LOCAL_USERID_CHANGE);
    f()
}

/// Whatever code of that role runs in here cannot leave anything behind that would run later with
/// the caller's rights: no deferred trigger, no temporary object, no changed role.
const RESTRICTED: u32 =
    pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;

/// Runs `f` with the rights of another role, which the caller has too.
pub fn as_role<R>(role: pg_sys::Oid, f: impl FnOnce() -> Result<R>) -> Result<R> {
    let _switch = Switch::to(role, RESTRICTED);
    f()
}

/// Runs `f` with the rights of another role that whoever calls has reason to trust.
pub fn as_owner<R>(role: pg_sys::Oid, f: impl FnOnce() -> Result<R>) -> Result<R> {
    let _switch = Switch::to(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE);
    f()
}

/// Runs `f` with the rights in force, and no others within reach: after SET ROLE or SET SESSION AUTHORIZATION, nothing in it
/// goes back to the role that logged in.
pub fn kept<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    // SAFETY: reads backend-local variables.
    let (current, login) = unsafe { (pg_sys::GetUserId(), pg_sys::GetAuthenticatedUserId()) };
    let _switch = (current != login || current != session_oid())
        .then(|| Switch::to(current, pg_sys::SECURITY_LOCAL_USERID_CHANGE));
    f()
}

/// Runs `f` with a table's owner's rights and without the policies that FORCE puts on owners,
/// as PostgreSQL's own foreign-key checks do: a look-up that no policy can blind or recurse into,
/// and that never evaluates the owner's functions with more rights than the owner has.
pub fn as_table_owner<R>(owner: pg_sys::Oid, f: impl FnOnce() -> Result<R>) -> Result<R> {
    let _switch = Switch::to(owner, RESTRICTED | pg_sys::SECURITY_NOFORCE_RLS);
    f()
}

/// Whether policies are not looked at even on tables that force them on their owner: inside a foreign
/// key's own action, and in `as_table_owner`.
#[must_use]
pub fn past_policies() -> bool {
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: reads two backend-local variables.
    unsafe { pg_sys::GetUserIdAndSecContext(&mut user, &mut context) };
    context & pg_sys::SECURITY_NOFORCE_RLS as i32 != 0
}

/// Whether the role in force may delete rows of the table: it has the privilege, or owns the table.
#[must_use]
pub fn may_delete(table: pg_sys::Oid) -> bool {
    // SAFETY: syscache look-ups for a table and the current user.
    unsafe {
        let user = pg_sys::GetUserId();
        pg_sys::pg_class_aclcheck(table, user, pg_sys::ACL_DELETE as pg_sys::AclMode)
            == pg_sys::AclResult::ACLCHECK_OK
            || is_owner(table, user)
    }
}

/// Whether the role in force may read these columns of the table, and name it.
#[must_use]
pub fn may_select(table: pg_sys::Oid, columns: &[i16]) -> bool {
    let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
    let ok = pg_sys::AclResult::ACLCHECK_OK;
    // SAFETY: syscache look-ups for a table, its schema and the current user.
    unsafe {
        let user = pg_sys::GetUserId();
        may_use(pg_sys::get_rel_namespace(table), user)
            && (pg_sys::pg_class_aclcheck(table, user, select) == ok
                || columns
                    .iter()
                    .all(|c| pg_sys::pg_attribute_aclcheck(table, *c, user, select) == ok))
    }
}

unsafe fn may_use(schema: pg_sys::Oid, user: pg_sys::Oid) -> bool {
    let usage = pg_sys::ACL_USAGE as pg_sys::AclMode;
    #[cfg(feature = "pg15")]
    let answer = pg_sys::pg_namespace_aclcheck(schema, user, usage);
    #[cfg(not(feature = "pg15"))]
    let answer = pg_sys::object_aclcheck(pg_sys::NamespaceRelationId, schema, user, usage);
    answer == pg_sys::AclResult::ACLCHECK_OK
}

unsafe fn is_owner(table: pg_sys::Oid, user: pg_sys::Oid) -> bool {
    #[cfg(feature = "pg15")]
    return pg_sys::pg_class_ownercheck(table, user);
    #[cfg(not(feature = "pg15"))]
    return pg_sys::object_ownercheck(pg_sys::RelationRelationId, table, user);
}

/// Whether the role's own rights are those in force.
#[must_use]
pub fn is_current(role: pg_sys::Oid) -> bool {
    current_oid() == role
}

/// The role whose rights are in force.
#[must_use]
pub fn current() -> String {
    name_of(current_oid())
}

#[must_use]
pub fn current_oid() -> pg_sys::Oid {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::GetUserId() }
}

/// Whether the role whose rights are in force could open a session of its own.
#[must_use]
pub fn may_log_in() -> bool {
    let cache = pg_sys::SysCacheIdentifier::AUTHOID as i32;
    let login = |role: &pg_sys::FormData_pg_authid| role.rolcanlogin;
    // SAFETY: the form is that of the cache.
    unsafe { catalog_names::form(cache, pg_sys::GetUserId(), login) == Some(true) }
}

/// Whether the role whose rights are in force has those of the database's owner.
#[must_use]
pub fn owns_database() -> bool {
    // SAFETY: syscache look-ups; pg_database_owner is a role of every database.
    unsafe {
        let owner = pg_sys::get_role_oid(c"pg_database_owner".as_ptr(), true);
        pg_sys::superuser() || pg_sys::has_privs_of_role(pg_sys::GetUserId(), owner)
    }
}

#[must_use]
pub fn is_superuser() -> bool {
    // SAFETY: a syscache look-up for the current user.
    unsafe { pg_sys::superuser() }
}

/// Whether the role in force has all the rights of that one.
#[must_use]
pub fn has_rights_of(role: pg_sys::Oid) -> bool {
    // SAFETY: syscache look-ups for two roles.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), role) }
}

/// That role, where it exists and the caller, a superuser, has rights that it has not.
#[must_use]
pub fn lesser(role: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(role).ok()?;
    // SAFETY: syscache look-ups by a NUL-terminated name and by the OID found.
    unsafe {
        let oid = pg_sys::get_role_oid(name.as_ptr(), true);
        (oid != pg_sys::InvalidOid && pg_sys::superuser() && !pg_sys::superuser_arg(oid))
            .then_some(oid)
    }
}

#[must_use]
pub fn session_oid() -> pg_sys::Oid {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::GetSessionUserId() }
}

/// The role that logged in.
#[must_use]
pub fn session() -> String {
    // SAFETY: as above.
    name_of(unsafe { pg_sys::GetSessionUserId() })
}

/// A role's name; its number where the role is gone.
#[must_use]
pub fn name_of(role: pg_sys::Oid) -> String {
    let name = catalog_names::role(role).ok().flatten();
    name.unwrap_or_else(|| role.to_u32().to_string())
}

/// Whether the caller may call a function.
#[must_use]
pub fn may_execute(function: pg_sys::Oid) -> bool {
    let asked = [Some(function.into()), "EXECUTE".into_datum()];
    // SAFETY: the function takes an OID and the word for a privilege; of what is gone it gives NULL.
    let may: Option<bool> =
        unsafe { pgrx::direct_function_call(pg_sys::has_function_privilege_id, &asked) };
    may == Some(true)
}
