//! Which organization and project the transaction works for, whether the user belongs there, and what
//! the user may do.
//!
//! The membership table decides. It is read as its owner, past row-level security, so a policy on
//! it can neither blind the question nor recurse into it.

mod active;
mod authority;
mod belonging;
mod choice;
pub mod choose;
pub mod explain;
mod membership;
mod permission;
mod permitted;
mod planner;
mod record;
pub mod register;
pub mod require;
pub mod roles;

use crate::catalog::IdType;
use crate::error::Result;
use crate::id::Id;
use crate::identity::user_at;
use crate::pg::transaction::Moment;
use active::{Check, Spelling};
use belonging::{Asked, Member};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;
use pgrx::Uuid;
use std::rc::Rc;

fn pg_uuid(uuid: uuid::Uuid) -> Uuid {
    Uuid::from_bytes(*uuid.as_bytes())
}

fn organization<R>(
    call: FunctionCallInfo,
    f: impl FnOnce(&Id) -> Option<R>,
) -> Result<Option<R>, ErrorReport> {
    let active = active::active(Moment::Of(call))?;
    Ok(active.and_then(|active| active.organization.as_ref().and_then(f)))
}

fn project<R>(
    call: FunctionCallInfo,
    f: impl FnOnce(&Id) -> Option<R>,
) -> Result<Option<R>, ErrorReport> {
    let active = active::active(Moment::Of(call))?;
    Ok(active.and_then(|active| active.project.as_ref().and_then(f)))
}

/// Who acts for whom, as the audit trail keeps it.
#[derive(Debug, Default)]
pub struct Standing {
    pub user: Option<String>,
    pub organization: Option<String>,
    pub project: Option<String>,
    /// Those that hold in the organization.
    pub roles: Vec<String>,
    /// The token's session_id, or sid.
    pub session: Option<String>,
}

/// None without an identity.
pub fn standing(moment: Moment) -> Result<Option<Rc<Standing>>> {
    let Some(active) = active::active(moment)? else {
        return Ok(None);
    };
    if let Some(standing) = active.standing.get() {
        return Ok(Some(standing.clone()));
    }
    let standing = Rc::new(Standing {
        user: active.claimed.user.clone(),
        organization: active.organization.as_ref().map(|o| o.text.clone()),
        project: active.project.as_ref().map(|p| p.text.clone()),
        roles: authority::of_active(&active)?.roles.clone(),
        session: crate::identity::session_at(moment),
    });
    Ok(Some(active.standing.get_or_init(|| standing).clone()))
}

/// The active organization as the audit log has it; None without one.
pub fn organization_now() -> Result<Option<Id>> {
    Ok(active::active(Moment::Now)?.and_then(|active| active.organization.clone()))
}

/// The active organization where its id is a UUID: the one chosen with `set_org` in this transaction,
/// else the one that the claims name, if the check in `tenant_guard.org_check` lets it be believed;
/// NULL when there is none, and of several claimed ones. The membership is looked up once a
/// transaction. Raises only what a registered `active` condition raises.
///
/// Example: `CREATE POLICY own ON notes USING (organization_id = (SELECT tenant_guard.org_id()));`
#[pg_extern(stable, parallel_safe)]
fn org_id(fcinfo: FunctionCallInfo) -> Result<Option<Uuid>, ErrorReport> {
    organization(fcinfo, |o| o.uuid.map(pg_uuid))
}

/// The active organization's id as text; NULL when there is none. Raises only what a registered
/// `active` condition raises.
///
/// Example: `SELECT tenant_guard.org_id_text();`
#[pg_extern(stable, parallel_safe)]
fn org_id_text(fcinfo: FunctionCallInfo) -> Result<Option<String>, ErrorReport> {
    organization(fcinfo, |o| Some(o.text.clone()))
}

/// The active organization where its id is a whole number of 8 bytes; NULL otherwise. Raises only what
/// a registered `active` condition raises.
///
/// Example: `CREATE POLICY own ON orders USING (branch_id = (SELECT tenant_guard.org_id_bigint()));`
#[pg_extern(stable, parallel_safe)]
fn org_id_bigint(fcinfo: FunctionCallInfo) -> Result<Option<i64>, ErrorReport> {
    organization(fcinfo, |o| o.bigint)
}

/// The active project where its id is a UUID: the one chosen with `set_org`, else the one that the
/// claims name, if it is the active organization's; NULL when there is none. Raises only what a
/// registered `active` condition raises.
///
/// Example: `CREATE POLICY own ON tasks USING (project_id = (SELECT tenant_guard.project_id()));`
#[pg_extern(stable, parallel_safe)]
fn project_id(fcinfo: FunctionCallInfo) -> Result<Option<Uuid>, ErrorReport> {
    project(fcinfo, |p| p.uuid.map(pg_uuid))
}

/// The active project's id as text; NULL when there is none. Raises only what a registered `active`
/// condition raises.
///
/// Example: `SELECT tenant_guard.project_id_text();`
#[pg_extern(stable, parallel_safe)]
fn project_id_text(fcinfo: FunctionCallInfo) -> Result<Option<String>, ErrorReport> {
    project(fcinfo, |p| Some(p.text.clone()))
}

/// The active project where its id is a whole number of 8 bytes; NULL otherwise. Raises only what a
/// registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.project_id_bigint();`
#[pg_extern(stable, parallel_safe)]
fn project_id_bigint(fcinfo: FunctionCallInfo) -> Result<Option<i64>, ErrorReport> {
    project(fcinfo, |p| p.bigint)
}

/// Every active organization that the user belongs to, by the check in force.
fn organizations(call: FunctionCallInfo) -> Result<Vec<Id>> {
    let moment = Moment::Of(call);
    let Some(active) = active::active(moment)? else {
        return Ok(Vec::new());
    };
    match (active::check()?, &active.claimed.user) {
        (Check::Membership(table), Some(user)) => Ok(belonging::all(&table, user)?
            .iter()
            .filter(|member| member.active)
            .map(|member| member.organization.clone())
            .collect()),
        (Check::Membership(_), None) | (Check::Nothing, _) => Ok(Vec::new()),
        (Check::Claim(None), _) => Ok(active.claimed.organizations.clone()),
        (Check::Claim(Some(table)), _) => {
            let claimed = active.claimed.organizations.iter().map(|o| o.text.clone()).collect();
            Ok(table.active_among(claimed)?.iter().map(|o| table.org_type().id(o)).collect())
        }
    }
}

/// Every active organization that the user belongs to, as an array of UUIDs: those that the membership
/// table gives the user, or that the token names, as `tenant_guard.org_check` says; ids that are not
/// UUIDs are left out; empty, never NULL, when there are none. Raises only what a registered `active`
/// condition raises.
///
/// Example: `... USING (organization_id = ANY ((SELECT tenant_guard.org_ids())::uuid[]))`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn org_ids(fcinfo: FunctionCallInfo) -> Result<Vec<Uuid>, ErrorReport> {
    Ok(organizations(fcinfo)?.iter().filter_map(|o| o.uuid).map(pg_uuid).collect())
}

/// Every active organization that the user belongs to, as an array of text; empty, never NULL, when
/// there are none. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT unnest(tenant_guard.org_ids_text());`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn org_ids_text(fcinfo: FunctionCallInfo) -> Result<Vec<String>, ErrorReport> {
    Ok(organizations(fcinfo)?.into_iter().map(|o| o.text).collect())
}

/// Every active organization that the user belongs to, as an array of bigint; ids that are not whole
/// numbers are left out; empty, never NULL, when there are none. Raises only what a registered
/// `active` condition raises.
///
/// Example: `SELECT unnest(tenant_guard.org_ids_bigint());`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn org_ids_bigint(fcinfo: FunctionCallInfo) -> Result<Vec<i64>, ErrorReport> {
    Ok(organizations(fcinfo)?.iter().filter_map(|o| o.bigint).collect())
}

/// The user's membership in an active organization; None: not a member.
fn member(call: FunctionCallInfo, asked: Asked) -> Result<Option<Rc<Member>>> {
    let moment = Moment::Of(call);
    let member = match active::check()? {
        Check::Nothing => None,
        Check::Membership(table) => match user_at(moment) {
            Some(user) => belonging::find(&table, &user, asked)?,
            None => None,
        },
        Check::Claim(table) => claimed_member(moment, asked, table.as_deref())?,
    };
    Ok(member.filter(|member| member.active))
}

/// What the token says, as a membership.
fn claimed_member(
    moment: Moment,
    asked: Asked,
    table: Option<&membership::Membership>,
) -> Result<Option<Rc<Member>>> {
    let text = match asked {
        Asked::Uuid(uuid) => uuid.to_string(),
        Asked::Text(text) => text.to_string(),
    };
    let Some(active) = active::active(moment)? else {
        return Ok(None);
    };
    let Some(organization) = active.claimed.names(&text, Spelling::of(table)) else {
        return Ok(None);
    };
    let is_active = match table {
        Some(table) => !table.active_among(vec![organization.text.clone()])?.is_empty(),
        None => true,
    };
    let theirs = active.claimed.global_roles || active.claimed.organizations.len() == 1;
    let mut roles = if theirs { active.claimed.roles.clone() } else { Vec::new() };
    roles.sort();
    Ok(Some(Rc::new(Member { organization: organization.clone(), roles, active: is_active })))
}

/// Whether the user belongs to the organization, and that is active; as the membership table says, or
/// the token, as `tenant_guard.org_check` says; false without a user. Raises only what a registered
/// `active` condition raises.
///
/// Example: `SELECT tenant_guard.is_member('3f0c5b9e-0000-4000-8000-000000000001');`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn is_member(org: Uuid, fcinfo: FunctionCallInfo) -> Result<bool, ErrorReport> {
    Ok(member(fcinfo, Asked::Uuid(uuid::Uuid::from_bytes(*org.as_bytes())))?.is_some())
}

/// `is_member` for organizations whose ids are not UUIDs. Raises only what a registered `active`
/// condition raises.
///
/// Example: `SELECT tenant_guard.is_member_text('42');`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn is_member_text(org: &str, fcinfo: FunctionCallInfo) -> Result<bool, ErrorReport> {
    Ok(member(fcinfo, Asked::Text(org))?.is_some())
}

fn first_role(member: Option<Rc<Member>>) -> Option<String> {
    member.and_then(|member| member.roles.first().cloned())
}

/// The user's role in the organization; the first in alphabetical order where there are several; NULL
/// for no member, and for a member without a role. Raises only what a registered `active` condition
/// raises.
///
/// Example: `SELECT tenant_guard.org_role(tenant_guard.org_id()) = 'owner';`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn org_role(org: Uuid, fcinfo: FunctionCallInfo) -> Result<Option<String>, ErrorReport> {
    let asked = Asked::Uuid(uuid::Uuid::from_bytes(*org.as_bytes()));
    Ok(first_role(member(fcinfo, asked)?))
}

/// `org_role` for organizations whose ids are not UUIDs. Raises only what a registered `active`
/// condition raises.
///
/// Example: `SELECT tenant_guard.org_role_text('42');`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn org_role_text(org: &str, fcinfo: FunctionCallInfo) -> Result<Option<String>, ErrorReport> {
    Ok(first_role(member(fcinfo, Asked::Text(org))?))
}

/// The user's roles in the active organization, with those they inherit (`set_role_permissions`),
/// sorted; empty, never NULL, when there are none. They are the membership table's where it is asked
/// and has a role column, else the token's: for the organization that it names, or, where it names
/// none, while no organization is active. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.roles();`
#[pg_extern(stable, parallel_safe)]
fn roles(fcinfo: FunctionCallInfo) -> Result<Vec<String>, ErrorReport> {
    Ok(authority::authority(Moment::Of(fcinfo))?.roles.clone())
}

/// What the user is permitted in the active organization, as granted, wildcards and all, sorted;
/// empty, never NULL, when it is nothing. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.permissions();`
#[pg_extern(stable, parallel_safe)]
fn permissions(fcinfo: FunctionCallInfo) -> Result<Vec<String>, ErrorReport> {
    Ok(authority::authority(Moment::Of(fcinfo))?.granted.clone())
}

/// Whether the user has the role in the active organization, itself or by inheritance. Raises only
/// what a registered `active` condition raises.
///
/// Example: `CREATE POLICY admins ON settings USING ((SELECT tenant_guard.has_role('admin')));`
#[pg_extern(stable, strict, parallel_safe)]
fn has_role(role: &str, fcinfo: FunctionCallInfo) -> Result<bool, ErrorReport> {
    Ok(authority::authority(Moment::Of(fcinfo))?.roles.iter().any(|r| r == role))
}

/// Whether the user is permitted something in the active organization: `leads:read` is permitted by
/// `leads:read`, `leads:*` and `*`. Raises only what a registered `active` condition raises.
///
/// Example: `CREATE POLICY writers ON leads FOR UPDATE USING ((SELECT tenant_guard.has_permission('leads:write')));`
#[pg_extern(stable, strict, parallel_safe)]
fn has_permission(permission: &str, fcinfo: FunctionCallInfo) -> Result<bool, ErrorReport> {
    Ok(authority::authority(Moment::Of(fcinfo))?.permissions.allow(permission))
}

/// The active organization and project, for whoever notes where something happened.
#[derive(Debug, Default)]
pub struct Place {
    pub organization: Option<String>,
    pub project: Option<String>,
}

pub fn place() -> Result<Place> {
    let Some(active) = active::active(Moment::Now)? else {
        return Ok(Place::default());
    };
    let text = |id: &Option<Id>| id.as_ref().map(|id| id.text.clone());
    Ok(Place { organization: text(&active.organization), project: text(&active.project) })
}

/// Whether the user, in the active organization, has a permission; or, where no role was ever given
/// permissions, is there at all.
pub fn permits(permission: &str, moment: Moment) -> Result<bool> {
    let Some(active) = active::active(moment)? else {
        return Ok(false);
    };
    if active.organization.is_none() {
        return Ok(false);
    }
    if authority::grants()?.is_empty() {
        return Ok(true);
    }
    Ok(authority::authority(moment)?.permissions.allow(permission))
}

/// The column that holds organizations' ids, as registered, for whoever stores such ids too: its type, its
/// table and its name.
pub fn organization_id_column() -> Result<Option<(IdType, String, String)>> {
    Ok(match membership::registered()? {
        membership::Registered::Table(table) => {
            let (table_name, column) = table.org_column();
            Some((table.org_type(), table_name, column))
        }
        membership::Registered::No | membership::Registered::Gone => None,
    })
}

/// For `status`: what is gone of what was registered with `use_membership`; NULL where nothing is.
pub fn missing_of_membership() -> Result<Option<String>> {
    Ok(match membership::registered()? {
        membership::Registered::No => None,
        membership::Registered::Gone => {
            Some("it, or a column of it: nobody is a member of anything".to_string())
        }
        membership::Registered::Table(table) => {
            let missing = table.missing();
            (!missing.is_empty()).then(|| missing.join("; "))
        }
    })
}
