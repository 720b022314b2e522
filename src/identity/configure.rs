//! `set_claim_profile` and `set_claim_path`: where this database's tokens keep what policies ask for.

use super::profile::{self, Field, FIELD_NAMES, PROFILE_NAMES};
use super::source::{self, ClaimSource, PROFILE};
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::types::PlannedStep;
use crate::plan::{self, Kind, Object, Plan, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Says whose tokens this database gets: supabase (the default), neon, clerk_v1, clerk_v2, auth0,
/// workos, keycloak, firebase, cognito, entra, hasura or custom. docs/vendors.md says which claims
/// each reads; paths set with `set_claim_path` stay in force. Administrative: EXECUTE is not granted
/// to PUBLIC. Returns the change's steps. Raises 22023 for an unknown profile.
///
/// Example: `SELECT * FROM tenant_guard.set_claim_profile('clerk_v2');`
#[pg_extern(volatile, parallel_unsafe)]
fn set_claim_profile(
    name: Option<&str>,
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let name =
        name.ok_or(Error::NullArgument { function: "set_claim_profile", argument: "name" })?;
    let plan = profile_plan(name, &source::configured()?)?;
    Ok(plan::run(plan, dry_run.unwrap_or(false))?)
}

fn profile_plan(name: &str, current: &[ClaimSource]) -> Result<Plan> {
    if !PROFILE_NAMES.contains(&name) {
        let value = name.to_string();
        return Err(Error::UnknownOption { option: "name", value, allowed: PROFILE_NAMES });
    }
    Ok(write_plan("set_claim_profile", PROFILE, Some(&[name.to_string()]), current))
}

/// Says at which path of a token's claims one thing stands: user, org, project, role (the database
/// role), roles, permissions or email; instead of where the profile looks. NULL for the path takes
/// that back. Each element is one key, as it is, URLs included. A claim that users write themselves,
/// such as `user_metadata`, is refused unless `force` is true. Administrative: EXECUTE is not granted
/// to PUBLIC. Returns the change's steps. Raises 22023 for an unknown name, an empty path, and a path
/// into what users write.
///
/// Example: `SELECT * FROM tenant_guard.set_claim_path('roles', ARRAY['https://acme.example/roles']);`
#[pg_extern(volatile, parallel_unsafe)]
fn set_claim_path(
    name: Option<&str>,
    path: Option<Vec<Option<String>>>,
    force: default!(Option<bool>, "false"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let name = name.ok_or(Error::NullArgument { function: "set_claim_path", argument: "name" })?;
    let plan = path_plan(name, path, force.unwrap_or(false), &source::configured()?)?;
    Ok(plan::run(plan, dry_run.unwrap_or(false))?)
}

fn path_plan(
    name: &str,
    path: Option<Vec<Option<String>>>,
    force: bool,
    current: &[ClaimSource],
) -> Result<Plan> {
    if Field::from_name(name).is_none() {
        let value = name.to_string();
        return Err(Error::UnknownOption { option: "name", value, allowed: FIELD_NAMES });
    }
    let path: Option<Vec<String>> = match path {
        None => None,
        Some(keys) => match keys.into_iter().collect::<Option<Vec<String>>>() {
            Some(keys) if !keys.is_empty() => Some(keys),
            _ => return Err(Error::BadClaimPath { name: name.to_string() }),
        },
    };
    if let Some(key) = path.as_deref().and_then(profile::user_writable).filter(|_| !force) {
        return Err(Error::UserWritableClaim { name: name.to_string(), key: key.to_string() });
    }
    Ok(write_plan("set_claim_path", name, path.as_deref(), current))
}

fn write_plan(
    operation: &str,
    name: &str,
    value: Option<&[String]>,
    current: &[ClaimSource],
) -> Plan {
    let mut plan = Plan::new(operation, name);
    let there = current.iter().find(|s| s.name == name).map(|s| s.value.as_slice());
    if there == value {
        return plan;
    }
    plan.push(Step::new(
        Object::global(Kind::ClaimSource, name),
        format!("set where claims are found: {name}"),
        "every identity helper reads the token by it",
        call(name, value),
        call(name, there),
    ));
    plan
}

fn call(name: &str, value: Option<&[String]>) -> String {
    let array = value.map_or("NULL".into(), |value| {
        let elements: Vec<String> = value.iter().map(|key| literal(key)).collect();
        format!("ARRAY[{}]", elements.join(", "))
    });
    format!("SELECT tenant_guard.register_claim_source({}, {array})", literal(name))
}

/// Writes one row of where claims are found, as a plan of set_claim_profile or set_claim_path decided;
/// NULL removes it. Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 22023, 23514.
///
/// Example: `SELECT tenant_guard.register_claim_source('profile', ARRAY['auth0']);`
#[pg_extern(volatile, parallel_unsafe)]
fn register_claim_source(
    name: Option<&str>,
    value: Option<Vec<Option<String>>>,
) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "register_claim_source", argument: "name" };
    let name = name.ok_or(null)?;
    let value: Option<Vec<String>> = value.map(|v| v.into_iter().flatten().collect());
    match (&value, name) {
        (Some(value), PROFILE) => {
            profile_plan(value.first().map_or("", String::as_str), &[])?;
        }
        (None, PROFILE) => {}
        // Whether users write it was decided when it was planned.
        (value, name) => {
            let keys = value.as_ref().map(|keys| keys.iter().cloned().map(Some).collect());
            path_plan(name, keys, true, &[])?;
        }
    }
    Ok(source::write(name, value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(keys: &[&str]) -> Option<Vec<Option<String>>> {
        Some(keys.iter().map(|k| Some(k.to_string())).collect())
    }

    #[test]
    fn setting_a_path_is_one_step_with_the_former_path_as_its_undo() {
        let plan = path_plan("org", path(&["it's", "a.b"]), false, &[]).unwrap();
        assert_eq!(
            plan.steps[0].sql,
            "SELECT tenant_guard.register_claim_source('org', ARRAY['it''s', 'a.b'])"
        );
        assert_eq!(
            plan.steps[0].undo.as_deref(),
            Some("SELECT tenant_guard.register_claim_source('org', NULL)")
        );
        let there = [ClaimSource { name: "org".into(), value: vec!["x".into()] }];
        assert!(path_plan("org", path(&["x"]), false, &there).unwrap().steps.is_empty());
        let back = path_plan("org", None, false, &there).unwrap();
        assert!(back.steps[0].undo.as_deref().unwrap().ends_with("ARRAY['x'])"));
    }

    #[test]
    fn what_users_write_is_refused_unless_forced() {
        let refused = path_plan("org", path(&["user_metadata", "org"]), false, &[]);
        assert!(
            matches!(refused, Err(Error::UserWritableClaim { key, .. }) if key == "user_metadata")
        );
        assert!(path_plan("org", path(&["user_metadata", "org"]), true, &[]).is_ok());
    }

    #[test]
    fn unknown_names_and_empty_paths_are_refused() {
        assert!(matches!(profile_plan("okta", &[]), Err(Error::UnknownOption { .. })));
        assert!(matches!(
            path_plan("groups", path(&["x"]), false, &[]),
            Err(Error::UnknownOption { .. })
        ));
        assert!(matches!(path_plan("org", path(&[]), false, &[]), Err(Error::BadClaimPath { .. })));
        let with_null = Some(vec![Some("a".to_string()), None]);
        assert!(matches!(path_plan("org", with_null, false, &[]), Err(Error::BadClaimPath { .. })));
    }
}
