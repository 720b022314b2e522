-- What the other tests share. Each works in schemas of its own names.
\set VERBOSITY default
CREATE EXTENSION tenant_guard;
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE app_owner NOLOGIN;
CREATE ROLE other_owner NOLOGIN;
CREATE ROLE nobody NOLOGIN;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO app_owner, other_owner', current_database()); END $$;
GRANT EXECUTE ON FUNCTION tenant_guard.audit_statement(), tenant_guard.audit_row(), tenant_guard.audit_truncate() TO app_owner;

-- Runs a statement and tells how it was refused: SQLSTATE, message, DETAIL and HINT.
CREATE FUNCTION public.refused(statement text) RETURNS TABLE (answer text)
LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; hint text;
BEGIN
  EXECUTE statement;
  RETURN QUERY SELECT 'NOT REFUSED: ' || statement;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN QUERY VALUES (SQLSTATE || ': ' || message), ('  detail: ' || detail), ('  hint:   ' || hint);
END $$;

CREATE FUNCTION public.explained(query text) RETURNS SETOF text
LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;

-- The identity of the rest of the transaction.
CREATE FUNCTION public.identity(claims json) RETURNS void
LANGUAGE sql AS $$ SELECT set_config('request.jwt.claims', claims::text, true) $$;
