//! What is secret about the log: the key of keyed hashes, and salts.

use crate::error::{Error, Result};
use crate::pg::{query, relation, user};
use aws_lc_rs::{hmac, rand};
use std::cell::RefCell;

thread_local! {
    /// With the table that it was read from, which another extension of the name would not have.
    static KEY: RefCell<Option<(u32, hmac::Key)>> = const { RefCell::new(None) };
}

/// Of 16 bytes, as NIST SP 800-132 wants.
#[must_use]
pub fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    fill(&mut salt);
    salt
}

fn fill(bytes: &mut [u8]) {
    // It asks the operating system's source, and fails only where there is none.
    if rand::fill(bytes).is_err() {
        pgrx::error!("there is no source of random numbers");
    }
}

/// HMAC-SHA256 (RFC 2104) of a value, by a key that never leaves the database: its first 16 bytes.
pub fn keyed_hash(value: &[u8]) -> Result<[u8; 16]> {
    let table = relation::own("audit_secret").map_or(0, pgrx::pg_sys::Oid::to_u32);
    let tag = KEY.with_borrow_mut(|kept| {
        if kept.as_ref().is_none_or(|(from, _)| *from != table) {
            *kept = Some((table, hmac::Key::new(hmac::HMAC_SHA256, &read()?)));
        }
        let (_, key) = kept
            .as_ref()
            .ok_or_else(|| Error::Internal { what: "the key of hashes is missing".into() })?;
        Ok::<_, Error>(hmac::sign(key, value))
    })?;
    let mut hash = [0; 16];
    hash.copy_from_slice(&tag.as_ref()[..16]);
    Ok(hash)
}

/// A transaction was rolled back, and the key that it made with it.
pub fn rolled_back() {
    KEY.replace(None);
}

/// Made when it is first needed: a dump that is restored brings its own.
fn read() -> Result<Vec<u8>> {
    user::as_extension_owner(|| {
        let find = "SELECT s.key FROM tenant_guard.audit_secret s ORDER BY s.made_at LIMIT 1";
        if let Some(key) = query::value::<Vec<u8>>(find, &[])? {
            return Ok(key);
        }
        relation::lock_name("audit_secret", "key");
        let _now = query::catalog_read(query::PINNED);
        if let Some(key) = query::value_here::<Vec<u8>>(find, &[])? {
            return Ok(key);
        }
        let mut key = [0; 32];
        fill(&mut key);
        query::run(
            "INSERT INTO tenant_guard.audit_secret (key) VALUES ($1)",
            &[key.to_vec().into()],
        )?;
        Ok(key.to_vec())
    })
}
