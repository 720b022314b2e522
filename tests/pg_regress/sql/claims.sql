-- The claim helpers: exact, and NULL for whatever is not there or not usable.
\pset null '(null)'
SELECT tenant_guard.claims(), tenant_guard.uid(), tenant_guard.uid_text(), tenant_guard.org_id(), tenant_guard.jwt_role();

BEGIN;
SET LOCAL request.jwt.claims = '{"sub":"6F1C0A52-7f6d-4a57-9d57-0f7f3a3d1c11","role":"authenticated","org_id":"aaaaaaaa-0000-4000-8000-000000000001","email":"ada@example.com","app_metadata":{"plan":"pro","seats":[1,2.50,true,null,"x"]},"https://example.com/claims":{"a.b/c":"deep"}}';
SELECT tenant_guard.uid(), tenant_guard.uid_text(), tenant_guard.org_id(), tenant_guard.org_id_text(), tenant_guard.org_id_bigint(), tenant_guard.jwt_role();
SELECT tenant_guard.claim('email') AS string, tenant_guard.claim('app_metadata', 'plan') AS nested,
       tenant_guard.claim('https://example.com/claims', 'a.b/c') AS url, tenant_guard.claim('app_metadata') AS object;
SELECT n, tenant_guard.claim('app_metadata', 'seats', n::text) AS text, tenant_guard.claim_json('app_metadata', 'seats', n::text) AS json
FROM generate_series(-1, 5) n;
SELECT tenant_guard.claims() = current_setting('request.jwt.claims')::jsonb AS "the same as jsonb";
SELECT tenant_guard.claim(VARIADIC '{}'::text[]) AS "no path", tenant_guard.claim('email', NULL) AS "a NULL in the path";
ROLLBACK;

-- Malformed input is NULL, never an error.
SELECT c AS claims, tenant_guard.claims() AS claims_seen, tenant_guard.uid_text() AS uid_text, tenant_guard.uid() AS uid, tenant_guard.org_id_text() AS org
FROM unnest(ARRAY['', ' ', 'null', '[]', '"sub"', '1', '{', '{"sub":"a"} x', '{"sub":null}', '{"sub":""}', '{"sub":{}}', '{"sub":[1]}', '{"sub":true}',
  '{"sub":42}', '{"sub":"auth0|7"}', '{"sub":"a\u0000b"}', '{"sub":"a","org_id":["x","y"]}', '{"sub":"a","org_id":"x","org_id":"y"}', '{"sub":"a","user_metadata":{"org_id":"x"}}']) c
CROSS JOIN LATERAL (SELECT set_config('request.jwt.claims', c, false)) s;

-- Neither depth nor size is a way to hurt the server: beyond the limit there are no claims.
SELECT length(set_config('request.jwt.claims', repeat('{"a":', 10000), false)), tenant_guard.claims() AS deep;
SELECT length(set_config('request.jwt.claims', '{"sub":"fits","pad":"' || repeat('x', 60000) || '"}', false)), tenant_guard.uid_text();
SELECT length(set_config('request.jwt.claims', '{"sub":"big","pad":"' || repeat('x', 70000) || '"}', false)), tenant_guard.uid_text();
SET tenant_guard.max_claims_size = '128kB';
SELECT tenant_guard.uid_text() AS "where the administrator allows it";
RESET tenant_guard.max_claims_size;
SET ROLE authenticated;
SELECT * FROM refused($$SET tenant_guard.max_claims_size = '16MB'$$);
RESET ROLE;
SELECT c AS claims, set_config('request.jwt.claims', c, false) IS NULL, tenant_guard.claims(), tenant_guard.claim('n') AS n, tenant_guard.org_id_text()
FROM unnest(ARRAY['{"n":1e999999}', '{"n":1e40}', '{"org_id":{"$serde_json::private::Number":"7"}}']) c;
RESET request.jwt.claims;
SELECT tenant_guard.uid_text() AS "after RESET";

-- An organization in each type a tenant column may have.
SELECT o AS org_id, tenant_guard.org_id_text(), tenant_guard.org_id(), tenant_guard.org_id_bigint()
FROM unnest(ARRAY['"42"', '42', '-1', '9223372036854775807', '9223372036854775808', '4.5', '"AAAAAAAA-0000-4000-8000-000000000001"', '"acme"']) o
CROSS JOIN LATERAL (SELECT set_config('request.jwt.claims', format('{"org_id":%s}', o), false)) s;
RESET request.jwt.claims;
