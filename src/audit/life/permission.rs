//! Who may look at the whole log, and who may shorten it.

use crate::error::{Error, Result};
use crate::pg::{query, relation, user};

/// Superusers, roles past row-level security, auditors, and whoever has the rights of the extension's owner.
pub fn reads_all(what: &str) -> Result<()> {
    let owner = relation::owner_of_own_table("audit_event").is_some_and(user::has_rights_of);
    if owner || query::value::<bool>("SELECT tenant_guard.audit_reads_all()", &[])? == Some(true) {
        return Ok(());
    }
    Err(Error::NotPermitted {
        what: what.to_string(),
        detail: "It reads the events of all organizations.".into(),
        hint: "An administrator grants it: GRANT EXECUTE ON FUNCTION tenant_guard.auditor() TO the role.".into(),
    })
}

/// Whether the caller finds the event in the log.
pub fn reads_event(id: i64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM tenant_guard.audit_log l WHERE l.id = $1)";
    Ok(query::value::<bool>(sql, &[id.into()])? == Some(true))
}

pub fn as_owner<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    user::as_extension_owner(f)
}

/// For changing the log: its owner, and no policy of it.
pub fn as_log_owner<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    let owner = relation::owner_of_own_table("audit_event")
        .ok_or_else(|| Error::Internal { what: "the audit log is missing".into() })?;
    user::as_table_owner(owner, || super::permit::with(f))
}
