-- The tenant schemas that the caller owns or works in and that are there to be worked in, by name: of them those of a
-- LIKE pattern ($1), a regular expression ($2), a template ($3), a list ($4); NULL for any. Not from the view
-- tenant_schemas: that measures them, and so would wait for whoever has a lock on one of their tables.
SELECT t.slug
FROM tenant_guard.tenant_schema t
JOIN pg_catalog.pg_namespace n ON n.nspname = t.slug
WHERE t.state = 'active' AND ($1 IS NULL OR t.slug LIKE $1)
  AND ($2 IS NULL OR t.slug ~ $2)
  AND ($3 IS NULL OR t.template = $3)
  AND ($4 IS NULL OR t.slug = ANY ($4))
ORDER BY t.slug COLLATE "C"
