-- $1 schema; what it holds is compared object by object
SELECT pg_catalog.format('owner %s', n.nspowner::pg_catalog.regrole)
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $1 AND $2 IS NOT NULL AND $3 IS NOT NULL
