//! What single vendors write in formats of their own. Pure.

use super::json;
use serde_json::{Map, Value};

/// Clerk's role without the prefix that version 1 has and version 2 has not.
#[must_use]
pub fn clerk_role(value: &Value) -> Option<String> {
    let role = value.as_str()?;
    let bare = role.strip_prefix("org:").unwrap_or(role);
    (!bare.is_empty()).then(|| bare.to_string())
}

/// Clerk's session token, version 2: `fea` lists features by scope, `o.per` the names of permissions,
/// and `o.fpm` one number for each feature of the organization, whose bits, lowest first, say which
/// of the names hold. After `parsePermissions` in Clerk's own packages/shared/src/jwtPayloadParser.ts.
/// A feature without a scope, or a number that is none, gives nothing.
#[must_use]
pub fn clerk_permissions(root: &Map<String, Value>, organization: &Value) -> Vec<String> {
    let text =
        |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_string();
    let features = text(root.get("fea"));
    let (names, masks) = (text(organization.get("per")), text(organization.get("fpm")));
    if features.is_empty() || names.is_empty() || masks.is_empty() {
        return Vec::new();
    }
    let mut of_organization = Vec::new();
    for feature in features.split(',') {
        match feature.trim().split_once(':') {
            // Those of the user alone take no number.
            Some(("o" | "ou" | "uo", slug)) => of_organization.push(slug),
            Some(_) => {}
            None => return Vec::new(),
        }
    }
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let mut permissions = Vec::new();
    for (feature, mask) in of_organization.iter().zip(masks.split(',')) {
        let mask = mask.trim();
        let digits = !mask.is_empty() && mask.bytes().all(|b| b.is_ascii_digit());
        let bits: u128 = if digits { mask.parse().unwrap_or(0) } else { 0 };
        for (position, name) in names.iter().enumerate().take(128) {
            if bits >> position & 1 == 1 {
                permissions.push(format!("org:{feature}:{name}"));
            }
        }
    }
    permissions
}

/// Keycloak's organizations: their ids where the token has them, else their aliases.
#[must_use]
pub fn keycloak_organizations(value: &Value) -> Vec<String> {
    match value {
        // An attribute of the organization called "id" takes the id's place as an array. Then the alias
        // does not stand in for it: it may look like another one's id.
        Value::Object(by_alias) => by_alias
            .iter()
            .filter_map(|(alias, entry)| match entry.get("id") {
                None => Some(alias.clone()),
                Some(id) => id.as_str().map(str::to_string),
            })
            .filter(|id| !id.is_empty())
            .collect(),
        Value::Array(aliases) => aliases.iter().filter_map(json::scalar).collect(),
        other => json::scalar(other).into_iter().collect(),
    }
}

/// Keycloak's client roles as `client:role`, so that no client's role is taken for another's.
#[must_use]
pub fn keycloak_client_roles(value: &Value) -> Vec<String> {
    let Value::Object(clients) = value else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (client, access) in clients {
        let roles = access.get("roles").and_then(Value::as_array);
        for role in roles.into_iter().flatten().filter_map(Value::as_str) {
            found.push(format!("{client}:{role}"));
        }
    }
    found
}

/// Whether the vendor says that the token's user is not through with signing in.
#[must_use]
pub fn half_signed_in(profile: &str, root: &Map<String, Value>) -> bool {
    match profile {
        "clerk_v1" | "clerk_v2" => root.get("sts").and_then(Value::as_str) == Some("pending"),
        "neon" => root.get("is_restricted").and_then(Value::as_bool) == Some(true),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clerk(features: &str, names: &str, masks: &str) -> Vec<String> {
        let token = serde_json::json!({"fea": features, "o": {"per": names, "fpm": masks}});
        let root = token.as_object().unwrap();
        clerk_permissions(root, &root["o"])
    }

    /// The worked examples of Clerk's documentation and tests.
    #[test]
    fn clerk_permissions_are_those_whose_bit_is_set_for_the_feature() {
        let crud = "read,create,update,delete,revoke";
        for (features, names, masks, wanted) in [
            (
                "o:dashboard,o:teams",
                "manage,read",
                "3,2",
                "dashboard:manage dashboard:read teams:read",
            ),
            (
                "o:impersonation,o:memberships",
                "read,manage",
                "1,3",
                "impersonation:read memberships:read memberships:manage",
            ),
            (
                "o:repositories,uo:projects,u:goldprofileborder",
                crud,
                "7,21,0",
                "repositories:read repositories:create repositories:update projects:read projects:update projects:revoke",
            ),
            (
                "o:reservations,u:dashboard,uo:support-chat,o:impersonation",
                "read,manage",
                "2,3",
                "reservations:manage support-chat:read support-chat:manage",
            ),
            (
                "o:repositories,o:impersonation,o:billing",
                "manage,read,update",
                "6,0,3",
                "repositories:read repositories:update billing:manage billing:read",
            ),
            ("o:a, o:b", " read , write ", " 1 , 2 ", "a:read b:write"),
            ("ou:memberships,u:impersonation", "read,manage", "3,0", "memberships:read memberships:manage"),
        ] {
            let wanted: Vec<String> =
                wanted.split_whitespace().map(|w| format!("org:{w}")).collect();
            assert_eq!(clerk(features, names, masks), wanted, "{features} {names} {masks}");
        }
    }

    #[test]
    fn broken_clerk_permissions_grant_nothing() {
        for (features, names, masks) in [
            ("", "read", "1"),
            ("o:a", "", "1"),
            ("o:a", "read", ""),
            ("a", "read", "1"),
            ("o:a,b", "read", "1"),
            ("x:a", "read", "1"),
            ("o:a", "read", "1invalid"),
            ("o:a", "read", "-1"),
            ("o:a", "read", "1.5"),
            ("o:a", "read", "+1"),
            ("o:a", "read", "2"),
            ("o:a", "read", "999999999999999999999999999999999999999999"),
        ] {
            assert!(clerk(features, names, masks).is_empty(), "{features} {names} {masks}");
        }
    }

    #[test]
    fn clerk_masks_are_read_exactly_beyond_what_a_float_holds() {
        let names: Vec<String> = (0..54).map(|n| format!("p{n}")).collect();
        assert_eq!(
            clerk("o:f", &names.join(","), "9007199254740993"),
            vec!["org:f:p0", "org:f:p53"]
        );
        assert!(clerk("o:f", &names.join(","), "18014398509481984").is_empty());
    }

    #[test]
    fn keycloak_organizations_come_in_four_shapes() {
        let ids = |json: &str| keycloak_organizations(&serde_json::from_str(json).unwrap());
        assert_eq!(ids(r#""acme""#), vec!["acme"]);
        assert_eq!(ids(r#"["acme","other"]"#), vec!["acme", "other"]);
        assert_eq!(ids(r#"{"acme":{}}"#), vec!["acme"]);
        assert_eq!(ids(r#"{"acme":{"id":"42c3","tier":["gold"]}}"#), vec!["42c3"]);
        assert!(ids(r#"{"acme":{"id":["forged"]}}"#).is_empty());
        assert!(ids(r#"{"acme":{"id":""}}"#).is_empty());
        assert!(ids(r#"{"":{}}"#).is_empty());
        assert!(ids("true").is_empty());
    }

    #[test]
    fn keycloak_client_roles_keep_their_client() {
        let token = r#"{"api":{"roles":["editor",7]},"account":{"roles":"x"},"y":1}"#;
        assert_eq!(
            keycloak_client_roles(&serde_json::from_str(token).unwrap()),
            vec!["api:editor"]
        );
    }
}
