-- Operator families and classes of a schema ($1), and conversions: what of them can be made again (schema.sql tells the
-- rest). Only a superuser makes families and classes; a class that is the default for a type that all schemas share
-- cannot be there twice, nor can what it adds to a family outside. Read under a path that begins with the schema.
WITH ns AS (
  SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
),
-- By what depends on the schema: no index finds objects by it, and there may be those of a thousand tenants.
held AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN ns ON d.refobjid = ns.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
),
superuser AS (
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND r.rolsuper
),
family AS MATERIALIZED (
  SELECT f.oid, f.opfname, m.amname
  FROM held h JOIN pg_catalog.pg_opfamily f ON h.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND h.objid = f.oid
  JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
  WHERE EXISTS (SELECT FROM superuser)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND m.objid = f.oid AND m.deptype = 'e')
),
class AS MATERIALIZED (
  SELECT o.*, m.amname, f.opfname
  FROM held h JOIN pg_catalog.pg_opclass o ON h.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND h.objid = o.oid
  JOIN ns ON ns.oid = o.opcnamespace
  JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
  JOIN family f ON f.oid = o.opcfamily
  JOIN pg_catalog.pg_type t ON t.oid = o.opcintype
  WHERE (t.typnamespace = ns.oid OR NOT o.opcdefault)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND m.objid = o.oid AND m.deptype = 'e')
),
-- Whose each operator and function is: a class's, or its family's alone.
operator AS (
  SELECT d.refclassid, d.refobjid, a.amopstrategy AS number, pg_catalog.json_build_object(
    'number', a.amopstrategy,
    'name', pg_catalog.json_build_object('schema', n.nspname, 'name', o.oprname),
    'left', pg_catalog.format_type(o.oprleft, NULL), 'right', pg_catalog.format_type(o.oprright, NULL),
    'sort', (SELECT pg_catalog.json_build_object('schema', sn.nspname, 'name', s.opfname)
             FROM pg_catalog.pg_opfamily s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = a.amopsortfamily)) AS told
  FROM family f
  JOIN pg_catalog.pg_amop a ON a.amopfamily = f.oid
  JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr
  JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_amop'::pg_catalog.regclass AND d.objid = a.oid
   AND d.refclassid IN ('pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass)
),
routine AS (
  SELECT d.refclassid, d.refobjid, a.amprocnum AS number, pg_catalog.json_build_object(
    'number', a.amprocnum,
    'name', pg_catalog.json_build_object('schema', n.nspname, 'name', p.proname),
    'arguments', coalesce((SELECT pg_catalog.json_agg(pg_catalog.format_type(u.type, NULL) ORDER BY u.ord)
                           FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(type, ord)), '[]'),
    'left', pg_catalog.format_type(a.amproclefttype, NULL), 'right', pg_catalog.format_type(a.amprocrighttype, NULL)) AS told
  FROM family f
  JOIN pg_catalog.pg_amproc a ON a.amprocfamily = f.oid
  JOIN pg_catalog.pg_proc p ON p.oid = a.amproc::pg_catalog.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_amproc'::pg_catalog.regclass AND d.objid = a.oid
   AND d.refclassid IN ('pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass)
)
SELECT pg_catalog.json_build_object(
  'families', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', f.oid::pg_catalog.int8, 'name', f.opfname, 'method', f.amname,
      'operators', coalesce((SELECT pg_catalog.json_agg(o.told ORDER BY o.number, o.told::pg_catalog.text) FROM operator o
                             WHERE o.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND o.refobjid = f.oid), '[]'),
      'functions', coalesce((SELECT pg_catalog.json_agg(r.told ORDER BY r.number, r.told::pg_catalog.text) FROM routine r
                             WHERE r.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND r.refobjid = f.oid), '[]')) ORDER BY f.amname, f.opfname)
    FROM family f), '[]'),
  'classes', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', c.oid::pg_catalog.int8, 'name', c.opcname, 'method', c.amname, 'family', c.opfname, 'default', c.opcdefault,
      'type', pg_catalog.format_type(c.opcintype, NULL),
      'storage', CASE WHEN c.opckeytype <> 0 THEN pg_catalog.format_type(c.opckeytype, NULL) END,
      'operators', coalesce((SELECT pg_catalog.json_agg(o.told ORDER BY o.number, o.told::pg_catalog.text) FROM operator o
                             WHERE o.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND o.refobjid = c.oid), '[]'),
      'functions', coalesce((SELECT pg_catalog.json_agg(r.told ORDER BY r.number, r.told::pg_catalog.text) FROM routine r
                             WHERE r.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND r.refobjid = c.oid), '[]')) ORDER BY c.amname, c.opcname)
    FROM class c), '[]'),
  'conversions', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', o.oid::pg_catalog.int8, 'name', o.conname, 'default', o.condefault,
      'from', pg_catalog.pg_encoding_to_char(o.conforencoding), 'to', pg_catalog.pg_encoding_to_char(o.contoencoding),
      'function', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', p.proname)
                   FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                   WHERE p.oid = o.conproc::pg_catalog.oid)) ORDER BY o.conname)
    FROM held h JOIN pg_catalog.pg_conversion o ON h.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass AND h.objid = o.oid
    WHERE pg_catalog.has_function_privilege(o.conproc::pg_catalog.oid, 'EXECUTE')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass AND m.objid = o.oid AND m.deptype = 'e')), '[]')
)::pg_catalog.text
FROM ns
