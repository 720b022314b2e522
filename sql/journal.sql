-- The journal of applied changes. Nobody writes it but the extension itself.
CREATE TABLE tenant_guard.change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now(),
  applied_by name NOT NULL,
  session_role name NOT NULL,
  operation text NOT NULL,
  target text NOT NULL,
  steps int NOT NULL,
  -- No foreign keys to the table itself: pg_dump could not order its rows.
  undoes bigint,
  undone_by bigint
);
COMMENT ON TABLE tenant_guard.change IS
  'Every applied change: who, when, what; undone_by names the change that took it back. Visible to the owners of what it touched.';

CREATE TABLE tenant_guard.change_step (
  change_id bigint NOT NULL REFERENCES tenant_guard.change (id) ON DELETE CASCADE,
  step int NOT NULL,
  applied_by name NOT NULL,
  action text NOT NULL,
  why text NOT NULL,
  object_kind text NOT NULL,
  object_schema text NOT NULL,
  object_table text NOT NULL,
  object_name text NOT NULL,
  -- Which object that is: its OID, and its owner's name, where the origin is this database.
  object_oid oid,
  object_owner name,
  origin bigint NOT NULL,
  sql text NOT NULL,
  undo text,
  state_after text,
  PRIMARY KEY (change_id, step)
);
COMMENT ON TABLE tenant_guard.change_step IS
  'The statements of each change in order, how each is taken back (undo is NULL where nothing can), and the state it left its object in.';

-- Whether the current role owns what a step touched. In the database that wrote the step the OID
-- says which object that is, whatever it is called by now, so nobody comes to another's journal by
-- taking a name that became free. In a restored copy OIDs mean nothing: there it is the object of
-- that name, if it belongs to whom it belonged. Roles and what is registered for the whole database have no owner,
-- and a dropped object has none any more: those are of the role that made the change.
CREATE FUNCTION tenant_guard.owns_object(kind text, object_schema text, object_table text, object_name text,
                                         object_oid oid, object_owner name, origin bigint, applied_by name)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
  WITH home(id) AS (
    SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = object_schema
  ),
  found(id, name, owner) AS (
    SELECT n.oid, n.nspname = object_schema, n.nspowner
    FROM pg_catalog.pg_namespace n
    WHERE kind IN ('schema', 'schema_grants', 'tenant_schema', 'path', 'enforcement', 'routine', 'schema_object', 'privileges', 'not_carried', 'data') AND (n.oid = object_oid OR n.nspname = object_schema)
    UNION ALL
    SELECT t.oid, t.typnamespace = (SELECT h.id FROM home h) AND t.typname = object_name, t.typowner
    FROM pg_catalog.pg_type t
    WHERE kind = 'type' AND (t.oid = object_oid OR (t.typnamespace = (SELECT h.id FROM home h) AND t.typname = object_name))
    UNION ALL
    SELECT c.oid, c.relnamespace = (SELECT h.id FROM home h) AND c.relname = coalesce(nullif(object_table, ''), object_name), c.relowner
    FROM pg_catalog.pg_class c
    WHERE kind NOT IN ('schema', 'schema_grants', 'tenant_schema', 'path', 'enforcement', 'routine', 'schema_object', 'privileges', 'not_carried', 'data', 'type', 'membership', 'role',
                       'claim_source', 'role_permissions', 'destination', 'destination_assignment')
      AND (c.oid = object_oid OR (c.relnamespace = (SELECT h.id FROM home h) AND c.relname = coalesce(nullif(object_table, ''), object_name)))
  )
  SELECT coalesce(
    (SELECT pg_catalog.pg_has_role(f.owner, 'USAGE') FROM found f WHERE f.id = object_oid AND origin = tenant_guard.origin()),
    (SELECT pg_catalog.pg_has_role(f.owner, 'USAGE') FROM found f WHERE f.name AND pg_catalog.pg_get_userbyid(f.owner) = object_owner),
    EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = applied_by AND pg_catalog.pg_has_role(r.oid, 'USAGE')))
);
COMMENT ON FUNCTION tenant_guard.owns_object(text, text, text, text, oid, name, bigint, name) IS
  'Whether the current role owns the object of a journaled step (or made the change, where nothing owns the object). Used by the journal''s policies; raises nothing.
Example: SELECT tenant_guard.owns_object(object_kind, object_schema, object_table, object_name, object_oid, object_owner, origin, applied_by) FROM tenant_guard.change_step;';

ALTER TABLE tenant_guard.change ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.change_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY owners_read ON tenant_guard.change_step FOR SELECT USING (
  tenant_guard.owns_object(object_kind, object_schema, object_table, object_name, object_oid, object_owner, origin, applied_by));
CREATE POLICY owners_read ON tenant_guard.change FOR SELECT USING (
  EXISTS (SELECT FROM tenant_guard.change_step s WHERE s.change_id = id));

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.change', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.change_step', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.change_id_seq', '');
