-- The class of each column that has one: public, internal, pii or secret. Written by classify only.
CREATE TABLE tenant_guard.column_class (
  table_schema name NOT NULL,
  table_name name NOT NULL,
  column_name name NOT NULL,
  class text NOT NULL CHECK (class IN ('public', 'internal', 'pii', 'secret')),
  -- Which column that is: its table's OID and owner and its number, where the origin is this database.
  table_oid oid NOT NULL,
  attribute smallint NOT NULL,
  table_owner name NOT NULL,
  origin bigint NOT NULL,
  classified_at timestamptz NOT NULL DEFAULT now(),
  classified_by name NOT NULL,
  PRIMARY KEY (origin, table_oid, attribute)
);
CREATE INDEX idx_column_class_table_schema_table_name ON tenant_guard.column_class (table_schema, table_name);
COMMENT ON TABLE tenant_guard.column_class IS
  'What each classified column holds. Written by classify; read it through tenant_guard.classified_columns.';
ALTER TABLE tenant_guard.column_class ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON tenant_guard.column_class FOR SELECT USING (true);

-- The columns that are registered, as they are here: in the database that wrote it a column goes by its table's OID
-- and its number, whatever the two are called by now; in a restored copy, or beside a table that is gone, by its
-- names, if the table belongs to whom it belonged.
CREATE VIEW tenant_guard.column_class_here WITH (security_invoker = true) AS
SELECT a.attrelid AS relation, a.attnum AS attribute, a.attname AS column_name, k.class
FROM tenant_guard.column_class k
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.table_oid AND a.attnum = k.attribute AND NOT a.attisdropped
WHERE k.origin = tenant_guard.origin()
UNION ALL
SELECT a.attrelid, a.attnum, a.attname, k.class
FROM tenant_guard.column_class k
JOIN pg_catalog.pg_namespace n ON n.nspname = k.table_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = k.table_name
 AND pg_catalog.pg_get_userbyid(c.relowner) = k.table_owner
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = k.column_name AND a.attnum > 0 AND NOT a.attisdropped
WHERE k.origin <> tenant_guard.origin() OR NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = k.table_oid);
COMMENT ON VIEW tenant_guard.column_class_here IS
  'The registered columns by the OID of their table and their number, as they are in this database. For the extension itself; see classified_columns.';

-- What is said of a column holds for the tables that inherit it, unless they say otherwise; of several tables above, the
-- strictest counts.
CREATE VIEW tenant_guard.classified_columns WITH (security_invoker = true) AS
WITH RECURSIVE reached(relation, column_name, class) AS (
  SELECT h.relation, h.column_name, h.class FROM tenant_guard.column_class_here h
  UNION
  SELECT i.inhrelid, reached.column_name, reached.class
  FROM reached
  JOIN pg_catalog.pg_inherits i ON i.inhparent = reached.relation
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhrelid AND a.attname = reached.column_name AND NOT a.attisdropped
  WHERE NOT EXISTS (SELECT FROM tenant_guard.column_class_here h
                    WHERE h.relation = i.inhrelid AND h.column_name = reached.column_name)
)
SELECT n.nspname AS table_schema, c.relname AS table_name, r.column_name,
       ('{public,internal,pii,secret}'::pg_catalog.text[])[max(pg_catalog.array_position('{public,internal,pii,secret}', r.class))] AS class
FROM reached r
JOIN pg_catalog.pg_class c ON c.oid = r.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
GROUP BY n.nspname, c.relname, r.column_name;
COMMENT ON VIEW tenant_guard.classified_columns IS
  'The classified columns and their class: public, internal, pii or secret. Those that a table has from a table above it are here too.
Example: SELECT table_name, column_name, class FROM tenant_guard.classified_columns WHERE class IN (''pii'', ''secret'');';

-- A dropped column leaves nothing that a copy could take for another of that name.
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.column_class', $$
  WHERE origin <> tenant_guard.origin()
     OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = table_oid AND a.attnum = attribute AND NOT a.attisdropped)$$);

CREATE EVENT TRIGGER tenant_guard_columns ON ddl_command_end
  WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER INDEX', 'ALTER SEQUENCE')
  EXECUTE FUNCTION tenant_guard.follow_columns();
CREATE EVENT TRIGGER tenant_guard_columns_drop ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED')
  EXECUTE FUNCTION tenant_guard.follow_columns();
CREATE EVENT TRIGGER tenant_guard_columns_start ON ddl_command_start
  WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER SEQUENCE', 'ALTER VIEW', 'ALTER SCHEMA', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED')
  EXECUTE FUNCTION tenant_guard.follow_columns();
