//! Claims that are none: no helper raises for them, so that somebody tried is told here.

use super::json;
use crate::security::{self, Event, Kind};
use crate::settings;
use serde_json::json;
use std::cell::Cell;

thread_local! {
    /// Too large a value is not kept, so it is met again by each call: once for each size will do.
    static TOLD: Cell<usize> = const { Cell::new(0) };
}

/// What was set, where it is no JSON object within the limits. Says nothing of claims that are.
pub fn look(raw: &[u8]) {
    if raw.len() > settings::max_claims_size() {
        too_large(raw.len());
    } else if !raw.is_empty() && json::object(raw).is_none() {
        record(json!({ "why": "no JSON object within the limits", "bytes": raw.len() }));
    }
}

pub fn too_large(bytes: usize) {
    if TOLD.replace(bytes) != bytes {
        record(json!({ "why": "larger than tenant_guard.max_claims_size", "bytes": bytes }));
    }
}

fn record(details: serde_json::Value) {
    let (kind, details) = (Kind::ClaimsInvalid, Some(details));
    security::record(&Event { kind, details, ..Event::default() });
}
