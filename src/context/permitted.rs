//! In which of the user's organizations something is permitted: for rows of several at once, where each
//! organization has its own roles.

use super::active::{self, Active, Check, Spelling};
use super::authority;
use super::belonging;
use super::permission::Permissions;
use crate::error::Result;
use crate::id::Id;
use crate::pg::transaction::Moment;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;
use pgrx::Uuid;

/// An organization of the user's, with the roles there, before inheritance, and what the token permits
/// there besides.
struct Place {
    organization: Id,
    roles: Vec<String>,
    permissions: Vec<String>,
}

fn places(active: &Active) -> Result<Vec<Place>> {
    let check = active::check()?;
    let claimed = &active.claimed;
    let token_holds = |organization: &Id, spelling: Spelling| {
        claimed.global_roles
            || claimed.organization().is_some_and(|named| spelling.same(named, organization))
    };
    let of_token = |organization: Id, holds: bool| Place {
        organization,
        roles: if holds { claimed.roles.clone() } else { vec![] },
        permissions: if holds { claimed.permissions.clone() } else { vec![] },
    };
    match (&check, &claimed.user) {
        (Check::Membership(table), Some(user)) => {
            let members = belonging::all(table, user)?;
            let there = members.iter().filter(|m| m.active).map(|member| {
                let organization = member.organization.clone();
                if table.has_roles {
                    return Place {
                        organization,
                        roles: member.roles.clone(),
                        permissions: vec![],
                    };
                }
                let holds = token_holds(&organization, Spelling::of(Some(table)));
                of_token(organization, holds)
            });
            Ok(there.collect())
        }
        (Check::Membership(_), None) | (Check::Nothing, _) => Ok(Vec::new()),
        (Check::Claim(table), _) => {
            let organizations: Vec<Id> = match table {
                None => claimed.organizations.clone(),
                Some(table) => {
                    let named = claimed.organizations.iter().map(|o| o.text.clone()).collect();
                    let active = table.active_among(named)?;
                    active.iter().map(|o| table.org_type().id(o)).collect()
                }
            };
            let spelling = || Spelling::of(table.as_deref());
            Ok(organizations
                .into_iter()
                .map(|o| {
                    let holds = token_holds(&o, spelling());
                    of_token(o, holds)
                })
                .collect())
        }
    }
}

/// A word with a colon or a star is a permission, any other a role: as in protect_table.
fn permits(place: &Place, words: &[String]) -> Result<bool> {
    let grants = authority::grants()?;
    let roles = grants.closure(&place.roles);
    let mut granted = grants.permissions(&roles);
    granted.extend(place.permissions.iter().cloned());
    let permissions = Permissions::new(&granted);
    Ok(words.iter().any(|word| match word.contains([':', '*']) {
        true => permissions.allow(word),
        false => roles.contains(word),
    }))
}

fn permitted(call: FunctionCallInfo, words: &VariadicArray<&str>) -> Result<Vec<Id>> {
    let words: Vec<String> = words.iter().flatten().map(str::to_string).collect();
    let Some(active) = active::active(Moment::Of(call))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for place in places(&active)? {
        if permits(&place, &words)? {
            found.push(place.organization);
        }
    }
    Ok(found)
}

/// Every active organization of the user's in which the user has one of the roles, or is permitted one of
/// the permissions (words with a colon or a star), as an array of UUIDs; empty, never NULL, when there
/// are none. Raises only what a registered `active` condition raises.
///
/// Example: `... USING (organization_id = ANY ((SELECT tenant_guard.permitted_org_ids('owner', 'leads:write'))::uuid[]))`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn permitted_org_ids(
    words: VariadicArray<&str>,
    fcinfo: FunctionCallInfo,
) -> Result<Vec<Uuid>, ErrorReport> {
    let uuids = |o: Id| o.uuid.map(|uuid| Uuid::from_bytes(*uuid.as_bytes()));
    Ok(permitted(fcinfo, &words)?.into_iter().filter_map(uuids).collect())
}

/// `permitted_org_ids` as an array of text. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.permitted_org_ids_text('admin');`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn permitted_org_ids_text(
    words: VariadicArray<&str>,
    fcinfo: FunctionCallInfo,
) -> Result<Vec<String>, ErrorReport> {
    Ok(permitted(fcinfo, &words)?.into_iter().map(|o| o.text).collect())
}

/// `permitted_org_ids` as an array of bigint. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.permitted_org_ids_bigint('admin');`
#[pg_extern(stable, parallel_safe, cost = 100)]
fn permitted_org_ids_bigint(
    words: VariadicArray<&str>,
    fcinfo: FunctionCallInfo,
) -> Result<Vec<i64>, ErrorReport> {
    Ok(permitted(fcinfo, &words)?.into_iter().filter_map(|o| o.bigint).collect())
}
