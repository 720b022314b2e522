//! Features as they are written: `name`, `name:{json options}`, and `status:draft,active`. Pure.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use std::collections::BTreeMap;

pub const NAMES: &[&str] = &[
    "dual_id",
    "tenant",
    "project",
    "timestamps",
    "actors",
    "soft_delete",
    "version",
    "status",
    "access",
    "audit",
];

/// What may happen to a status: from each, those it may go to.
pub type Transitions = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feature {
    DualId,
    Tenant(Reference),
    Project(Reference),
    Timestamps,
    Actors(Actor),
    SoftDelete(Actor),
    Version(Actor),
    Status(Status),
    Access,
    Audit(Audit),
}

/// A column that refers to another table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The table referred to.
    #[serde(default)]
    pub references: Option<String>,
    #[serde(default)]
    pub column: Option<String>,
    /// The column's type, where it is not that of the key referred to.
    #[serde(default)]
    pub r#type: Option<String>,
    /// The id that rows which are there already get.
    #[serde(default)]
    pub backfill: Option<Scalar>,
}

/// An id, written as a string or a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    Text(String),
    Number(serde_json::Number),
}

impl Scalar {
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Scalar::Text(text) => text.clone(),
            Scalar::Number(number) => number.to_string(),
        }
    }
}

/// Columns that hold a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    #[serde(default)]
    pub r#type: Option<ActorType>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorType {
    Uuid,
    Text,
}

impl ActorType {
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            ActorType::Uuid => "uuid",
            ActorType::Text => "text",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// An enum that is there already.
    #[serde(default)]
    pub r#type: Option<String>,
    #[serde(default)]
    pub transitions: Option<Transitions>,
    #[serde(default)]
    pub actor: Option<ActorType>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    #[serde(default)]
    pub tenant_column: Option<String>,
}

/// What becomes of a feature's columns when it is dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Columns {
    #[default]
    Keep,
    Drop,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct DropOptions {
    #[serde(default)]
    columns: Columns,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct None_ {}

impl Feature {
    pub fn parse(text: &str) -> Result<Self> {
        let (name, rest) = split(text);
        Ok(match name {
            "dual_id" => {
                options::<None_>(name, rest)?;
                Feature::DualId
            }
            "tenant" => Feature::Tenant(options(name, rest)?),
            "project" => Feature::Project(options(name, rest)?),
            "timestamps" => {
                options::<None_>(name, rest)?;
                Feature::Timestamps
            }
            "actors" => Feature::Actors(options(name, rest)?),
            "soft_delete" => Feature::SoftDelete(options(name, rest)?),
            "version" => Feature::Version(options(name, rest)?),
            "status" => Feature::Status(status(name, rest)?),
            "access" => {
                options::<None_>(name, rest)?;
                Feature::Access
            }
            "audit" => Feature::Audit(options(name, rest)?),
            _ => return Err(unknown(text)),
        })
    }

    /// What its options say holds a user's id.
    #[must_use]
    pub fn actor(&self) -> Option<ActorType> {
        match self {
            Feature::Actors(o) | Feature::SoftDelete(o) | Feature::Version(o) => o.r#type,
            Feature::Status(status) => status.actor,
            _ => None,
        }
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Feature::DualId => "dual_id",
            Feature::Tenant(_) => "tenant",
            Feature::Project(_) => "project",
            Feature::Timestamps => "timestamps",
            Feature::Actors(_) => "actors",
            Feature::SoftDelete(_) => "soft_delete",
            Feature::Version(_) => "version",
            Feature::Status(_) => "status",
            Feature::Access => "access",
            Feature::Audit(_) => "audit",
        }
    }
}

/// The features of a call, each once, in the order in which their columns stand in a table.
pub fn parse_all(texts: &[Option<String>]) -> Result<Vec<Feature>> {
    let mut features = Vec::with_capacity(texts.len());
    for text in texts {
        let feature = Feature::parse(text.as_deref().ok_or_else(|| unknown("NULL"))?)?;
        if features.iter().any(|f: &Feature| f.name() == feature.name()) {
            return Err(twice(feature.name()));
        }
        features.push(feature);
    }
    features.sort_by_key(|f| NAMES.iter().position(|n| *n == f.name()));
    Ok(features)
}

/// The features to drop, the last in a table first.
pub fn parse_dropped(texts: &[Option<String>]) -> Result<Vec<(&'static str, Columns)>> {
    let mut dropped = Vec::with_capacity(texts.len());
    for text in texts {
        let text = text.as_deref().ok_or_else(|| unknown("NULL"))?;
        let (name, rest) = split(text);
        let name = NAMES.iter().find(|n| **n == name).ok_or_else(|| unknown(text))?;
        if dropped.iter().any(|(n, _)| n == name) {
            return Err(twice(name));
        }
        let columns = match rest {
            None => Columns::Keep,
            Some(json) => {
                let read = serde_json::from_str::<DropOptions>(json);
                read.map_err(|error| {
                    bad(
                        name,
                        &error,
                        "drop_feature takes {\"columns\": \"keep\"} or {\"columns\": \"drop\"}.",
                    )
                })?
                .columns
            }
        };
        dropped.push((*name, columns));
    }
    dropped.sort_by_key(|(name, _)| NAMES.iter().rev().position(|n| n == name));
    Ok(dropped)
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, rest)) => (name.trim(), Some(rest)),
        None => (text.trim(), None),
    }
}

fn unknown(text: &str) -> Error {
    Error::UnknownFeature { given: split(text).0.to_string(), known: NAMES }
}

fn twice(name: &str) -> Error {
    Error::BadFeatureOption {
        feature: name.into(),
        why: "it was named twice".into(),
        takes: "Name each feature once.",
    }
}

fn options<T: DeserializeOwned + Default>(name: &str, rest: Option<&str>) -> Result<T> {
    match rest {
        None => Ok(T::default()),
        Some(json) => serde_json::from_str(json).map_err(|error| bad(name, &error, takes(name))),
    }
}

fn status(name: &str, rest: Option<&str>) -> Result<Status> {
    let status: Status = match rest.map(str::trim_start) {
        Some(list) if !list.starts_with('{') => Status {
            values: Some(list.split(',').map(|v| v.trim().to_string()).collect()),
            ..Status::default()
        },
        _ => options(name, rest)?,
    };
    let why = match &status.values {
        Some(values) if values.is_empty() || values.iter().any(String::is_empty) => {
            "a status has no name"
        }
        Some(values) if (1..values.len()).any(|i| values[..i].contains(&values[i])) => {
            "a status was named twice"
        }
        Some(values) if values.iter().any(|v| v.len() > crate::pg::ident::MAX_IDENTIFIER) => {
            "a status has a name of more than 63 bytes"
        }
        Some(_) if status.r#type.is_some() => "it has both values and a type",
        _ => return Ok(status),
    };
    Err(Error::BadFeatureOption { feature: name.into(), why: why.into(), takes: takes(name) })
}

fn bad(name: &str, error: &serde_json::Error, takes: &'static str) -> Error {
    Error::BadFeatureOption { feature: name.into(), why: error.to_string(), takes }
}

fn takes(name: &str) -> &'static str {
    match name {
        "tenant" | "project" => "It takes {\"references\": \"schema.table\", \"column\": \"...\", \"type\": \"uuid\", \"backfill\": \"an id\"}, each of them optional.",
        "actors" | "soft_delete" | "version" => "It takes {\"type\": \"uuid\"} or {\"type\": \"text\"}: what holds a user's id.",
        "status" => "Write status:draft,active or status:{\"values\": [\"draft\", \"active\"], \"transitions\": {\"draft\": [\"active\"]}}; \"type\" in place of values names an enum, \"actor\": \"text\" says what holds a user's id.",
        "audit" => "It takes {\"tenant_column\": \"...\"}.",
        _ => "It takes no options: write its name alone.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|t| Some((*t).to_string())).collect()
    }

    #[test]
    fn a_feature_is_a_name_with_or_without_options() {
        assert_eq!(Feature::parse("timestamps").unwrap(), Feature::Timestamps);
        let text = Actor { r#type: Some(ActorType::Text) };
        assert_eq!(Feature::parse("actors:{\"type\": \"text\"}").unwrap(), Feature::Actors(text));
        let Feature::Status(status) = Feature::parse("status: draft, active ").unwrap() else {
            panic!("no status");
        };
        assert_eq!(status.values.unwrap(), ["draft", "active"]);
        let Feature::Tenant(tenant) = Feature::parse("tenant:{\"backfill\": 7}").unwrap() else {
            panic!("no tenant");
        };
        assert_eq!(tenant.backfill.unwrap().text(), "7");
    }

    #[test]
    fn what_cannot_be_read_says_what_there_is() {
        for text in ["", "stamps", "Timestamps"] {
            assert!(matches!(Feature::parse(text), Err(Error::UnknownFeature { .. })), "{text}");
        }
        for text in [
            "timestamps:{\"x\": 1}",
            "timestamps:yes",
            "actors:{\"type\": \"int\"}",
            "actors:{\"kind\": \"uuid\"}",
            "status:",
            "status:a,,b",
            "status:a,a",
            "status:{\"values\": [\"a\"], \"type\": \"t\"}",
        ] {
            assert!(matches!(Feature::parse(text), Err(Error::BadFeatureOption { .. })), "{text}");
        }
        let twice = parse_all(&texts(&["access", "access"]));
        assert!(matches!(twice, Err(Error::BadFeatureOption { .. })));
        assert!(matches!(parse_all(&[None]), Err(Error::UnknownFeature { .. })));
    }

    #[test]
    fn features_come_in_the_order_of_their_columns_and_go_in_the_reverse() {
        let all = parse_all(&texts(&["version", "tenant", "dual_id"])).unwrap();
        let names: Vec<_> = all.iter().map(Feature::name).collect();
        assert_eq!(names, ["dual_id", "tenant", "version"]);
        let dropped = parse_dropped(&texts(&["tenant", "version:{\"columns\":\"drop\"}"]));
        assert_eq!(dropped.unwrap(), [("version", Columns::Drop), ("tenant", Columns::Keep)]);
    }
}
