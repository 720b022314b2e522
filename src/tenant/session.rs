//! What in the caller's session would make another schema, or other rows, of the same statements.

use crate::pg::guc;
use crate::pg::ident::literal;
use std::ffi::CStr;

/// A setting, what a plan needs it to be, and what the caller has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: &'static str,
    pub needed: &'static str,
    pub callers: String,
}

type Suits = fn(&str) -> bool;

/// Where new tables are put; how rows are written that go from one type to another as text, and read again;
/// and what deparsed text means. Few sessions have any of it otherwise.
const NEEDED: &[(&CStr, &str, Suits)] = &[
    (c"default_tablespace", "", |v| v.is_empty()),
    (c"default_table_access_method", "heap", |v| v == "heap"),
    // With other styles a time has a zone that other places call the same, and a number fewer digits.
    (c"datestyle", "ISO", |v| v.starts_with("ISO")),
    (c"intervalstyle", "postgres", |v| v == "postgres"),
    (c"extra_float_digits", "3", |v| v.parse().is_ok_and(|digits: i32| digits > 0)),
    (c"array_nulls", "on", |v| v == "on"),
    (c"transform_null_equals", "off", |v| v == "off"),
    (c"xmloption", "content", |v| v.eq_ignore_ascii_case("content")),
    (c"standard_conforming_strings", "on", |v| v == "on"),
];

/// Those of the caller's settings that do not suit.
#[must_use]
pub fn in_the_way() -> Vec<Setting> {
    unsuited(guc::setting)
}

fn unsuited(callers: impl Fn(&CStr) -> String) -> Vec<Setting> {
    let found = NEEDED.iter().filter_map(|(name, needed, suits)| {
        let callers = callers(name);
        let name = name.to_str().ok()?;
        (!suits(&callers)).then_some(Setting { name, needed, callers })
    });
    found.collect()
}

/// What sets them for the plan, and what gives the caller's back, behind another set_config.
#[must_use]
pub fn set(settings: &[Setting]) -> (String, String) {
    let call = |name: &str, value: &str| {
        format!(", pg_catalog.set_config('{name}', {}, false)", literal(value))
    };
    let to = settings.iter().map(|s| call(s.name, s.needed)).collect();
    let back = settings.iter().map(|s| call(s.name, &s.callers)).collect();
    (to, back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_suit_is_set_and_given_back() {
        let usual = |name: &CStr| {
            let found = NEEDED.iter().find(|(n, ..)| *n == name);
            found.map_or(String::new(), |(_, needed, _)| (*needed).to_string())
        };
        assert_eq!(unsuited(usual), []);
        assert_eq!(set(&[]), (String::new(), String::new()));
        let strange = |name: &CStr| match name.to_bytes() {
            b"datestyle" => "ISO, DMY".into(),
            b"extra_float_digits" => "0".into(),
            b"default_tablespace" => "it's".into(),
            _ => usual(name),
        };
        let found = unsuited(strange);
        assert_eq!(
            set(&found),
            (
                ", pg_catalog.set_config('default_tablespace', '', false), pg_catalog.set_config('extra_float_digits', '3', false)".into(),
                ", pg_catalog.set_config('default_tablespace', 'it''s', false), pg_catalog.set_config('extra_float_digits', '0', false)".into(),
            )
        );
    }
}
