-- Roles that could have put code of theirs into a schema ($1), where it would run with the caller's rights: owners of
-- it or of something in it, and whoever may create there, unless they have all the caller's rights. By what depends on the schema:
-- no index finds objects by it, and there may be those of a thousand tenants.
SELECT coalesce(r.rolname, 'PUBLIC')::pg_catalog.text
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL (
  SELECT n.nspowner AS role
  UNION SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE'
  UNION
  SELECT coalesce((SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = d.objid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass),
                  (SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.oid = d.objid AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass),
                  (SELECT t.typowner FROM pg_catalog.pg_type t WHERE t.oid = d.objid AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass))
  FROM pg_catalog.pg_depend d
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid AND d.deptype = 'n'
    AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)) o
LEFT JOIN pg_catalog.pg_roles r ON r.oid = o.role
WHERE n.nspname = $1 AND (r.oid IS NULL OR NOT pg_catalog.pg_has_role(r.oid, current_user, 'USAGE'))
ORDER BY 1
