//! The settings that PostgREST had before version 9, and has with `db-use-legacy-gucs`: one for each
//! claim, `request.jwt.claim.sub` and so on. Read only where `request.jwt.claims` is not set.

use super::profile::{Profile, FIELDS};
use super::source;
use crate::pg::guc;
use serde_json::{Map, Value};
use std::ffi::CString;

/// The claims that anybody may ask for, beside those in which the profile looks.
const USUAL: &[&str] = &["sub", "role", "email", "exp", "iss", "aud"];

/// The claims as one JSON object; None where there are no such settings.
#[must_use]
pub fn claims() -> Option<String> {
    // One of the two is always there, so that everybody else pays for two look-ups only.
    if setting("sub").is_none() && setting("role").is_none() {
        return None;
    }
    let profile = source::profile().ok()?;
    let found: Map<String, Value> = names(&profile)
        .into_iter()
        .filter_map(|name| {
            let value = setting(&name)?;
            Some((name, value_of(&value)))
        })
        .collect();
    serde_json::to_string(&found).ok()
}

fn setting(claim: &str) -> Option<String> {
    let name = CString::new(format!("request.jwt.claim.{claim}")).ok()?;
    guc::with_setting(&name, |raw| {
        let text = std::str::from_utf8(raw?).ok()?;
        (!text.is_empty()).then(|| text.to_string())
    })
}

fn names(profile: &Profile) -> Vec<String> {
    let mut names: Vec<String> = USUAL.iter().map(ToString::to_string).collect();
    for place in FIELDS.iter().flat_map(|field| profile.places(*field)) {
        if let Some(root) = place.path.first().filter(|root| !names.contains(root)) {
            names.push(root.clone());
        }
    }
    names
}

/// Strings came bare, everything else as JSON; what was a string and what a number is not told.
fn value_of(text: &str) -> Value {
    if text.starts_with(['{', '[']) {
        if let Ok(value) = serde_json::from_str(text) {
            return value;
        }
    }
    Value::String(text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_arrays_come_as_json_and_the_rest_as_text() {
        assert_eq!(value_of("7"), Value::String("7".into()));
        assert_eq!(value_of("{\"a\":1}")["a"].to_string(), "1");
        assert!(value_of("[\"a\"]").is_array());
        assert_eq!(value_of("{broken"), Value::String("{broken".into()));
    }

    #[test]
    fn the_settings_asked_for_are_those_that_the_profile_looks_in() {
        let names = names(&Profile::default());
        assert!(names.contains(&"app_metadata".into()) && names.contains(&"sub".into()));
    }
}
