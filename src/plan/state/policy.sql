-- $1 schema, $2 table, $3 policy
SELECT pg_catalog.format('%s %s TO %s USING %s WITH CHECK %s %s',
         p.polcmd, p.polpermissive,
         ARRAY(SELECT r::pg_catalog.regrole FROM pg_catalog.unnest(p.polroles) r ORDER BY 1)::pg_catalog.text,
         coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '-'),
         coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '-'),
         (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND told.objoid = p.oid AND told.objsubid = 0))
FROM pg_catalog.pg_policy p
WHERE p.polrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $2 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND p.polname = $3
