//! Where each vendor's tokens keep the user, the organization and the rest. Pure.
//!
//! A profile is a table of places; `set_claim_path` replaces the places of one field. What a place
//! holds is read in `claims.rs`, and the two vendors with formats of their own in `vendor.rs`.

use serde_json::{Map, Value};

/// What policies ask a token for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    User,
    Org,
    Project,
    /// The database role, which the gateway switches to.
    Role,
    Roles,
    Permissions,
    Email,
}

pub const FIELDS: [Field; 7] = [
    Field::User,
    Field::Org,
    Field::Project,
    Field::Role,
    Field::Roles,
    Field::Permissions,
    Field::Email,
];

/// As `set_claim_path` takes them.
pub const FIELD_NAMES: &[&str] =
    &["user", "org", "project", "role", "roles", "permissions", "email"];

impl Field {
    #[must_use]
    pub fn name(self) -> &'static str {
        FIELD_NAMES[self as usize]
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Field> {
        FIELDS.into_iter().find(|field| field.name() == name)
    }
}

/// How the value at a place is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A string or number; for a field of several values an array of them too.
    Plain,
    /// Names parted by commas in one string, as Better Auth stores several roles.
    Commas,
    /// Clerk's `org:admin`, without the prefix.
    ClerkRole,
    /// Clerk v2's `o.per`, `o.fpm` and `fea` together. The place says where `o` is.
    ClerkPermissions,
    /// Keycloak's aliases: an array of them, or a map from alias to an object with the id.
    KeycloakOrganizations,
    /// Keycloak's `resource_access`: every client's roles, as `client:role`.
    KeycloakClientRoles,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: Vec<String>,
    pub reading: Reading,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    places: [Vec<Place>; 7],
    /// Whether the token's roles hold in every organization, and not only in the one it names.
    pub global_roles: bool,
    /// Whether objects may come as JSON in a string, with keys in any case.
    pub json_in_strings: bool,
}

type Spot = (&'static [&'static str], Reading);

struct Vendor {
    name: &'static str,
    user: &'static [Spot],
    org: &'static [Spot],
    project: &'static [Spot],
    role: &'static [Spot],
    roles: &'static [Spot],
    permissions: &'static [Spot],
    email: &'static [Spot],
    global_roles: bool,
    json_in_strings: bool,
}

const P: Reading = Reading::Plain;
const SUB: &[Spot] = &[(&["sub"], P)];
const EMAIL: &[Spot] = &[(&["email"], P)];
const ROLE: &[Spot] = &[(&["role"], P)];
const HASURA: &str = "https://hasura.io/jwt/claims";

const CUSTOM: Vendor = Vendor {
    name: "custom",
    user: SUB,
    org: &[],
    project: &[],
    role: ROLE,
    roles: &[],
    permissions: &[],
    email: EMAIL,
    global_roles: false,
    json_in_strings: false,
};

/// In the order in which documentation and errors list them; the first is the default.
const VENDORS: &[Vendor] = &[
    Vendor {
        name: "supabase",
        org: &[
            (&["org_id"], P),
            (&["organization_id"], P),
            (&["app_metadata", "org_id"], P),
            (&["app_metadata", "organization_id"], P),
        ],
        project: &[(&["project_id"], P), (&["app_metadata", "project_id"], P)],
        roles: &[
            (&["user_role"], P),
            (&["app_metadata", "roles"], P),
            (&["app_metadata", "role"], P),
        ],
        permissions: &[(&["permissions"], P), (&["app_metadata", "permissions"], P)],
        ..CUSTOM
    },
    // Both of its generations. `project_id` is the vendor's own project, the same for every user.
    Vendor {
        name: "neon",
        org: &[(&["o", "id"], P), (&["selected_team_id"], P)],
        roles: &[(&["o", "role"], Reading::Commas)],
        ..CUSTOM
    },
    Vendor {
        name: "clerk_v1",
        org: &[(&["org_id"], P)],
        roles: &[(&["org_role"], Reading::ClerkRole)],
        permissions: &[(&["org_permissions"], P)],
        ..CUSTOM
    },
    Vendor {
        name: "clerk_v2",
        org: &[(&["o", "id"], P)],
        roles: &[(&["o", "rol"], Reading::ClerkRole)],
        permissions: &[(&["o"], Reading::ClerkPermissions)],
        ..CUSTOM
    },
    // Roles are in a claim under a URL of the tenant's own: set_claim_path('roles', ...). A `scope`
    // says what the application may do, here as with the others, and never what its user may.
    Vendor {
        name: "auth0",
        org: &[(&["org_id"], P)],
        permissions: &[(&["permissions"], P)],
        ..CUSTOM
    },
    // Its `role` is the role in the organization, so it is never taken for the database's.
    Vendor {
        name: "workos",
        org: &[(&["org_id"], P)],
        role: &[],
        roles: &[(&["roles"], P), (&["role"], P)],
        permissions: &[(&["permissions"], P)],
        ..CUSTOM
    },
    Vendor {
        name: "keycloak",
        org: &[(&["organization"], Reading::KeycloakOrganizations)],
        roles: &[
            (&["realm_access", "roles"], P),
            (&["resource_access"], Reading::KeycloakClientRoles),
        ],
        global_roles: true,
        ..CUSTOM
    },
    Vendor {
        name: "firebase",
        org: &[(&["firebase", "tenant"], P)],
        roles: &[(&["roles"], P)],
        permissions: &[(&["permissions"], P)],
        ..CUSTOM
    },
    // Custom attributes are writable by the user unless the app client forbids it: none is a source.
    Vendor { name: "cognito", roles: &[(&["cognito:groups"], P)], global_roles: true, ..CUSTOM },
    // `sub` differs from application to application, `oid` does not. Personal accounts have no oid.
    Vendor {
        name: "entra",
        user: &[(&["oid"], P), (&["sub"], P)],
        org: &[(&["tid"], P)],
        roles: &[(&["roles"], P), (&["groups"], P)],
        ..CUSTOM
    },
    Vendor {
        name: "hasura",
        user: &[(&[HASURA, "x-hasura-user-id"], P), (&["sub"], P)],
        org: &[
            (&[HASURA, "x-hasura-org-id"], P),
            (&[HASURA, "x-hasura-organization-id"], P),
            (&[HASURA, "x-hasura-tenant-id"], P),
        ],
        project: &[(&[HASURA, "x-hasura-project-id"], P)],
        roles: &[(&[HASURA, "x-hasura-allowed-roles"], P)],
        permissions: &[(&[HASURA, "x-hasura-permissions"], P)],
        json_in_strings: true,
        ..CUSTOM
    },
    CUSTOM,
];

/// As `set_claim_profile` takes them.
pub const PROFILE_NAMES: &[&str] = &[
    "supabase", "neon", "clerk_v1", "clerk_v2", "auth0", "workos", "keycloak", "firebase",
    "cognito", "entra", "hasura", "custom",
];

pub const DEFAULT: &str = "supabase";

impl Profile {
    /// None for a vendor that nobody knows.
    #[must_use]
    pub fn named(name: &str) -> Option<Profile> {
        let vendor = VENDORS.iter().find(|v| v.name == name)?;
        let places = |spots: &[Spot]| {
            let place = |(path, reading): &Spot| Place {
                path: path.iter().map(ToString::to_string).collect(),
                reading: *reading,
            };
            spots.iter().map(place).collect()
        };
        Some(Profile {
            name: name.into(),
            places: [
                places(vendor.user),
                places(vendor.org),
                places(vendor.project),
                places(vendor.role),
                places(vendor.roles),
                places(vendor.permissions),
                places(vendor.email),
            ],
            global_roles: vendor.global_roles,
            json_in_strings: vendor.json_in_strings,
        })
    }

    /// One place instead of the vendor's.
    pub fn set_path(&mut self, field: Field, path: Vec<String>) {
        self.places[field as usize] = vec![Place { path, reading: Reading::Plain }];
    }

    #[must_use]
    pub fn places(&self, field: Field) -> &[Place] {
        &self.places[field as usize]
    }
}

impl Default for Profile {
    fn default() -> Self {
        Profile::named(DEFAULT).unwrap_or_else(|| unreachable!("the default is in the table"))
    }
}

/// The vendor whose mark the claims bear, for a hint: what is believed is what was configured.
#[must_use]
pub fn recognise(root: &Map<String, Value>) -> Option<&'static str> {
    let text = |claim: &str| root.get(claim).and_then(Value::as_str).unwrap_or_default();
    let in_o = |key: &str| root.get("o").is_some_and(|o| o.get(key).is_some());
    let marks: [(&'static str, bool); 10] = [
        ("hasura", root.contains_key(HASURA)),
        ("clerk_v2", in_o("rol") || in_o("slg")),
        ("neon", in_o("slug") || root.contains_key("selected_team_id")),
        ("clerk_v1", text("org_role").starts_with("org:")),
        ("keycloak", root.contains_key("realm_access") || root.contains_key("resource_access")),
        ("firebase", root.get("firebase").is_some_and(Value::is_object)),
        ("cognito", text("iss").contains("cognito-idp.") || root.contains_key("cognito:groups")),
        ("entra", root.contains_key("tid") && root.contains_key("oid")),
        ("workos", text("sub").starts_with("user_") && text("sid").starts_with("session_")),
        ("auth0", text("sub").contains('|')),
    ];
    marks.into_iter().find_map(|(vendor, bears)| bears.then_some(vendor))
}

/// Claims that the users of some vendor can write themselves: what they say proves nothing.
const USER_WRITABLE: &[&str] = &[
    "user_metadata",
    "raw_user_meta_data",
    "unsafe_metadata",
    "unsafeMetadata",
    "unsafe_meta",
    "client_metadata",
    "clientMetadata",
];

/// The part of a path that users can write, if there is one.
#[must_use]
pub fn user_writable(path: &[String]) -> Option<&str> {
    // Cognito's custom attributes are the user's to write unless every app client forbids it.
    // Some issuers' keys are found in any case.
    let writable = |key: &&str| {
        let key = key.to_lowercase();
        USER_WRITABLE.iter().any(|u| u.eq_ignore_ascii_case(&key)) || key.starts_with("custom:")
    };
    path.iter().map(String::as_str).find(writable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_offered_is_there_and_no_other() {
        let there: Vec<&str> = VENDORS.iter().map(|v| v.name).collect();
        assert_eq!(there, PROFILE_NAMES);
        assert!(Profile::named("okta").is_none());
        assert_eq!(Profile::default().name, "supabase");
    }

    #[test]
    fn no_profile_reads_what_users_write() {
        for name in PROFILE_NAMES {
            let profile = Profile::named(name).unwrap();
            for place in FIELDS.iter().flat_map(|f| profile.places(*f)) {
                assert_eq!(user_writable(&place.path), None, "{name} {:?}", place.path);
            }
        }
        assert_eq!(user_writable(&["a".into(), "user_metadata".into()]), Some("user_metadata"));
        assert_eq!(user_writable(&["custom:tenant_id".into()]), Some("custom:tenant_id"));
    }

    #[test]
    fn every_field_has_the_name_that_stands_at_its_place() {
        for field in FIELDS {
            assert_eq!(Field::from_name(field.name()), Some(field));
        }
        assert_eq!(Field::from_name("groups"), None);
    }
}
