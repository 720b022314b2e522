-- Functions whose text or settings name the schema $1, in it or elsewhere where the caller owns them. What is
-- between two letters is no name of its own.
WITH slug AS (
  SELECT pg_catalog.regexp_replace($1::pg_catalog.text, E'([][^$*+?(){}.|\\\\])', E'\\\\\\1', 'g') AS pattern
)
SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN slug
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenant_guard')
  AND (n.nspname = $1 OR pg_catalog.pg_has_role(p.proowner, 'USAGE'))
  AND (p.prosrc ~ ('(^|[^a-zA-Z0-9_$])' || slug.pattern || '($|[^a-zA-Z0-9_$])')
       OR EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) s
                  WHERE s ~ ('[=, "]' || slug.pattern || '($|[, "])')))
ORDER BY 1
