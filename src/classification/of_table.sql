-- The classes of the columns of table $1, and the relations that say so: the table itself and those above it. A column
-- is what the table says of it, or else the strictest of what the tables above say.
WITH RECURSIVE line(oid) AS (
  SELECT $1::pg_catalog.oid
  UNION
  SELECT i.inhparent FROM line JOIN pg_catalog.pg_inherits i ON i.inhrelid = line.oid
),
here AS MATERIALIZED (
  SELECT h.relation, h.column_name, h.class FROM line JOIN tenant_guard.column_class_here h ON h.relation = line.oid
),
reached(relation, attribute, column_name, class) AS (
  SELECT a.attrelid, a.attnum, a.attname, h.class
  FROM pg_catalog.pg_attribute a
  LEFT JOIN here h ON h.relation = a.attrelid AND h.column_name = a.attname
  WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND EXISTS (SELECT FROM here)
  UNION
  SELECT i.inhparent, r.attribute, r.column_name, h.class
  FROM reached r
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.relation
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhparent AND a.attname = r.column_name AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN here h ON h.relation = i.inhparent AND h.column_name = r.column_name
  WHERE r.class IS NULL
)
SELECT pg_catalog.json_build_object(
  'relations', (SELECT pg_catalog.json_agg(line.oid::pg_catalog.int8) FROM line),
  'classes', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.attribute, r.class) ORDER BY r.attribute)
                       FROM reached r WHERE r.class IS NOT NULL), '[]'))::pg_catalog.text
