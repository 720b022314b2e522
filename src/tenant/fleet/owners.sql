-- Roles that could have put code of theirs into a schema ($1), where it would run with the caller's rights: owners of
-- it or of something in it, and whoever may create there, unless they have all the caller's rights.
SELECT coalesce(r.rolname, 'PUBLIC')::pg_catalog.text
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL (
  SELECT n.nspowner AS role
  UNION SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE'
  UNION SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
  UNION SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
  UNION SELECT t.typowner FROM pg_catalog.pg_type t WHERE t.typnamespace = n.oid) o
LEFT JOIN pg_catalog.pg_roles r ON r.oid = o.role
WHERE n.nspname = $1 AND (r.oid IS NULL OR NOT pg_catalog.pg_has_role(r.oid, current_user, 'USAGE'))
ORDER BY 1
