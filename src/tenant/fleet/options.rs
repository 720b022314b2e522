//! What a run over tenants is asked for, and what of it makes no sense. Pure.

use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub on_error: OnError,
    /// So many tenants come first.
    pub canary: i32,
    pub lock_timeout: Option<String>,
    pub retries: i32,
    /// Schemas that are searched behind the tenant's.
    pub shared: Vec<String>,
    pub trust_owners: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    Stop,
    Continue,
}

impl OnError {
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "stop" => Ok(OnError::Stop),
            "continue" => Ok(OnError::Continue),
            other => Err(Error::UnknownOption {
                option: "on_error",
                value: other.into(),
                allowed: &["stop", "continue"],
            }),
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            OnError::Stop => "stop",
            OnError::Continue => "continue",
        }
    }
}

/// Which tenants: all that are asked for must apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub like: Option<String>,
    pub regex: Option<String>,
    pub template: Option<String>,
    pub slugs: Option<Vec<String>>,
}

impl Filter {
    /// A pattern is one of LIKE or, behind a `~`, which no slug has, a regular expression.
    #[must_use]
    pub fn new(
        pattern: Option<&str>,
        template: Option<String>,
        slugs: Option<Vec<String>>,
    ) -> Self {
        let regex = pattern.and_then(|p| p.strip_prefix('~')).map(str::to_string);
        let like = if regex.is_none() { pattern.map(str::to_string) } else { None };
        Filter { like, regex, template, slugs }
    }
}

/// More helpers than this help nobody, and take the workers of others.
pub const MOST_PARALLEL: i32 = 32;
const MOST_RETRIES: i32 = 100;

pub fn within(argument: &'static str, value: i32, least: i32, most: i32) -> Result<i32> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let range = match argument {
        "parallel" => "between 1 and 32",
        "retries" => "between 0 and 100",
        _ => "0 or more",
    };
    Err(Error::OutOfRange { argument, value: value.to_string(), range })
}

pub fn parallel(value: i32) -> Result<i32> {
    within("parallel", value, 1, MOST_PARALLEL)
}

pub fn retries(value: i32) -> Result<i32> {
    within("retries", value, 0, MOST_RETRIES)
}

/// Whether the same may go well a moment later: a serialization failure, a deadlock, a lock that was not to be had.
#[must_use]
pub fn passes(sqlstate: &str) -> bool {
    matches!(sqlstate, "40001" | "40P01" | "55P03")
}

/// Seconds before the next attempt, after so many.
#[must_use]
pub fn backoff(attempts: i32) -> f64 {
    (0.05 * f64::from(1 << attempts.clamp(0, 10))).min(10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_like_unless_it_begins_with_a_tilde() {
        let like = Filter::new(Some("eu%"), None, None);
        assert_eq!((like.like.as_deref(), like.regex), (Some("eu%"), None));
        let regex = Filter::new(Some("~^eu"), None, None);
        assert_eq!((regex.like, regex.regex.as_deref()), (None, Some("^eu")));
        assert_eq!(Filter::new(None, None, None), Filter::default());
    }

    #[test]
    fn a_pause_grows_and_has_an_end() {
        let pauses: Vec<f64> = (1..12).map(backoff).collect();
        assert!(pauses.windows(2).all(|p| p[0] <= p[1]), "{pauses:?}");
        assert!(pauses[0] <= 0.1 && backoff(100) == 10.0);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(["40001", "40P01", "55P03"].iter().all(|code| passes(code)));
        assert!(!passes("42701") && !passes("57014") && !passes("40002"));
    }

    #[test]
    fn numbers_have_limits_and_words_are_known() {
        assert!(parallel(1).is_ok() && parallel(0).is_err() && parallel(33).is_err());
        assert!(retries(0).is_ok() && retries(-1).is_err());
        assert_eq!(OnError::parse("continue").unwrap().word(), "continue");
        assert!(matches!(OnError::parse("abort"), Err(Error::UnknownOption { .. })));
    }
}
