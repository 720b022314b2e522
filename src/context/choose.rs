//! Choosing the organization and project of the transaction.

use super::active::{self, Check, Spelling};
use super::belonging::{self, Asked};
use super::membership::{self, Membership, Organizations, Projects};
use super::pg_uuid;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::pg::ident;
use crate::pg::transaction::Moment;
use crate::security::{self, Event, Kind};
use crate::settings::{self, OrgCheck};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::Uuid;

/// Who asks, and the organization as it is spelled where it was found.
struct Allowed {
    user: String,
    organization: Id,
    table: Option<std::rc::Rc<Membership>>,
}

/// The error says why the user may not work for the organization.
fn allowed(function: &'static str, organization: &str) -> Result<Allowed> {
    let active = active::active(Moment::Now)?;
    let claimed = active.as_ref().map(|a| &a.claimed);
    let user = claimed.and_then(|c| c.user.clone()).ok_or(Error::NoIdentity { what: function })?;
    let not_member = |why| Error::NotMember { organization: organization.to_string(), why };
    let suspended = || Error::Suspended { organization: organization.to_string() };
    let check = active::check()?;
    if matches!(check.table().and_then(|t| t.organizations.as_ref()), Some(Organizations::Gone)) {
        return Err(Error::OrganizationTableGone);
    }
    match check {
        Check::Nothing => Err(match membership::registration()? {
            Some(gone) => Error::MembershipTableGone {
                table: ident::qualified(&gone.table_schema, &gone.table_name),
            },
            None => Error::NoMembershipTable,
        }),
        Check::Membership(table) => {
            let member = belonging::find(&table, &user, Asked::Text(organization))?;
            let why =
                "The registered membership table has no active row for this user and organization.";
            let member = member.ok_or_else(|| not_member(why))?;
            if !member.active {
                return Err(suspended());
            }
            Ok(Allowed { user, organization: member.organization.clone(), table: Some(table) })
        }
        Check::Claim(table) => {
            if claimed.is_none_or(|c| c.organizations.is_empty()) {
                return Err(match (settings::org_check(), &table) {
                    (OrgCheck::Auto, None) => Error::NoMembershipTable,
                    _ => Error::NoneClaimed,
                });
            }
            let why = "The token does not name it, and tokens are what counts here.";
            let named = claimed.and_then(|c| c.names(organization, Spelling::of(table.as_deref())));
            let organization = named.cloned().ok_or_else(|| not_member(why))?;
            if let Some(table) = &table {
                if table.active_among(vec![organization.text.clone()])?.is_empty() {
                    return Err(suspended());
                }
            }
            Ok(Allowed { user, organization, table })
        }
    }
}

/// The project as its table spells it, if it is the organization's.
fn project_of(allowed: &Allowed, project: &str) -> Result<String> {
    let projects = allowed.table.as_ref().and_then(|t| t.projects.as_ref());
    let projects = match projects {
        None => return Err(Error::NoProjectTable),
        Some(Projects::Gone) => return Err(Error::ProjectTableGone),
        Some(projects) => projects,
    };
    let refuse = || Error::NotItsProject {
        project: project.to_string(),
        organization: allowed.organization.text.clone(),
    };
    let (organization, id) = projects.organization_of(project)?.ok_or_else(refuse)?;
    let spelling = Spelling::of(allowed.table.as_deref());
    if !spelling.same(&Id::new(&organization), &allowed.organization) {
        return Err(refuse());
    }
    Ok(id)
}

/// Returns the organization's id as the membership table spells it.
fn activate(function: &'static str, organization: &str, project: Option<&str>) -> Result<Id> {
    let activated = try_to_activate(function, organization, project);
    if let Err(error) = &activated {
        note(error, organization, project);
    }
    activated
}

/// Somebody wanted to work where they do not belong. The event is of the organization that they work for, if
/// any: the one they asked for is not told who they are.
fn note(error: &Error, organization: &str, project: Option<&str>) {
    let why = match error {
        Error::NotMember { .. } => "not a member",
        Error::NoneClaimed => "the token names no organization",
        Error::Suspended { .. } => "the organization is not active",
        Error::NotItsProject { .. } => "not a project of the organization",
        _ => return,
    };
    let active = active::active(Moment::Now).ok().flatten();
    let mut details = serde_json::json!({ "why": why });
    if let Some(project) = project {
        details["project"] = ident::truncate(project, 256).into();
    }
    security::refuse(&Event {
        kind: Kind::OrganizationRefused,
        subject: Some(organization.to_string()),
        details: Some(details),
        user: active.as_ref().and_then(|a| a.claimed.user.clone()),
        organization: active.and_then(|a| a.organization.as_ref().map(|o| o.text.clone())),
    });
}

fn try_to_activate(
    function: &'static str,
    organization: &str,
    project: Option<&str>,
) -> Result<Id> {
    let allowed = allowed(function, organization)?;
    let project = match project {
        Some(project) => Some(project_of(&allowed, project)?),
        None => None,
    };
    active::choose(&allowed.user, &allowed.organization.text, project.as_deref());
    Ok(allowed.organization)
}

/// Makes an organization, and a project of it, the active ones until the transaction ends, after
/// checking that the user belongs to the organization, that it is active, and that the project is its
/// own; returns the organization's id. Without a project, none is active. The choice counts for this
/// user only: when the claims change to another user in the same transaction, it is void.
/// Raises 42501 for no member, a suspended organization and another organization's project, 28000
/// without a user, 55000 when the membership table, or that of projects, is asked and not registered or
/// gone, 22004.
///
/// Example: `BEGIN; SELECT tenant_guard.set_org('3f0c5b9e-0000-4000-8000-000000000001'); ... COMMIT;`
#[pg_extern(volatile, parallel_unsafe)]
fn set_org(
    org: Option<Uuid>,
    project: default!(Option<Uuid>, "NULL"),
) -> Result<Uuid, ErrorReport> {
    let org = org.ok_or(Error::NullArgument { function: "set_org", argument: "org" })?;
    activate("set_org", &org.to_string(), project.map(|p| p.to_string()).as_deref())?;
    Ok(org)
}

/// `set_org` for organizations and projects whose ids are not UUIDs; returns the organization's id as
/// the membership table spells it. Raises as `set_org` does.
///
/// Example: `SELECT tenant_guard.set_org_text('42', project => '7');`
#[pg_extern(volatile, parallel_unsafe)]
fn set_org_text(
    org: Option<&str>,
    project: default!(Option<&str>, "NULL"),
) -> Result<String, ErrorReport> {
    let org = org.ok_or(Error::NullArgument { function: "set_org_text", argument: "org" })?;
    Ok(activate("set_org_text", org, project)?.text)
}

/// Returns the organization if the user may work for it, by the checks of `set_org`; sets nothing.
/// Raises 42501 for no member and for a suspended organization, 28000 without a user, 55000 when the
/// membership table is asked and not registered or gone, 22004.
///
/// Example: `INSERT INTO invoices (organization_id) VALUES (tenant_guard.validate_org('3f0c5b9e-0000-4000-8000-000000000001'));`
#[pg_extern(stable, parallel_restricted)]
fn validate_org(org: Option<Uuid>) -> Result<Uuid, ErrorReport> {
    let org = org.ok_or(Error::NullArgument { function: "validate_org", argument: "org" })?;
    let allowed = allowed("validate_org", &org.to_string())?;
    Ok(allowed.organization.uuid.map_or(org, pg_uuid))
}

/// `validate_org` for organizations whose ids are not UUIDs; returns the id as the membership table
/// spells it. Raises as `validate_org` does.
///
/// Example: `SELECT tenant_guard.validate_org_text('42');`
#[pg_extern(stable, parallel_restricted)]
fn validate_org_text(org: Option<&str>) -> Result<String, ErrorReport> {
    let org = org.ok_or(Error::NullArgument { function: "validate_org_text", argument: "org" })?;
    Ok(allowed("validate_org_text", org)?.organization.text)
}
