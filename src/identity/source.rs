//! Where claims are found: the configured profile and paths, kept until they change.

use super::profile::{Field, Profile, DEFAULT};
use crate::error::Result;
use crate::pg::invalidation::{Cached, Subject};
use crate::pg::{invalidation, query, relation, user};
use serde::Deserialize;
use std::rc::Rc;

thread_local! {
    static CACHE: Cached<Rc<Profile>> = const { Cached::new(Subject::ClaimSources) };
}

/// One configured source: the profile, or the path of one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClaimSource {
    pub name: String,
    pub value: Vec<String>,
}

/// The row that names the profile.
pub const PROFILE: &str = "profile";

/// Changes whenever `profile` may give another answer.
#[must_use]
pub fn generation() -> u64 {
    invalidation::generation(Subject::ClaimSources)
}

/// The profile in force.
pub fn profile() -> Result<Rc<Profile>> {
    CACHE.with(|cache| {
        cache.get(|| {
            let sources: Vec<ClaimSource> = configured_here()?;
            let own = relation::own("claim_source").into_iter().collect();
            Ok((Rc::new(assemble(&sources)), Some(own)))
        })
    })
}

/// Pure: the named profile with the configured paths in place of its own.
fn assemble(sources: &[ClaimSource]) -> Profile {
    let named = sources.iter().find(|s| s.name == PROFILE).and_then(|s| s.value.first());
    let name = named.map_or(DEFAULT, String::as_str);
    // A name that this version does not know: only what was configured is believed.
    let mut profile = Profile::named(name).or_else(|| Profile::named("custom")).unwrap_or_default();
    for source in sources {
        if let Some(field) = Field::from_name(&source.name) {
            profile.set_path(field, source.value.clone());
        }
    }
    profile
}

/// What is configured, by name.
pub fn configured() -> Result<Vec<ClaimSource>> {
    let _path = query::pin();
    configured_here()
}

fn configured_here() -> Result<Vec<ClaimSource>> {
    user::as_extension_owner(|| {
        let read =
            "SELECT pg_catalog.json_agg(s)::pg_catalog.text FROM tenant_guard.claim_source s";
        Ok(query::model_here(read, &[])?.unwrap_or_default())
    })
}

/// Writes one row; None takes it away.
pub fn write(name: &str, value: Option<Vec<String>>) -> Result<()> {
    user::as_extension_owner(|| match value {
        Some(value) => query::run(
            "INSERT INTO tenant_guard.claim_source (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            &[name.into(), value.into()],
        ),
        None => query::run("DELETE FROM tenant_guard.claim_source WHERE name = $1", &[name.into()]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, value: &[&str]) -> ClaimSource {
        ClaimSource { name: name.into(), value: value.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn configured_paths_stand_in_place_of_the_profiles() {
        let profile = assemble(&[source("profile", &["auth0"]), source("roles", &["https://x/r"])]);
        assert_eq!(profile.name, "auth0");
        assert_eq!(profile.places(Field::Roles)[0].path, vec!["https://x/r"]);
        assert_eq!(profile.places(Field::Org)[0].path, vec!["org_id"]);
        assert_eq!(assemble(&[]).name, "supabase");
        assert!(assemble(&[source("profile", &["of a later version"])])
            .places(Field::Org)
            .is_empty());
    }
}
