//! What protect_table is asked for: the options that are registered, and those of one call.

use super::permissions::Permissions;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which rows a member sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those of the one active organization.
    Active,
    /// Those of every organization the user belongs to.
    Member,
}

pub const SCOPES: &[&str] = &["active", "member"];

impl Scope {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Scope::Active),
            "member" => Some(Scope::Member),
            _ => None,
        }
    }
}

/// How a table is protected: what is registered of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    #[serde(default = "default_tenant_column")]
    pub tenant_column: String,
    #[serde(default = "default_scope")]
    pub scope: Scope,
    /// Empty for PUBLIC.
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<String>,
    /// Policies of others that were there, and were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Whether protect_schema may change what protect_schema decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_schema: bool,
}

fn default_tenant_column() -> String {
    "organization_id".into()
}

fn default_scope() -> Scope {
    Scope::Active
}

impl Options {
    /// Refuses options that contradict each other, before any table is looked at.
    pub fn check(&self) -> Result<()> {
        let refuse = |option, why: &str, hint: &str| {
            Err(Error::WrongOption { option, why: why.into(), hint: hint.into() })
        };
        if self.scope == Scope::Member && self.project_column.is_some() {
            return refuse(
                "project_column",
                "it goes with scope 'active' only: a project belongs to one organization, and scope 'member' shows several",
                "Leave scope out, or project_column.",
            );
        }
        let own = self.permissions.as_ref().is_some_and(Permissions::need_an_owner);
        if own && self.owner_column.is_none() {
            return refuse(
                "permissions",
                "\"own\" needs a column that says whose row it is",
                "Name it: owner_column => 'created_by'.",
            );
        }
        let used = self.permissions.as_ref().is_none_or(Permissions::need_an_owner);
        if self.owner_column.is_some() && !used {
            return refuse(
                "owner_column",
                "no command of permissions is for \"own\", so it would mean nothing",
                "Say \"own\" where a user's own rows are meant, or leave owner_column out.",
            );
        }
        let columns = [
            ("tenant_column", Some(&self.tenant_column)),
            ("project_column", self.project_column.as_ref()),
            ("owner_column", self.owner_column.as_ref()),
        ];
        for (i, (option, column)) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            if let Some((other, _)) = columns[..i].iter().find(|(_, c)| *c == Some(*column)) {
                return refuse(
                    option,
                    &format!("it names the same column as {other}, \"{column}\""),
                    "Name a column of its own for each.",
                );
            }
        }
        Ok(())
    }
}

/// What to do with policies that tenant_guard did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Keep,
    Replace,
}

pub const EXISTING: &[&str] = &["refuse", "keep", "replace"];

impl Existing {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "refuse" => Some(Existing::Refuse),
            "keep" => Some(Existing::Keep),
            "replace" => Some(Existing::Replace),
            _ => None,
        }
    }
}

/// What to do about the index that leads with the tenant column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMode {
    Build,
    Concurrently,
    Skip,
}

pub const INDEX_MODES: &[&str] = &["build", "concurrently", "skip"];

impl IndexMode {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "build" => Some(IndexMode::Build),
            "concurrently" => Some(IndexMode::Concurrently),
            "skip" => Some(IndexMode::Skip),
            _ => None,
        }
    }
}

/// What one call asks for beside that.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub existing: Existing,
    pub index: IndexMode,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> Options {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn options_that_contradict_each_other_are_refused_by_name() {
        for (json, wrong) in [
            ("{}", None),
            (r#"{"owner_column": "o"}"#, None),
            (r#"{"owner_column": "o", "permissions": {"update": ["own"]}}"#, None),
            (r#"{"scope": "member", "project_column": "p"}"#, Some("project_column")),
            (r#"{"permissions": {"update": ["own"]}}"#, Some("permissions")),
            (
                r#"{"owner_column": "o", "permissions": {"update": ["admin"]}}"#,
                Some("owner_column"),
            ),
            (r#"{"project_column": "organization_id"}"#, Some("project_column")),
            (r#"{"tenant_column": "x", "owner_column": "x"}"#, Some("owner_column")),
        ] {
            let found = match options(json).check() {
                Err(Error::WrongOption { option, .. }) => Some(option),
                _ => None,
            };
            assert_eq!(found, wrong, "{json}");
        }
    }
}
