//! Ids of users, organizations and projects, in the types and spellings that they come in. Pure.

use uuid::Uuid;

/// An id in each type that a column may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    pub text: String,
    pub uuid: Option<Uuid>,
    pub bigint: Option<i64>,
}

impl Id {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Id { text: text.to_string(), uuid: parse_uuid(text), bigint: parse_bigint(text) }
    }

    /// An id out of a column of text, where two spellings are two ids: only the canonical one has
    /// another type too.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let uuid = parse_uuid(text).filter(|uuid| uuid.to_string() == text);
        Id { uuid, ..Id::new(text) }
    }
}

/// A whole number in the spelling that PostgreSQL writes: `007` and `+7` are not 7, for in a column of
/// text they are others.
#[must_use]
pub fn parse_bigint(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

/// The spellings of a UUID that PostgreSQL's own input function and JWT issuers share.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.starts_with("urn:") {
        return None;
    }
    Uuid::try_parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11";

    #[test]
    fn an_id_has_every_type_its_text_allows() {
        let number = Id::new("42");
        assert_eq!((number.uuid, number.bigint), (None, Some(42)));
        let id = Id::new(USER);
        assert!(id.uuid.is_some() && id.bigint.is_none());
        for no_number in ["99999999999999999999", "007", "+7", " 7", "-0", "7.0"] {
            assert_eq!(Id::new(no_number).bigint, None, "{no_number}");
        }
        let upper = USER.to_uppercase();
        assert!(Id::new(&upper).uuid.is_some() && Id::of_text(&upper).uuid.is_none());
        assert!(Id::of_text(USER).uuid.is_some());
    }

    #[test]
    fn braces_around_nothing_are_no_uuid() {
        for text in ["{}", "{a}", "{é}", "{", "}", "", "{{}}", "urn:uuid:"] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
        assert_eq!(parse_uuid(&format!("{{{USER}}}")), parse_uuid(USER));
    }
}
