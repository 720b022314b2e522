//! What a failure of identities, tokens, keys and claim paths says: SQLSTATE, message, DETAIL and HINT.

use super::context::context_parts;
use super::messages::{parts, Parts};
use super::Error;
use crate::identity::Refusal;
use pgrx::PgSqlErrorCode::*;

pub(super) fn identity_parts(error: &Error) -> Parts {
    match error {
        Error::NoIdentity { what } => parts(
            ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
            format!("{what} needs a user, and this session has none"),
            "There are no claims in force, or they name no user.",
            "Authenticate first, or have the gateway set request.jwt.claims; SELECT * FROM tenant_guard.explain_identity() says what was seen.",
        ),
        Error::Token(refusal) => token_parts(refusal),
        Error::SettingNotTaken { setting } => parts(
            ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("the value of {setting} was not taken in this session"),
            "Either the client gave one as it connected, which only an administrator may and which hid the administrator's; or the administrator's is no value of the setting. Nobody is believed in this session.",
            "Connect without it (PGOPTIONS, options=-c ...); an administrator sets it with ALTER DATABASE ... SET or in postgresql.conf.",
        ),
        Error::LoadedInParallel => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "tenant_guard cannot be loaded while a parallel query runs",
            "PostgreSQL sets no settings then, so the administrator's would not be in force.",
            "Call one of its functions before the query, or load it for every session: session_preload_libraries = 'tenant_guard'.",
        ),
        Error::NotVerifying => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "authenticate() needs tenant_guard.trust = 'verified'",
            "This database trusts its gateway: identities come from request.jwt.claims.",
            "An administrator changes it: ALTER DATABASE ... SET tenant_guard.trust = 'verified', for new sessions. verify_token() only checks.",
        ),
        Error::NoSessionIdentity => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "identities for a whole session are switched off",
            "tenant_guard.allow_session_identity is off: behind a pooler the next client would inherit it.",
            "Call authenticate(token) in each transaction.",
        ),
        Error::BadKey { kid, why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("key \"{kid}\" cannot be used"),
            format!("That is because {why}."),
            "HMAC takes a secret; RS, PS, ES and EdDSA a public key, as PEM (BEGIN PUBLIC KEY) or as JSON Web Key.",
        ),
        Error::DuplicateKey { kid } => parts(
            ERRCODE_DUPLICATE_OBJECT,
            format!("there is a key \"{kid}\" already"),
            "A key id stands for one key for ever, retired ones included.",
            "Give the new key an id of its own, and retire the old one when its tokens have expired.",
        ),
        Error::NoSuchKey { kid } => parts(
            ERRCODE_UNDEFINED_OBJECT,
            format!("there is no key \"{kid}\""),
            "No key of that id was added to this database.",
            "List them: SELECT kid, alg, valid_until, retired_at FROM tenant_guard.jwt_key.",
        ),
        Error::NotAKeySet => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            "this is no JSON Web Key Set",
            "A key set is an object with an array \"keys\" (RFC 7517).",
            "Give what the issuer serves under its jwks_uri; a single key goes to add_key.",
        ),
        Error::BadClaimPath { name } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the path for \"{name}\" names no claim"),
            "A path is one or more keys, none of them NULL.",
            "Write each key as an element: ARRAY['app_metadata', 'org_id'].",
        ),
        Error::UserWritableClaim { name, key } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("\"{key}\" cannot be the source of \"{name}\""),
            "Users write that claim themselves: whoever is asked for it says what suits him.",
            "Have the issuer put it in a claim that only the server writes (app_metadata); force => true takes it all the same.",
        ),
        other => context_parts(other),
    }
}

/// About a token: which check failed, never the token and never the key.
fn token_parts(refusal: &Refusal) -> Parts {
    let (check, detail, hint) = refusal.explain();
    parts(
        ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        format!("the token is not accepted: {check}"),
        detail,
        hint,
    )
}
