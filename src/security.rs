//! Security events: what somebody tried and did not get, and who changed the keys, for the auditor.
//!
//! Each goes to the server's log, which no ROLLBACK takes back; and, where the transaction may write,
//! to `tenant_guard.security_event`.

use crate::pg::row::{self, OwnRow};
use crate::pg::transaction::Written;
use crate::pg::{ident, log, transaction, user};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Info,
    Critical,
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Critical => "critical",
        }
    }
}

pub struct Event {
    pub kind: &'static str,
    pub severity: Severity,
    pub message: &'static str,
    /// What it is about, where that is not the user: a key's id.
    pub subject: Option<String>,
    pub user: Option<String>,
    pub organization: Option<String>,
}

/// Records an event; returns the row's transaction, if there is a row. Never raises: what is recorded
/// was already refused.
pub fn record(event: &Event) -> Option<Written> {
    // Quoted: a line break in it would be another line of the log.
    let of = event.user.as_deref().map_or("nobody".into(), |user| format!("{:?}", short(user)));
    let subject = event.subject.as_deref().map(|s| format!(", {s:?}")).unwrap_or_default();
    let detail = format!("kind {}{subject}, user {of}, role {}", event.kind, user::current());
    log::to_server(event.severity == Severity::Critical, event.message, &detail);
    // The table missing, in the middle of an upgrade, is no reason to fail.
    (transaction::writable() && append(event).is_ok()).then(Written::here)
}

/// What an attacker chose may be long.
fn short(text: &str) -> String {
    ident::truncate(text, 256).to_string()
}

/// The values stand in the order of the columns in sql/security.sql.
fn append(event: &Event) -> crate::error::Result<()> {
    let mut row = OwnRow::new("security_event")?;
    row.push(Some(row::next_value("security_event_id_seq")?))?;
    row.push(Some(row::now()))?;
    row.push(Some(event.kind))?;
    row.push(Some(event.severity.word()))?;
    row.push(Some(event.message))?;
    row.push(event.subject.clone())?;
    row.push(event.user.as_deref().map(short))?;
    row.push(event.organization.as_deref().map(short))?;
    row.push(Some(user::current()))?;
    row.push(Some(user::session()))?;
    row.push(Some(row::Xid8::current()))?;
    row.insert()
}
