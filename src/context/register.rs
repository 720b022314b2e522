//! `use_membership`: saying which tables know who belongs where.

use super::membership;
use super::planner::{self, Registration, Tables};
use crate::catalog::{self, Table};
use crate::error::{Error, Result};
use crate::pg::invalidation;
use crate::pg::types::{Name, PlannedStep, RegClass};
use crate::plan;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;

/// Registers the table that says who belongs to which organization: a row for each user and
/// organization (and role), or a row for each user. `set_org`, `org_ids` and `is_member` ask it from
/// then on, and a claimed organization is believed only if it agrees. `role_column` may hold one role
/// or an array of them. `active` is a condition on its rows, such as 'revoked_at IS NULL'. With
/// `project_table`, projects are checked to be the organization's; with `organizations`, one whose
/// `status_column` is not among `active_statuses` is refused to everybody; a NULL status_column asks only
/// that it is there. The column of the project's organization is called like `org_column` unless
/// `project_org_column` says otherwise. Administrative: EXECUTE is not granted to PUBLIC, and the caller
/// must own the tables.
/// Returns the change's steps. Raises 42501 for what is not the caller's, 42P01 and 42703 for a missing
/// table or column, 42804 for a column that holds no such ids, 42809 for what is no table, 55000 where an
/// index is missing, 42601 and 22023 for an `active` that is no expression, 22004.
///
/// Example: `SELECT * FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn use_membership(
    membership: Option<RegClass>,
    user_column: Option<Name>,
    org_column: Option<Name>,
    role_column: default!(Option<Name>, "NULL"),
    project_table: default!(Option<RegClass>, "NULL"),
    project_column: default!(Option<Name>, "'id'"),
    project_org_column: default!(Option<Name>, "NULL"),
    organizations: default!(Option<RegClass>, "NULL"),
    organization_column: default!(Option<Name>, "'id'"),
    status_column: default!(Option<Name>, "'status'"),
    active_statuses: default!(Option<Vec<Option<String>>>, "'{active}'"),
    active: default!(Option<&str>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "use_membership", argument };
    if !membership::may_register()? {
        return Err(Error::NotPermitted {
            what: "registering a membership table".into(),
            detail: "It decides for the whole database who belongs where.".into(),
            hint: "An administrator calls it, or grants it: GRANT EXECUTE ON FUNCTION tenant_guard.use_membership, tenant_guard.register_membership TO the role that runs migrations.".into(),
        }
        .into());
    }
    let table = |oid: RegClass| catalog::table(oid).map_err(ErrorReport::from);
    let membership = table(membership.ok_or_else(|| null("membership"))?)?;
    let projects = project_table.map(table).transpose()?;
    let organizations = organizations.map(table).transpose()?;
    let org_column = org_column.ok_or_else(|| null("org_column"))?.0;
    let name = |name: Option<Name>| name.map(|n| n.0);
    let schema = |t: &Option<Table>| t.as_ref().map(|t| t.schema.clone());
    let of = |t: &Option<Table>| t.as_ref().map(|t| t.name.clone());
    let default = |given: Option<String>, default: &str| given.unwrap_or_else(|| default.into());
    let (has_projects, has_organizations) = (projects.is_some(), organizations.is_some());
    let status_column = name(status_column).filter(|_| has_organizations);
    let wanted = Registration {
        table_schema: membership.schema.clone(),
        table_name: membership.name.clone(),
        user_column: user_column.ok_or_else(|| null("user_column"))?.0,
        role_column: name(role_column),
        active: active.map(str::to_string),
        project_schema: schema(&projects),
        project_table: of(&projects),
        project_column: has_projects.then(|| default(name(project_column), "id")),
        project_org_column: has_projects.then(|| default(name(project_org_column), &org_column)),
        organization_schema: schema(&organizations),
        organization_table: of(&organizations),
        organization_column: has_organizations.then(|| default(name(organization_column), "id")),
        active_statuses: status_column
            .is_some()
            .then(|| active_statuses.unwrap_or_default().into_iter().flatten().collect()),
        status_column,
        org_column,
    };
    let tables = Tables {
        membership: &membership,
        projects: projects.as_ref(),
        organizations: organizations.as_ref(),
    };
    membership::check_condition(&wanted)?;
    let plan = planner::register(&wanted, &tables, membership::registration()?.as_ref())?;
    Ok(plan::run(plan, dry_run.unwrap_or(false))?)
}

/// Writes the registration that a plan of use_membership decided on; NULL removes it.
/// Administrative: EXECUTE is not granted to PUBLIC, and the caller must own the tables named.
/// Raises as use_membership does.
///
/// Example: `SELECT tenant_guard.register_membership('{"table_schema": "crm", "table_name": "memberships", "user_column": "user_id", "org_column": "organization_id"}');`
#[pg_extern(volatile, parallel_unsafe)]
fn register_membership(registration: Option<JsonB>) -> Result<(), ErrorReport> {
    let Some(registration) = registration else {
        return Ok(membership::unregister()?);
    };
    let wanted: Registration = serde_json::from_value(registration.0)
        .map_err(|error| Error::BadRegistration { why: error.to_string() })?;
    Ok(membership::register(&wanted)?)
}

/// Tells all sessions that what they keep of one of the extension's own tables is old. For those tables.
#[pg_trigger]
fn registration_changed<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgTriggerError> {
    invalidation::announce(trigger.relid()?);
    Ok(None)
}
