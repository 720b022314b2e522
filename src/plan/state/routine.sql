-- $1 schema, $3 name of a routine: all that have it
SELECT pg_catalog.string_agg(pg_catalog.format('%s owner %s grants %s %s %s', p.oid::pg_catalog.regprocedure,
         p.proowner::pg_catalog.regrole, p.proacl, CASE WHEN p.prokind <> 'a' THEN pg_catalog.md5(pg_catalog.pg_get_functiondef(p.oid)) END,
         pg_catalog.obj_description(p.oid, 'pg_proc')), E'\n' ORDER BY p.oid)
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND p.proname = $3 AND $2 IS NOT NULL
