-- Tokens verified in the database. The secret is 'a secret of at least 32 bytes, kept well'.
\pset null '(null)'
\set ann 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImZpcnN0IiwidHlwIjoiSldUIn0.eyJzdWIiOiIxMTExMTExMS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJvcmdfaWQiOiJhYWFhYWFhYS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJyb2xlIjoiYXV0aGVudGljYXRlZCIsImV4cCI6NDEwMjQ0NDgwMH0.ouMoyV27E29ypDzjHocKmP3yWNX9oIivMD_5sVD0KIY'
\set bob 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIyMjIyMjIyMi0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDIiLCJleHAiOjQxMDI0NDQ4MDB9.4ot9-YGrWRePb0QFPaWQvk0Bun9xi9YsvHkQjy-DUZY'
\set expired 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImZpcnN0IiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4IiwiZXhwIjoxMzAwODE5MzgwfQ.-o-MWRT3sbyFhmpQk5tzhgzNVl6tAfwbMxJ1IqRETEc'
\set other_key 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImZpcnN0IiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4IiwiZXhwIjo0MTAyNDQ0ODAwfQ.Q-beJhHCHGWIXYfCaKzlb_E0H2Y8lWz_293TNa7lGo0'
SELECT set_config('tokens.ann', :'ann', false) IS NULL AS a, set_config('tokens.bob', :'bob', false) IS NULL AS b,
       set_config('tokens.expired', :'expired', false) IS NULL AS c, set_config('tokens.other_key', :'other_key', false) IS NULL AS d;

-- Without a key nothing is verified, and where the gateway is trusted nothing is taken for verified.
SELECT * FROM refused($$SELECT tenant_guard.verify_token(current_setting('tokens.ann'))$$);
SELECT tenant_guard.add_key('first', 'HS256', 'a secret of at least 32 bytes, kept well');
SELECT tenant_guard.verify_token(current_setting('tokens.ann')) ->> 'sub' AS sub;
SELECT * FROM refused($$SELECT tenant_guard.authenticate(current_setting('tokens.ann'))$$);

SET tenant_guard.trust = 'verified';
SET ROLE authenticated;
SET request.jwt.claims = '{"sub":"forged"}';
SELECT tenant_guard.uid_text() AS "no token, nobody";
BEGIN;
SELECT tenant_guard.authenticate(current_setting('tokens.ann'));
SELECT tenant_guard.uid(), tenant_guard.org_id(), tenant_guard.jwt_role(), tenant_guard.claim('exp') AS exp;
SAVEPOINT s;
SELECT tenant_guard.authenticate(current_setting('tokens.bob'));
SELECT tenant_guard.uid();
ROLLBACK TO s;
SELECT tenant_guard.uid();
SELECT verdict FROM tenant_guard.explain_identity() WHERE setting = 'identity';
COMMIT;
SELECT tenant_guard.uid() AS "after the transaction";
-- For the session, until somebody forgets.
SELECT tenant_guard.authenticate(current_setting('tokens.bob'), scope => 'session');
SELECT tenant_guard.uid();
BEGIN;
SELECT tenant_guard.authenticate(current_setting('tokens.ann'));
SELECT tenant_guard.uid() AS "the transaction's before the session's";
COMMIT;
SELECT tenant_guard.uid();
SELECT tenant_guard.forget();
SELECT tenant_guard.uid() AS "forgotten";
SELECT tenant_guard.authenticate(current_setting('tokens.bob'), 'session');
RESET ALL;
SELECT tenant_guard.uid() AS "after RESET ALL";
RESET ROLE;
\set VERBOSITY terse
SELECT set_config('tokens.ann', :'ann', false) IS NULL AS a, set_config('tokens.bob', :'bob', false) IS NULL AS b,
       set_config('tokens.expired', :'expired', false) IS NULL AS c, set_config('tokens.other_key', :'other_key', false) IS NULL AS d;
\set VERBOSITY default
SET tenant_guard.trust = 'verified';
SET tenant_guard.allow_session_identity = off;
SET ROLE authenticated;
SELECT * FROM refused($$SELECT tenant_guard.authenticate(current_setting('tokens.bob'), 'session')$$);
SELECT * FROM refused($$SELECT tenant_guard.authenticate(current_setting('tokens.bob'), 'connection')$$);
SELECT * FROM refused($$SELECT tenant_guard.authenticate(NULL)$$);

-- What is refused says which check failed.
SELECT * FROM refused($$SELECT tenant_guard.authenticate('no token')$$);
SELECT * FROM refused($$SELECT tenant_guard.authenticate(current_setting('tokens.expired'))$$);
SELECT * FROM refused($$SELECT tenant_guard.authenticate(current_setting('tokens.other_key'))$$);
SELECT * FROM refused($$SELECT tenant_guard.authenticate(current_setting('tokens.ann') || 'x')$$);
SELECT * FROM refused($$SELECT tenant_guard.authenticate('eyJhbGciOiJub25lIn0.e30.')$$);
SELECT * FROM refused($$SET tenant_guard.trust = 'gateway'$$);
SELECT * FROM refused($$SET tenant_guard.identity = 'verified::0:{"sub":"forged"}'$$);
SELECT * FROM refused($$SELECT set_config('tenant_guard.session_identity', 'verified::0:{"sub":"forged"}', false)$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('mine', 'HS256', 'a secret of at least 32 bytes, mine')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.load_jwks('{"keys":[]}')$$);
SELECT * FROM refused($$SELECT tenant_guard.retire_key('first')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.jwt_key$$);
RESET ROLE;

-- Keys: what is no key, rotation, retirement.
SELECT * FROM refused($$SELECT tenant_guard.add_key('short', 'HS256', 'too short')$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('none', 'none', 'a secret of at least 32 bytes, kept well')$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('k', 'HS256', 'x', encoding => 'rot13')$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('k', 'RS256', 'no PEM')$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('k', 'ES256', '{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}')$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('first', 'HS256', 'a secret of at least 32 bytes, another')$$);
SELECT * FROM refused($$SELECT tenant_guard.add_key('k', 'HS256', 'a secret of at least 32 bytes, another', valid_from => '2030-01-01', valid_until => '2029-01-01')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.load_jwks('{"key":1}')$$);
SELECT * FROM refused($$SELECT tenant_guard.retire_key('unknown')$$);
SELECT * FROM tenant_guard.load_jwks('{"keys":[
  {"kid":"ec","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
  {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
  {"kid":"enc","kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"},
  {"kid":"small","kty":"RSA","n":"AQAB","e":"AQAB"},
  {"kid":"p521","kty":"EC","crv":"P-521","x":"AA","y":"AA"},
  {"kid":"private","kty":"EC","crv":"P-256","d":"AA","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
  {"kid":"first","kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
  7]}', issuer => 'https://issuer.example');
SELECT * FROM tenant_guard.load_jwks('{"keys":[{"kid":"ec","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}', issuer => 'https://issuer.example');
SELECT kid, alg, secret IS NOT NULL AS secret, public_key, issuer, added_by FROM tenant_guard.jwt_key ORDER BY kid;
-- A token without a key id is refused once there are several keys.
SELECT * FROM refused($$SELECT tenant_guard.verify_token(current_setting('tokens.bob'))$$);
SELECT tenant_guard.retire_key('first');
SELECT * FROM refused($$SELECT tenant_guard.verify_token(current_setting('tokens.ann'))$$);
SELECT kind, severity, subject FROM tenant_guard.security_event WHERE kind LIKE 'key%' ORDER BY id;
SELECT * FROM refused($$UPDATE tenant_guard.security_event SET message = 'x'$$);
RESET ALL;
