//! A token's claims, parsed. Pure: bytes in, claims out, and anything malformed is nothing.

use serde_json::{Map, Value};
use uuid::Uuid;

/// The claims with the fields that policies read taken out beforehand.
#[derive(Debug)]
pub struct Claims {
    pub root: Map<String, Value>,
    pub user: Option<String>,
    pub user_uuid: Option<Uuid>,
    pub organization: Option<Organization>,
    pub role: Option<String>,
}

/// An organization's id in each type that a tenant column may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub text: String,
    pub uuid: Option<Uuid>,
    pub bigint: Option<i64>,
}

impl Organization {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Organization { text: text.to_string(), uuid: parse_uuid(text), bigint: text.parse().ok() }
    }
}

/// Where the organization stands in a token, in order; the first that is there decides.
const ORGANIZATION_PATHS: &[&[&str]] = &[
    &["org_id"],
    &["organization_id"],
    &["app_metadata", "org_id"],
    &["app_metadata", "organization_id"],
];

impl Claims {
    /// None for anything but a JSON object in UTF-8 that jsonb could hold.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Claims> {
        if bytes.is_empty() || names_number_token(bytes) {
            return None;
        }
        let Ok(Value::Object(root)) = serde_json::from_slice(bytes) else {
            return None;
        };
        // What jsonb could not hold: text with U+0000 (a claim cut short at one would be another
        // claim), and numbers beyond what numeric stores.
        if root.iter().any(|(key, value)| key.contains('\0') || !fits_jsonb(value)) {
            return None;
        }
        let user = scalar(root.get("sub"));
        let user_uuid = user.as_deref().and_then(parse_uuid);
        // The first place that is present decides, even when it holds nothing usable: falling
        // through from an unusable claim would let the token's shape choose the tenant.
        let organization = ORGANIZATION_PATHS
            .iter()
            .find_map(|path| lookup(&root, path))
            .and_then(|value| scalar(Some(value)))
            .map(|id| Organization::new(&id));
        let role = scalar(root.get("role"));
        Some(Claims { root, user, user_uuid, organization, role })
    }

    /// The value at a path of object keys and array positions, as `jsonb #>` finds it.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        lookup(&self.root, path)
    }
}

fn lookup<'a>(root: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(root.get(*first)?, |value, key| match value {
        Value::Object(map) => map.get(*key),
        Value::Array(items) => {
            let position: i64 = key.parse().ok()?;
            let index = if position < 0 { items.len() as i64 + position } else { position };
            items.get(usize::try_from(index).ok()?)
        }
        _ => None,
    })
}

/// A claim as text, as `#>>` gives it: strings bare, the rest as JSON, JSON null as None.
#[must_use]
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    }
}

/// An identifier: a non-empty string or a number. Objects, arrays and booleans identify nobody.
fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The spellings of a UUID that PostgreSQL's own input function and JWT issuers share.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.starts_with("urn:") {
        return None;
    }
    Uuid::try_parse(text).ok()
}

/// serde_json hands numbers on as objects of one reserved key, so an object that really has that
/// key would be taken for a number. No token has; one that does is forged.
fn names_number_token(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|b| *b == b'"') {
        let string = &rest[start..];
        let mut end = 1;
        while end < string.len() && string[end] != b'"' {
            end += if string[end] == b'\\' { 2 } else { 1 };
        }
        let Some(token) = string.get(..=end) else {
            return false; // not closed: no JSON at all
        };
        let is_reserved = |text: &str| text.starts_with("$serde_json::private");
        if serde_json::from_slice::<String>(token).is_ok_and(|text| is_reserved(&text)) {
            return true;
        }
        rest = &string[end + 1..];
    }
    false
}

/// Longer numbers are no claims; numeric holds more, but its text grows with the exponent.
const LONGEST_NUMBER: usize = 128;
const LARGEST_EXPONENT: i32 = 1_000;

fn fits_jsonb(value: &Value) -> bool {
    match value {
        Value::String(s) => !s.contains('\0'),
        Value::Array(items) => items.iter().all(fits_jsonb),
        Value::Object(map) => map.iter().all(|(k, v)| !k.contains('\0') && fits_jsonb(v)),
        Value::Number(n) => {
            let text = n.to_string();
            let exponent = text.split(['e', 'E']).nth(1).map(str::parse::<i32>);
            text.len() <= LONGEST_NUMBER
                && match exponent {
                    None => true,
                    Some(Ok(exponent)) => exponent.abs() <= LARGEST_EXPONENT,
                    Some(Err(_)) => false,
                }
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11";

    fn org(json: &str) -> Option<String> {
        Claims::parse(json.as_bytes())?.organization.map(|o| o.text)
    }

    #[test]
    fn malformed_claims_are_no_claims() {
        for bad in [
            &b""[..],
            b" ",
            b"{",
            b"null",
            b"[]",
            b"\"sub\"",
            b"1",
            b"{\"sub\":\"a\"} trailing",
            b"{\"sub\":\"\xff\"}",
            b"{\"sub\":\"a\\u0000b\"}",
            b"{\"a\":{\"b\\u0000\":1}}",
        ] {
            assert!(Claims::parse(bad).is_none(), "{}", String::from_utf8_lossy(bad));
        }
        for forged in [
            r#"{"org_id":{"$serde_json::private::Number":"7"}}"#,
            r#"{"a":[{"\u0024serde_json::private::Number":"7"}]}"#,
            r#"{"n":1e999999}"#,
            r#"{"n":1e99999999999}"#,
        ] {
            assert!(Claims::parse(forged.as_bytes()).is_none(), "{forged}");
        }
        let long = format!("{{\"n\":{}}}", "9".repeat(200));
        assert!(Claims::parse(long.as_bytes()).is_none());
        let deep = "[".repeat(100_000);
        assert!(Claims::parse(format!("{{\"a\":{deep}").as_bytes()).is_none());
    }

    #[test]
    fn identifiers_are_strings_or_numbers_and_nothing_else() {
        let user = |json: &str| Claims::parse(json.as_bytes()).and_then(|c| c.user);
        assert_eq!(user(&format!("{{\"sub\":\"{USER}\"}}")).as_deref(), Some(USER));
        assert_eq!(user("{\"sub\":42}").as_deref(), Some("42"));
        assert_eq!(
            user("{\"sub\":123456789012345678901234567890}").as_deref(),
            Some("123456789012345678901234567890")
        );
        for nobody in [
            "{}",
            "{\"sub\":null}",
            "{\"sub\":\"\"}",
            "{\"sub\":{}}",
            "{\"sub\":[1]}",
            "{\"sub\":true}",
        ] {
            assert_eq!(user(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn a_subject_that_is_no_uuid_is_text_only() {
        let claims = Claims::parse(b"{\"sub\":\"auth0|123\"}").unwrap();
        assert_eq!(claims.user.as_deref(), Some("auth0|123"));
        assert_eq!(claims.user_uuid, None);
    }

    #[test]
    fn the_first_place_of_the_organization_decides_even_when_unusable() {
        assert_eq!(org("{\"org_id\":\"a\",\"organization_id\":\"b\"}").as_deref(), Some("a"));
        assert_eq!(org("{\"app_metadata\":{\"organization_id\":7}}").as_deref(), Some("7"));
        assert_eq!(org("{\"org_id\":[\"a\",\"b\"],\"organization_id\":\"b\"}"), None);
        assert_eq!(org("{\"org_id\":null,\"organization_id\":\"b\"}"), None);
        assert_eq!(org("{\"user_metadata\":{\"org_id\":\"a\"}}"), None);
    }

    #[test]
    fn an_organization_has_every_type_its_text_allows() {
        let number = Organization::new("42");
        assert_eq!((number.uuid, number.bigint), (None, Some(42)));
        let id = Organization::new(USER);
        assert!(id.uuid.is_some() && id.bigint.is_none());
        assert_eq!(Organization::new("99999999999999999999").bigint, None);
    }

    #[test]
    fn paths_reach_into_objects_and_arrays_and_keys_may_be_urls() {
        let c =
            Claims::parse(b"{\"a.b\":{\"https://x/y\":[10,20]},\"n\":null,\"t\":true}").unwrap();
        let text = |path: &[&str]| c.at(path).and_then(as_text);
        assert_eq!(text(&["a.b", "https://x/y", "1"]).as_deref(), Some("20"));
        assert_eq!(text(&["a.b", "https://x/y", "-1"]).as_deref(), Some("20"));
        assert_eq!(text(&["a.b", "https://x/y", "9"]), None);
        assert_eq!(text(&["a.b", "https://x/y", "x"]), None);
        assert_eq!(text(&["n"]), None);
        assert_eq!(text(&["t"]).as_deref(), Some("true"));
        assert_eq!(text(&["a", "b"]), None);
        assert_eq!(text(&[]), None);
    }

    #[test]
    fn the_last_of_duplicate_keys_counts_as_in_jsonb() {
        assert_eq!(org("{\"org_id\":\"a\",\"org_id\":\"b\"}").as_deref(), Some("b"));
    }
}
