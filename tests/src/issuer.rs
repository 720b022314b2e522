//! Tokens, signed by somebody else than the extension: with HMAC in plain SQL (RFC 2104).

use postgres::Client;

use crate::fixtures::protected_crm;
use crate::sql::{execute, text};
use crate::Database;

/// The key that [`verified_crm`] adds.
pub const KID: &str = "test-1";
pub const SECRET: &str = "an HMAC secret of a test, longer than its 32 bytes";

/// Of the tests that do not care.
pub const FAR: i64 = 4_102_444_800;

const SIGNER: &str = r"
CREATE SCHEMA issuer;
GRANT USAGE ON SCHEMA issuer TO PUBLIC;

CREATE FUNCTION issuer.base64url(raw bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$SELECT translate(encode(raw, 'base64'), E'+/=\n', '-_')$$;

CREATE FUNCTION issuer.hmac_sha256(message bytea, secret bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  inner_pad bytea := decode(repeat('36', 64), 'hex');
  outer_pad bytea := decode(repeat('5c', 64), 'hex');
BEGIN
  IF length(secret) > 64 THEN
    secret := sha256(secret);
  END IF;
  FOR i IN 0 .. length(secret) - 1 LOOP
    inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # get_byte(secret, i));
    outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # get_byte(secret, i));
  END LOOP;
  RETURN sha256(outer_pad || sha256(inner_pad || message));
END $$;

CREATE FUNCTION issuer.sign(header text, payload text, secret text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT signed || '.' || issuer.base64url(issuer.hmac_sha256(convert_to(signed, 'UTF8'), convert_to(secret, 'UTF8')))
  FROM (SELECT issuer.base64url(convert_to(header, 'UTF8')) || '.' || issuer.base64url(convert_to(payload, 'UTF8'))) s (signed)
$$;";

/// Makes `issuer.sign` in the database, and lets the database verify with [`SECRET`] as [`KID`].
pub fn settle(database: &Database) {
    let mut admin = database.admin();
    execute(&mut admin, SIGNER);
    add_key(&mut admin, KID, SECRET);
}

pub fn add_key(admin: &mut Client, kid: &str, secret: &str) {
    execute(admin, &format!("SELECT tenant_guard.add_key('{kid}', 'HS256', '{secret}')"));
}

/// Trusts tokens only, in the sessions to come.
pub fn trust_tokens(database: &Database) {
    let set = format!("ALTER DATABASE {} SET tenant_guard.trust = 'verified'", database.name);
    execute(&mut database.admin(), &set);
}

/// The protected CRM that believes nothing but tokens, with an issuer of such.
pub fn verified_crm() -> Database<'static> {
    let database = protected_crm();
    settle(&database);
    trust_tokens(&database);
    database
}

/// A token with the usual header.
#[track_caller]
pub fn token(client: &mut Client, payload: &str) -> String {
    sign(client, &format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{KID}"}}"#), payload, SECRET)
}

#[track_caller]
pub fn sign(client: &mut Client, header: &str, payload: &str, secret: &str) -> String {
    let [header, payload, secret] = [header, payload, secret].map(|part| part.replace('\'', "''"));
    let sql = format!("SELECT issuer.sign('{header}', '{payload}', '{secret}')");
    text(client, &sql).expect("a token")
}

/// A token of that user that lasts.
#[track_caller]
pub fn token_of(client: &mut Client, user: &str, org: Option<&str>) -> String {
    let org = org.map(|org| format!(r#","org_id":"{org}""#)).unwrap_or_default();
    token(client, &format!(r#"{{"sub":"{user}"{org},"exp":{FAR}}}"#))
}

#[must_use]
pub fn authenticate(token: &str) -> String {
    format!("SELECT tenant_guard.authenticate('{token}')")
}

#[must_use]
pub fn authenticate_session(token: &str) -> String {
    format!("SELECT tenant_guard.authenticate('{token}', 'session')")
}
