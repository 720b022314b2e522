-- A table ($1) and everything that inherits from it, partitions and their partitions included,
-- parents before children.
WITH RECURSIVE tree(oid, depth) AS (
  SELECT $1::pg_catalog.oid, 0
  UNION
  SELECT i.inhrelid, tree.depth + 1
  FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
)
SELECT oid FROM tree GROUP BY oid ORDER BY pg_catalog.min(depth), oid
