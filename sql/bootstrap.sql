-- Runs first. The schema may have been there before the extension: then it must be ours alone,
-- or its owner could plant functions among the extension's own.
DO $$
DECLARE
  held_by name := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 'tenant_guard');
BEGIN
  IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
    RAISE EXCEPTION 'the encoding of this database is %', pg_catalog.getdatabaseencoding()
      USING ERRCODE = 'feature_not_supported',
            DETAIL = 'Claims are JSON, and JSON is UTF-8: in another encoding two spellings of an id could be taken for one.',
            HINT = 'Create the extension in a database with ENCODING ''UTF8''.';
  END IF;
  IF held_by <> current_user THEN
    RAISE EXCEPTION 'schema "tenant_guard" belongs to role "%"', held_by
      USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'The owner of the extension''s schema could replace what tenants are checked with.',
            HINT = 'DROP SCHEMA tenant_guard, or ALTER SCHEMA tenant_guard OWNER TO CURRENT_USER, then create the extension again.';
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
             CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
             WHERE n.nspname = 'tenant_guard' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner)
     OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'tenant_guard'::regnamespace)
     OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = 'tenant_guard'::regnamespace) THEN
    RAISE EXCEPTION 'schema "tenant_guard" is not empty or others may create in it'
      USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'The extension''s schema holds nothing but the extension.',
            HINT = 'Drop the schema, or revoke CREATE on it and empty it, then create the extension again.';
  END IF;
END
$$;

-- What every mutating function returns, so it is here before any of them.
CREATE TYPE tenant_guard.planned_step AS (
  change_id bigint,
  step int,
  action text,
  sql text,
  undo text
);
COMMENT ON TYPE tenant_guard.planned_step IS
  'One step of a plan: what every mutating function returns. change_id is NULL in a dry run.';
