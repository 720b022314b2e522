-- The privileges on schema $1 of others than its owner, as far as the owner granted them; what they passed on
-- goes with them.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'grantee', CASE a.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
  'privilege', a.privilege_type, 'grantable', a.is_grantable) ORDER BY a.grantee, a.privilege_type DESC)::pg_catalog.text
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
WHERE n.nspname = $1 AND a.grantee <> n.nspowner AND a.grantor = n.nspowner
