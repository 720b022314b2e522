//! The roles and permissions that the user has in the active organization.
//!
//! Where the membership check is in force and the membership table has a role column, they come from
//! there alone. Else they are the token's, for the organization that the token names.

use super::active::{self, Active, Check, Spelling};
use super::belonging::{self, Asked};
use super::permission::{Permissions, RoleGrant, RoleGrants};
use crate::error::Result;
use crate::pg::invalidation::{self, Cached, Subject};
use crate::pg::transaction::Moment;
use crate::pg::{query, relation, snapshot, user};
use std::rc::Rc;

#[derive(Debug, Default)]
pub struct Authority {
    /// With those inherited; sorted.
    pub roles: Vec<String>,
    /// As granted; sorted.
    pub granted: Vec<String>,
    pub permissions: Permissions,
}

thread_local! {
    static GRANTS: Cached<Rc<RoleGrants>> = const { Cached::new(Subject::RolePermissions) };
    static NOTHING: Rc<Authority> = Rc::default();
}

/// Changes whenever roles may permit something else.
#[must_use]
pub fn generation() -> u64 {
    invalidation::generation(Subject::RolePermissions)
}

/// What each role is granted in this database.
pub fn grants() -> Result<Rc<RoleGrants>> {
    GRANTS.with(|cache| {
        cache.get(|| {
            let own = relation::own("role_permission").into_iter().collect();
            Ok((Rc::new(RoleGrants::new(read()?)), Some(own)))
        })
    })
}

pub fn read() -> Result<Vec<RoleGrant>> {
    user::as_extension_owner(|| {
        let all =
            "SELECT pg_catalog.json_agg(r)::pg_catalog.text FROM tenant_guard.role_permission r";
        Ok(query::model_here(all, &[])?.unwrap_or_default())
    })
}

/// What the user may do at a moment; nothing without an identity.
pub fn authority(moment: Moment) -> Result<Rc<Authority>> {
    match active::active(moment)? {
        Some(active) => of_active(&active),
        None => Ok(NOTHING.with(Rc::clone)),
    }
}

pub fn of_active(active: &Active) -> Result<Rc<Authority>> {
    if let Some(known) = active.authority.get() {
        return Ok(known.clone());
    }
    let resolved = Rc::new(resolve(active)?);
    if snapshot::in_parallel_mode() {
        active.passing.set(true);
    }
    Ok(active.authority.get_or_init(|| resolved).clone())
}

fn resolve(active: &Active) -> Result<Authority> {
    let grants = grants()?;
    let check = active::check()?;
    let (direct, own) = match of_membership(active, &check)? {
        Some(roles) => (roles, Vec::new()),
        None if of_token(active, &check) => {
            (active.claimed.roles.clone(), active.claimed.permissions.clone())
        }
        None => (Vec::new(), Vec::new()),
    };
    let roles = grants.closure(&direct);
    let mut granted = grants.permissions(&roles);
    granted.extend(own);
    granted.sort();
    granted.dedup();
    Ok(Authority { permissions: Permissions::new(&granted), roles, granted })
}

/// The roles of the membership table, where it is the one to say.
fn of_membership(active: &Active, check: &Check) -> Result<Option<Vec<String>>> {
    let table = match check {
        Check::Membership(table) if table.has_roles => table,
        Check::Membership(_) | Check::Claim(_) => return Ok(None),
        Check::Nothing => return Ok(Some(Vec::new())),
    };
    let (Some(user), Some(organization)) = (&active.claimed.user, &active.organization) else {
        return Ok(Some(Vec::new()));
    };
    let member = belonging::find(table, user, Asked::Text(&organization.text))?;
    Ok(Some(member.filter(|m| m.active).map(|m| m.roles.clone()).unwrap_or_default()))
}

/// Whether the token's roles hold here: they are for the organization that it names, and those of a
/// token that names none for work outside of organizations. Where the issuer gives roles apart from
/// organizations, they hold everywhere.
pub fn of_token(active: &Active, check: &Check) -> bool {
    if active.claimed.global_roles {
        return true;
    }
    match (active.claimed.organization(), &active.organization) {
        (Some(claimed), Some(organization)) => {
            Spelling::of(check.table()).same(claimed, organization)
        }
        (None, None) => active.claimed.organizations.is_empty(),
        _ => false,
    }
}
