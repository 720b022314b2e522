//! Security events: what somebody tried and did not get, who changed what protects, and what
//! applications note, for the auditor.
//!
//! An event of the extension's own goes to the server's log, which no ROLLBACK takes back; and, where the
//! transaction may write, to `tenant_guard.security_event`. `durable.rs` says how an attempt gets there
//! although its transaction is rolled back.

pub mod application;
pub mod durable;
mod kind;
mod limit;
mod row;

pub use kind::Kind;

use crate::pg::transaction::{self, Written};
use crate::pg::{ident, log, user};
use crate::settings;
use limit::{Allowance, Verdict};
use pgrx::prelude::*;
use row::Row;

/// What an attacker chose may be long.
const LONGEST: usize = 256;

#[derive(Debug, Clone, Default)]
pub struct Event {
    pub kind: Kind,
    /// What it is about, where that is not the user: a key's id, a table.
    pub subject: Option<String>,
    /// A JSON object.
    pub details: Option<serde_json::Value>,
    pub user: Option<String>,
    /// Whose members may read it.
    pub organization: Option<String>,
}

/// Where an event is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// In a row of this transaction.
    Here(Written),
    /// With the worker, whatever becomes of this transaction.
    Handed,
    /// In the server's log, or counted as suppressed.
    Nowhere,
}

thread_local! {
    static REFUSALS: Allowance = const { Allowance::new() };
}

/// Records an event of the extension's own. Never raises: what is recorded was already refused, or done.
pub fn record(event: &Event) -> Recorded {
    pass(event, transaction::writable())
}

/// Records an attempt that is about to be refused with an error: a row of its own transaction would go with
/// that.
pub fn refuse(event: &Event) {
    pass(event, false);
}

fn pass(event: &Event, writable: bool) -> Recorded {
    let suppressed = if event.kind.limited() {
        match REFUSALS.with(|rate| rate.ask(settings::max_refusals_per_second())) {
            Verdict::Suppress => return Recorded::Nowhere,
            Verdict::Pass { suppressed } => suppressed,
        }
    } else {
        0
    };
    if suppressed > 0 {
        keep(&suppression("refusals", suppressed), writable);
    }
    keep(event, writable)
}

/// Stands for the events that were too many.
fn suppression(of: &str, count: u64) -> Event {
    let details = Some(serde_json::json!({ "of": of, "suppressed": count }));
    Event { kind: Kind::Suppressed, details, ..Event::default() }
}

fn keep(event: &Event, writable: bool) -> Recorded {
    to_log(event);
    let durable = event.kind.attempt() && settings::durable_security_events();
    if !durable && !writable {
        return Recorded::Nowhere;
    }
    let row = Row::of(event);
    if durable && durable::hand_over(&row) {
        return Recorded::Handed;
    }
    // The table missing, in the middle of an upgrade, is no reason to fail.
    if writable && matches!(row.in_this_transaction().append(), Ok(Some(_))) {
        return Recorded::Here(Written::here());
    }
    Recorded::Nowhere
}

fn to_log(event: &Event) {
    // Quoted: a line break in it would be another line of the log.
    let of = event.user.as_deref().map_or("nobody".into(), |user| format!("{:?}", short(user)));
    let subject = event.subject.as_deref().map(|s| format!(", {:?}", short(s))).unwrap_or_default();
    let details = event.details.as_ref().map(|d| format!(", {d}")).unwrap_or_default();
    let kind = event.kind.word();
    let detail = format!("kind {kind}{subject}{details}, user {of}, role {}", user::current());
    log::to_server(event.kind.severity() == "critical", event.kind.message(), &detail);
}

fn short(text: &str) -> &str {
    ident::truncate(text, LONGEST)
}

/// What was suppressed and has no row yet, when the session ends.
fn at_exit() {
    for (of, count) in [
        ("refusals", REFUSALS.with(Allowance::suppressed)),
        ("application events", application::suppressed()),
    ] {
        if count > 0 {
            let detail = format!("{count} {of} of this session");
            log::to_server(false, Kind::Suppressed.message(), &detail);
        }
    }
}

/// True. Whoever has EXECUTE on it is an auditor of the database, and reads every security event, of
/// whatever organization, once granted SELECT on tenant_guard.security_event. EXECUTE is not granted to
/// PUBLIC. Raises nothing.
///
/// Example: `GRANT EXECUTE ON FUNCTION tenant_guard.auditor() TO auditors;`
#[pg_extern(immutable, parallel_safe)]
pub fn auditor() -> bool {
    true
}
