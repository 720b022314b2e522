-- Who gets more than SELECT on a table that the current role makes in schema $1, by default privileges;
-- PUBLIC is public. And whether the role may make one there.
SELECT pg_catalog.json_build_object(
  'may_create', pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
  'system', n.nspname ~ '^pg_' OR n.nspname IN ('information_schema', 'tenant_guard'),
  'writers', coalesce((
    SELECT pg_catalog.json_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text END)
    FROM pg_catalog.pg_default_acl d
    JOIN pg_catalog.pg_roles r ON r.oid = d.defaclrole AND r.rolname = current_user
    CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
    WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, n.oid)
      AND a.grantee <> d.defaclrole AND a.privilege_type <> 'SELECT'), '[]')
)::pg_catalog.text
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $1
