-- What the caller is to the schema $1 whose tenant works as role $2; no row where there is no such schema.
SELECT pg_catalog.json_build_object(
  'usage', pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
  'owner', pg_catalog.pg_has_role(n.nspowner, 'USAGE'),
  'member', coalesce((SELECT pg_catalog.pg_has_role(r.oid, 'USAGE') FROM pg_catalog.pg_roles r WHERE r.rolname = $2), false))::pg_catalog.text
FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
