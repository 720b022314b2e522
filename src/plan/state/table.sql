-- $1 schema, $2 table. The size says whether it ever held a row: asked of the storage, because a
-- policy could hide the rows from the owner, and undo must not drop rows that it cannot see.
SELECT pg_catalog.format('%s owner %s rows %s (%s)', c.relkind, c.relowner::pg_catalog.regrole,
         EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) p WHERE pg_catalog.pg_relation_size(p.relid) > 0)
           OR (c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) > 0),
         (SELECT pg_catalog.string_agg(pg_catalog.format('%I %s %s %s', a.attname,
                   pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
                   pg_catalog.pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
          LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND $3 IS NOT NULL
