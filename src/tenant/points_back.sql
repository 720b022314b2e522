-- What in schema $1 depends on schema $2 or on anything in it; no row when all is well. What belongs to an
-- extension is shared by all schemas, wherever it lies.
WITH new AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1),
template AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2),
made(classid, objid) AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, o.oid FROM pg_catalog.pg_class o WHERE o.relnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_type o WHERE o.typnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_proc o WHERE o.pronamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_operator o WHERE o.oprnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_collation o WHERE o.collnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_ts_dict o WHERE o.dictnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_ts_config o WHERE o.cfgnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k WHERE k.connamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_statistic_ext o WHERE o.stxnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_attrdef d
  JOIN pg_catalog.pg_class c ON c.oid = d.adrelid WHERE c.relnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_policy d
  JOIN pg_catalog.pg_class c ON c.oid = d.polrelid WHERE c.relnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_trigger d
  JOIN pg_catalog.pg_class c ON c.oid = d.tgrelid WHERE c.relnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_rewrite d
  JOIN pg_catalog.pg_class c ON c.oid = d.ev_class WHERE c.relnamespace = (SELECT oid FROM new)
  UNION ALL
  SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_cast k
  JOIN pg_catalog.pg_type t ON t.oid IN (k.castsource, k.casttarget) WHERE t.typnamespace = (SELECT oid FROM new)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type o WHERE o.oid IN (k.castsource, k.casttarget) AND o.typnamespace = (SELECT oid FROM template))
),
of_template(classid, objid) AS (
  SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, oid FROM template
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_class o WHERE o.relnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_type o WHERE o.typnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_proc o WHERE o.pronamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_operator o WHERE o.oprnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_collation o WHERE o.collnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_ts_dict o WHERE o.dictnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_ts_config o WHERE o.cfgnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k WHERE k.connamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_opclass o WHERE o.opcnamespace = (SELECT oid FROM template)
  UNION ALL
  SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_opfamily o WHERE o.opfnamespace = (SELECT oid FROM template)
)
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
FROM made m
JOIN pg_catalog.pg_depend d ON d.classid = m.classid AND d.objid = m.objid
JOIN of_template t ON t.classid = d.refclassid AND t.objid = d.refobjid
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = t.classid AND e.objid = t.objid AND e.deptype = 'e')
ORDER BY 1
