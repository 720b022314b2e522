//! Which organization the transaction works for, and whether the user belongs to it.
//!
//! The membership table decides. It is read as its owner, past row-level security, so a policy on
//! it can neither blind the question nor recurse into it.

pub mod active;
mod membership;
mod planner;

use crate::catalog;
use crate::error::{Error, Result};
use crate::identity::claims::parse_uuid;
use crate::identity::user;
use crate::pg::invalidation;
use crate::pg::types::{Name, PlannedStep, RegClass};
use crate::plan;
use membership::Member;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::Uuid;

fn pg_uuid(uuid: uuid::Uuid) -> Uuid {
    Uuid::from_bytes(*uuid.as_bytes())
}

/// The active organization where its id is a UUID: the one chosen with `set_org` in this
/// transaction, else the one that the claims name (`org_id`, `organization_id`, or either in
/// `app_metadata`); NULL when there is none. Raises nothing.
///
/// Example: `CREATE POLICY own ON notes USING (organization_id = (SELECT tenant_guard.org_id()));`
#[pg_extern(stable, parallel_safe)]
fn org_id() -> Option<Uuid> {
    active::with_organization(|o| o.uuid.map(pg_uuid))
}

/// The active organization's id as text; NULL when there is none. Raises nothing.
///
/// Example: `SELECT tenant_guard.org_id_text();`
#[pg_extern(stable, parallel_safe)]
fn org_id_text() -> Option<String> {
    active::with_organization(|o| Some(o.text.clone()))
}

/// The active organization where its id is a whole number of 8 bytes; NULL otherwise. Raises nothing.
///
/// Example: `CREATE POLICY own ON orders USING (branch_id = (SELECT tenant_guard.org_id_bigint()));`
#[pg_extern(stable, parallel_safe)]
fn org_id_bigint() -> Option<i64> {
    active::with_organization(|o| o.bigint)
}

fn organizations() -> Result<Vec<String>> {
    let Some(user) = user() else {
        return Ok(Vec::new());
    };
    match membership::registered()? {
        Some(table) => table.organizations(&user),
        None => Ok(Vec::new()),
    }
}

/// Every organization that the membership table gives the user, as an array of UUIDs; ids that are
/// not UUIDs are left out; empty without a user, a membership or a registered table.
///
/// Example: `... USING (organization_id = ANY ((SELECT tenant_guard.org_ids())::uuid[]))`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn org_ids() -> Result<Vec<Uuid>, ErrorReport> {
    Ok(organizations()?.iter().filter_map(|o| parse_uuid(o)).map(pg_uuid).collect())
}

/// Every organization that the membership table gives the user, as an array of text; empty without
/// a user, a membership or a registered table.
///
/// Example: `SELECT unnest(tenant_guard.org_ids_text());`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn org_ids_text() -> Result<Vec<String>, ErrorReport> {
    Ok(organizations()?)
}

/// Every organization that the membership table gives the user, as an array of bigint; ids that
/// are not whole numbers are left out; empty without a user, a membership or a registered table.
///
/// Example: `SELECT unnest(tenant_guard.org_ids_bigint());`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn org_ids_bigint() -> Result<Vec<i64>, ErrorReport> {
    Ok(organizations()?.iter().filter_map(|o| o.parse().ok()).collect())
}

/// None: not a member.
fn member(organization: &str) -> Result<Option<Member>> {
    let Some(user) = user() else {
        return Ok(None);
    };
    match membership::registered()? {
        Some(table) => table.find(&user, organization),
        None => Ok(None),
    }
}

/// Whether the membership table says that the user belongs to the organization; false without a
/// user or a registered table.
///
/// Example: `SELECT tenant_guard.is_member('3f0c5b9e-0000-4000-8000-000000000001');`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn is_member(org: Uuid) -> Result<bool, ErrorReport> {
    Ok(member(&org.to_string())?.is_some())
}

/// `is_member` for organizations whose ids are not UUIDs.
///
/// Example: `SELECT tenant_guard.is_member_text('42');`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn is_member_text(org: &str) -> Result<bool, ErrorReport> {
    Ok(member(org)?.is_some())
}

/// The user's role in the organization, from the role column named in `use_membership`; NULL for
/// no member, and where no role column was named.
///
/// Example: `SELECT tenant_guard.org_role(tenant_guard.org_id()) = 'owner';`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn org_role(org: Uuid) -> Result<Option<String>, ErrorReport> {
    Ok(member(&org.to_string())?.and_then(|m| m.role))
}

/// `org_role` for organizations whose ids are not UUIDs.
///
/// Example: `SELECT tenant_guard.org_role_text('42');`
#[pg_extern(stable, strict, parallel_safe, cost = 100)]
fn org_role_text(org: &str) -> Result<Option<String>, ErrorReport> {
    Ok(member(org)?.and_then(|m| m.role))
}

/// Returns the organization's id as the membership table spells it.
fn activate(organization: &str) -> Result<String> {
    let user = user().ok_or(Error::NoIdentity { what: "set_org" })?;
    let table = membership::registered()?.ok_or(Error::NoMembershipTable)?;
    let member = table
        .find(&user, organization)?
        .ok_or_else(|| Error::NotMember { organization: organization.to_string() })?;
    active::choose(&user, &member.organization);
    Ok(member.organization)
}

/// Makes an organization the active one until the transaction ends, after the membership table
/// said that the user belongs to it; returns its id. It counts for this user only: when the claims
/// change to another user in the same transaction, the choice is void.
/// Raises 42501 for no member, 28000 without a user, 55000 when no membership table is registered.
///
/// Example: `BEGIN; SELECT tenant_guard.set_org('3f0c5b9e-0000-4000-8000-000000000001'); ... COMMIT;`
#[pg_extern(volatile, parallel_unsafe)]
fn set_org(org: Option<Uuid>) -> Result<Uuid, ErrorReport> {
    let org = org.ok_or(Error::NullArgument { function: "set_org", argument: "org" })?;
    activate(&org.to_string())?;
    Ok(org)
}

/// `set_org` for organizations whose ids are not UUIDs.
///
/// Example: `SELECT tenant_guard.set_org_text('42');`
#[pg_extern(volatile, parallel_unsafe)]
fn set_org_text(org: Option<&str>) -> Result<String, ErrorReport> {
    let org = org.ok_or(Error::NullArgument { function: "set_org_text", argument: "org" })?;
    Ok(activate(org)?)
}

/// The active organization, where its id is a UUID. Raises 28000 when there is none.
///
/// Example: `INSERT INTO notes (organization_id, body) VALUES (tenant_guard.require_org(), 'hello');`
#[pg_extern(stable, parallel_safe)]
fn require_org() -> Result<Uuid, ErrorReport> {
    Ok(active::require()?.uuid.map(pg_uuid).ok_or(Error::NoOrganization)?)
}

/// The active organization as text. Raises 28000 when there is none.
///
/// Example: `SELECT tenant_guard.require_org_text();`
#[pg_extern(stable, parallel_safe)]
fn require_org_text() -> Result<String, ErrorReport> {
    Ok(active::require()?.text)
}

/// Registers the table that says who belongs to which organization: one row for each user and
/// organization. `set_org`, `org_ids` and `is_member` ask it from then on. Administrative: EXECUTE
/// is not granted to PUBLIC, and the caller must own the table.
/// Returns the change's steps. Raises 42501, 42P01, 42703, 42804, 42809.
///
/// Example: `SELECT * FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role');`
#[pg_extern(volatile, parallel_unsafe)]
fn use_membership(
    membership: Option<RegClass>,
    user_column: Option<Name>,
    org_column: Option<Name>,
    role_column: default!(Option<Name>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "use_membership", argument };
    if !membership::may_register()? {
        return Err(Error::NotPermitted {
            what: "registering a membership table".into(),
            detail: "It decides for the whole database who belongs where.".into(),
            hint: "An administrator calls it, or grants it: GRANT EXECUTE ON FUNCTION tenant_guard.use_membership(regclass, name, name, name, boolean), tenant_guard.register_membership(name, name, name, name, name) TO the role that runs migrations.".into(),
        }
        .into());
    }
    let table =
        catalog::table(membership.ok_or_else(|| null("membership"))?).map_err(ErrorReport::from)?;
    let plan = planner::register(
        &table,
        &user_column.ok_or_else(|| null("user_column"))?.0,
        &org_column.ok_or_else(|| null("org_column"))?.0,
        role_column.as_ref().map(|c| c.0.as_str()),
        membership::registration()?.as_ref(),
    );
    Ok(plan::run(plan?, dry_run.unwrap_or(false))?)
}

/// Writes the registration that a plan of use_membership decided on; all NULL removes it.
/// Administrative: EXECUTE is not granted to PUBLIC, and the caller must own the table named.
/// Raises 42501, 42P01.
///
/// Example: `SELECT tenant_guard.register_membership('crm', 'memberships', 'user_id', 'organization_id', 'role');`
#[pg_extern(volatile, parallel_unsafe)]
fn register_membership(
    table_schema: Option<Name>,
    table_name: Option<Name>,
    user_column: Option<Name>,
    org_column: Option<Name>,
    role_column: Option<Name>,
) -> Result<(), ErrorReport> {
    let all_null = table_schema.is_none()
        && table_name.is_none()
        && user_column.is_none()
        && org_column.is_none()
        && role_column.is_none();
    if all_null {
        return Ok(membership::unregister()?);
    }
    let null = |argument| Error::NullArgument { function: "register_membership", argument };
    let wanted = planner::Registration {
        table_schema: table_schema.ok_or_else(|| null("table_schema"))?.0,
        table_name: table_name.ok_or_else(|| null("table_name"))?.0,
        user_column: user_column.ok_or_else(|| null("user_column"))?.0,
        org_column: org_column.ok_or_else(|| null("org_column"))?.0,
        role_column: role_column.map(|c| c.0),
    };
    Ok(membership::register(&wanted)?)
}

/// Tells all sessions that the registered membership table is another. For the extension's own table.
#[pg_trigger]
fn registration_changed<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgTriggerError> {
    invalidation::announce(trigger.relid()?);
    Ok(None)
}
