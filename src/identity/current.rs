//! The claims in force, parsed once per distinct value.
//!
//! The cache is keyed by the exact bytes of the setting that they come from, compared on every call,
//! so there is nothing to invalidate: savepoints, RESET and pooled sessions cannot leave a stale
//! identity, and a parallel worker, which receives the settings but not this cache, fills its own.

use super::claims::Claims;
use super::profile::Profile;
use super::seal::Seal;
use super::{invalid, legacy, source, tampering};
use crate::pg::guc;
use crate::pg::transaction::Moment;
use crate::settings::{self, Trust};
use std::cell::RefCell;

pub const CLAIMS_SETTING: &std::ffi::CStr = c"request.jwt.claims";

#[derive(Default)]
struct Cache {
    raw: Vec<u8>,
    /// Whether `raw` is a seal, and not what anybody may have set.
    sealed: bool,
    /// What `raw` was parsed with.
    sources: u64,
    /// Grows with every new value: what others derived from the claims is theirs as long.
    serial: u64,
    content: Content,
}

#[derive(Default)]
enum Content {
    #[default]
    Nothing,
    Claims(Claims),
    Sealed {
        claims: Option<Claims>,
        /// Of a gateway's seal: what request.jwt.claims was then.
        gateway: Option<String>,
        valid_until: Option<i64>,
    },
}

thread_local! {
    static CLAIMS: guc::Frequent = const { guc::Frequent::new(CLAIMS_SETTING) };
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// Hands the claims in force at `moment` to `f`, with a number that stands for exactly these claims
/// in this process; None where there are none, or where they have expired.
pub fn with_claims_at<R>(moment: Moment, f: impl FnOnce(&Claims, u64) -> Option<R>) -> Option<R> {
    if settings::distrusted() {
        return None;
    }
    match settings::trust() {
        Trust::Verified => settings::with_identity(|sealed| match sealed {
            b"" => None,
            sealed => of_seal(Trust::Verified, sealed, moment, f),
        }),
        // An identity for the session does not count here: behind a pooler it would be everybody's.
        Trust::Gateway => settings::with_transaction_identity(|sealed| match sealed {
            b"" => of_gateway(f),
            sealed => of_seal(Trust::Gateway, sealed, moment, f),
        }),
    }
}

fn of_gateway<R>(f: impl FnOnce(&Claims, u64) -> Option<R>) -> Option<R> {
    CLAIMS.with(|claims| {
        claims.with(|raw| match raw {
            None | Some(b"") => of_gateway_raw(legacy::claims()?.as_bytes(), f),
            Some(raw) => of_gateway_raw(raw, f),
        })
    })
}

fn of_gateway_raw<R>(raw: &[u8], f: impl FnOnce(&Claims, u64) -> Option<R>) -> Option<R> {
    if raw.len() > settings::max_claims_size() {
        invalid::too_large(raw.len());
        return None;
    }
    let mut none = false;
    refresh(raw, false, |profile| match Claims::parse(raw, profile) {
        Some(claims) => Content::Claims(claims),
        None => {
            none = true;
            Content::Nothing
        }
    });
    if none {
        invalid::look(raw);
    }
    CACHE.with_borrow(|cache| match &cache.content {
        Content::Claims(claims) => f(claims, cache.serial),
        _ => None,
    })
}

fn of_seal<R>(
    trust: Trust,
    sealed: &[u8],
    moment: Moment,
    f: impl FnOnce(&Claims, u64) -> Option<R>,
) -> Option<R> {
    refresh(sealed, true, |profile| {
        let parse = |claims: &str| Claims::parse(claims.as_bytes(), profile);
        match Seal::decode(sealed) {
            Some(Seal::Verified { valid_until, claims, .. }) => {
                Content::Sealed { claims: parse(claims), gateway: None, valid_until }
            }
            Some(Seal::Gateway { claims }) => Content::Sealed {
                claims: parse(claims),
                gateway: Some(claims.to_string()),
                valid_until: None,
            },
            Some(Seal::Nobody) | None => Content::Nothing,
        }
    });
    CACHE.with_borrow(|cache| {
        let Content::Sealed { claims, gateway, valid_until } = &cache.content else {
            return None;
        };
        match (trust, gateway) {
            // The trust was changed meanwhile: what the other kind proved is not enough, or not meant.
            (Trust::Verified, Some(_)) | (Trust::Gateway, None) => return None,
            (Trust::Gateway, Some(captured)) => tampering::look(captured, claims.as_ref()),
            (Trust::Verified, None) => {}
        }
        if valid_until.is_some_and(|until| until <= moment.unix_micros()) {
            return None;
        }
        claims.as_ref().and_then(|claims| f(claims, cache.serial))
    })
}

/// Parses `raw` into the cache where it, or where claims are found, has changed.
fn refresh(raw: &[u8], sealed: bool, parse: impl FnOnce(&Profile) -> Content) {
    let fresh = CACHE.with_borrow(|cache| {
        cache.serial > 0
            && cache.sources == source::generation()
            && cache.sealed == sealed
            && cache.raw == raw
    });
    if fresh {
        return;
    }
    // Without knowing where the claims are found, none are believed.
    // Taken before: what changes during the reading makes it old at once.
    let sources = source::generation();
    let content = source::profile().map_or(Content::Nothing, |profile| parse(&profile));
    CACHE.with_borrow_mut(|cache| {
        cache.content = content;
        cache.sources = sources;
        cache.serial += 1;
        cache.sealed = sealed;
        cache.raw.clear();
        cache.raw.extend_from_slice(raw);
    });
}

/// `with_claims_at` now, for callers that are no SQL function of their own.
pub fn with_claims<R>(f: impl FnOnce(&Claims) -> Option<R>) -> Option<R> {
    with_claims_at(Moment::Now, |claims, _| f(claims))
}

/// The claims that the gateway has set, as they stand now, sealed or not.
#[must_use]
pub fn gateway_claims() -> Option<String> {
    guc::with_setting(CLAIMS_SETTING, |raw| match raw {
        None | Some(b"") => legacy::claims(),
        Some(raw) => std::str::from_utf8(raw).ok().map(str::to_string),
    })
}
