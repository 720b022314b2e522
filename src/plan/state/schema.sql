-- $1 schema, with the names of what is in it: to drop the schema would be to drop what somebody
-- added. What each object is like is compared object by object. By what depends on the schema: no index finds
-- objects by it, and there may be those of a thousand tenants.
SELECT pg_catalog.format('owner %s holds %s', n.nspowner::pg_catalog.regrole, ARRAY(
         SELECT coalesce((SELECT pg_catalog.format('%s %s', c.relkind, c.relname) FROM pg_catalog.pg_class c
                          WHERE c.oid = d.objid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass),
                         (SELECT CASE t.typtype WHEN 'c' THEN pg_catalog.format('c %s', t.typname) ELSE pg_catalog.format('type %s', t.typname) END
                          FROM pg_catalog.pg_type t
                          WHERE t.oid = d.objid AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.typtype IN ('d', 'e', 'r', 'c')),
                         (SELECT pg_catalog.format('function %s', f.proname) FROM pg_catalog.pg_proc f
                          WHERE f.oid = d.objid AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass))
         FROM pg_catalog.pg_depend d
         WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid AND d.deptype = 'n'
           AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
         ORDER BY 1)::pg_catalog.text)
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $1 AND $2 IS NOT NULL AND $3 IS NOT NULL
