//! `log_event`: what applications note; and who reads what they noted.

use super::kind::Kind;
use super::limit::{Allowance, Verdict};
use super::row::{self, Room, Row, Source, SEVERITIES};
use super::{keep, short, suppression};
use crate::context;
use crate::error::{Error, Result};
use crate::identity;
use crate::pg::ident;
use crate::pg::transaction::{self, Moment};
use crate::pg::types::JsonText;
use crate::settings;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;

/// In bytes of JSON.
const MOST_DETAILS: usize = 8192;

/// What lets a role of an organization read its events, where roles are registered.
const PERMISSION: &str = "audit.read";

thread_local! {
    static EVENTS: Allowance = const { Allowance::new() };
}

pub fn suppressed() -> u64 {
    EVENTS.with(Allowance::suppressed)
}

/// Notes an event of the application's in tenant_guard.security_event, with who and where the session is: user,
/// organization and project, database roles, application_name, client address, request id (the header
/// x-request-id of request.headers, else tenant_guard.request_id). kind: 1 to 63 bytes, none of the
/// extension's own. severity: 'info', 'notice', 'warning' or 'critical'. details: up to 8,192 bytes.
/// The event goes with its transaction. A session notes tenant_guard.max_events_per_second; while the
/// table is larger than tenant_guard.max_security_event_size, info and notice are not noted, and warning
/// and critical while it is twice as large.
/// Returns the event's id; NULL where it was not noted. Raises 22004, 22023 (kind, severity, details), 25006 (in a
/// read-only transaction), 42939 (a kind of the extension's own).
///
/// Example: `SELECT tenant_guard.log_event('export_started', 'notice', '{"table": "leads"}');`
#[pg_extern(volatile, parallel_unsafe)]
fn log_event(
    kind: Option<&str>,
    severity: default!(Option<&str>, "'info'"),
    details: default!(Option<JsonText>, "NULL"),
) -> Result<Option<i64>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "log_event", argument };
    let kind = kind.ok_or_else(|| null("kind"))?;
    let severity = severity.ok_or_else(|| null("severity"))?;
    check(kind, severity, details.as_ref().map_or(0, |d| d.0.len()))?;
    if !transaction::writable() {
        return Err(Error::ReadOnly { function: "log_event" }.into());
    }
    Ok(note(kind, severity, details.map(|d| d.0))?)
}

fn check(kind: &str, severity: &str, details: usize) -> Result<()> {
    let of = |bytes| format!("of {bytes} bytes");
    if !(1..=ident::MAX_IDENTIFIER).contains(&kind.len()) {
        let value = of(kind.len());
        return Err(Error::OutOfRange { argument: "kind", value, range: "1 to 63 bytes" });
    }
    if Kind::taken(kind) {
        return Err(Error::ReservedKind { kind: kind.into() });
    }
    if !SEVERITIES.contains(&severity) {
        let value = short(severity).to_string();
        return Err(Error::UnknownOption { option: "severity", value, allowed: SEVERITIES });
    }
    if details > MOST_DETAILS {
        let value = of(details);
        return Err(Error::OutOfRange { argument: "details", value, range: "up to 8192 bytes" });
    }
    Ok(())
}

fn note(kind: &str, severity: &str, details: Option<String>) -> Result<Option<i64>> {
    let suppressed = match EVENTS.with(|rate| rate.ask(settings::max_events_per_second())) {
        Verdict::Suppress => return Ok(None),
        Verdict::Pass { suppressed } => suppressed,
    };
    if suppressed > 0 {
        keep(&suppression("application events", suppressed), true);
    }
    let place = context::place()?;
    let serious = matches!(severity, "warning" | "critical");
    let row = Row {
        room: if serious { Room::Twice } else { Room::Limit },
        details,
        user: identity::user().map(|user| short(&user).to_string()),
        organization: place.organization.as_deref().and_then(row::whole),
        project: place.project.map(|project| short(&project).to_string()),
        ..Row::here(Source::Application, kind, severity)
    };
    row.in_this_transaction().append()
}

/// Whether a member of the active organization may read its security events: it has the permission
/// audit.read or, where no role was given permissions with set_role_permissions, is a member. false
/// without an organization. For the table's policy. Raises only what a registered `active` condition raises.
///
/// Example: `SELECT tenant_guard.may_read_events();`
#[pg_extern(stable, parallel_safe)]
pub fn may_read_events(fcinfo: FunctionCallInfo) -> Result<bool, ErrorReport> {
    Ok(context::permits(PERMISSION, Moment::Of(fcinfo))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_severity_and_details_are_checked() {
        assert_eq!(check("login", "info", 0), Ok(()));
        assert_eq!(check(&"x".repeat(63), "critical", 8192), Ok(()));
        for (kind, severity, details) in [
            ("", "info", 0),
            (&*"x".repeat(64), "info", 0),
            ("a", "Info", 0),
            ("a", "", 0),
            ("a", "info", 8193),
        ] {
            assert!(check(kind, severity, details).is_err(), "{kind} {severity} {details}");
        }
        assert!(matches!(check("Key_Added", "info", 0), Err(Error::ReservedKind { .. })));
    }
}
