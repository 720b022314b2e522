-- The last of the changes that undid change $1, its undo, and so on; depth counts them.
WITH RECURSIVE chain(id, undone_by, depth) AS (
  SELECT c.id, c.undone_by, 0 FROM tenant_guard.change c WHERE c.id = $1
  UNION ALL
  SELECT c.id, c.undone_by, chain.depth + 1
  FROM chain JOIN tenant_guard.change c ON c.id = chain.undone_by
)
SELECT pg_catalog.json_build_object('id', id, 'depth', depth)::pg_catalog.text
FROM chain WHERE undone_by IS NULL
