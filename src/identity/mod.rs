//! Who is asking: the claims of the request and what policies need from them.
//!
//! These are the hot path of every query of every user: STABLE, PARALLEL SAFE, and they never
//! raise. Whatever is missing, empty, malformed or of the wrong type is SQL NULL and matches no row.

pub mod claims;
#[cfg(test)]
mod claims_tests;
pub mod configure;
mod current;
mod invalid;
pub mod json;
mod key;
pub mod keyring;
mod legacy;
pub mod profile;
mod seal;
pub mod session;
pub mod source;
mod tampering;
#[cfg(any(test, feature = "pg_test"))]
mod tests;
mod token;
#[cfg(test)]
mod token_tests;
mod vendor;

pub use current::{gateway_claims, with_claims, with_claims_at};
pub use token::Refusal;

use crate::pg::transaction::Moment;
use pgrx::pg_sys::FunctionCallInfo;
use pgrx::prelude::*;
use pgrx::{JsonB, Uuid, VariadicArray};

fn at<R>(call: FunctionCallInfo, f: impl FnOnce(&claims::Claims) -> Option<R>) -> Option<R> {
    with_claims_at(Moment::Of(call), |claims, _| f(claims))
}

/// The claims of the current request as one JSON object; NULL when there are none, or anything but a
/// JSON object. Raises nothing.
///
/// Example: `SELECT tenant_guard.claims() ->> 'email';`
#[pg_extern(stable, parallel_safe)]
fn claims(fcinfo: FunctionCallInfo) -> Option<JsonB> {
    at(fcinfo, |c| Some(JsonB(serde_json::Value::Object(c.root.clone()))))
}

/// One claim as text, by its path of object keys (array positions count from 0); strings come bare,
/// numbers, booleans, objects and arrays as JSON text; a missing claim and JSON null are NULL.
/// Keys may hold dots, slashes and URLs. Raises nothing.
///
/// Example: `SELECT tenant_guard.claim('app_metadata', 'plan');`
#[pg_extern(stable, parallel_safe)]
fn claim(path: VariadicArray<&str>, fcinfo: FunctionCallInfo) -> Option<String> {
    let path = path.iter().collect::<Option<Vec<_>>>()?;
    at(fcinfo, |c| json::as_text(c.at(&path)?))
}

/// One claim as jsonb, by its path; a missing claim is NULL, and so is JSON null. Raises nothing.
///
/// Example: `SELECT tenant_guard.claim_json('app_metadata', 'roles');`
#[pg_extern(stable, parallel_safe)]
fn claim_json(path: VariadicArray<&str>, fcinfo: FunctionCallInfo) -> Option<JsonB> {
    let path = path.iter().collect::<Option<Vec<_>>>()?;
    at(fcinfo, |c| c.at(&path).filter(|v| !v.is_null()).map(|v| JsonB(v.clone())))
}

/// The user's id where it is a UUID; NULL otherwise. It is the claim `sub`, unless the profile or
/// `set_claim_path` says otherwise. Raises nothing.
///
/// Example: `CREATE POLICY own ON notes USING (user_id = (SELECT tenant_guard.uid()));`
#[pg_extern(stable, parallel_safe)]
fn uid(fcinfo: FunctionCallInfo) -> Option<Uuid> {
    at(fcinfo, |c| c.user.as_ref()?.uuid.map(|u| Uuid::from_bytes(*u.as_bytes())))
}

/// The user's id as text, for ids that are not UUIDs; NULL when there is none. Raises nothing.
///
/// Example: `SELECT tenant_guard.uid_text();`
#[pg_extern(stable, parallel_safe)]
fn uid_text(fcinfo: FunctionCallInfo) -> Option<String> {
    user_at(Moment::Of(fcinfo))
}

/// The claimed database role: the one that the gateway was asked to use, from the claim `role` unless
/// the profile or `set_claim_path` says otherwise; NULL when there is none. Raises nothing.
///
/// Example: `SELECT tenant_guard.jwt_role() = 'authenticated';`
#[pg_extern(stable, parallel_safe)]
fn jwt_role(fcinfo: FunctionCallInfo) -> Option<String> {
    at(fcinfo, |c| c.role.clone())
}

/// The claimed email address; NULL when there is none. Few issuers vouch for it: it is for showing,
/// not for deciding. Raises nothing.
///
/// Example: `SELECT tenant_guard.email();`
#[pg_extern(stable, parallel_safe)]
fn email(fcinfo: FunctionCallInfo) -> Option<String> {
    at(fcinfo, |c| c.email.clone())
}

/// Whether there is a user: true once the claims in force name one, never NULL. Raises nothing.
///
/// Example: `CREATE POLICY signed_in ON notices USING ((SELECT tenant_guard.is_authenticated()));`
#[pg_extern(stable, parallel_safe)]
fn is_authenticated(fcinfo: FunctionCallInfo) -> bool {
    at(fcinfo, |c| c.user.as_ref().map(|_| ())).is_some()
}

/// Whether the claimed database role is `service_role`, the application's own server; never NULL.
/// Raises nothing.
///
/// Example: `SELECT tenant_guard.is_service();`
#[pg_extern(stable, parallel_safe)]
fn is_service(fcinfo: FunctionCallInfo) -> bool {
    at(fcinfo, |c| (c.role.as_deref() == Some("service_role")).then_some(())).is_some()
}

/// How many cases a fuzz test tries: few each time, millions with PROPTEST_CASES.
#[cfg(test)]
fn fuzz_cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000)
}

/// The user's id as a call sees it, for the other rooms.
#[must_use]
pub fn user_at(moment: Moment) -> Option<String> {
    with_claims_at(moment, |c, _| c.user.as_ref().map(|user| user.text.clone()))
}

/// The session that the token is of: its claim session_id, or sid.
#[must_use]
pub fn session_at(moment: Moment) -> Option<String> {
    with_claims_at(moment, |c, _| {
        ["session_id", "sid"].iter().find_map(|name| json::as_text(c.at(&[*name])?))
    })
}

/// The user's id now.
#[must_use]
pub fn user() -> Option<String> {
    user_at(Moment::Now)
}
