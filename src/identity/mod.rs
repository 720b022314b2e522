//! Who is asking: the claims of the request and what policies need from them.
//!
//! These are the hot path of every query of every user: STABLE, PARALLEL SAFE, and they never
//! raise. Whatever is missing, empty, malformed or of the wrong type is SQL NULL and matches no row.

mod cache;
pub mod claims;
#[cfg(any(test, feature = "pg_test"))]
mod tests;

pub use cache::with_claims;

use pgrx::prelude::*;
use pgrx::{JsonB, Uuid, VariadicArray};

/// The claims of the current request as one JSON object; NULL when `request.jwt.claims` is absent,
/// empty, or anything but a JSON object. Raises nothing.
///
/// Example: `SELECT tenant_guard.claims() ->> 'email';`
#[pg_extern(stable, parallel_safe)]
fn claims() -> Option<JsonB> {
    with_claims(|c| Some(JsonB(serde_json::Value::Object(c.root.clone()))))
}

/// One claim as text, by its path of object keys (array positions count from 0); strings come bare,
/// numbers, booleans, objects and arrays as JSON text; a missing claim and JSON null are NULL.
/// Keys may hold dots, slashes and URLs. Raises nothing.
///
/// Example: `SELECT tenant_guard.claim('app_metadata', 'plan');`
#[pg_extern(stable, parallel_safe)]
fn claim(path: VariadicArray<&str>) -> Option<String> {
    let path = path.iter().collect::<Option<Vec<_>>>()?;
    with_claims(|c| claims::as_text(c.at(&path)?))
}

/// One claim as jsonb, by its path; a missing claim is NULL, and so is JSON null. Raises nothing.
///
/// Example: `SELECT tenant_guard.claim_json('app_metadata', 'roles');`
#[pg_extern(stable, parallel_safe)]
fn claim_json(path: VariadicArray<&str>) -> Option<JsonB> {
    let path = path.iter().collect::<Option<Vec<_>>>()?;
    with_claims(|c| c.at(&path).filter(|v| !v.is_null()).map(|v| JsonB(v.clone())))
}

/// The user's id, the claim `sub`, where it is a UUID; NULL otherwise. Raises nothing.
///
/// Example: `CREATE POLICY own ON notes USING (user_id = (SELECT tenant_guard.uid()));`
#[pg_extern(stable, parallel_safe)]
fn uid() -> Option<Uuid> {
    with_claims(|c| c.user_uuid.map(|u| Uuid::from_bytes(*u.as_bytes())))
}

/// The user's id, the claim `sub`, as text, for subjects that are not UUIDs; NULL when there is
/// none. Raises nothing.
///
/// Example: `SELECT tenant_guard.uid_text();`
#[pg_extern(stable, parallel_safe)]
fn uid_text() -> Option<String> {
    user()
}

/// The claim `role`: the database role that the gateway was asked to use; NULL when there is none.
/// Raises nothing.
///
/// Example: `SELECT tenant_guard.jwt_role() = 'authenticated';`
#[pg_extern(stable, parallel_safe)]
fn jwt_role() -> Option<String> {
    with_claims(|c| c.role.clone())
}

/// The current user's id, for the other rooms.
#[must_use]
pub fn user() -> Option<String> {
    with_claims(|c| c.user.clone())
}
