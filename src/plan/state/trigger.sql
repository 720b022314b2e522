-- $1 schema, $2 table, $3 trigger
SELECT pg_catalog.format('%s enabled %s %s', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled,
         (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND told.objoid = t.oid AND told.objsubid = 0))
FROM pg_catalog.pg_trigger t
WHERE t.tgrelid = (SELECT c.oid FROM pg_catalog.pg_class c
               WHERE c.relname = $2 AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
  AND t.tgname = $3
