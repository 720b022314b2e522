-- Whether anything in schema $1 belongs to an extension.
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_depend m
  JOIN pg_catalog.pg_depend d ON d.classid = m.classid AND d.objid = m.objid
  WHERE m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND m.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
