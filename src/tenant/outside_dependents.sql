-- What dropping schema $1 would take with it from elsewhere. Inside is what names the schema as its
-- own, with all that is a part of that (indexes, constraints, rules, policies, triggers, defaults,
-- array types); outside is what depends on anything inside and is not inside itself. What has a
-- schema of its own and that is another one (a sequence owned by a column in here) is outside.
WITH RECURSIVE ns AS (
  SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
),
inside(classid, objid) AS (
  SELECT d.classid, d.objid
  FROM pg_catalog.pg_depend d JOIN ns ON d.refobjid = ns.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
  UNION
  SELECT d.classid, d.objid
  FROM inside i
  JOIN pg_catalog.pg_depend d ON d.refclassid = i.classid AND d.refobjid = i.objid
   AND (d.deptype IN ('i', 'a', 'P', 'S')
        -- A cast is of no schema: it is its types', whoever made it, and means nothing without them.
        OR (d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND i.classid = 'pg_catalog.pg_type'::pg_catalog.regclass))
),
elsewhere(classid, objid) AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ($1, 'pg_toast')
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname NOT IN ($1, 'pg_toast')
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname <> $1
),
outside AS (
  SELECT d.classid, d.objid, d.objsubid
  FROM inside i
  JOIN pg_catalog.pg_depend d ON d.refclassid = i.classid AND d.refobjid = i.objid AND d.deptype = 'n'
  WHERE (d.classid, d.objid) NOT IN (SELECT classid, objid FROM inside)
  UNION
  SELECT i.classid, i.objid, 0
  FROM inside i JOIN elsewhere e ON e.classid = i.classid AND e.objid = i.objid
)
-- A view is known by its name, not by its rule's.
SELECT DISTINCT coalesce(
         pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0),
         pg_catalog.pg_describe_object(o.classid, o.objid, o.objsubid))
FROM outside o
LEFT JOIN pg_catalog.pg_rewrite w ON o.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = o.objid
ORDER BY 1
