-- $1 schema, $2 table, $3 column
SELECT pg_catalog.format('%s %s %s %s default %s %s', pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
         a.attidentity, a.attgenerated, pg_catalog.pg_get_expr(d.adbin, d.adrelid),
         pg_catalog.col_description(a.attrelid, a.attnum))
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $2 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped
