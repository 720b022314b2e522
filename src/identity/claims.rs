//! A token's claims, parsed. Pure: bytes and a profile in, claims out; anything malformed is nothing.

use super::profile::{Field, Place, Profile, Reading};
use super::{json, vendor};
use crate::id::Id;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The claims with the fields that policies read taken out beforehand.
#[derive(Debug)]
pub struct Claims {
    pub root: Map<String, Value>,
    pub user: Option<Id>,
    /// Every organization that the token names.
    pub organizations: Vec<Id>,
    pub project: Option<Id>,
    /// The database role.
    pub role: Option<String>,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub email: Option<String>,
    /// Whether `roles` and `permissions` hold in every organization.
    pub global_roles: bool,
}

impl Claims {
    /// None for anything but a JSON object in UTF-8 that jsonb could hold, and for a token whose
    /// user is not through with signing in.
    #[must_use]
    pub fn parse(bytes: &[u8], profile: &Profile) -> Option<Claims> {
        Self::of(json::object(bytes)?, profile)
    }

    #[must_use]
    pub fn of(root: Map<String, Value>, profile: &Profile) -> Option<Claims> {
        if vendor::half_signed_in(&profile.name, &root) {
            return None;
        }
        let one = |field| first_place(&root, profile, field).and_then(|(_, v)| json::scalar(&v));
        let user = one(Field::User).map(|id| Id::new(&id));
        let organizations = organizations(&root, profile);
        let project = one(Field::Project).map(|id| Id::new(&id));
        let (role, email) = (one(Field::Role), one(Field::Email));
        let roles = names(&root, profile, Field::Roles);
        let permissions = names(&root, profile, Field::Permissions);
        let global_roles = profile.global_roles;
        Some(Claims {
            root,
            user,
            organizations,
            project,
            role,
            roles,
            permissions,
            email,
            global_roles,
        })
    }

    /// The organization, where the token names exactly one: of several none is chosen silently.
    #[must_use]
    pub fn organization(&self) -> Option<&Id> {
        match self.organizations.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The value at a path of object keys and array positions, as `jsonb #>` finds it.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        json::at(&self.root, path)
    }
}

/// The first place of a field that is present decides, even when it holds nothing usable: falling
/// through from an unusable claim would let the token's shape choose the tenant.
#[must_use]
pub fn first_place<'a, 'p>(
    root: &'a Map<String, Value>,
    profile: &'p Profile,
    field: Field,
) -> Option<(&'p Place, Cow<'a, Value>)> {
    profile.places(field).iter().find_map(|place| Some((place, value_at(root, profile, place)?)))
}

/// What the claims give for a field, as text: what `Claims` has, for a person to look at.
#[must_use]
pub fn usable(root: &Map<String, Value>, profile: &Profile, field: Field) -> Vec<String> {
    match field {
        Field::Org => organizations(root, profile).into_iter().map(|id| id.text).collect(),
        Field::Roles | Field::Permissions => names(root, profile, field),
        _ => {
            let found = first_place(root, profile, field);
            found.and_then(|(_, value)| json::scalar(&value)).into_iter().collect()
        }
    }
}

fn value_at<'a>(
    root: &'a Map<String, Value>,
    profile: &Profile,
    place: &Place,
) -> Option<Cow<'a, Value>> {
    if profile.json_in_strings {
        json::at_loosely(root, &place.path).map(Cow::Owned)
    } else {
        json::at(root, &place.path).map(Cow::Borrowed)
    }
}

fn organizations(root: &Map<String, Value>, profile: &Profile) -> Vec<Id> {
    let Some((place, value)) = first_place(root, profile, Field::Org) else {
        return Vec::new();
    };
    let found = match (place.reading, value.as_ref()) {
        (Reading::KeycloakOrganizations, value) => vendor::keycloak_organizations(value),
        (_, Value::Array(items)) => items.iter().filter_map(json::scalar).collect(),
        (_, value) => json::scalar(value).into_iter().collect(),
    };
    let mut ids: Vec<Id> = Vec::with_capacity(found.len());
    for id in found {
        if !ids.iter().any(|other| other.text == id) {
            ids.push(Id::new(&id));
        }
    }
    ids
}

/// All names at all places of a field, each once, in the order of the token.
fn names(root: &Map<String, Value>, profile: &Profile, field: Field) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for place in profile.places(field) {
        let Some(value) = value_at(root, profile, place) else {
            continue;
        };
        let more = names_in(root, field, place.reading, &value);
        for name in more {
            if !name.is_empty() && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

fn names_in(
    root: &Map<String, Value>,
    field: Field,
    reading: Reading,
    value: &Value,
) -> Vec<String> {
    let strings = |text: &str, by: fn(char) -> bool| {
        text.split(by).map(|s| s.trim().to_string()).collect::<Vec<String>>()
    };
    match (reading, value) {
        (Reading::ClerkRole, value) => vendor::clerk_role(value).into_iter().collect(),
        (Reading::ClerkPermissions, value) => vendor::clerk_permissions(root, value),
        (Reading::KeycloakClientRoles, value) => vendor::keycloak_client_roles(value),
        (Reading::Commas, Value::String(text)) => strings(text, |c| c == ','),
        // OAuth lists permissions in one string; the name of a role may hold a blank.
        (_, Value::String(text)) if field == Field::Permissions => {
            strings(text, |c| c.is_ascii_whitespace())
        }
        (_, Value::String(text)) => vec![text.clone()],
        (_, Value::Array(items)) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_string)).collect()
        }
        _ => Vec::new(),
    }
}
