//! What a column holds, as far as showing it goes.

use crate::error::{Error, Result};
use serde::Deserialize;

/// From what anybody may see to what nobody may; the later one is the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Public,
    Internal,
    Pii,
    Secret,
}

const WORDS: &[&str] = &["public", "internal", "pii", "secret"];

impl Class {
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "public" => Ok(Class::Public),
            "internal" => Ok(Class::Internal),
            "pii" => Ok(Class::Pii),
            "secret" => Ok(Class::Secret),
            other => Err(Error::UnknownOption {
                option: "class",
                value: other.to_string(),
                allowed: WORDS,
            }),
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        WORDS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_is_read_from_the_word_it_is_written_as_and_no_other() {
        for class in [Class::Public, Class::Internal, Class::Pii, Class::Secret] {
            assert_eq!(Class::parse(class.word()), Ok(class));
        }
        for word in ["", "Public", " public", "private", "pii "] {
            assert!(Class::parse(word).is_err(), "{word}");
        }
    }

    #[test]
    fn the_later_one_is_the_stricter() {
        assert!(Class::Public < Class::Internal);
        assert!(Class::Internal < Class::Pii);
        assert!(Class::Pii < Class::Secret);
    }
}
