//! JSON at least as strictly as jsonb takes it: what could not be stored is not believed either.

use serde_json::{Map, Value};

/// Longer numbers are no claims; numeric holds more, but its text grows with the exponent.
const LONGEST_NUMBER: usize = 128;
const LARGEST_EXPONENT: i32 = 1_000;

/// None for anything but one JSON object in UTF-8 that jsonb could hold, its numbers not too long and
/// its nesting not too deep (127 levels, serde_json's own limit).
#[must_use]
pub fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    if bytes.is_empty() || names_number_token(bytes) {
        return None;
    }
    let Ok(Value::Object(root)) = serde_json::from_slice(bytes) else {
        return None;
    };
    // What jsonb could not hold: text with U+0000 (a claim cut short at one would be another
    // claim), and numbers beyond what numeric stores.
    let fits = root.iter().all(|(key, value)| !key.contains('\0') && fits_jsonb(value));
    fits.then_some(root)
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
        // Only a string that starts like it, or that hides its start behind an escape, is unescaped.
        let suspicious = matches!(token.get(1), Some(b'$' | b'\\'));
        let is_reserved = |text: &str| text.starts_with("$serde_json::private");
        if suspicious && serde_json::from_slice::<String>(token).is_ok_and(|t| is_reserved(&t)) {
            return true;
        }
        rest = &string[end + 1..];
    }
    false
}

fn fits_jsonb(value: &Value) -> bool {
    match value {
        Value::String(s) => !s.contains('\0'),
        Value::Array(items) => items.iter().all(fits_jsonb),
        Value::Object(map) => map.iter().all(|(k, v)| !k.contains('\0') && fits_jsonb(v)),
        Value::Number(n) => {
            let text = n.as_str();
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

/// The value at a path of object keys and array positions, as `jsonb #>` finds it.
#[must_use]
pub fn at<'a, S: AsRef<str>>(root: &'a Map<String, Value>, path: &[S]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(root.get(first.as_ref())?, |value, key| step(value, key.as_ref()))
}

fn step<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => {
            let position: i64 = key.parse().ok()?;
            let index = if position < 0 { items.len() as i64 + position } else { position };
            items.get(usize::try_from(index).ok()?)
        }
        _ => None,
    }
}

/// `at` for issuers that nest objects as JSON in strings and mind no case of keys (Hasura). A key
/// that stands there twice, in two cases, is no key.
#[must_use]
pub fn at_loosely<S: AsRef<str>>(root: &Map<String, Value>, path: &[S]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let mut found = root.iter().filter(|(key, _)| key.eq_ignore_ascii_case(first.as_ref()));
    let (value, None) = (found.next()?.1, found.next()) else {
        return None;
    };
    let Some((key, further)) = rest.split_first() else {
        return Some(value.clone());
    };
    match value {
        Value::String(text) => at_loosely(&object(text.as_bytes())?, rest),
        Value::Object(map) => at_loosely(map, rest),
        other => step(other, key.as_ref()).filter(|_| further.is_empty()).cloned(),
    }
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
#[must_use]
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jsonb_could_not_hold_is_no_object() {
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
            assert!(object(bad).is_none(), "{}", String::from_utf8_lossy(bad));
        }
        for forged in [
            r#"{"org_id":{"$serde_json::private::Number":"7"}}"#,
            r#"{"a":[{"\u0024serde_json::private::Number":"7"}]}"#,
            r#"{"a":[{"$serde_json\u003a:private::Number":"7"}]}"#,
            r#"{"n":1e999999}"#,
            r#"{"n":1e99999999999}"#,
        ] {
            assert!(object(forged.as_bytes()).is_none(), "{forged}");
        }
        let long = format!("{{\"n\":{}}}", "9".repeat(200));
        assert!(object(long.as_bytes()).is_none());
        let deep = "[".repeat(100_000);
        assert!(object(format!("{{\"a\":{deep}").as_bytes()).is_none());
    }

    #[test]
    fn paths_reach_into_objects_and_arrays_and_keys_may_be_urls() {
        let root = object(b"{\"a.b\":{\"https://x/y\":[10,20]},\"n\":null,\"t\":true}").unwrap();
        let text = |path: &[&str]| at(&root, path).and_then(as_text);
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
    fn a_string_that_holds_an_object_is_looked_into_only_where_asked() {
        let token = br#"{"ns":"{\"Org\":\"a\"}","bad":"{\"org\":","l":["x","y"],"d":1,"D":2}"#;
        let root = object(token).unwrap();
        let loosely = |path: &[&str]| at_loosely(&root, path).and_then(|v| as_text(&v));
        assert_eq!(loosely(&["NS", "org"]).as_deref(), Some("a"));
        assert_eq!(loosely(&["bad", "org"]), None);
        assert_eq!(loosely(&["l", "1"]).as_deref(), Some("y"));
        assert_eq!(loosely(&["ns"]).as_deref(), Some("{\"Org\":\"a\"}"));
        assert_eq!(loosely(&["d"]), None, "one key in two cases");
        assert!(at(&root, &["ns", "org"]).is_none());
    }
}
