-- Objects of other schemas that depend on a table, sequence, view, type or function of schema $1.
-- A view depends through its rule, a default, constraint, policy or trigger through its table: each
-- is taken as part of the relation it belongs to.
WITH inside(classid, objid) AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_type t WHERE t.typnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
),
dependent AS (
  SELECT DISTINCT d.classid, d.objid,
         coalesce(w.ev_class, k.conrelid, a.adrelid, p.polrelid, t.tgrelid, CASE WHEN d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objid END) AS relid
  FROM inside i
  JOIN pg_catalog.pg_depend d ON d.refclassid = i.classid AND d.refobjid = i.objid AND d.deptype IN ('n', 'a')
  LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
  LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
  LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.oid = d.objid
  LEFT JOIN pg_catalog.pg_policy p ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid
  LEFT JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = d.objid
)
SELECT DISTINCT CASE WHEN d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                     THEN pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, d.relid, 0)
                     ELSE pg_catalog.pg_describe_object(d.classid, d.objid, 0) END
FROM dependent d
LEFT JOIN pg_catalog.pg_class c ON c.oid = d.relid
LEFT JOIN pg_catalog.pg_proc f ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_type y ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = d.objid
JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(c.relnamespace, f.pronamespace, y.typnamespace)
WHERE n.nspname <> $1 AND n.nspname NOT LIKE 'pg\_toast%'
ORDER BY 1
