-- A schema ($1) without its tables: its types and sequences, and whatever else is in it that cannot be made
-- again. Read under a path that begins with that schema (see tables/mod.rs); objects.sql and classes.sql tell the rest.
-- What is marked is left out for a schema that holds relations alone.
WITH ns AS (
  SELECT n.* FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
),
-- No index finds objects by their schema, and there may be those of a thousand tenants: so by what depends on it.
held AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN ns ON d.refobjid = ns.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
),
relation AS MATERIALIZED (
  SELECT c.* FROM pg_catalog.pg_class c
  WHERE c.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
),
-- [beside tables
type AS MATERIALIZED (
  SELECT t.* FROM pg_catalog.pg_type t
  WHERE t.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
),
routine AS MATERIALIZED (
  SELECT p.oid, p.prolang, p.proowner FROM pg_catalog.pg_proc p
  WHERE p.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
),
-- beside tables]
-- Everything that is part of a table or sequence of the schema, by its catalog address.
part(classid, objid) AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid FROM relation c WHERE c.relkind IN ('r', 'p', 'S')
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid
  FROM relation c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
  UNION ALL
  SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid
  FROM relation c JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid WHERE c.relkind IN ('r', 'p')
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
  FROM relation c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid
  UNION ALL
  SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid
  FROM relation c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid
-- [beside tables
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM routine p
  WHERE p.prolang <> 13 -- the functions of a base type are of no use without it
-- beside tables]
  UNION ALL
  SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid
  FROM relation c JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
  UNION ALL
  SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid
  FROM relation c JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
  WHERE c.relkind IN ('r', 'p') AND NOT t.tgisinternal
-- [beside tables
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
  FROM type t WHERE t.typtype IN ('e', 'd')
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, t.typrelid -- the attributes of a composite type hang on it
  FROM type t WHERE t.typtype = 'c'
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
  FROM pg_catalog.pg_constraint k WHERE k.contypid = ANY (ARRAY(SELECT t.oid FROM type t WHERE t.typtype = 'd'))
-- beside tables]
),
-- [beside tables
superuser AS (
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND r.rolsuper
),
-- beside tables]
-- What the schema holds and is not cloned; of operator classes and conversions what classes.sql leaves out.
other(classid, objid) AS (
  SELECT o.classid, o.objid
  FROM (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid, c.oid AS objid
    FROM relation c WHERE c.relkind = 'f'
-- [beside tables
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
    FROM type t
    WHERE t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
    UNION ALL
    SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid FROM held h JOIN pg_catalog.pg_opclass o ON h.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND h.objid = o.oid JOIN ns ON o.opcnamespace = ns.oid
    WHERE NOT EXISTS (SELECT FROM superuser) OR (SELECT f.opfnamespace FROM pg_catalog.pg_opfamily f WHERE f.oid = o.opcfamily) <> ns.oid
       OR (o.opcdefault AND (SELECT t.typnamespace FROM pg_catalog.pg_type t WHERE t.oid = o.opcintype) <> ns.oid)
    UNION ALL
    SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid FROM held h JOIN pg_catalog.pg_opfamily o ON h.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND h.objid = o.oid
    WHERE NOT EXISTS (SELECT FROM superuser)
    UNION ALL
    SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, o.oid FROM held h JOIN pg_catalog.pg_conversion o ON h.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass AND h.objid = o.oid
    WHERE NOT pg_catalog.has_function_privilege(o.conproc::pg_catalog.oid, 'EXECUTE')
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid
    FROM held h JOIN pg_catalog.pg_statistic_ext s ON s.oid = h.objid AND h.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
    WHERE s.stxrelid NOT IN (SELECT c.oid FROM relation c)
-- beside tables]
    UNION ALL
    -- Partitions elsewhere of tables in here.
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
    FROM relation p
    JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind IN ('r', 'p', 'f') AND c.relnamespace <> p.relnamespace
    WHERE p.relkind = 'p'
-- [beside tables
    UNION ALL
    -- By a function of another schema for a type of this one.
    SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid
    FROM pg_catalog.pg_cast k
    JOIN pg_catalog.pg_proc f ON f.oid = k.castfunc
    JOIN ns ON f.pronamespace <> ns.oid
    WHERE k.oid >= 16384 AND EXISTS (
      SELECT FROM pg_catalog.pg_type t WHERE t.oid IN (k.castsource, k.casttarget) AND t.typnamespace = ns.oid AND (t.oid = f.prorettype OR t.oid = ANY (f.proargtypes::pg_catalog.oid[])))
    UNION ALL
    SELECT 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, o.oid FROM held h JOIN pg_catalog.pg_ts_parser o ON h.classid = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass AND h.objid = o.oid
    UNION ALL
    SELECT 'pg_catalog.pg_ts_template'::pg_catalog.regclass, o.oid FROM held h JOIN pg_catalog.pg_ts_template o ON h.classid = 'pg_catalog.pg_ts_template'::pg_catalog.regclass AND h.objid = o.oid
-- beside tables]
  ) o
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = o.classid AND m.objid = o.objid AND m.deptype = 'e')
)
SELECT pg_catalog.json_build_object(
  'name', ns.nspname,
  'owner', pg_catalog.pg_get_userbyid(ns.nspowner),
  'comment', pg_catalog.obj_description(ns.oid, 'pg_namespace'),
  'usable', pg_catalog.has_schema_privilege(ns.oid, 'USAGE'),
-- [beside tables
  'has_classes', EXISTS (SELECT FROM held h
                         WHERE h.classid IN ('pg_catalog.pg_opfamily'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
                                             'pg_catalog.pg_conversion'::pg_catalog.regclass)),
-- beside tables]
  'foreign_owners', coalesce((
    SELECT pg_catalog.json_agg(DISTINCT r.rolname)
    -- public belongs to whoever owns the database.
    FROM (SELECT CASE ns.nspowner WHEN 'pg_database_owner'::pg_catalog.regrole THEN
                   (SELECT b.datdba FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
                 ELSE ns.nspowner END AS owner
          UNION SELECT c.relowner FROM relation c
-- [beside tables
          UNION SELECT p.proowner FROM routine p
          UNION SELECT o.oprowner FROM pg_catalog.pg_operator o WHERE o.oprnamespace = ns.oid
          UNION SELECT t.typowner FROM type t
-- beside tables]
          ) o
    JOIN pg_catalog.pg_roles r ON r.oid = o.owner
    WHERE NOT pg_catalog.pg_has_role(o.owner, current_user, 'USAGE')), '[]'),
-- [beside tables
  'types', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', t.oid::pg_catalog.int8,
      'name', t.typname,
      'kind', t.typtype,
      'labels', coalesce((SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
                          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '[]'),
      'base', CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
      'collation', (SELECT CASE WHEN cn.nspname <> 'pg_catalog' AND pg_catalog.pg_collation_is_visible(co.oid) THEN pg_catalog.quote_ident(co.collname) ELSE pg_catalog.format('%I.%I', cn.nspname, co.collname) END
                    FROM pg_catalog.pg_collation co
                    JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                    JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
                    WHERE co.oid = t.typcollation AND t.typcollation <> b.typcollation),
      'default', CASE WHEN t.typtype = 'd' THEN pg_catalog.pg_get_expr(t.typdefaultbin, 0) END,
      'not_null', t.typnotnull,
      'constraints', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                                        'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)) ORDER BY k.conname)
                               FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '[]'),
      'attributes', coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                                       'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                                       'collation', (SELECT CASE WHEN cn.nspname <> 'pg_catalog' AND pg_catalog.pg_collation_is_visible(co.oid) THEN pg_catalog.quote_ident(co.collname) ELSE pg_catalog.format('%I.%I', cn.nspname, co.collname) END
                                                     FROM pg_catalog.pg_collation co
                                                     JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                                                     JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
                                                     WHERE co.oid = a.attcollation AND a.attcollation <> y.typcollation)) ORDER BY a.attnum)
                              FROM pg_catalog.pg_attribute a
                              WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
      'range', (SELECT pg_catalog.json_build_object(
                  'subtype', pg_catalog.format_type(r.rngsubtype, NULL),
                  'multirange', m.typname,
                  'class', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', o.opcname)
                            FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
                            WHERE o.oid = r.rngsubopc AND NOT o.opcdefault),
                  'collation', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', o.collname)
                                FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
                                JOIN pg_catalog.pg_type u ON u.oid = r.rngsubtype
                                WHERE o.oid = r.rngcollation AND r.rngcollation <> u.typcollation),
                  'canonical', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.proname)
                                FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
                                WHERE f.oid = r.rngcanonical::pg_catalog.oid),
                  'difference', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.proname)
                                 FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
                                 WHERE f.oid = r.rngsubdiff::pg_catalog.oid))
                FROM pg_catalog.pg_range r JOIN pg_catalog.pg_type m ON m.oid = r.rngmultitypid WHERE r.rngtypid = t.oid),
      'comment', (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass AND told.objoid = t.oid AND told.objsubid = 0)) ORDER BY t.typname)
    FROM type t
    WHERE t.typtype IN ('e', 'd', 'r', 'c')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid AND m.deptype = 'e')), '[]'),
-- beside tables]
  'sequences', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', c.oid::pg_catalog.int8,
      'name', c.relname,
      'type', pg_catalog.format_type(s.seqtypid, NULL),
      'start', s.seqstart, 'increment', s.seqincrement, 'min', s.seqmin, 'max', s.seqmax,
      'cache', s.seqcache, 'cycle', s.seqcycle,
      'persistence', c.relpersistence,
      'owned_by', (SELECT pg_catalog.json_build_object('table', tc.relname, 'column', a.attname, 'identity', d.deptype = 'i')
                   FROM pg_catalog.pg_depend d
                   JOIN pg_catalog.pg_class tc ON tc.oid = d.refobjid AND tc.relnamespace = ns.oid
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = tc.oid AND a.attnum = d.refobjsubid
                   WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')),
      'comment', (SELECT told.description FROM pg_catalog.pg_description told WHERE told.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND told.objoid = c.oid AND told.objsubid = 0)) ORDER BY c.relname)
    FROM relation c JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid AND m.deptype = 'e')), '[]'),
  'others', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'object', pg_catalog.pg_describe_object(o.classid, o.objid, 0),
      'needed', EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        JOIN part ON part.classid = d.classid AND part.objid = d.objid
        WHERE (d.refclassid = o.classid AND d.refobjid = o.objid)
           OR (o.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refclassid = o.classid
               AND d.refobjid = (SELECT t.typarray FROM pg_catalog.pg_type t WHERE t.oid = o.objid)))
        -- A partition elsewhere stays where it is, and so do references to it.
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                        WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = o.objid AND c.relnamespace <> ns.oid)
    ) ORDER BY 1::pg_catalog.text) FROM other o), '[]')
)::pg_catalog.text
FROM ns
