-- What a page of table $1 needs to know, one JSON document. Not the catalog model: that has neither the
-- directions of an index's columns nor their operator classes, and takes ten times as long for the rest,
-- and this is asked for every page.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'readable', pg_catalog.has_table_privilege(c.oid, 'SELECT'),
  'has_heirs', c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid),
  -- The columns that the floor policy of protect_table looks at.
  'tenant_columns', coalesce((
    SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
    FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
    WHERE p.polrelid = c.oid AND p.polname = 'tenant_guard_tenant' AND NOT p.polpermissive), '[]'),
  'columns', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      -- Under any domains. With -1 for its modifier bpchar does not become character, which cuts off.
      'type', (WITH RECURSIVE base(oid, typtype, typbasetype) AS (
                 SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
                 UNION ALL
                 SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
               ) SELECT pg_catalog.format_type(oid, -1) FROM base WHERE typtype <> 'd'),
      'type_oid', a.atttypid::pg_catalog.int8,
      -- From version 18 on there are not-null constraints that do not hold for every row.
      'not_null', a.attnotnull AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND (k.connoinherit OR NOT k.convalidated))
      ) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
  'indexes', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', ic.relname,
      'unique', i.indisunique,
      -- None for an expression, or where it is ordered otherwise than the column's type.
      'columns', (SELECT pg_catalog.json_agg(
                    CASE WHEN a.attname IS NOT NULL AND o.opcdefault AND i.indcollation[u.ord - 1] = a.attcollation THEN
                      pg_catalog.json_build_object('name', a.attname, 'descending', i.indoption[u.ord - 1] & 1 <> 0,
                                                   'nulls_first', i.indoption[u.ord - 1] & 2 <> 0) END ORDER BY u.ord)
                  FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY u(num, ord)
                  JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[u.ord - 1]
                  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.num AND u.num > 0
                  WHERE u.ord <= i.indnkeyatts)) ORDER BY NOT i.indisprimary, i.indnkeyatts, ic.relname)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = ic.relam
    WHERE i.indrelid = c.oid AND am.amname = 'btree' AND i.indisvalid AND i.indpred IS NULL), '[]')
)::pg_catalog.text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1
