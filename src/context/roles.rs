//! `set_role_permissions`: what each role of the application may do.

use super::authority;
use super::permission::{check_names, RoleGrant, RoleGrants};
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::types::PlannedStep;
use crate::pg::{query, user};
use crate::plan::{self, Kind, Object, Plan, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

type Names = Option<Vec<Option<String>>>;

fn given(names: Names) -> Vec<String> {
    names.unwrap_or_default().into_iter().flatten().collect()
}

/// Says what a role of the application may do in its organization: its permissions, `leads:read` or
/// with a wildcard `leads:*`, and the roles whose permissions it has too. NULL for the permissions
/// takes the role's row away. Administrative: EXECUTE is not granted to PUBLIC.
/// Returns the change's steps. Raises 22023 for a malformed permission and for roles that would inherit
/// from each other in a circle.
///
/// Example: `SELECT * FROM tenant_guard.set_role_permissions('admin', '{leads:*,billing:read}', inherits => '{member}');`
#[pg_extern(volatile, parallel_unsafe)]
fn set_role_permissions(
    role: Option<&str>,
    permissions: Names,
    inherits: default!(Names, "'{}'"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let role =
        role.ok_or(Error::NullArgument { function: "set_role_permissions", argument: "role" })?;
    let wanted = permissions.is_some().then(|| RoleGrant {
        role: role.to_string(),
        permissions: given(permissions),
        inherits: given(inherits),
    });
    let plan = plan_for(role, wanted.as_ref(), &current()?)?;
    Ok(plan::run(plan, dry_run.unwrap_or(false))?)
}

fn current() -> Result<RoleGrants> {
    let _path = query::pin();
    Ok(RoleGrants::new(authority::read()?))
}

fn plan_for(role: &str, wanted: Option<&RoleGrant>, current: &RoleGrants) -> Result<Plan> {
    if let Some(wanted) = wanted {
        check(wanted, current)?;
    }
    let mut plan = Plan::new("set_role_permissions", role);
    let there = current.get(role);
    if there == wanted {
        return Ok(plan);
    }
    plan.push(Step::new(
        Object::global(Kind::RolePermissions, role),
        format!("set what the role {role} may do"),
        "has_permission and has_role go by it",
        call(role, wanted),
        call(role, there),
    ));
    Ok(plan)
}

fn check(wanted: &RoleGrant, current: &RoleGrants) -> Result<()> {
    check_names(wanted)?;
    match current.cycle(wanted) {
        Some(way) => Err(Error::RoleCycle { way }),
        None => Ok(()),
    }
}

fn call(role: &str, grant: Option<&RoleGrant>) -> String {
    let array = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|n| literal(n)).collect();
        format!("ARRAY[{}]::text[]", names.join(", "))
    };
    let (permissions, inherits) = match grant {
        Some(grant) => (array(&grant.permissions), array(&grant.inherits)),
        None => ("NULL".to_string(), "NULL".to_string()),
    };
    let role = literal(role);
    format!("SELECT tenant_guard.register_role_permissions({role}, {permissions}, {inherits})")
}

/// Writes one row of what roles may do, as a plan of set_role_permissions decided; NULL for the
/// permissions removes it. Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 22023.
///
/// Example: `SELECT tenant_guard.register_role_permissions('member', ARRAY['leads:read'], ARRAY[]::text[]);`
#[pg_extern(volatile, parallel_unsafe)]
fn register_role_permissions(
    role: Option<&str>,
    permissions: Names,
    inherits: Names,
) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "register_role_permissions", argument: "role" };
    let role = role.ok_or(null)?;
    if permissions.is_none() {
        user::as_extension_owner(|| {
            query::run("DELETE FROM tenant_guard.role_permission WHERE role = $1", &[role.into()])
        })?;
        return Ok(());
    }
    let (permissions, inherits) = (given(permissions), given(inherits));
    let wanted = RoleGrant { role: role.to_string(), permissions, inherits };
    // One at a time: two that are each without a cycle could make one together.
    crate::pg::relation::lock_name("role_permission", "");
    {
        let _read = query::catalog_read(query::PINNED);
        check(&wanted, &RoleGrants::new(authority::read()?))?;
    }
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.role_permission (role, permissions, inherits) VALUES ($1, $2, $3)
             ON CONFLICT (role) DO UPDATE SET permissions = excluded.permissions, inherits = excluded.inherits",
            &[
                wanted.role.as_str().into(),
                wanted.permissions.clone().into(),
                wanted.inherits.clone().into(),
            ],
        )
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_written_in_one_step_and_a_circle_is_refused() {
        let member =
            RoleGrant { role: "it's".into(), permissions: vec!["a:*".into()], inherits: vec![] };
        let plan = plan_for("it's", Some(&member), &RoleGrants::default()).unwrap();
        assert_eq!(
            plan.steps[0].sql,
            "SELECT tenant_guard.register_role_permissions('it''s', ARRAY['a:*']::text[], ARRAY[]::text[])"
        );
        let there = RoleGrants::new(vec![member.clone()]);
        assert!(plan_for("it's", Some(&member), &there).unwrap().steps.is_empty());
        let circle = RoleGrant { inherits: vec!["it's".into()], ..member };
        assert!(matches!(plan_for("it's", Some(&circle), &there), Err(Error::RoleCycle { .. })));
    }
}
