//! Time-ordered UUIDs, for ids that APIs show: a B-tree takes them at its right end.

use pgrx::prelude::*;
use pgrx::Uuid;

/// Returns a new UUID of version 7 (RFC 9562): 48 bits of milliseconds since 1970, then bits that grow
/// within the millisecond, then random ones. Each is greater than the one before it in the same session;
/// those of several sessions are in order to the millisecond. Whoever sees one learns when it was made.
/// Raises nothing.
///
/// Example: `CREATE TABLE crm.leads (public_id uuid NOT NULL UNIQUE DEFAULT tenant_guard.uuid_v7());`
#[pg_extern(volatile, parallel_safe)]
fn uuid_v7() -> Uuid {
    crate::pg::uuid::version_7()
}
