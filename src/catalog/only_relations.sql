-- Whether schema $1 holds tables, views and sequences alone; a cast may be of a table's row type.
SELECT NOT EXISTS (
  SELECT FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid
  WHERE n.nspname = $1 AND d.deptype = 'n' AND d.classid <> 'pg_catalog.pg_class'::pg_catalog.regclass)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.oid >= 16384)
