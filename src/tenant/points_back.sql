-- What in schema $1 depends on schema $2 or on anything in it; no row when all is well. What belongs to an
-- extension is shared by all schemas, wherever it lies.
WITH RECURSIVE
-- What names a schema as its own, with all that is a part of that: columns' defaults, constraints, indexes, policies,
-- triggers, rules, row types. By what depends on what: no index finds objects by their schema, and there may be those
-- of a thousand tenants. What has a schema of its own and that is another one (a sequence owned by a column in here)
-- is no part of it.
new(classid, objid) AS (
  SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, n.oid
  FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
  UNION
  SELECT d.classid, d.objid
  FROM new p
  JOIN pg_catalog.pg_depend d ON d.refclassid = p.classid AND d.refobjid = p.objid
   AND (d.deptype IN ('i', 'a', 'P', 'S') OR (d.deptype = 'n' AND p.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass))
  WHERE CASE d.classid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass
             THEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.objid
                          AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
             ELSE d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass END
),
-- The same of the template: collected only when something in here depends on what is not in here.
template(classid, objid) AS (
  SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, n.oid
  FROM pg_catalog.pg_namespace n WHERE n.nspname = $2
  UNION
  SELECT d.classid, d.objid
  FROM template p
  JOIN pg_catalog.pg_depend d ON d.refclassid = p.classid AND d.refobjid = p.objid
   AND (d.deptype IN ('i', 'a', 'P', 'S') OR (d.deptype = 'n' AND p.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass))
  WHERE CASE d.classid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass
             THEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.objid
                          AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $2))
             ELSE d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass END
),
made(classid, objid) AS (
  SELECT n.classid, n.objid FROM new n
  UNION ALL
  -- A cast is of no schema, nor a part of its types.
  SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid
  FROM pg_catalog.pg_cast k
  WHERE k.oid >= 16384
    AND EXISTS (SELECT FROM new n WHERE n.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND n.objid IN (k.castsource, k.casttarget))
    AND NOT EXISTS (SELECT FROM template t WHERE t.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.objid IN (k.castsource, k.casttarget))
)
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
FROM made m
JOIN pg_catalog.pg_depend d ON d.classid = m.classid AND d.objid = m.objid
-- In a CASE, so that they are looked up in tables of hashes, in this order, and never joined one by one.
WHERE CASE WHEN (d.refclassid, d.refobjid) IN (SELECT n.classid, n.objid FROM new n) THEN false
           ELSE (d.refclassid, d.refobjid) IN (SELECT t.classid, t.objid FROM template t) END
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
ORDER BY 1
