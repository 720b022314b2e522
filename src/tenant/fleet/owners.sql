-- Roles that could have put code of theirs into one of the schemas ($1), where it would run with the caller's rights: owners of
-- it or of something in it, whoever may create there or may make triggers on its tables, and owners of what triggers there
-- call; unless they have all the caller's rights. By what depends on the schema: no index finds objects by it, and there may
-- be those of a thousand tenants. What the first superuser owns is recorded nowhere, and is trusted by everybody.
WITH ns AS MATERIALIZED (SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY ($1)),
inside AS MATERIALIZED (
  SELECT n.oid AS schema, d.classid, d.objid
  FROM ns n
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid AND d.deptype = 'n'
),
relation AS MATERIALIZED (SELECT i.schema, i.objid AS oid FROM inside i WHERE i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
SELECT DISTINCT n.nspname::pg_catalog.text AS schema, coalesce(r.rolname, 'PUBLIC')::pg_catalog.text AS role
FROM ns n
JOIN (
  SELECT n.oid AS schema, n.nspowner AS role FROM ns n
  UNION SELECT n.oid, a.grantee FROM ns n, pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE'
  UNION SELECT i.schema, s.refobjid
        FROM inside i JOIN pg_catalog.pg_shdepend s ON s.classid = i.classid AND s.objid = i.objid AND s.objsubid = 0 AND s.deptype = 'o'
        WHERE s.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
          AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
  UNION SELECT t.schema, a.grantee
        FROM relation t JOIN pg_catalog.pg_class c ON c.oid = t.oid, pg_catalog.aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER'
  UNION SELECT t.schema, p.proowner
        FROM relation t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid) o
  ON o.schema = n.oid
-- public belongs to whoever owns the database.
LEFT JOIN pg_catalog.pg_roles r ON r.oid = CASE o.role WHEN 'pg_database_owner'::pg_catalog.regrole THEN
  (SELECT b.datdba FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()) ELSE o.role END
WHERE r.oid IS NULL OR NOT pg_catalog.pg_has_role(r.oid, current_user, 'USAGE')
ORDER BY 1, 2
