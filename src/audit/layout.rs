//! What the values of an image are: the table's columns as they were when an event was written. Events of one
//! layout share a row of tenant_guard.audit_layout, which is never altered.

use super::format::{sha256_of_texts, Digest};
use super::options::Policy;
use crate::pg::codec::Codec;
use serde::{Deserialize, Serialize};

/// The table as the layout has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub id: i32,
    /// The same for all layouts of one table, through renames, drop and restore.
    pub table_key: i64,
    pub schema: String,
    pub name: String,
    pub owner: String,
    pub description: Description,
    pub hash: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub columns: Vec<Column>,
    /// Positions among the columns; none where the table has no key.
    pub key: Vec<usize>,
    /// The tenant column's position.
    pub tenant: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// pg_attribute.attnum: the same column under another name, where the table is the same.
    pub number: i16,
    /// As SQL writes it.
    pub r#type: String,
    pub codec: Codec,
    pub policy: Policy,
    /// Whether values stand behind a salt, so that they can be erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub salted: bool,
}

impl Layout {
    /// What is hashed of it, and so sealed with each of its events.
    #[must_use]
    pub fn hash_of(table_key: i64, schema: &str, name: &str, owner: &str, text: &str) -> Digest {
        let key = table_key.to_string();
        sha256_of_texts(
            "tenant_guard audit layout 1",
            &[Some(&key), Some(schema), Some(name), Some(owner), Some(text)],
        )
    }
}

impl Description {
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
