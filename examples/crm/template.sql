-- The help desk that every organization gets as a schema of its own: what create_tenant_schema()
-- clones. It holds one of each thing that a careless copy leaves pointing at the template:
-- a sequence in a default, foreign keys, a policy that reads another table, a generated column.
--
-- Load after schema.sql: psql -f template.sql
\set ON_ERROR_STOP on

BEGIN;

CREATE SCHEMA crm_template;
SET LOCAL search_path = crm_template;

CREATE TABLE teams (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id   uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name        text NOT NULL UNIQUE CHECK (name <> ''),
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Tickets are numbered apart from their ids, so that the first one of a customer is T-1001.
CREATE SEQUENCE ticket_number_seq START WITH 1001;

CREATE TABLE tickets (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id   uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  number      bigint NOT NULL UNIQUE DEFAULT nextval('ticket_number_seq'),
  reference   text GENERATED ALWAYS AS ('T-' || number::text) STORED,
  team_id     bigint REFERENCES teams(id) ON DELETE SET NULL,
  subject     text NOT NULL CHECK (subject <> ''),
  priority    smallint NOT NULL DEFAULT 2 CHECK (priority BETWEEN 1 AND 4),
  status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'waiting', 'closed')),
  opened_by   uuid,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_tickets_team_id ON tickets (team_id);
CREATE INDEX idx_tickets_priority_created_at ON tickets (priority, created_at) WHERE status <> 'closed';
ALTER SEQUENCE ticket_number_seq OWNED BY tickets.number;

CREATE TABLE ticket_comments (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id   uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  ticket_id   bigint NOT NULL REFERENCES tickets(id) ON DELETE CASCADE,
  body        text NOT NULL CHECK (body <> ''),
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_ticket_comments_ticket_id ON ticket_comments (ticket_id);

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON teams
  FOR EACH ROW EXECUTE FUNCTION crm.touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON tickets
  FOR EACH ROW EXECUTE FUNCTION crm.touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON ticket_comments
  FOR EACH ROW EXECUTE FUNCTION crm.touch_updated_at();

-- What is closed stays as it was answered: a closed ticket takes no more comments.
ALTER TABLE ticket_comments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_comments FORCE ROW LEVEL SECURITY;
CREATE POLICY ticket_comments_read ON ticket_comments FOR SELECT USING (true);
CREATE POLICY ticket_comments_write ON ticket_comments FOR INSERT
  WITH CHECK (EXISTS (SELECT FROM tickets t WHERE t.id = ticket_id AND t.status <> 'closed'));

COMMIT;
