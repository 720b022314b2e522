-- The tables and views of schema $1 that belong to no extension, in the order they were made; none where the caller may
-- not look into it. Found by what depends on the schema: no index finds relations by it, and there may be those of a
-- thousand tenants.
SELECT c.oid FROM pg_catalog.pg_class c
WHERE c.oid = ANY (ARRAY(SELECT m.objid
                         FROM pg_catalog.pg_namespace n
                         JOIN pg_catalog.pg_depend m ON m.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.refobjid = n.oid
                          AND m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                         WHERE n.nspname = $1 AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')))
  AND c.relkind IN ('r', 'p', 'v', 'm')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid
