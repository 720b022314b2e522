-- $1 schema
SELECT coalesce((SELECT pg_catalog.string_agg(a::pg_catalog.text, ' ' ORDER BY a::pg_catalog.text)
                 FROM pg_catalog.unnest(n.nspacl) a), 'default')
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $1 AND $2 IS NOT NULL AND $3 IS NOT NULL
