//! Until the real one is here.

use pgrx::prelude::*;

/// A new UUID. Raises nothing.
///
/// Example: `SELECT tenant_guard.uuid_v7();`
#[pg_extern(volatile, parallel_safe)]
fn uuid_v7() -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(*uuid::Uuid::new_v4().as_bytes())
}
