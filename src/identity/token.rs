//! Verifying a JSON Web Token (RFC 7519) in compact serialization (RFC 7515). Pure: the token, the
//! keys, the rules and the time in; the claims, or which check failed, out.
//!
//! The signature comes before the claims: nothing of what a token says is looked at that nobody signed.
//! The header is believed only as far as to say which key is meant; the algorithm is the key's.

use super::json;
use super::key::{name_of, Key, ALGORITHMS};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use serde_json::{Map, Value};

/// What is asked of a token beyond its signature.
pub struct Rules<'a> {
    pub issuers: &'a [String],
    pub audiences: &'a [String],
    /// How far the issuer's clock may be off, in seconds.
    pub clock_skew: i64,
    pub require_expiry: bool,
    /// In bytes.
    pub max_size: usize,
}

pub struct Verified<'k> {
    pub key: &'k Key,
    /// The payload as it was signed.
    pub payload: String,
    pub claims: Map<String, Value>,
    /// Microseconds of Unix time, the clock's skew included.
    pub valid_until: Option<i64>,
}

/// Which check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Size { size: usize, max: usize },
    Form,
    Type,
    Critical,
    NoKeys,
    UnknownKey,
    KeyIdMissing,
    KeyNotYetValid,
    KeyNoLongerValid,
    UnknownAlgorithm,
    Algorithm { key: &'static str },
    Signature,
    Payload,
    Registered { claim: &'static str, wanted: &'static str },
    NoExpiry,
    Expired { at: i64 },
    NotBefore { at: i64 },
    IssuedInFuture { at: i64 },
    Issuer,
    Audience,
}

impl Refusal {
    /// The check that failed, what was found, and what to do.
    #[must_use]
    pub fn explain(&self) -> (&'static str, String, &'static str) {
        let at = |seconds: &i64| format!("in seconds of Unix time it is {seconds}");
        match self {
            Refusal::Size { size, max } => (
                "its size",
                format!("It has {size} bytes; up to {max} are read."),
                "Keep tokens small, or have an administrator raise tenant_guard.max_claims_size.",
            ),
            Refusal::Form => (
                "its form",
                "It is not three parts of base64url with a JSON header (RFC 7515, compact serialization).".into(),
                "Send the token alone, without \"Bearer\"; encrypted tokens are not read.",
            ),
            Refusal::Type => (
                "the type in its header",
                "The header's \"typ\" is neither JWT nor at+jwt, so it was made for something else.".into(),
                "Send an access token.",
            ),
            Refusal::Critical => (
                "an extension in its header",
                "The header's \"crit\" demands what is not understood here, so the token must be refused (RFC 7515 section 4.1.11).".into(),
                "Have the issuer leave it out.",
            ),
            Refusal::NoKeys => (
                "no key is in force",
                "This database has no key to verify it with.".into(),
                "An administrator adds one: tenant_guard.add_key() or load_jwks().",
            ),
            Refusal::UnknownKey => (
                "its key id",
                "No key in force has the \"kid\" of its header.".into(),
                "An administrator loads the issuer's current keys: tenant_guard.load_jwks().",
            ),
            Refusal::KeyIdMissing => (
                "its key id is missing",
                "There are several keys, and its header has no \"kid\" to say which one is meant.".into(),
                "Have the issuer put the \"kid\" in, or retire the keys that are out of use.",
            ),
            Refusal::KeyNotYetValid => (
                "its key is not valid yet",
                "The key of that \"kid\" has a later valid_from.".into(),
                "Sign with a key in force, or wait.",
            ),
            Refusal::KeyNoLongerValid => (
                "its key is no longer valid",
                "The key of that \"kid\" has reached its valid_until.".into(),
                "Sign with a key in force.",
            ),
            Refusal::UnknownAlgorithm => (
                "its algorithm",
                "The header's \"alg\" is none of those verified here; unsigned tokens are never accepted.".into(),
                "Sign with HS, RS or PS 256, 384 or 512, ES256, ES384 or EdDSA.",
            ),
            Refusal::Algorithm { key } => (
                "its algorithm",
                format!("The header's \"alg\" is not that of the key, which is used with {key} only."),
                "Sign with the algorithm that the key was added for.",
            ),
            Refusal::Signature => (
                "its signature",
                "The signature is not that of the key: the token was altered, cut short, or signed with another key.".into(),
                "Send the token as it was issued; an administrator checks the key with the issuer.",
            ),
            Refusal::Payload => (
                "its claims",
                "The payload is not one JSON object within the limits (docs/identity.md).".into(),
                "Have the issuer send claims as a JSON object.",
            ),
            Refusal::Registered { claim, wanted } => (
                "a claim of the wrong type",
                format!("\"{claim}\" is not {wanted} (RFC 7519 section 4.1)."),
                "Have the issuer send it in the right type.",
            ),
            Refusal::NoExpiry => (
                "it never expires",
                "It has no \"exp\".".into(),
                "Have the issuer set one, or an administrator switch tenant_guard.jwt_require_expiry off.",
            ),
            Refusal::Expired { at: when } => (
                "it has expired",
                format!("Its \"exp\" is past; {}.", at(when)),
                "Get a fresh token from the issuer.",
            ),
            Refusal::NotBefore { at: when } => (
                "it is not valid yet",
                format!("Its \"nbf\" is in the future; {}.", at(when)),
                "Wait, or have an administrator allow for the clocks: tenant_guard.jwt_clock_skew.",
            ),
            Refusal::IssuedInFuture { at: when } => (
                "it was issued in the future",
                format!("Its \"iat\" is in the future; {}.", at(when)),
                "Set the clocks right, or have an administrator allow for them: tenant_guard.jwt_clock_skew.",
            ),
            Refusal::Issuer => (
                "its issuer",
                "Its \"iss\" is not the issuer of its key, or none of tenant_guard.jwt_issuer.".into(),
                "Send a token of an issuer that this database accepts.",
            ),
            Refusal::Audience => (
                "its audience",
                "Its \"aud\" names none of tenant_guard.jwt_audience.".into(),
                "Ask the issuer for a token for this application.",
            ),
        }
    }
}

const MICROS: i64 = 1_000_000;

/// `now` in microseconds of Unix time; `keys` are those that were not retired.
pub fn verify<'k>(
    token: &str,
    keys: &'k [Key],
    rules: &Rules,
    now: i64,
) -> Result<Verified<'k>, Refusal> {
    if token.len() > rules.max_size {
        return Err(Refusal::Size { size: token.len(), max: rules.max_size });
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Form)?;
    let (_, payload) = signed.split_once('.').ok_or(Refusal::Form)?;
    if payload.contains('.') {
        return Err(Refusal::Form); // five parts are encrypted, and not for us
    }
    let key = key_for(token, keys, now)?;
    let fits =
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.decoding, key.algorithm);
    if !matches!(fits, Ok(true)) {
        return Err(Refusal::Signature);
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refusal::Form)?;
    let claims = json::object(&payload).ok_or(Refusal::Payload)?;
    let payload = String::from_utf8(payload).map_err(|_| Refusal::Payload)?;
    let valid_until = in_time(&claims, rules, now)?;
    for_us(&claims, key, rules)?;
    Ok(Verified { key, payload, claims, valid_until })
}

/// The key that the header means. What else the header says is checked, or ignored: a key or an
/// address of keys in it proves nothing.
fn key_for<'k>(token: &str, keys: &'k [Key], now: i64) -> Result<&'k Key, Refusal> {
    // An algorithm that the library has not, `none` among them, is refused here.
    let header = jsonwebtoken::decode_header(token).map_err(|_| broken_header(token))?;
    if header.crit.is_some() {
        return Err(Refusal::Critical); // RFC 7515 section 4.1.11: none is understood here
    }
    // RFC 8725 section 3.11: a token made for something else is no access token.
    let kind = header.typ.as_deref().map(|t| t.strip_prefix("application/").unwrap_or(t));
    if kind.is_some_and(|t| !t.eq_ignore_ascii_case("jwt") && !t.eq_ignore_ascii_case("at+jwt")) {
        return Err(Refusal::Type);
    }
    let in_force = |key: &&Key| {
        key.valid_from.is_none_or(|from| from <= now)
            && key.valid_until.is_none_or(|until| now < until)
    };
    let key = match header.kid {
        Some(kid) => {
            let key = keys.iter().find(|key| key.kid == kid);
            let key =
                key.ok_or(if keys.is_empty() { Refusal::NoKeys } else { Refusal::UnknownKey })?;
            if key.valid_from.is_some_and(|from| now < from) {
                return Err(Refusal::KeyNotYetValid);
            }
            if !in_force(&key) {
                return Err(Refusal::KeyNoLongerValid);
            }
            key
        }
        None => {
            let mut candidates = keys.iter().filter(in_force);
            match (candidates.next(), candidates.next()) {
                (Some(key), None) => key,
                (Some(_), Some(_)) => return Err(Refusal::KeyIdMissing),
                (None, _) => return Err(Refusal::NoKeys),
            }
        }
    };
    if header.alg != key.algorithm {
        return Err(Refusal::Algorithm { key: name_of(key.algorithm) });
    }
    Ok(key)
}

/// Why the library could not read the header.
fn broken_header(token: &str) -> Refusal {
    let bytes = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header = bytes.and_then(|bytes| json::object(&bytes));
    let algorithm = header.as_ref().and_then(|h| h.get("alg")).and_then(Value::as_str);
    match algorithm {
        Some(name) if !ALGORITHMS.contains(&name) => Refusal::UnknownAlgorithm,
        _ => Refusal::Form,
    }
}

/// Until when the token is valid.
fn in_time(claims: &Map<String, Value>, rules: &Rules, now: i64) -> Result<Option<i64>, Refusal> {
    let skew = rules.clock_skew.saturating_mul(MICROS);
    let until = date(claims, "exp")?;
    if until.is_none() && rules.require_expiry {
        return Err(Refusal::NoExpiry);
    }
    let until = until.map(|at| at.saturating_add(skew));
    if let Some(at) = until.filter(|at| *at <= now) {
        return Err(Refusal::Expired { at: at.saturating_sub(skew) / MICROS });
    }
    if let Some(at) = date(claims, "nbf")?.filter(|at| at.saturating_sub(skew) > now) {
        return Err(Refusal::NotBefore { at: at / MICROS });
    }
    if let Some(at) = date(claims, "iat")?.filter(|at| at.saturating_sub(skew) > now) {
        return Err(Refusal::IssuedInFuture { at: at / MICROS });
    }
    Ok(until)
}

/// A NumericDate (RFC 7519 section 2) in microseconds; far ones are cut to what fits.
fn date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, Refusal> {
    let seconds = match claims.get(claim) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_str().parse::<f64>().ok(),
        Some(_) => None,
    };
    let refused = Refusal::Registered { claim, wanted: "a number of seconds" };
    let seconds = seconds.filter(|s| s.is_finite()).ok_or(refused)?;
    Ok(Some((seconds * MICROS as f64) as i64)) // `as` saturates
}

/// Whether the token was issued by whom it should be, and for this database.
fn for_us(claims: &Map<String, Value>, key: &Key, rules: &Rules) -> Result<(), Refusal> {
    let issuer = match claims.get("iss") {
        None => None,
        Some(Value::String(issuer)) => Some(issuer.as_str()),
        Some(_) => return Err(Refusal::Registered { claim: "iss", wanted: "a string" }),
    };
    // A key of one issuer signs for no other.
    let right = match &key.issuer {
        Some(bound) => issuer == Some(bound.as_str()),
        None => {
            rules.issuers.is_empty() || rules.issuers.iter().any(|i| Some(i.as_str()) == issuer)
        }
    };
    if !right {
        return Err(Refusal::Issuer);
    }
    let wrong = Refusal::Registered { claim: "aud", wanted: "a string or an array of strings" };
    let audiences: Vec<&str> = match claims.get("aud") {
        None => Vec::new(),
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(items)) => {
            items.iter().map(Value::as_str).collect::<Option<_>>().ok_or(wrong)?
        }
        Some(_) => return Err(wrong),
    };
    let ours = rules.audiences.is_empty()
        || audiences.iter().any(|a| rules.audiences.iter().any(|r| r == a));
    if ours {
        Ok(())
    } else {
        Err(Refusal::Audience)
    }
}
