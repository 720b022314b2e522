//! Claims that change after `pre_request` sealed them: ignored, and recorded.

use super::claims::Claims;
use super::current::CLAIMS_SETTING;
use super::legacy;
use crate::pg::guc;
use crate::pg::transaction::{self, Position};
use crate::security::{self, Event, Severity};
use std::cell::Cell;

/// So many rows of one transaction are enough.
const MOST: u32 = 8;

thread_local! {
    /// Where in the transaction it was recorded last, and how often. A row in a subtransaction may be
    /// rolled back with it, so the next one records anew.
    static RECORDED: Cell<Option<(Position, u32)>> = const { Cell::new(None) };
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
    let before = RECORDED.get().filter(|(at, _)| at.same_transaction(here));
    if before.is_some_and(|(at, times)| at == here || times >= MOST) {
        return;
    }
    let recorded = security::record(&Event {
        kind: "claims_changed_after_seal",
        severity: Severity::Critical,
        message: "request.jwt.claims was changed after pre_request had sealed the identity; the change is ignored",
        subject: None,
        user: sealed.and_then(|c| c.user.as_ref().map(|u| u.text.clone())),
        organization: sealed.and_then(|c| c.organization().map(|o| o.text.clone())),
    });
    // Where no row could be written, the next attempt may find that it can.
    let at = if recorded { here } else { here.outermost() };
    RECORDED.set(Some((at, before.map_or(0, |(_, times)| times) + 1)));
}
