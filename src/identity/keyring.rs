//! The keys of this database: adding, loading, retiring; and the ring that tokens are verified with,
//! kept until the table changes. Keys are data, and secret: they are in no plan and no journal.

use super::key::{self, Key, Material, NewKey, ENCODINGS};
use crate::error::{Error, Result};
use crate::pg::invalidation::{self, Cached, Subject};
use crate::pg::{query, relation, user};
use crate::security::{self, Event, Kind};
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use serde::Deserialize;
use serde_json::Value;
use std::rc::Rc;

thread_local! {
    static CACHE: Cached<Rc<Vec<Key>>> = const { Cached::new(Subject::Keys) };
}

#[derive(Deserialize)]
struct Stored {
    kid: String,
    alg: String,
    secret_hex: Option<String>,
    public_key: Option<Value>,
    issuer: Option<String>,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
}

impl Stored {
    /// None for a row that somebody wrote by hand and that is no key.
    fn ready(self) -> Option<Key> {
        let secret = |hex: String| key::unhex(&hex).map(Material::Secret);
        let material = match (self.secret_hex, self.public_key) {
            (Some(hex), None) => secret(hex)?,
            (None, Some(jwk)) => Material::Public(jwk),
            _ => return None,
        };
        Some(Key {
            decoding: material.decoding()?,
            algorithm: key::algorithm(&self.alg).ok()?,
            kid: self.kid,
            issuer: self.issuer,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
        })
    }
}

/// Every key that was not retired.
pub fn keys() -> Result<Rc<Vec<Key>>> {
    invalidation::accept(); // a key that was retired meanwhile is not used, however long the transaction
    CACHE.with(|cache| {
        cache.get(|| {
            let stored: Option<Vec<Stored>> =
                user::as_extension_owner(|| query::model_here(include_str!("keyring.sql"), &[]))?;
            let keys = stored.unwrap_or_default().into_iter().filter_map(Stored::ready).collect();
            Ok((Rc::new(keys), Some(relation::own("jwt_key").into_iter().collect())))
        })
    })
}

/// Whether the key was new.
fn insert(key: &NewKey, issuer: Option<&str>, valid: &Validity) -> Result<bool> {
    let (secret, public) = match &key.material {
        Material::Secret(bytes) => (Some(bytes.clone()), None),
        Material::Public(jwk) => (None, Some(JsonB(jwk.clone()))),
    };
    let added_by = user::current();
    let args: [DatumWithOid; 8] = [
        key.kid.as_str().into(),
        key.algorithm_name().into(),
        secret.into(),
        public.into(),
        issuer.into(),
        valid.from.into(),
        valid.until.into(),
        added_by.into(),
    ];
    let inserted = user::as_extension_owner(|| {
        query::returning::<i32>(
            "INSERT INTO tenant_guard.jwt_key (kid, alg, secret, public_key, issuer, valid_from, valid_until, added_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8::name) ON CONFLICT (kid) DO NOTHING RETURNING 1",
            &args,
        )
    })?;
    if inserted.is_some() {
        record(Kind::KeyAdded, &key.kid);
    }
    Ok(inserted.is_some())
}

fn record(kind: Kind, kid: &str) {
    security::record(&Event { kind, subject: Some(kid.to_string()), ..Event::default() });
}

#[derive(Default)]
struct Validity {
    from: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
}

/// Adds a key for verifying tokens. HMAC takes the shared secret, as `encoding` says: text, base64,
/// base64url or hex; the others a public key as PEM (SPKI) or as JSON Web Key. The key's algorithm is
/// the only one it is ever used with. With `issuer` it signs for that issuer only. It is in force from
/// `valid_from` until before `valid_until`; NULL is no bound. Administrative:
/// EXECUTE is not granted to PUBLIC. The secret stands in this statement, so keep it out of logs.
/// Returns the key id. Raises 22023 for what is no such key, 42710 for a key id that is taken, 22004.
///
/// Example: `SELECT tenant_guard.add_key('2026-11', 'HS256', 'a secret of at least 32 bytes, kept well');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn add_key(
    kid: Option<&str>,
    alg: Option<&str>,
    key: Option<&str>,
    encoding: default!(Option<&str>, "'text'"),
    issuer: default!(Option<&str>, "NULL"),
    valid_from: default!(Option<TimestampWithTimeZone>, "NULL"),
    valid_until: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> Result<String, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "add_key", argument };
    let kid = kid.ok_or_else(|| null("kid"))?;
    let encoding = encoding.unwrap_or("text");
    if !ENCODINGS.contains(&encoding) {
        return Err(Error::UnknownOption {
            option: "encoding",
            value: encoding.into(),
            allowed: ENCODINGS,
        }
        .into());
    }
    let valid = Validity { from: valid_from, until: valid_until };
    if let (Some(from), Some(until)) = (&valid.from, &valid.until) {
        if from >= until {
            let why = "valid_from is not before valid_until".into();
            return Err(Error::BadKey { kid: kid.into(), why }.into());
        }
    }
    let new = NewKey::read(
        kid,
        alg.ok_or_else(|| null("alg"))?,
        key.ok_or_else(|| null("key"))?,
        encoding,
    )
    .map_err(ErrorReport::from)?;
    if !insert(&new, issuer, &valid)? {
        return Err(Error::DuplicateKey { kid: kid.into() }.into());
    }
    Ok(new.kid)
}

/// Adds the keys of a JSON Web Key Set (RFC 7517), as an issuer publishes it. A key that cannot be
/// used, or whose key id is taken by another key, is left out, and the rest is loaded; a key that is
/// there already stays as it is. Returns a row for each member: its key id, its algorithm, whether the
/// table has it now and it is not retired, and what was found. Administrative: EXECUTE is not granted to PUBLIC.
/// Raises 22023 for what is no key set.
///
/// Example: `SELECT * FROM tenant_guard.load_jwks('{"keys": []}', issuer => 'https://issuer.example');`
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn load_jwks(
    jwks: Option<JsonB>,
    issuer: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(kid, Option<String>),
            name!(alg, Option<String>),
            name!(loaded, bool),
            name!(reason, String),
        ),
    >,
    ErrorReport,
> {
    let jwks = jwks.ok_or(Error::NullArgument { function: "load_jwks", argument: "jwks" })?.0;
    let members = jwks.get("keys").and_then(Value::as_array).ok_or(Error::NotAKeySet)?;
    let mut rows = Vec::with_capacity(members.len());
    for member in members {
        let row = match NewKey::of_jwk(member) {
            Ok(new) => {
                let (loaded, reason) = load(&new, issuer)?;
                (Some(new.kid.clone()), Some(new.algorithm_name().to_string()), loaded, reason)
            }
            Err(why) => {
                let text =
                    |name: &str| member.get(name).and_then(Value::as_str).map(str::to_string);
                (text("kid"), text("alg"), false, format!("not loaded: {why}"))
            }
        };
        rows.push(row);
    }
    Ok(TableIterator::new(rows))
}

fn load(new: &NewKey, issuer: Option<&str>) -> Result<(bool, String)> {
    if insert(new, issuer, &Validity::default())? {
        return Ok((true, "loaded".into()));
    }
    #[derive(Deserialize)]
    struct There {
        same: bool,
        retired: bool,
    }
    let (secret, public) = match &new.material {
        Material::Secret(bytes) => (Some(bytes.clone()), None),
        Material::Public(jwk) => (None, Some(JsonB(jwk.clone()))),
    };
    let there: Option<There> = user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.json_build_object('retired', retired_at IS NOT NULL, 'same',
               alg = $2 AND secret IS NOT DISTINCT FROM $3 AND public_key IS NOT DISTINCT FROM $4
               AND issuer IS NOT DISTINCT FROM $5)::pg_catalog.text
             FROM tenant_guard.jwt_key WHERE kid = $1",
            &[
                new.kid.as_str().into(),
                new.algorithm_name().into(),
                secret.into(),
                public.into(),
                issuer.into(),
            ],
        )
    })?;
    Ok(match there {
        Some(There { same: true, retired: false }) => (true, "it was there already".into()),
        Some(There { retired: true, .. }) => {
            (false, "not loaded: its key id is that of a retired key".into())
        }
        _ => (false, "not loaded: its key id is taken by another key, algorithm or issuer".into()),
    })
}

/// Ends the use of a key: no token that it signed is accepted from now on. Identities that were
/// verified before keep until their token expires. Retiring it again changes nothing.
/// Administrative: EXECUTE is not granted to PUBLIC. Raises 42704 for a key id that nobody added, 22004.
///
/// Example: `SELECT tenant_guard.retire_key(kid) FROM tenant_guard.jwt_key WHERE kid = '2026-10';`
#[pg_extern(volatile, parallel_unsafe)]
fn retire_key(kid: Option<&str>) -> Result<(), ErrorReport> {
    let kid = kid.ok_or(Error::NullArgument { function: "retire_key", argument: "kid" })?;
    let retired = user::as_extension_owner(|| {
        query::returning::<i32>(
            "UPDATE tenant_guard.jwt_key SET retired_at = pg_catalog.now() WHERE kid = $1 AND retired_at IS NULL RETURNING 1",
            &[kid.into()],
        )
    })?;
    if retired.is_some() {
        record(Kind::KeyRetired, kid);
        return Ok(());
    }
    let there = user::as_extension_owner(|| {
        query::value::<i32>("SELECT 1 FROM tenant_guard.jwt_key WHERE kid = $1", &[kid.into()])
    })?;
    if there.is_none() {
        return Err(Error::NoSuchKey { kid: kid.into() }.into());
    }
    Ok(())
}
