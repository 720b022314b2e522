-- $1 schema, $2 table or sequence
SELECT coalesce((SELECT pg_catalog.string_agg(a::pg_catalog.text, ' ' ORDER BY a::pg_catalog.text)
                 FROM pg_catalog.unnest(c.relacl) a), 'default')
FROM pg_catalog.pg_class c
WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND c.relname = $2 AND $3 IS NOT NULL
