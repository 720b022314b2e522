//! The types an id may have, and what follows from each.

use crate::id::Id;
use pgrx::datum::DatumWithOid;
use pgrx::Uuid;
use serde::{Deserialize, Deserializer};

/// For messages.
pub const ID_TYPES: &str = "uuid, text, varchar, smallint, integer or bigint";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdType {
    Uuid,
    Text,
    Varchar,
    Integer,
}

impl IdType {
    /// From the name that `format_type` gives.
    #[must_use]
    pub fn from_sql(name: &str) -> Option<Self> {
        match name {
            "uuid" => Some(IdType::Uuid),
            "text" => Some(IdType::Text),
            "character varying" => Some(IdType::Varchar),
            "smallint" | "integer" | "bigint" => Some(IdType::Integer),
            _ => None,
        }
    }

    /// What the names of the context helpers end with that return an id of the type: org_id, org_id_text,
    /// org_id_bigint.
    #[must_use]
    pub fn helper_suffix(self) -> &'static str {
        match self {
            IdType::Uuid => "",
            IdType::Text | IdType::Varchar => "_text",
            IdType::Integer => "_bigint",
        }
    }

    /// An id given as text, as a parameter of the type; None when the type cannot hold it.
    #[must_use]
    pub fn bind(self, id: &str) -> Option<DatumWithOid<'static>> {
        match self {
            IdType::Uuid => {
                let uuid = crate::id::parse_uuid(id)?;
                Some(Uuid::from_bytes(*uuid.as_bytes()).into())
            }
            IdType::Text | IdType::Varchar => Some(id.to_string().into()),
            IdType::Integer => crate::id::parse_bigint(id).map(Into::into),
        }
    }

    /// Whether the type can hold an id given as text.
    #[must_use]
    pub fn holds(self, id: &str) -> bool {
        match self {
            IdType::Uuid => crate::id::parse_uuid(id).is_some(),
            IdType::Text | IdType::Varchar => true,
            IdType::Integer => crate::id::parse_bigint(id).is_some(),
        }
    }

    /// Those of the ids that the type can hold, as one array parameter.
    #[must_use]
    pub fn bind_all(self, ids: &[String]) -> DatumWithOid<'static> {
        match self {
            IdType::Uuid => {
                let uuids = ids.iter().filter_map(|id| crate::id::parse_uuid(id));
                uuids.map(|u| Uuid::from_bytes(*u.as_bytes())).collect::<Vec<Uuid>>().into()
            }
            IdType::Text | IdType::Varchar => ids.to_vec().into(),
            IdType::Integer => {
                let numbers = ids.iter().filter_map(|id| crate::id::parse_bigint(id));
                numbers.collect::<Vec<i64>>().into()
            }
        }
    }

    /// Whether two ids are the same to the type.
    #[must_use]
    pub fn same(self, a: &str, b: &str) -> bool {
        match self {
            IdType::Uuid => {
                let (a, b) = (self.id(a).uuid, self.id(b).uuid);
                a.is_some() && a == b
            }
            IdType::Text | IdType::Varchar | IdType::Integer => a == b,
        }
    }

    /// An id out of a column of the type.
    #[must_use]
    pub fn id(self, text: &str) -> Id {
        match self {
            IdType::Text | IdType::Varchar => Id::of_text(text),
            IdType::Uuid | IdType::Integer => Id::new(text),
        }
    }
}

impl<'de> Deserialize<'de> for IdType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        IdType::from_sql(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("{name} is no id type")))
    }
}
