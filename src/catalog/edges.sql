-- What in a schema ($1) depends on what else in it: the order in which all of it can be made again.
-- Parts are told as what they are part of: a default, a check, a view's query or the SQL of a function
-- with the part's name, since that can be made later than the rest; an array type as its element, a table's row type as the table.
-- What is marked is left out for a schema that holds relations alone.
WITH ns AS (
  SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
),
-- By what depends on the schema: no index finds objects by it, and there may be those of a thousand tenants.
held AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN ns ON d.refobjid = ns.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
),
-- A composite type's columns depend on its type; the row types of tables on those, and array types on their elements.
relation AS MATERIALIZED (
  SELECT c.* FROM pg_catalog.pg_class c
  WHERE c.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  UNION ALL
                  SELECT t.typrelid FROM held h JOIN pg_catalog.pg_type t ON t.oid = h.objid
                  WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c', 'f')
),
element AS MATERIALIZED (
  SELECT t.* FROM pg_catalog.pg_type t
  WHERE t.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                  UNION ALL
                  SELECT c.reltype FROM relation c
                  UNION ALL
                  SELECT r.rngmultitypid FROM held h JOIN pg_catalog.pg_range r ON r.rngtypid = h.objid
                  WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
),
type AS MATERIALIZED (
  SELECT t.oid, t.typtype, t.typrelid, t.typelem, c.relkind
  FROM (SELECT e.* FROM element e
        UNION ALL
        SELECT a.* FROM pg_catalog.pg_type a WHERE a.oid IN (SELECT e.typarray FROM element e)) t
  LEFT JOIN relation c ON c.oid = t.typrelid
),
type_node(oid, class, node) AS (
  SELECT t.oid,
         CASE WHEN t.relkind IN ('r', 'p', 'v', 'm', 'f') THEN 'pg_catalog.pg_class'::pg_catalog.regclass ELSE 'pg_catalog.pg_type'::pg_catalog.regclass END::pg_catalog.oid,
         CASE WHEN t.relkind IN ('r', 'p', 'v', 'm', 'f') THEN t.typrelid
              ELSE coalesce((SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid), t.oid) END
  FROM type t
),
node(classid, objid, class, node, part) AS MATERIALIZED (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid,
         CASE WHEN c.relkind = 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END::pg_catalog.oid,
         CASE WHEN c.relkind = 'c' THEN c.reltype
              WHEN c.relkind = 'S' THEN coalesce((SELECT d.refobjid FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'i'
                  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass), c.oid)
              ELSE c.oid END,
         NULL::pg_catalog.text
  FROM relation c
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, coalesce(e.class, o.class), coalesce(e.node, o.node), NULL
  FROM type t JOIN type_node o ON o.oid = t.oid
  LEFT JOIN element el ON el.typarray = t.oid LEFT JOIN type_node e ON e.oid = el.oid
  UNION ALL
  SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, d.adrelid,
         (SELECT CASE WHEN a.attgenerated = '' THEN 'default ' || a.attname END
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = d.adrelid AND a.attnum = d.adnum)
  FROM relation c JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid,
         CASE k.contype WHEN 'c' THEN 'pg_catalog.pg_class'::pg_catalog.regclass ELSE 'pg_catalog.pg_constraint'::pg_catalog.regclass END,
         CASE k.contype WHEN 'c' THEN k.conrelid ELSE k.oid END,
         CASE k.contype WHEN 'c' THEN 'check ' || k.conname END
  FROM relation c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid WHERE k.contype IN ('c', 'p', 'u', 'x')
-- [beside tables
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, k.contypid, 'check ' || k.conname
  FROM pg_catalog.pg_constraint k
  WHERE k.contypid = ANY (ARRAY(SELECT t.oid FROM type t WHERE t.typtype = 'd')) AND k.contype = 'c'
-- beside tables]
  UNION ALL
  SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 'query'
  FROM relation c JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid WHERE c.relkind IN ('v', 'm') AND w.rulename = '_RETURN'
-- [beside tables
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, coalesce(r.class, 'pg_catalog.pg_proc'::pg_catalog.regclass), coalesce(r.node, p.oid),
         CASE WHEN p.prosqlbody IS NOT NULL THEN 'body' END
  FROM held h JOIN pg_catalog.pg_proc p ON p.oid = h.objid AND h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  LEFT JOIN LATERAL (
    SELECT o.class, o.node FROM pg_catalog.pg_depend d JOIN type_node o ON o.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'i'
      AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass LIMIT 1) r ON true
  UNION ALL
  SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_operator o JOIN ns ON o.oprnamespace = ns.oid
  UNION ALL
  SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid, 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_collation o JOIN ns ON o.collnamespace = ns.oid
  UNION ALL
  SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid, 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid, NULL
  FROM pg_catalog.pg_cast k WHERE k.oid >= 16384
  UNION ALL
  SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, o.oid, 'pg_catalog.pg_conversion'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_conversion o JOIN ns ON o.connamespace = ns.oid
  UNION ALL
  SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid, 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_opfamily o JOIN ns ON o.opfnamespace = ns.oid
  UNION ALL
  -- With its operators and functions, which are entries of their own.
  SELECT p.classid, p.objid, 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_opclass o JOIN ns ON o.opcnamespace = ns.oid
  CROSS JOIN LATERAL (
    SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid AS classid, o.oid AS objid
    UNION ALL
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
    WHERE d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND d.refobjid = o.oid
      AND d.classid IN ('pg_catalog.pg_amop'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass)) p
  UNION ALL
  SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, o.oid, 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_ts_dict o JOIN ns ON o.dictnamespace = ns.oid
  UNION ALL
  SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid, 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid, NULL
  FROM pg_catalog.pg_ts_config o JOIN ns ON o.cfgnamespace = ns.oid
-- beside tables]
)
SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_array(
  f.class::pg_catalog.int8, f.node::pg_catalog.int8,
  -- The types of what goes in and out are needed from the beginning.
  CASE WHEN f.part = 'body' AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass THEN NULL ELSE f.part END, t.class::pg_catalog.int8, t.node::pg_catalog.int8))::pg_catalog.text
FROM node f
JOIN pg_catalog.pg_depend d ON d.classid = f.classid AND d.objid = f.objid
JOIN node t ON t.classid = d.refclassid AND t.objid = d.refobjid
-- A view may ask for columns of its own (every view names itself as a whole), and a function itself. A sequence is given to its column when both are there.
WHERE ((f.class, f.node) <> (t.class, t.node) OR d.deptype = 'n' AND (f.part = 'query' AND d.refobjsubid > 0 OR f.part = 'body' AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass))
  AND NOT (d.deptype IN ('a', 'i') AND f.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND EXISTS (SELECT FROM relation s WHERE s.oid = f.objid AND s.relkind = 'S'))
