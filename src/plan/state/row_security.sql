-- $1 schema, $2 table. The names of its policies count: to disable row-level security under a policy
-- that somebody added since would make that policy mean nothing.
SELECT pg_catalog.format('enabled %s forced %s policies %s', c.relrowsecurity, c.relforcerowsecurity,
         ARRAY(SELECT p.polname FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid ORDER BY 1)::pg_catalog.text)
FROM pg_catalog.pg_class c
WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND c.relname = $2 AND $3 IS NOT NULL
