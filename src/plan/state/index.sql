-- $1 schema, $3 index; an index that somebody altered, clustered on or broke reads differently
SELECT pg_catalog.format('%s valid %s clustered %s identity %s %s',
         pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
         pg_catalog.obj_description(i.indexrelid, 'pg_class'))
FROM pg_catalog.pg_index i
WHERE i.indexrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $3 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND $2 IS NOT NULL
