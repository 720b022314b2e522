-- How each table is protected: what protect_table was asked for, so that drift can be told, and a
-- partition that is made later gets the same. Written by protect_table and unprotect_table only.
CREATE TABLE tenant_guard.protection (
  table_schema name NOT NULL,
  table_name name NOT NULL,
  -- Which table that is: its OID and its owner, where the origin is this database.
  table_oid oid NOT NULL,
  table_owner name NOT NULL,
  origin bigint NOT NULL,
  -- The fields of Options in src/policy/options.rs.
  options jsonb NOT NULL,
  protected_at timestamptz NOT NULL DEFAULT now(),
  protected_by name NOT NULL,
  PRIMARY KEY (origin, table_oid)
);
CREATE INDEX idx_protection_table_schema_table_name ON tenant_guard.protection (table_schema, table_name);
COMMENT ON TABLE tenant_guard.protection IS
  'How each table is protected: the options of protect_table. Written by protect_table; read it through tenant_guard.protected_tables.';

-- What is registered of a relation: in the database that wrote it by its OID, whatever it is called by now;
-- in a restored copy by its name, if it belongs to whom it belonged. Without SET, so that it is inlined.
CREATE FUNCTION tenant_guard.protection_of(relation oid) RETURNS SETOF tenant_guard.protection
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
  SELECT p.* FROM tenant_guard.protection p WHERE p.origin = tenant_guard.origin() AND p.table_oid = relation
  UNION ALL
  SELECT p.*
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN tenant_guard.protection p ON p.table_schema = n.nspname AND p.table_name = c.relname
  WHERE c.oid = relation AND p.origin <> tenant_guard.origin() AND p.table_owner = pg_catalog.pg_get_userbyid(c.relowner);
END;
COMMENT ON FUNCTION tenant_guard.protection_of(oid) IS
  'How a table of yours is registered as protected: one row of tenant_guard.protection, or none. Raises nothing.
Example: SELECT options FROM tenant_guard.protection_of(''crm.contacts''::regclass);';

-- The schemas that enforce watches.
CREATE TABLE tenant_guard.enforcement (
  schema_name name PRIMARY KEY,
  -- Which schema that is, whatever it is called by now, where the origin is this database.
  schema_oid oid NOT NULL,
  origin bigint NOT NULL,
  mode text NOT NULL CHECK (mode IN ('warn', 'error', 'protect')),
  options jsonb NOT NULL,
  enforced_at timestamptz NOT NULL DEFAULT now(),
  enforced_by name NOT NULL
);
COMMENT ON TABLE tenant_guard.enforcement IS
  'The schemas in which a table with the tenant column has to be protected, and what happens to one that is not. Written by enforce.';

-- What a transaction has made and is to be looked at when it commits; empty between transactions.
CREATE TABLE tenant_guard.unchecked (
  class_oid oid NOT NULL,
  object_oid oid NOT NULL
);
COMMENT ON TABLE tenant_guard.unchecked IS
  'Tables and views that a running transaction made in an enforced schema, checked when it commits; empty between transactions.';
CREATE CONSTRAINT TRIGGER check_protection AFTER INSERT ON tenant_guard.unchecked
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tenant_guard.check_protection();
ALTER TABLE tenant_guard.unchecked ENABLE ALWAYS TRIGGER check_protection;

ALTER TABLE tenant_guard.protection ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.enforcement ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.unchecked ENABLE ROW LEVEL SECURITY;
CREATE POLICY owners_read ON tenant_guard.protection FOR SELECT USING (
  (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE')
   FROM pg_catalog.pg_class c
   WHERE c.oid = tenant_guard.audited_table(table_oid, origin, table_schema, table_name, table_owner)));
CREATE POLICY everybody_reads ON tenant_guard.enforcement FOR SELECT USING (true);

CREATE VIEW tenant_guard.protected_tables WITH (security_invoker = true) AS
SELECT n.nspname AS table_schema,
       c.relname AS table_name,
       p.options ->> 'tenant_column' AS tenant_column,
       p.options ->> 'scope' AS scope,
       CASE WHEN p.options -> 'roles' = '[]' THEN '{public}'
            ELSE ARRAY(SELECT pg_catalog.jsonb_array_elements_text(p.options -> 'roles')) END AS roles,
       p.options - '{tenant_column,scope,roles,of_schema}'::text[] AS options,
       p.protected_at,
       p.protected_by,
       coalesce(d.drift, '{}') AS drift
FROM tenant_guard.protection p
JOIN pg_catalog.pg_class c ON c.oid = tenant_guard.audited_table(p.table_oid, p.origin, p.table_schema, p.table_name, p.table_owner)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN tenant_guard.protection_drifts() d ON d.relation = c.oid;
COMMENT ON VIEW tenant_guard.protected_tables IS
  'The protected tables that you own: how each is protected, since when and by whom; drift: what somebody changed by hand since, as what protect_table would do about it; empty where nothing.
Example: SELECT table_schema, table_name, drift FROM tenant_guard.protected_tables WHERE drift <> ''{}'';';

-- Protects the tables of a schema one by one, each in a transaction of its own: what is done stays done.
CREATE PROCEDURE tenant_guard.protect_schema_by_table(
  schema name, tenant_column name DEFAULT 'organization_id', scope text DEFAULT 'active', roles name[] DEFAULT NULL,
  permissions jsonb DEFAULT NULL, project_column name DEFAULT NULL, owner_column name DEFAULT NULL,
  shared text DEFAULT NULL, existing text DEFAULT 'refuse', index text DEFAULT 'build')
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  wanted pg_catalog.regclass;
  done pg_catalog.int4 := 0;
  total pg_catalog.int4 := 0;
BEGIN
  FOR wanted IN SELECT t FROM tenant_guard.tables_to_protect(schema, tenant_column) t LOOP
    total := total OPERATOR(pg_catalog.+) 1;
    PERFORM tenant_guard.protect_schema_table(wanted, tenant_column, scope, roles, permissions, project_column,
      owner_column, shared, existing, index);
    COMMIT;
    done := done OPERATOR(pg_catalog.+) 1;
  END LOOP;
  RAISE NOTICE '% of % tables of schema % are protected', done, total, schema;
END
$$;
COMMENT ON PROCEDURE tenant_guard.protect_schema_by_table(name, name, text, name[], jsonb, name, name, text, text, text) IS
  'protect_schema in a transaction for each table: where one fails, those before it stay protected, and another CALL goes on with what is left. Not inside a transaction block. Raises as protect_schema does.
Example: CALL tenant_guard.protect_schema_by_table(''crm'');';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.protection', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.enforcement', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.unchecked', '');

CREATE EVENT TRIGGER tenant_guard_watch ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE FOREIGN TABLE', 'IMPORT FOREIGN SCHEMA', 'ALTER TABLE',
               'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'CREATE POLICY', 'ALTER POLICY', 'CREATE SCHEMA', 'ALTER SCHEMA',
               'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'CREATE RULE', 'ALTER INDEX', 'ALTER SEQUENCE', 'GRANT')
  EXECUTE FUNCTION tenant_guard.watch();
CREATE EVENT TRIGGER tenant_guard_watch_drop ON sql_drop WHEN TAG IN ('DROP POLICY', 'DROP TABLE', 'DROP TRIGGER', 'DROP SCHEMA', 'DROP OWNED')
  EXECUTE FUNCTION tenant_guard.watch();
CREATE EVENT TRIGGER tenant_guard_watch_start ON ddl_command_start
  WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER SEQUENCE', 'ALTER VIEW', 'ALTER SCHEMA', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED')
  EXECUTE FUNCTION tenant_guard.watch();
