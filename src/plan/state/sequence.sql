-- $1 schema, $3 sequence
SELECT pg_catalog.format('%s start %s by %s from %s to %s cache %s cycle %s',
         s.seqtypid::pg_catalog.regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
FROM pg_catalog.pg_sequence s
WHERE s.seqrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $3 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND $2 IS NOT NULL
