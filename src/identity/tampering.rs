//! Claims that change after `pre_request` sealed them: ignored, and recorded.

use super::claims::Claims;
use super::current::CLAIMS_SETTING;
use super::legacy;
use crate::pg::guc;
use crate::pg::transaction::{self, Position};
use crate::security::{self, Event, Kind, Recorded as Outcome};
use std::cell::Cell;

/// So often is enough, in a transaction that rolls back what was recorded again and again.
const MOST: u32 = 32;

thread_local! {
    static RECORDED: Cell<Option<Recorded>> = const { Cell::new(None) };
}

/// The last record, where it was made, and how many its transaction has had.
#[derive(Clone, Copy)]
struct Recorded {
    at: Position,
    outcome: Outcome,
    times: u32,
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

/// Once a transaction; and again where the row was rolled back with a savepoint, or could not be written
/// before.
fn record(sealed: Option<&Claims>) {
    let at = transaction::position();
    let before = RECORDED.get().filter(|before| before.at.same_transaction(at));
    if let Some(before) = before {
        let done = match before.outcome {
            Outcome::Here(written) => written.lasts(),
            Outcome::Handed => true,
            Outcome::Nowhere => !transaction::writable(), // the server's log has it
        };
        if done || before.times >= MOST {
            return;
        }
    }
    let outcome = security::record(&Event {
        kind: Kind::ClaimsChangedAfterSeal,
        user: sealed.and_then(|c| c.user.as_ref().map(|u| u.text.clone())),
        organization: sealed.and_then(|c| c.organization().map(|o| o.text.clone())),
        ..Event::default()
    });
    let times = before.map_or(0, |before| before.times) + 1;
    RECORDED.set(Some(Recorded { at, outcome, times }));
}
