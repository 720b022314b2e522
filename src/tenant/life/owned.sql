-- The schema $1 and everything in it that has an owner of its own: not what follows its table (its row type,
-- indexes, the sequences of its columns) or its type (arrays), nor what belongs to an extension.
-- The schema comes first: its new owner then has CREATE in it, which owning anything in it takes.
WITH ns AS (
  SELECT n.oid, n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
),
-- By what depends on the schema: no index finds objects by it, and there may be those of a thousand tenants.
held AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN ns ON d.refobjid = ns.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
),
member AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
  WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
),
found(word, classid, objid, name, owner, definer, place) AS (
  SELECT 'SCHEMA', 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, ns.oid, $1::pg_catalog.text, ns.nspowner, false, 0 FROM ns
  UNION ALL
  SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
         'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relname::pg_catalog.text, c.relowner,
         -- A view or a rule reaches with its owner's rights what its maker only had to be able to name.
         EXISTS (SELECT FROM pg_catalog.pg_rewrite w
                 JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
                  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> c.oid
                 JOIN pg_catalog.pg_class r ON r.oid = d.refobjid AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
                 WHERE w.ev_class = c.oid AND NOT pg_catalog.has_table_privilege(c.relowner, r.oid, 'SELECT')), 1
  FROM pg_catalog.pg_class c
  WHERE c.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND c.relkind = 'S'
                      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i'))
  UNION ALL
  SELECT 'TYPE', 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typname::pg_catalog.text, t.typowner, false, 2
  FROM pg_catalog.pg_type t
  WHERE t.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
    AND (t.typtype IN ('e', 'd', 'r', 'c')
         -- Before version 17 a multirange does not follow its range.
         OR (t.typtype = 'm' AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000)
         OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)))
  UNION ALL
  SELECT CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
         'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proname::pg_catalog.text, p.proowner, p.prosecdef, 3
  FROM pg_catalog.pg_proc p
  WHERE p.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
  UNION ALL
  SELECT 'OPERATOR', 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, o.oprname::pg_catalog.text, o.oprowner, false, 4
  FROM pg_catalog.pg_operator o JOIN ns ON o.oprnamespace = ns.oid
  UNION ALL
  SELECT 'OPERATOR CLASS', 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid, o.opcname::pg_catalog.text, o.opcowner, false, 4
  FROM pg_catalog.pg_opclass o JOIN ns ON o.opcnamespace = ns.oid
  UNION ALL
  SELECT 'OPERATOR FAMILY', 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid, o.opfname::pg_catalog.text, o.opfowner, false, 4
  FROM pg_catalog.pg_opfamily o JOIN ns ON o.opfnamespace = ns.oid
  UNION ALL
  SELECT 'COLLATION', 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid, o.collname::pg_catalog.text, o.collowner, false, 4
  FROM pg_catalog.pg_collation o JOIN ns ON o.collnamespace = ns.oid
  UNION ALL
  SELECT 'CONVERSION', 'pg_catalog.pg_conversion'::pg_catalog.regclass, o.oid, o.conname::pg_catalog.text, o.conowner, false, 4
  FROM pg_catalog.pg_conversion o JOIN ns ON o.connamespace = ns.oid
  UNION ALL
  SELECT 'STATISTICS', 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, o.oid, o.stxname::pg_catalog.text, o.stxowner, false, 4
  FROM pg_catalog.pg_statistic_ext o
  WHERE o.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass)
  UNION ALL
  SELECT 'TEXT SEARCH CONFIGURATION', 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid, o.cfgname::pg_catalog.text, o.cfgowner, false, 4
  FROM pg_catalog.pg_ts_config o JOIN ns ON o.cfgnamespace = ns.oid
  UNION ALL
  SELECT 'TEXT SEARCH DICTIONARY', 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, o.oid, o.dictname::pg_catalog.text, o.dictowner, false, 4
  FROM pg_catalog.pg_ts_dict o JOIN ns ON o.dictnamespace = ns.oid
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'word', f.word, 'identity', i.identity, 'name', f.name, 'owner', pg_catalog.pg_get_userbyid(f.owner),
  'mine', pg_catalog.pg_has_role(f.owner, 'USAGE'), 'definer', f.definer) ORDER BY f.place, f.objid)::pg_catalog.text
FROM found f
CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.classid, f.objid, 0) i
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = f.classid AND m.objid = f.objid)
