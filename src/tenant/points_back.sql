-- What in schema $1 depends on schema $2 or on anything in it; no row when all is well. What belongs to an
-- extension is shared by all schemas, wherever it lies.
WITH RECURSIVE
-- What names a schema as its own, with all that is a part of that: columns' defaults, constraints, indexes, policies,
-- triggers, rules, row types. By what depends on what: no index finds objects by their schema, and there may be those
-- of a thousand tenants. What has a schema of its own and that is another one (a sequence owned by a column in here)
-- is no part of it.
part(home, classid, objid) AS (
  SELECT n.oid, 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, n.oid
  FROM pg_catalog.pg_namespace n WHERE n.nspname IN ($1, $2)
  UNION
  SELECT p.home, d.classid, d.objid
  FROM part p
  JOIN pg_catalog.pg_depend d ON d.refclassid = p.classid AND d.refobjid = p.objid
   AND (d.deptype IN ('i', 'a', 'P', 'S') OR (d.deptype = 'n' AND p.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass))
  WHERE CASE d.classid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass
             THEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.objid AND c.relnamespace = p.home)
             ELSE d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass END
),
new AS MATERIALIZED (
  SELECT p.classid, p.objid FROM part p JOIN pg_catalog.pg_namespace n ON n.oid = p.home AND n.nspname = $1
),
template AS MATERIALIZED (
  SELECT p.classid, p.objid FROM part p JOIN pg_catalog.pg_namespace n ON n.oid = p.home AND n.nspname = $2
),
made(classid, objid) AS (
  SELECT n.classid, n.objid FROM new n
  UNION
  -- A cast is of no schema, nor a part of its types.
  SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid
  FROM pg_catalog.pg_cast k
  JOIN new n ON n.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND n.objid IN (k.castsource, k.casttarget)
  WHERE k.oid >= 16384
    AND NOT EXISTS (SELECT FROM template t WHERE t.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.objid IN (k.castsource, k.casttarget))
)
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
FROM made m
JOIN pg_catalog.pg_depend d ON d.classid = m.classid AND d.objid = m.objid
-- IS TRUE: looked up in a table of hashes, and never joined one by one, as it would be for the few that are expected.
WHERE ((d.refclassid, d.refobjid) IN (SELECT t.classid, t.objid FROM template t)) IS TRUE
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
ORDER BY 1
