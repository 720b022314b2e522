-- $1 schema, with the names of what is in it: to drop the schema would be to drop what somebody
-- added. What each object is like is compared object by object.
SELECT pg_catalog.format('owner %s holds %s', n.nspowner::pg_catalog.regrole, ARRAY(
         SELECT pg_catalog.format('%s %s', c.relkind, c.relname) FROM pg_catalog.pg_class c
         WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 'I')
         UNION ALL
         SELECT pg_catalog.format('type %s', t.typname) FROM pg_catalog.pg_type t
         WHERE t.typnamespace = n.oid AND t.typtype IN ('d', 'e', 'r')
         UNION ALL
         SELECT pg_catalog.format('function %s', f.proname) FROM pg_catalog.pg_proc f WHERE f.pronamespace = n.oid
         ORDER BY 1)::pg_catalog.text)
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $1 AND $2 IS NOT NULL AND $3 IS NOT NULL
