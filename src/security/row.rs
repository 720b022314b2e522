//! One event as it stands in the table, gathered where it happened; the worker writes it elsewhere.

use super::{short, Event};
use crate::error::Result;
use crate::pg::row::{self, OwnRow, Xid8};
use crate::pg::{client, guc, json, user};
use crate::{request, settings};
use serde::{Deserialize, Serialize};

/// As they stand in the column `severity`, the least first.
pub const SEVERITIES: &[&str] = &["info", "notice", "warning", "critical"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    #[serde(rename = "a")]
    Application,
    #[serde(rename = "t")]
    TenantGuard,
}

impl Source {
    fn word(self) -> &'static str {
        match self {
            Source::Application => "application",
            Source::TenantGuard => "tenant_guard",
        }
    }
}

/// How large the table may be for it to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Room {
    /// What anybody may note.
    Limit,
    /// What somebody tried, or an application has called serious: when the rest is no longer noted, these are.
    Twice,
    /// What owners and administrators do.
    Any,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub at: i64,
    pub source: Source,
    pub room: Room,
    pub kind: String,
    pub severity: String,
    pub message: Option<String>,
    pub subject: Option<String>,
    /// JSON.
    pub details: Option<String>,
    pub user: Option<String>,
    pub organization: Option<String>,
    pub project: Option<String>,
    pub db_role: String,
    pub session_role: String,
    pub application_name: Option<String>,
    pub client_address: Option<String>,
    pub request_id: Option<String>,
    pub transaction: Option<u64>,
}

impl Row {
    /// An event of the extension's own. It takes no transaction id for it: most attempts need none.
    pub fn of(event: &Event) -> Row {
        let kind = event.kind;
        Row {
            subject: event.subject.as_deref().map(|s| short(s).to_string()),
            details: event.details.as_ref().map(ToString::to_string),
            message: Some(kind.message().to_string()),
            user: event.user.as_deref().map(|u| short(u).to_string()),
            organization: event.organization.as_deref().and_then(whole),
            room: if kind.limited() { Room::Twice } else { Room::Any },
            ..Row::here(Source::TenantGuard, kind.word(), kind.severity())
        }
    }

    /// With what the session says about itself.
    pub fn here(source: Source, kind: &str, severity: &str) -> Row {
        let name = guc::setting(c"application_name");
        Row {
            at: row::clock(),
            source,
            room: Room::Limit,
            kind: kind.to_string(),
            severity: severity.to_string(),
            message: None,
            subject: None,
            details: None,
            user: None,
            organization: None,
            project: None,
            db_role: user::current(),
            session_role: user::session(),
            application_name: (!name.is_empty()).then(|| short(&name).to_string()),
            client_address: client::address(),
            request_id: request::id(),
            transaction: Xid8::if_any().map(Xid8::number),
        }
    }

    /// With the id of this transaction, which gets one if it had none.
    pub fn in_this_transaction(self) -> Row {
        Row { transaction: Some(Xid8::current().number()), ..self }
    }

    /// Writes it, in the order of the columns in sql/security.sql; gives back its id, and nothing where
    /// the table has no room for such events.
    pub fn append(self) -> Result<Option<i64>> {
        let mut row = OwnRow::new("security_event")?;
        let limit = settings::max_security_event_bytes();
        let full = match self.room {
            Room::Limit => row.is_full(limit),
            Room::Twice => row.is_full(limit.saturating_mul(2)),
            Room::Any => false,
        };
        if full {
            return Ok(None);
        }
        let id = row::next_value("security_event_id_seq")?;
        row.push(Some(id))?;
        row.push(Some(row::moment(self.at)))?;
        row.push(Some(self.source.word()))?;
        row.push(Some(self.kind))?;
        row.push(Some(self.severity))?;
        row.push(self.message)?;
        row.push(self.subject)?;
        row.push(self.details.as_deref().map(json::parse))?;
        row.push(self.user)?;
        row.push(self.organization)?;
        row.push(self.project)?;
        row.push(Some(self.db_role))?;
        row.push(Some(self.session_role))?;
        row.push(self.application_name)?;
        row.push(self.client_address.as_deref().map(client::Inet::parse))?;
        row.push(self.request_id)?;
        row.push(self.transaction.map(Xid8::of))?;
        row.insert()?;
        Ok(Some(id))
    }
}

/// An id that decides who reads the event: cut, it could be another's.
pub fn whole(id: &str) -> Option<String> {
    // A UUID in the spelling that the policy compares.
    let id = crate::id::parse_uuid(id).map_or(id.to_string(), |uuid| uuid.to_string());
    (id.len() <= super::LONGEST).then_some(id)
}
