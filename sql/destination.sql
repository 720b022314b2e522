-- Where tenants live: databases and servers, and which tenant is at which. No secret is kept here, only where a router
-- finds it.
CREATE TABLE tenant_guard.destination (
  name text PRIMARY KEY,
  -- database: tenants are schemas or rows of it; server: each tenant has a database of its own there
  kind text NOT NULL,
  conninfo text NOT NULL,
  secret text,
  region text,
  capacity int
);
COMMENT ON TABLE tenant_guard.destination IS
  'Databases and servers that tenants live in. Written by register_destination; read it through tenant_guard.destinations.';

CREATE TABLE tenant_guard.destination_assignment (
  -- an organization's id, or a slug
  tenant text PRIMARY KEY,
  destination text NOT NULL REFERENCES tenant_guard.destination (name),
  database text
);
COMMENT ON TABLE tenant_guard.destination_assignment IS
  'Which tenant is at which destination, and in which database of a server. Written by assign_destination; routers ask destination_for.';
CREATE INDEX idx_destination_assignment_destination ON tenant_guard.destination_assignment (destination);

-- destination_for asks for an organization's schema.
CREATE INDEX idx_tenant_schema_organization ON tenant_guard.tenant_schema (organization);

-- A database of its own for a tenant, from its beginning on: how far it is, and what went wrong.
CREATE TABLE tenant_guard.tenant_database (
  slug text PRIMARY KEY,
  destination text NOT NULL REFERENCES tenant_guard.destination (name),
  template text NOT NULL,
  connection_limit int NOT NULL,
  -- creating, failed, ready
  state text NOT NULL DEFAULT 'creating',
  steps_done int NOT NULL DEFAULT 0,
  error text,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE tenant_guard.tenant_database IS
  'Databases of tenants. Written by create_tenant_database and forget_tenant_database; read it through tenant_guard.tenant_databases.';
ALTER TABLE tenant_guard.tenant_database ENABLE ROW LEVEL SECURITY;
CREATE VIEW tenant_guard.tenant_databases WITH (security_barrier = true) AS
SELECT t.slug, t.destination, t.template, t.connection_limit, t.state, t.steps_done, t.error, t.created_by, t.created_at
FROM tenant_guard.tenant_database t;
COMMENT ON VIEW tenant_guard.tenant_databases IS
  'Databases that create_tenant_database made or is making: state is creating, failed (with the error; call it again to go on) or ready. Granted to nobody but the extension''s owner.
Example: SELECT slug, destination, state, error FROM tenant_guard.tenant_databases;';

-- What is begun is committed before anything is made elsewhere, and each step after it is done.
CREATE PROCEDURE tenant_guard.create_tenant_database(slug text, destination text, template text DEFAULT 'template1',
  connection_limit integer DEFAULT -1)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  more pg_catalog.bool;
BEGIN
  PERFORM tenant_guard.begin_tenant_database(slug, destination, template, connection_limit);
  LOOP
    COMMIT;
    more := tenant_guard.run_database_step(slug);
    COMMIT;
    EXIT WHEN NOT more;
  END LOOP;
  PERFORM tenant_guard.report_tenant_database(slug);
END
$$;
COMMENT ON PROCEDURE tenant_guard.create_tenant_database(text, text, text, integer) IS
  'Makes a database for one tenant on a destination that is a server, named like the slug, from a template database there; takes CONNECT from PUBLIC, installs tenant_guard with the trust of this database, and assigns the tenant to it. CREATE DATABASE cannot run in a transaction, so it goes through a second connection: the extension dblink must be installed here, and the server must let the connection of the conninfo in without a password in it, which dblink lets superusers do. Where it fails, the state and the error are kept, and calling it again goes on. Not inside a transaction block. Administrative: EXECUTE is not granted to PUBLIC. Raises 0A000 without dblink, 22004, 22023, 25001, 42501, 42602, 42704, 42P04, 53400, 55000.
Example: CALL tenant_guard.create_tenant_database(''acme'', ''eu-server'', template => ''app_template'', connection_limit => 20);';
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_database', '');

-- No policy: to all but the extension they are empty, whatever somebody may grant on them.
ALTER TABLE tenant_guard.destination ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.destination_assignment ENABLE ROW LEVEL SECURITY;

-- For whom it is granted to: with the owner's rights, and so past the missing policies.
CREATE VIEW tenant_guard.destinations WITH (security_barrier = true) AS
SELECT d.name, d.kind, d.conninfo, d.secret, d.region, d.capacity,
       (SELECT count(*) FROM tenant_guard.destination_assignment a WHERE a.destination = d.name) AS tenants
FROM tenant_guard.destination d;
COMMENT ON VIEW tenant_guard.destinations IS
  'The registered destinations, and how many tenants are at each. Granted to nobody but the extension''s owner.
Example: SELECT name, region, tenants, capacity FROM tenant_guard.destinations ORDER BY name;';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.destination', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.destination_assignment', '');
