//! UUIDs of version 7: the server's own where it makes them, since version 18.

use pgrx::Uuid;

/// Greater than every one that this process made before.
#[cfg(not(feature = "pg18"))]
#[must_use]
pub fn version_7() -> Uuid {
    Uuid::from_bytes(*uuid::Uuid::now_v7().as_bytes())
}

/// Greater than every one that this process made before.
#[cfg(feature = "pg18")]
#[must_use]
pub fn version_7() -> Uuid {
    use pgrx::{pg_sys, FromDatum};
    // SAFETY: the function takes no argument and returns a uuid, never NULL.
    unsafe {
        let value =
            pg_sys::OidFunctionCall0Coll(pg_sys::Oid::from(pg_sys::F_UUIDV7_), pg_sys::InvalidOid);
        Uuid::from_datum(value, false).unwrap_or_else(|| unreachable!("uuidv7() gives no NULL"))
    }
}
