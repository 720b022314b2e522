//! The request that the session serves.

use crate::pg::{guc, ident};
use crate::settings;
use std::cell::RefCell;

/// Larger headers are not searched.
const MOST_HEADERS: usize = 1 << 16;

const LONGEST: usize = 256;

thread_local! {
    static HEADERS: guc::Frequent = const { guc::Frequent::new(c"request.headers") };
    /// The id in the headers, and what they were: they are read for each statement.
    static LAST: RefCell<(Vec<u8>, Option<String>)> = RefCell::default();
}

/// Its id: the gateway's header x-request-id, else the setting tenant_guard.request_id.
#[must_use]
pub fn id() -> Option<String> {
    let header = HEADERS.with(|headers| {
        headers.with(|raw| {
            let raw = raw.filter(|raw| !raw.is_empty() && raw.len() <= MOST_HEADERS)?;
            LAST.with_borrow_mut(|(read, id)| {
                if read != raw {
                    *id = of(raw);
                    read.clear();
                    read.extend_from_slice(raw);
                }
                id.clone()
            })
        })
    });
    let id = header.or_else(settings::request_id)?;
    Some(ident::truncate(&id.replace('\0', ""), LONGEST).to_string())
}

fn of(headers: &[u8]) -> Option<String> {
    let headers: serde_json::Value = serde_json::from_slice(headers).ok()?;
    let named =
        |(name, _): &(&String, &serde_json::Value)| name.eq_ignore_ascii_case("x-request-id");
    let (_, value) = headers.as_object()?.iter().find(named)?;
    value.as_str().filter(|id| !id.is_empty()).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_header_is_found_in_any_spelling() {
        assert_eq!(of(br#"{"X-Request-Id": "r1"}"#).as_deref(), Some("r1"));
        assert_eq!(of(br#"{"x-request-id": ""}"#), None);
        assert_eq!(of(br#"{"x-request-id": 1}"#), None);
        assert_eq!(of(b"[]"), None);
        assert_eq!(of(b"nonsense"), None);
    }
}
