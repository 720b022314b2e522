//! What must be so for a statement to go on: these raise where the helpers give NULL or false.

use super::{active, authority, pg_uuid};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::pg::transaction::Moment;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;
use pgrx::{Uuid, VariadicArray};

fn uuid(what: &'static str, id: Id) -> Result<Uuid, ErrorReport> {
    Ok(id.uuid.map(pg_uuid).ok_or(Error::IdIsNoUuid { what, id: id.text })?)
}

/// The active organization. Raises 28000 when there is none, saying why, and when its id is no UUID.
///
/// Example: `INSERT INTO notes (organization_id, body) VALUES (tenant_guard.require_org(), 'hello');`
#[pg_extern(stable, parallel_safe)]
fn require_org(fcinfo: FunctionCallInfo) -> Result<Uuid, ErrorReport> {
    uuid("organization", active::require(Moment::Of(fcinfo))?)
}

/// The active organization as text. Raises 28000 when there is none, saying why.
///
/// Example: `SELECT tenant_guard.require_org_text();`
#[pg_extern(stable, parallel_safe)]
fn require_org_text(fcinfo: FunctionCallInfo) -> Result<String, ErrorReport> {
    Ok(active::require(Moment::Of(fcinfo))?.text)
}

fn project(moment: Moment) -> Result<Id> {
    active::require(moment)?;
    let active = active::active(moment)?;
    active.and_then(|active| active.project.clone()).ok_or(Error::NoProject)
}

/// The active project. Raises 28000 when there is none, and when its id is no UUID.
///
/// Example: `INSERT INTO tasks (project_id, title) VALUES (tenant_guard.require_project(), 'call back');`
#[pg_extern(stable, parallel_safe)]
fn require_project(fcinfo: FunctionCallInfo) -> Result<Uuid, ErrorReport> {
    uuid("project", project(Moment::Of(fcinfo))?)
}

/// The active project as text. Raises 28000 when there is none.
///
/// Example: `SELECT tenant_guard.require_project_text();`
#[pg_extern(stable, parallel_safe)]
fn require_project_text(fcinfo: FunctionCallInfo) -> Result<String, ErrorReport> {
    Ok(project(Moment::Of(fcinfo))?.text)
}

/// The role, of those given, that the user has (see `roles`): the first in their order.
/// Raises 42501 when it is none of them, 28000 when that is because no organization is active, 22023 for
/// an empty list.
///
/// Example: `SELECT tenant_guard.require_role('owner', 'admin');`
#[pg_extern(stable, parallel_safe)]
fn require_role(
    roles: VariadicArray<&str>,
    fcinfo: FunctionCallInfo,
) -> Result<String, ErrorReport> {
    let wanted: Vec<String> = roles.iter().flatten().map(str::to_string).collect();
    if wanted.is_empty() {
        return Err(Error::EmptyList { function: "require_role", argument: "roles" }.into());
    }
    let moment = Moment::Of(fcinfo);
    let authority = authority::authority(moment)?;
    match wanted.iter().find(|role| authority.roles.contains(role)) {
        Some(role) => Ok(role.clone()),
        None => {
            active::require(moment)?;
            Err(Error::RoleMissing { wanted, held: authority.roles.clone() }.into())
        }
    }
}

/// Returns the permission if the user has it (see `permissions`). Raises 42501 when not, 28000 when that
/// is because no organization is active.
///
/// Example: `SELECT tenant_guard.require_permission('leads:write');`
#[pg_extern(stable, parallel_safe)]
fn require_permission(
    permission: Option<&str>,
    fcinfo: FunctionCallInfo,
) -> Result<String, ErrorReport> {
    let null = Error::NullArgument { function: "require_permission", argument: "permission" };
    let permission = permission.ok_or(null)?;
    let moment = Moment::Of(fcinfo);
    let authority = authority::authority(moment)?;
    if authority.permissions.allow(permission) {
        return Ok(permission.to_string());
    }
    active::require(moment)?;
    Err(Error::PermissionMissing { permission: permission.into(), roles: authority.roles.clone() }
        .into())
}
