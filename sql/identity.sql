-- Where claims are found, as set_claim_profile and set_claim_path wrote it. No row: the default.
CREATE TABLE tenant_guard.claim_source (
  name text PRIMARY KEY
    CHECK (name IN ('profile', 'user', 'org', 'project', 'role', 'roles', 'permissions', 'email')),
  value text[] NOT NULL CHECK (cardinality(value) > 0)
);
COMMENT ON TABLE tenant_guard.claim_source IS
  'The vendor profile (name ''profile'') and the paths that stand in place of its own. Written by set_claim_profile and set_claim_path.';

-- The keys that authenticate and verify_token verify with: an HMAC secret, or a public key as JWK.
CREATE TABLE tenant_guard.jwt_key (
  kid text PRIMARY KEY,
  alg text NOT NULL,
  secret bytea,
  public_key jsonb,
  issuer text,
  valid_from timestamptz,
  valid_until timestamptz,
  retired_at timestamptz,
  added_at timestamptz NOT NULL DEFAULT now(),
  added_by name NOT NULL,
  CHECK ((secret IS NULL) <> (public_key IS NULL)),
  CHECK (valid_from < valid_until)
);
COMMENT ON TABLE tenant_guard.jwt_key IS
  'Keys for verifying tokens. Written by add_key, load_jwks and retire_key; HMAC secrets stand here in clear, and in dumps of the database.';

-- No policy: to all but the extension and superusers they are empty, whatever somebody may grant on them.
ALTER TABLE tenant_guard.claim_source ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.jwt_key ENABLE ROW LEVEL SECURITY;

-- Sessions keep what they read of them: whoever writes them, pg_restore included, lets them know.
CREATE TRIGGER registration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.claim_source
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.registration_changed();
CREATE TRIGGER registration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.jwt_key
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.registration_changed();
ALTER TABLE tenant_guard.claim_source ENABLE ALWAYS TRIGGER registration_changed;
ALTER TABLE tenant_guard.jwt_key ENABLE ALWAYS TRIGGER registration_changed;

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.claim_source', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.jwt_key', '');
