-- The registered membership table as the catalog has it now. A table that was renamed or dropped,
-- or a column whose type no longer fits, gives no row: membership then fails closed.
SELECT pg_catalog.json_build_object(
         'oid', c.oid::pg_catalog.int8,
         'schema', n.nspname,
         'table', c.relname,
         'owner', c.relowner::pg_catalog.int8,
         'user_column', u.attname,
         'user_type', user_type.name,
         'org_column', o.attname,
         'org_type', org_type.name,
         -- A role column that is gone leaves its members without roles.
         'role_column', (SELECT r.attname FROM pg_catalog.pg_attribute r
                         WHERE r.attrelid = c.oid AND r.attname = m.role_column AND NOT r.attisdropped)
       )::pg_catalog.text
FROM tenant_guard.membership m
JOIN pg_catalog.pg_namespace n ON n.nspname = m.table_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = m.table_name AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_attribute u ON u.attrelid = c.oid AND u.attname = m.user_column AND NOT u.attisdropped
JOIN pg_catalog.pg_attribute o ON o.attrelid = c.oid AND o.attname = m.org_column AND NOT o.attisdropped
-- The types under any domains.
CROSS JOIN LATERAL (
  WITH RECURSIVE base(oid, typtype, typbasetype) AS (
    SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = u.atttypid
    UNION ALL
    SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
  ) SELECT pg_catalog.format_type(oid, NULL) AS name FROM base WHERE typtype <> 'd') user_type
CROSS JOIN LATERAL (
  WITH RECURSIVE base(oid, typtype, typbasetype) AS (
    SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = o.atttypid
    UNION ALL
    SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
  ) SELECT pg_catalog.format_type(oid, NULL) AS name FROM base WHERE typtype <> 'd') org_type
WHERE user_type.name IN ('uuid', 'text', 'character varying', 'smallint', 'integer', 'bigint')
  AND org_type.name IN ('uuid', 'text', 'character varying', 'smallint', 'integer', 'bigint')
