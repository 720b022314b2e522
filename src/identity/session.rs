//! How an identity comes about and ends: `authenticate`, `pre_request`, `forget`.

use super::current::{gateway_claims, CLAIMS_SETTING};
use super::invalid;
use super::keyring;
use super::seal::Seal;
use super::token::{self, Rules, Verified};
use crate::error::{Error, Result};
use crate::pg::guc::{self, Lasting};
use crate::pg::transaction::Moment;
use crate::security::{self, Event, Kind};
use crate::settings::{self, Trust};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use serde_json::Value;

/// As `authenticate` takes them.
const SCOPES: &[&str] = &["transaction", "session"];

/// What was set for this database is in force.
fn trustworthy() -> Result<()> {
    match settings::not_taken() {
        Some(setting) => Err(Error::SettingNotTaken { setting }),
        None => Ok(()),
    }
}

fn verified<R>(token: &str, f: impl FnOnce(Verified) -> R) -> Result<R> {
    trustworthy()?;
    let keys = keyring::keys()?;
    let (issuers, audiences) = (settings::jwt_issuers(), settings::jwt_audiences());
    let rules = Rules {
        issuers: &issuers,
        audiences: &audiences,
        clock_skew: settings::jwt_clock_skew(),
        require_expiry: settings::jwt_require_expiry(),
        max_size: settings::max_claims_size(),
    };
    token::verify(token, &keys, &rules, Moment::Now.unix_micros()).map(f).map_err(Error::Token)
}

fn seal(token: &str, lasting: Lasting) -> Result<()> {
    let sealed = verified(token, |found| {
        let (kid, valid_until) = (found.key.kid.as_str(), found.valid_until);
        Seal::Verified { kid, valid_until, claims: &found.payload }.encode()
    });
    if let Err(Error::Token(refusal)) = &sealed {
        // Which check failed; nothing of the token, for none of it is true.
        security::refuse(&Event {
            kind: Kind::AuthenticationFailed,
            details: Some(serde_json::json!({ "check": refusal.explain().0 })),
            ..Event::default()
        });
    }
    let sealed = sealed?;
    match lasting {
        Lasting::Transaction => set(&sealed, Lasting::Transaction),
        Lasting::Session => {
            guc::set_protected(settings::SESSION_IDENTITY_NAME, &sealed, Lasting::Session);
            set("", Lasting::Transaction);
        }
    }
    Ok(())
}

fn set(identity: &str, lasting: Lasting) {
    guc::set_protected(settings::IDENTITY_NAME, identity, lasting);
}

/// Verifies a JSON Web Token (RFC 7519) with the keys of this database and makes its claims the
/// identity: of the transaction, or with `scope => 'session'` of the session. `exp` is checked again
/// by every statement that asks for the identity. Needs `tenant_guard.trust = 'verified'`.
/// Raises 28000, saying which check failed, 55000 where the trust is another or an identity for the
/// session is not allowed, 42501 in a session in which an administrator's setting was not taken, 22004,
/// 22023.
///
/// Example: `BEGIN; SELECT tenant_guard.authenticate('<header>.<payload>.<signature>'); ... COMMIT;`
#[pg_extern(volatile, parallel_unsafe)]
fn authenticate(
    token: Option<&str>,
    scope: default!(Option<&str>, "'transaction'"),
) -> Result<(), ErrorReport> {
    let token = token.ok_or(Error::NullArgument { function: "authenticate", argument: "token" })?;
    let lasting = match scope.unwrap_or("transaction") {
        "transaction" => Lasting::Transaction,
        "session" => Lasting::Session,
        other => {
            let value = other.to_string();
            return Err(Error::UnknownOption { option: "scope", value, allowed: SCOPES }.into());
        }
    };
    trustworthy()?;
    if settings::trust() != Trust::Verified {
        return Err(Error::NotVerifying.into());
    }
    if lasting == Lasting::Session && !settings::allow_session_identity() {
        return Err(Error::NoSessionIdentity.into());
    }
    Ok(seal(token, lasting)?)
}

/// Verifies a token as `authenticate` does and returns its claims; sets nothing. Works whatever
/// `tenant_guard.trust` is. Raises 28000, saying which check failed, 42501 as `authenticate` does, 22004.
///
/// Example: `SELECT tenant_guard.verify_token('<header>.<payload>.<signature>') ->> 'sub';`
#[pg_extern(stable, parallel_restricted)]
fn verify_token(token: Option<&str>) -> Result<JsonB, ErrorReport> {
    let token = token.ok_or(Error::NullArgument { function: "verify_token", argument: "token" })?;
    Ok(verified(token, |found| JsonB(Value::Object(found.claims)))?)
}

/// For PostgREST's `db-pre-request`. Where the gateway is trusted it captures `request.jwt.claims`
/// for the transaction: what anybody sets there afterwards is ignored, and recorded in
/// `tenant_guard.security_event`. With `tenant_guard.trust = 'verified'` it authenticates the Bearer
/// token of the request's Authorization header, and raises 28000 as `authenticate` does; a request
/// without one is nobody's. Raises 42501 as `authenticate` does.
///
/// Example: `ALTER ROLE authenticator SET pgrst.db_pre_request = 'tenant_guard.pre_request';`
#[pg_extern(volatile, parallel_unsafe)]
fn pre_request() -> Result<(), ErrorReport> {
    trustworthy()?;
    match settings::trust() {
        Trust::Gateway => {
            let sealed = settings::with_transaction_identity(|sealed| !sealed.is_empty());
            if sealed {
                // Only looks, and records what does not fit.
                super::with_claims(|_| Some(()));
                return Ok(());
            }
            let fits = |claims: &String| {
                invalid::look(claims.as_bytes());
                claims.len() <= settings::max_claims_size()
            };
            let claims = gateway_claims().filter(fits).unwrap_or_default();
            set(&Seal::Gateway { claims: &claims }.encode(), Lasting::Transaction);
        }
        Trust::Verified => match bearer_token() {
            Some(token) => seal(&token, Lasting::Transaction)?,
            // Whatever the connection's former request left for the session is not this one's.
            None if settings::with_transaction_identity(<[u8]>::is_empty) => {
                set(&Seal::Nobody.encode(), Lasting::Transaction);
            }
            None => {}
        },
    }
    Ok(())
}

/// The token of the request's Authorization header, as PostgREST hands headers on.
fn bearer_token() -> Option<String> {
    let headers = guc::with_setting(c"request.headers", |raw| {
        serde_json::from_slice::<Value>(raw.filter(|raw| raw.len() <= 1 << 20)?).ok()
    })?;
    let header = headers.get("authorization")?.as_str()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_string())
}

/// Ends the identity: for the rest of the transaction nobody is asking, unless `authenticate` is
/// called again; an identity of the session is gone, unless the transaction is rolled back. Raises nothing.
///
/// Example: `SELECT tenant_guard.forget();`
#[pg_extern(volatile, parallel_unsafe)]
fn forget() {
    let user = super::user();
    if user.is_some() {
        security::record(&Event { kind: Kind::IdentityForgotten, user, ..Event::default() });
    }
    guc::set_protected(settings::SESSION_IDENTITY_NAME, "", Lasting::Session);
    set(&Seal::Nobody.encode(), Lasting::Transaction);
}

/// For `explain_identity`: where the identity in force comes from.
pub fn origin() -> Origin {
    if let Some(setting) = settings::not_taken() {
        return Origin::Distrusted { setting };
    }
    let with = settings::with_transaction_identity(|own| (!own.is_empty()).then(|| of(own)));
    with.unwrap_or_else(|| {
        settings::with_identity(|session| match (settings::trust(), session) {
            (Trust::Verified, b"") => Origin::None,
            (Trust::Verified, session) => of(session),
            (Trust::Gateway, _) => {
                let set =
                    guc::with_setting(CLAIMS_SETTING, |raw| raw.is_some_and(|r| !r.is_empty()));
                match (set, gateway_claims()) {
                    (true, _) => Origin::Setting,
                    (false, Some(_)) => Origin::Legacy,
                    (false, None) => Origin::None,
                }
            }
        })
    })
}

fn of(sealed: &[u8]) -> Origin {
    match (Seal::decode(sealed), settings::trust()) {
        (Some(Seal::Gateway { .. }), Trust::Gateway) => Origin::Sealed,
        (Some(Seal::Verified { kid, valid_until, .. }), Trust::Verified) => {
            Origin::Token { kid: kid.to_string(), valid_until }
        }
        (Some(Seal::Nobody), _) => Origin::Forgotten,
        (Some(Seal::Gateway { .. } | Seal::Verified { .. }), _) | (None, _) => Origin::OtherTrust,
    }
}

pub enum Origin {
    None,
    /// The value of one of the administrator's settings was not taken.
    Distrusted {
        setting: String,
    },
    /// `request.jwt.claims`.
    Setting,
    /// `request.jwt.claim.*`.
    Legacy,
    /// Captured by `pre_request`.
    Sealed,
    Token {
        kid: String,
        valid_until: Option<i64>,
    },
    /// `forget` was called, or a request came without a token.
    Forgotten,
    /// Sealed while `tenant_guard.trust` was another.
    OtherTrust,
}
