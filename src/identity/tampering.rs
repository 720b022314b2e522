//! Claims that change after `pre_request` sealed them: ignored, and recorded.

use super::claims::Claims;
use super::current::CLAIMS_SETTING;
use super::legacy;
use crate::pg::guc;
use crate::pg::transaction::{self, Position};
use crate::security::{self, Event, Severity};
use std::cell::Cell;

thread_local! {
    /// Once a transaction is enough: an attempt costs the attacker a transaction, and us a row.
    static RECORDED: Cell<Option<Position>> = const { Cell::new(None) };
}

/// Compares what the gateway's setting says now with what was captured.
pub fn look(captured: &str, claims: Option<&Claims>) {
    let same = guc::with_setting(CLAIMS_SETTING, |raw| match raw {
        None | Some(b"") => legacy::claims().unwrap_or_default() == captured,
        Some(raw) => raw == captured.as_bytes(),
    });
    if !same {
        record(claims);
    }
}

fn record(sealed: Option<&Claims>) {
    let here = transaction::position();
    if RECORDED.get().is_some_and(|at| at.same_transaction(here)) {
        return;
    }
    RECORDED.set(Some(here));
    security::record(&Event {
        kind: "claims_changed_after_seal",
        severity: Severity::Critical,
        message: "request.jwt.claims was changed after pre_request had sealed the identity; the change is ignored",
        subject: None,
        user: sealed.and_then(|c| c.user.as_ref().map(|u| u.text.clone())),
        organization: sealed.and_then(|c| c.organization().map(|o| o.text.clone())),
    });
}
