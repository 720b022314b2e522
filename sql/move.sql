-- A tenant on its way to another database: how far it is. Each step is recorded in the transaction that did it here, or
-- right after it was committed there, and can be done again.
CREATE TABLE tenant_guard.tenant_move (
  slug text PRIMARY KEY,
  destination text NOT NULL REFERENCES tenant_guard.destination (name) ON DELETE CASCADE,
  trust_owners boolean NOT NULL,
  -- moving, failed, moved, cancelled
  state text NOT NULL DEFAULT 'moving',
  -- Whether the move archived the schema here, and so opens it again.
  closed boolean NOT NULL DEFAULT false,
  -- Whether the tenant is assigned to the destination: there is no way back from then on.
  switched boolean NOT NULL DEFAULT false,
  -- What the schema was like, and who might do what in it, when the steps were laid out.
  fingerprint text,
  privileges text,
  error text,
  created_by text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz
);
COMMENT ON TABLE tenant_guard.tenant_move IS
  'Tenants that are being moved or were. Written by move_tenant and cancel_tenant_move; read it through tenant_guard.tenant_moves.';
ALTER TABLE tenant_guard.tenant_move ENABLE ROW LEVEL SECURITY;

CREATE TABLE tenant_guard.tenant_move_step (
  slug text NOT NULL REFERENCES tenant_guard.tenant_move (slug) ON DELETE CASCADE,
  step int NOT NULL,
  -- structure, copy, close, catch_up, keys, cut_over, arrive
  kind text NOT NULL,
  "table" text,
  -- What is run there.
  sql text,
  done boolean NOT NULL DEFAULT false,
  rows bigint,
  finished_at timestamptz,
  PRIMARY KEY (slug, step)
);
COMMENT ON TABLE tenant_guard.tenant_move_step IS
  'The steps of moves. Read it through tenant_guard.tenant_move_steps.';
ALTER TABLE tenant_guard.tenant_move_step ENABLE ROW LEVEL SECURITY;

CREATE VIEW tenant_guard.tenant_move_steps WITH (security_barrier = true) AS
SELECT s.slug, s.step, s.kind, s."table", s.done, s.rows, s.finished_at
FROM tenant_guard.tenant_move_step s;
COMMENT ON VIEW tenant_guard.tenant_move_steps IS
  'The steps of each move, in order: structure, copy (of a table), close, catch_up (of a table), keys, cut_over, arrive; which are done, and how many rows were copied. Granted to nobody but the extension''s owner.
Example: SELECT step, kind, "table", rows FROM tenant_guard.tenant_move_steps WHERE slug = ''acme'' AND done ORDER BY step;';

CREATE VIEW tenant_guard.tenant_moves WITH (security_barrier = true) AS
SELECT m.slug, m.destination, m.state, m.closed, m.switched, s.steps, s.done, s.rows, m.error, m.created_by, m.started_at,
       m.finished_at
FROM tenant_guard.tenant_move m
CROSS JOIN LATERAL (
  SELECT count(*) AS steps, count(*) FILTER (WHERE t.done) AS done, coalesce(sum(t.rows) FILTER (WHERE t.kind = 'catch_up'), 0)::bigint AS rows
  FROM tenant_guard.tenant_move_step t WHERE t.slug = m.slug) s;
COMMENT ON VIEW tenant_guard.tenant_moves IS
  'Moves of tenants: state is moving, failed (with the error; call move_tenant again to go on), moved or cancelled; closed while the move has archived the schema here, switched once the tenant is assigned to the destination; how many steps are done, and how many rows are known to be there. Granted to nobody but the extension''s owner.
Example: SELECT slug, destination, state, done, steps, error FROM tenant_guard.tenant_moves;';

-- What is begun is committed before anything is made elsewhere, and each step after it is done.
CREATE PROCEDURE tenant_guard.move_tenant(slug text, destination text, trust_owners boolean DEFAULT false)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  more pg_catalog.bool;
BEGIN
  PERFORM tenant_guard.begin_tenant_move(slug, destination, trust_owners);
  LOOP
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    more := tenant_guard.run_move_step(slug);
    COMMIT;
    EXIT WHEN NOT more;
  END LOOP;
  PERFORM tenant_guard.report_tenant_move(slug);
END
$$;
COMMENT ON PROCEDURE tenant_guard.move_tenant(text, text, boolean) IS
  'Moves a tenant schema, with its rows, to the database of a destination: makes it there, copies each table, archives it here, copies again what changed meanwhile, adds keys, indexes, foreign keys, triggers and policies, compares structure, privileges, sequences and, by count and checksum, the rows of each table, and only then assigns the tenant to the destination. The schema here stays, archived, until you drop it. Each step is committed; after an error or a crash the same CALL goes on; a check that fails opens the schema here again. Needs the extension dblink here; there, tenant_guard and the roles, extensions and shared objects that the schema uses. trust_owners: also where the schema, or something in it, is of a role with fewer rights than yours. Not inside a transaction block. Administrative: EXECUTE is not granted to PUBLIC. Raises 0A000, 22004, 22023, 25001, 3F000, 42501, 42704, 53400, 55000.
Example: CALL tenant_guard.move_tenant(''acme'', ''eu2'');';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_move', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_move_step', '');
