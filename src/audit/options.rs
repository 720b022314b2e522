//! What of a table is logged, and how: as enable_audit takes it, and as the triggers carry it. Pure.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a column's values in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// As they are.
    Include,
    /// Not at all; that it changed is logged.
    Omit,
    /// In a form that gives a person's data not away.
    Mask,
    /// As a keyed hash: equal values look equal, and nothing more.
    Hash,
}

const POLICIES: &[&str] = &["include", "omit", "mask", "hash", ERASABLE];
/// Included, behind a salt.
const ERASABLE: &str = "erasable";
const TRUNCATE: &[&str] = &["event", "rows"];
const UNCHANGED: &[&str] = &["log", "skip"];

/// The triggers' argument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column that says whose trail an event belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Policy>,
    /// Columns whose values can be erased from the log.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub erasable: BTreeSet<String>,
    /// Whether a TRUNCATE logs the rows that it removes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated_rows: bool,
    /// Whether an UPDATE that changes nothing is left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_unchanged: bool,
}

impl Options {
    /// As the caller gave them.
    pub fn new(
        columns: Option<&Value>,
        truncate: &str,
        unchanged: &str,
        tenant: Option<String>,
    ) -> Result<Self> {
        Ok(Options {
            tenant,
            columns: columns.map_or(Ok(BTreeMap::new()), policies)?,
            erasable: columns.map(erasable).unwrap_or_default(),
            truncated_rows: choice("truncate", truncate, TRUNCATE)? == 1,
            skip_unchanged: choice("unchanged", unchanged, UNCHANGED)? == 1,
        })
    }

    /// As the triggers carry them.
    #[must_use]
    pub fn argument(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// None for what enable_audit did not write.
    #[must_use]
    pub fn read(argument: &str) -> Option<Self> {
        serde_json::from_str(argument).ok()
    }
}

fn choice(option: &'static str, value: &str, allowed: &'static [&'static str]) -> Result<usize> {
    allowed.iter().position(|one| *one == value).ok_or_else(|| Error::UnknownOption {
        option,
        value: value.to_string(),
        allowed,
    })
}

fn policies(columns: &Value) -> Result<BTreeMap<String, Policy>> {
    let wrong = |why: String| Error::WrongOption {
        option: "columns",
        why,
        hint: "Write an object of columns, as '{\"email\": \"mask\", \"notes\": \"omit\"}'.".into(),
    };
    let Value::Object(columns) = columns else {
        return Err(wrong("It is no JSON object".into()));
    };
    let policy = |(column, policy): (&String, &Value)| {
        let text = policy
            .as_str()
            .ok_or_else(|| wrong(format!("The policy of column \"{column}\" is no string")))?;
        let chosen = POLICIES.iter().position(|one| *one == text).ok_or_else(|| {
            wrong(format!("'{text}' of column \"{column}\" is none of {}", POLICIES.join(", ")))
        })?;
        let policy = match chosen {
            0 | 4 => Policy::Include,
            1 => Policy::Omit,
            2 => Policy::Mask,
            _ => Policy::Hash,
        };
        Ok((column.clone(), policy))
    };
    columns.iter().map(policy).collect()
}

fn erasable(columns: &Value) -> BTreeSet<String> {
    let columns = columns.as_object().into_iter().flatten();
    columns.filter(|(_, policy)| *policy == ERASABLE).map(|(column, _)| column.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_go_into_the_argument_and_back() {
        let columns = json!({"email": "mask", "a \"b\"": "omit", "phone": "erasable"});
        let options = Options::new(Some(&columns), "rows", "skip", Some("org".into())).unwrap();
        assert_eq!(Options::read(&options.argument()), Some(options));
        let plain = Options::new(None, "event", "log", None).unwrap();
        assert_eq!(plain.argument(), "{}");
        assert_eq!(Options::read("{}"), Some(plain));
        assert_eq!(Options::read("organization_id"), None);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        assert!(Options::new(Some(&json!([])), "event", "log", None).is_err());
        assert!(Options::new(Some(&json!({"a": 1})), "event", "log", None).is_err());
        assert!(Options::new(Some(&json!({"a": "hide"})), "event", "log", None).is_err());
        assert!(Options::new(None, "all", "log", None).is_err());
        assert!(Options::new(None, "event", "never", None).is_err());
    }
}
