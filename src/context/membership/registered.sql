-- The registered tables as the catalog has them now, one row if anything is registered. A column that
-- was renamed or dropped, or whose type no longer fits, or whose table is gone or another owner's, is not
-- among "columns": what needs it then fails closed.
WITH RECURSIVE m AS (
  SELECT * FROM tenant_guard.membership
), wanted AS (
  SELECT w.* FROM m CROSS JOIN LATERAL (VALUES
    ('user', m.table_schema, m.table_name, m.table_owner, m.user_column),
    ('org', m.table_schema, m.table_name, m.table_owner, m.org_column),
    ('project', m.project_schema, m.project_table, m.project_owner, m.project_column),
    ('project_org', m.project_schema, m.project_table, m.project_owner, m.project_org_column),
    ('organization', m.organization_schema, m.organization_table, m.organization_owner, m.organization_column)
  ) w(purpose, schema, relation, owner, col)
), found AS (
  SELECT w.purpose, c.oid, n.nspname, c.relname, c.relowner, a.attname, a.atttypid,
         coalesce(NOT l.collisdeterministic, false) AS fuzzy
  FROM wanted w
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relation AND c.relkind IN ('r', 'p')
                             AND pg_catalog.pg_get_userbyid(c.relowner) = w.owner
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.col AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
), base AS (
  SELECT f.purpose, t.oid, t.typtype, t.typbasetype
  FROM found f JOIN pg_catalog.pg_type t ON t.oid = f.atttypid
  UNION ALL
  SELECT b.purpose, t.oid, t.typtype, t.typbasetype
  FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
), typed AS (
  -- The types under any domains.
  SELECT f.*, pg_catalog.format_type(b.oid, NULL) AS type
  FROM found f JOIN base b ON b.purpose = f.purpose AND b.typtype <> 'd'
), extra AS (
  SELECT e.purpose, e.relid, a.attname, t.typcategory
  FROM m
  CROSS JOIN LATERAL (VALUES
    ('role', (SELECT f.oid FROM found f WHERE f.purpose = 'user'), m.role_column),
    ('status', (SELECT f.oid FROM found f WHERE f.purpose = 'organization'), m.status_column)) e(purpose, relid, col)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = e.relid AND a.attname = e.col AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
)
, numbered AS (
  SELECT f.purpose, f.oid, f.fuzzy, a.attnum, b.oid AS type, a.attcollation
  FROM found f
  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attname = f.attname
  JOIN base b ON b.purpose = f.purpose AND b.typtype <> 'd'
), indexed AS (
  -- For reading a plain table without SPI: its best index for the user, or for the user and the
  -- organization; and a role column whose text depends on no setting.
  SELECT pg_catalog.json_build_object(
           'table', u.oid::pg_catalog.int8,
           'index', i.indexrelid::pg_catalog.int8,
           'keys', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                             'attribute', k.attnum, 'type', k.type::pg_catalog.int8, 'collation', k.attcollation::pg_catalog.int8) ORDER BY k.position)
                    FROM (SELECT 0 AS position, u.* UNION ALL SELECT 1, o.* WHERE i.both_columns) k),
           'columns', CASE WHEN m.role_column IS NULL THEN pg_catalog.json_build_array(o.attnum)
                      ELSE pg_catalog.json_build_array(o.attnum, r.attnum) END) AS plan
  FROM m
  JOIN numbered u ON u.purpose = 'user'
  JOIN numbered o ON o.purpose = 'org'
  JOIN pg_catalog.pg_class c ON c.oid = u.oid AND c.relkind = 'r' AND NOT c.relhassubclass
  CROSS JOIN LATERAL (
    -- Each key with the column's own collation and its type's own operator class.
    SELECT x.indexrelid,
           coalesce(x.indnkeyatts > 1 AND x.indkey[1] = o.attnum AND x.indcollation[1] = o.attcollation AND EXISTS (
             SELECT FROM pg_catalog.pg_opclass oc
             WHERE oc.oid = x.indclass[1] AND oc.opcdefault AND oc.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace), false) AS both_columns
    FROM pg_catalog.pg_index x
    JOIN pg_catalog.pg_class xc ON xc.oid = x.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = xc.relam AND am.amname = 'btree'
    JOIN pg_catalog.pg_opclass oc ON oc.oid = x.indclass[0] AND oc.opcdefault AND oc.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace
    WHERE x.indrelid = u.oid AND x.indisvalid AND x.indisready AND x.indpred IS NULL AND x.indexprs IS NULL
      AND x.indkey[0] = u.attnum AND x.indcollation[0] = u.attcollation
  ) i
  LEFT JOIN pg_catalog.pg_attribute r ON r.attrelid = u.oid AND r.attname = m.role_column AND NOT r.attisdropped
  LEFT JOIN pg_catalog.pg_type rt ON rt.oid = r.atttypid
  WHERE m.active IS NULL AND NOT u.fuzzy AND NOT o.fuzzy
    AND (m.role_column IS NULL OR (rt.typtype IN ('b', 'e') AND rt.typcategory IN ('S', 'E')))
  ORDER BY i.both_columns DESC, i.indexrelid
  LIMIT 1
)
SELECT pg_catalog.json_build_object(
         'columns', (SELECT coalesce(pg_catalog.json_object_agg(t.purpose, pg_catalog.json_build_object(
                       'oid', t.oid::pg_catalog.int8, 'schema', t.nspname, 'table', t.relname,
                       'owner', t.relowner::pg_catalog.int8, 'column', t.attname, 'type', t.type, 'fuzzy', t.fuzzy)), '{}')
                     FROM typed t
                     WHERE t.type IN ('uuid', 'text', 'character varying', 'smallint', 'integer', 'bigint')),
         'indexed', (SELECT plan FROM indexed),
         'role_named', m.role_column IS NOT NULL,
         'role', (SELECT pg_catalog.json_build_object('column', e.attname, 'array', e.typcategory = 'A')
                  FROM extra e WHERE e.purpose = 'role'),
         'active', m.active,
         'projects_named', m.project_table IS NOT NULL,
         'organizations_named', m.organization_table IS NOT NULL,
         'status_named', m.status_column IS NOT NULL,
         'status_column', (SELECT e.attname FROM extra e WHERE e.purpose = 'status'),
         'active_statuses', coalesce(m.active_statuses, '{}')
       )::pg_catalog.text
FROM m
