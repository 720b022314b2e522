-- $1 schema, $3 index; an index that somebody altered, clustered on or broke reads differently
SELECT pg_catalog.format('%s valid %s clustered %s identity %s %s',
         pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
         pg_catalog.obj_description(i.indexrelid, 'pg_class'))
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $3 AND $2 IS NOT NULL
