//! The claims of the session, parsed once per distinct value.
//!
//! The cache is keyed by the exact bytes of the setting, compared on every call, so there is
//! nothing to invalidate: savepoints, RESET and pooled sessions cannot leave a stale identity,
//! and a parallel worker, which receives the setting but not this cache, fills its own.

use super::claims::Claims;
use crate::pg::guc;
use crate::settings;
use std::cell::RefCell;

#[derive(Default)]
struct Cache {
    raw: Vec<u8>,
    claims: Option<Claims>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// Hands the current claims to `f`, or gives None where there are none.
pub fn with_claims<R>(f: impl FnOnce(&Claims) -> Option<R>) -> Option<R> {
    guc::with_setting(c"request.jwt.claims", |raw| {
        let raw = raw.unwrap_or_default();
        if raw.len() > settings::max_claims_size() {
            return None;
        }
        CACHE.with_borrow_mut(|cache| {
            if cache.raw != raw {
                cache.claims = Claims::parse(raw);
                cache.raw.clear();
                cache.raw.extend_from_slice(raw);
            }
            cache.claims.as_ref().and_then(f)
        })
    })
}
