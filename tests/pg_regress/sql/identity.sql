-- Where the identity comes from: profiles and paths, older settings, the gateway's seal.
\pset null '(null)'
SELECT tenant_guard.is_authenticated(), tenant_guard.is_service(), tenant_guard.email(), tenant_guard.roles(), tenant_guard.permissions();
BEGIN;
SELECT identity('{"sub":"u","role":"service_role","email":"ada@example.com","app_metadata":{"roles":["admin"],"permissions":["leads:*"]}}');
SELECT tenant_guard.is_authenticated(), tenant_guard.is_service(), tenant_guard.email(), tenant_guard.roles(), tenant_guard.permissions(),
       tenant_guard.has_role('admin'), tenant_guard.has_permission('leads:read'), tenant_guard.has_permission('billing:read');
ROLLBACK;

-- A profile is a change like any other.
SELECT step, action, sql, undo FROM tenant_guard.set_claim_profile('clerk_v2', dry_run => true);
SELECT count(*) FROM tenant_guard.set_claim_profile('clerk_v2');
SELECT count(*) AS "the second time" FROM tenant_guard.set_claim_profile('clerk_v2');
BEGIN;
SELECT identity('{"v":2,"sub":"user_1","fea":"o:dashboard,o:teams","o":{"id":"org_1","slg":"acme","rol":"admin","per":"manage,read","fpm":"3,2"}}');
SELECT tenant_guard.uid_text(), tenant_guard.org_id_text(), tenant_guard.roles(), tenant_guard.permissions();
SAVEPOINT s;
SELECT action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT tenant_guard.org_id_text() AS "undone";
ROLLBACK TO s;
SELECT tenant_guard.org_id_text() AS "and back";
ROLLBACK;
SELECT count(*) FROM tenant_guard.set_claim_profile('supabase');

SELECT step, action, sql, undo FROM tenant_guard.set_claim_path('roles', ARRAY['https://acme.example/claims', 'it''s']);
BEGIN;
SELECT identity('{"sub":"u","org_id":"o","https://acme.example/claims":{"it''s":["one","two"]}}');
SELECT tenant_guard.roles();
ROLLBACK;
SELECT count(*) FROM tenant_guard.set_claim_path('roles', NULL);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_profile('okta')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_profile(NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_path('groups', '{groups}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_path('org', '{}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_path('org', ARRAY['a', NULL])$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_path('org', '{user_metadata,org_id}')$$);
SELECT action FROM tenant_guard.set_claim_path('org', '{user_metadata,org_id}', force => true, dry_run => true);
SELECT * FROM tenant_guard.claim_source;

-- The older settings count where request.jwt.claims is not set, and only there.
BEGIN;
SELECT set_config('request.jwt.claim.sub', '6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11', true), set_config('request.jwt.claim.role', 'authenticated', true),
       set_config('request.jwt.claim.app_metadata', '{"org_id":"acme"}', true);
SELECT tenant_guard.uid(), tenant_guard.jwt_role(), tenant_guard.org_id_text(), tenant_guard.claims();
SET LOCAL request.jwt.claims = 'broken';
SELECT tenant_guard.uid_text() AS "no falling back";
ROLLBACK;
SELECT tenant_guard.uid_text() AS "after the transaction";

-- Several organizations in one token: none is chosen silently.
BEGIN;
SELECT identity('{"sub":"u","org_id":["a","b"]}');
SELECT tenant_guard.org_id_text(), tenant_guard.org_ids_text();
SELECT * FROM refused($$SELECT tenant_guard.set_org_text('c')$$);
SELECT tenant_guard.set_org_text('b'), tenant_guard.org_id_text();
ROLLBACK;

-- Sealed, the identity stays until the transaction ends.
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"ann","org_id":"o"}');
SELECT tenant_guard.pre_request();
SELECT identity('{"sub":"forged","org_id":"other"}');
SELECT tenant_guard.uid_text(), tenant_guard.org_id_text();
RESET request.jwt.claims;
SELECT tenant_guard.pre_request();
SELECT tenant_guard.uid_text(), tenant_guard.org_id_text();
RESET ALL;
SELECT tenant_guard.uid_text(), tenant_guard.org_id_text();
SELECT setting, value_seen, verdict FROM tenant_guard.explain_identity() WHERE setting = 'identity';
SELECT tenant_guard.forget();
SELECT tenant_guard.uid_text() AS "forgotten, not unsealed";
SELECT tenant_guard.pre_request();
SELECT tenant_guard.uid_text() AS "nor sealed anew";
COMMIT;
RESET ROLE;
SELECT kind, severity, message, user_id, organization_id, db_role FROM tenant_guard.security_event WHERE kind LIKE 'claims_changed%' OR kind LIKE 'identity%' ORDER BY id;
SELECT * FROM refused($$DELETE FROM tenant_guard.security_event$$);
-- A read-only transaction cannot record; it ignores the change all the same.
BEGIN READ ONLY;
SELECT identity('{"sub":"ann"}');
SELECT tenant_guard.pre_request();
SELECT identity('{"sub":"forged"}');
SELECT tenant_guard.uid_text();
COMMIT;
SELECT count(*) AS events FROM tenant_guard.security_event WHERE kind LIKE 'claims_changed%';

-- Why things are as they are.
BEGIN;
SELECT identity('{"sub":"auth0|7","org_id":["a"],"role":7,"exp":1300819380}');
SELECT * FROM tenant_guard.explain_identity();
ROLLBACK;
SELECT setting, verdict, hint FROM tenant_guard.explain_identity();
BEGIN;
SET LOCAL request.jwt.claims = '{"sub":';
SELECT setting, verdict, hint FROM tenant_guard.explain_identity() WHERE setting = 'identity';
ROLLBACK;
SELECT item, value, verdict FROM tenant_guard.status() WHERE item NOT IN ('roles with BYPASSRLS', 'spoofable settings', 'exposed functions', 'security events');
SET ROLE authenticated;
SELECT * FROM refused($$SELECT * FROM tenant_guard.status()$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_profile('custom')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_claim_path('org', '{sub}')$$);
SELECT * FROM refused($$SELECT tenant_guard.register_claim_source('org', '{sub}')$$);
RESET ROLE;
