-- What lies outside schema $1 and something in it depends on: extensions by name, other objects as
-- pg_get_object_address takes them. What every server has is left out.
WITH ns AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1),
relation AS (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = (SELECT oid FROM ns)),
made(classid, objid) AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, r.oid FROM relation r
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_type t WHERE t.typnamespace = (SELECT oid FROM ns)
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = (SELECT oid FROM ns)
  UNION ALL
  SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_operator o WHERE o.oprnamespace = (SELECT oid FROM ns)
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k WHERE k.connamespace = (SELECT oid FROM ns)
  UNION ALL
  SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_attrdef d JOIN relation r ON r.oid = d.adrelid
  UNION ALL
  SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_policy d JOIN relation r ON r.oid = d.polrelid
  UNION ALL
  SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_trigger d JOIN relation r ON r.oid = d.tgrelid
  UNION ALL
  SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_rewrite d JOIN relation r ON r.oid = d.ev_class
),
-- Not the constraints and the like of tables elsewhere: those tables.
used AS (
  SELECT DISTINCT d.refclassid, d.refobjid
  FROM made m JOIN pg_catalog.pg_depend d ON d.classid = m.classid AND d.objid = m.objid
  WHERE d.refobjid >= 16384 AND d.deptype IN ('n', 'a')
    AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
      'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
      'pg_catalog.pg_collation'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
      'pg_catalog.pg_language'::pg_catalog.regclass, 'pg_catalog.pg_ts_config'::pg_catalog.regclass)
    AND NOT EXISTS (SELECT FROM made x WHERE x.classid = d.refclassid AND x.objid = d.refobjid)
),
found AS (
  SELECT e.extname::pg_catalog.text AS extension, a.type, a.object_names, a.object_args, i.identity, i.schema
  FROM used u
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = u.refclassid AND d.objid = u.refobjid AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  CROSS JOIN LATERAL pg_catalog.pg_identify_object_as_address(u.refclassid, u.refobjid, 0) a
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(u.refclassid, u.refobjid, 0) i
)
SELECT pg_catalog.json_build_object(
  'extensions', coalesce((SELECT pg_catalog.json_agg(DISTINCT f.extension) FROM found f WHERE f.extension IS NOT NULL), '[]'),
  'objects', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('what', f.type || ' ' || f.identity, 'look',
             pg_catalog.format('SELECT 1 FROM pg_catalog.pg_get_object_address(%L, %L, %L)', f.type, f.object_names, f.object_args))
             ORDER BY f.type, f.identity)
    FROM found f WHERE f.extension IS NULL AND f.schema IS DISTINCT FROM $1 AND f.schema NOT LIKE 'pg\_toast%'), '[]'))::pg_catalog.text
