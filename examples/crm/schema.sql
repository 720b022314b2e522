-- A CRM that grew up with one customer and now holds eight. Every row already says which
-- organization it belongs to; nothing yet makes anyone look at that column. It is what
-- `make demo` protects, and a fair copy of what most applications start from:
--   * no row-level security, and an API role that may read and write every row;
--   * indexes chosen for the screens of one tenant, none of them led by organization_id;
--   * foreign keys on the bare id.
--
-- Load as a superuser (it creates two roles): psql -f schema.sql -f data.sql
\set ON_ERROR_STOP on

BEGIN;

-- The two roles of a Supabase-style stack. The gateway logs in as `authenticator`, which can do
-- nothing itself (NOINHERIT), and becomes `authenticated` for each request.
DO $$
BEGIN
  IF to_regrole('authenticated') IS NULL THEN
    CREATE ROLE authenticated NOLOGIN NOINHERIT;
  END IF;
  IF to_regrole('authenticator') IS NULL THEN
    CREATE ROLE authenticator LOGIN NOINHERIT;
  END IF;
  IF NOT pg_has_role('authenticator', 'authenticated', 'MEMBER') THEN
    GRANT authenticated TO authenticator;
  END IF;
END
$$;

CREATE SCHEMA crm;
SET LOCAL search_path = crm;

CREATE TYPE member_role AS ENUM ('owner', 'admin', 'sales', 'support');
CREATE TYPE contact_lifecycle AS ENUM ('lead', 'prospect', 'customer', 'former_customer');
CREATE TYPE opportunity_stage AS ENUM ('prospecting', 'qualified', 'proposal', 'negotiation', 'won', 'lost');
CREATE TYPE interaction_kind AS ENUM ('email', 'call', 'meeting', 'note');

CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

-- The tenants themselves: here the tenant column is the primary key.
CREATE TABLE organizations (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name        text NOT NULL CHECK (name <> ''),
  slug        text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]*$'),
  industry    text NOT NULL,
  plan        text NOT NULL DEFAULT 'team' CHECK (plan IN ('free', 'team', 'enterprise')),
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now()
);

-- People belong to no single organization, so this table has no tenant column. The API role gets
-- no right to it: it holds the address of everyone's colleagues.
CREATE TABLE users (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email       text NOT NULL UNIQUE CHECK (email = lower(email)),
  full_name   text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Who may work for which organization: what tenant_guard.use_membership() is pointed at.
CREATE TABLE memberships (
  user_id          uuid NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  organization_id  uuid NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
  role             member_role NOT NULL DEFAULT 'sales',
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, organization_id)
);

CREATE TABLE contacts (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  organization_id  uuid NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
  first_name       text NOT NULL,
  last_name        text NOT NULL,
  email            text NOT NULL CHECK (position('@' IN email) > 1),
  phone            text,
  job_title        text NOT NULL,
  company_name     text NOT NULL,
  city             text NOT NULL,
  country_code     char(2) NOT NULL CHECK (country_code = upper(country_code)),
  lifecycle        contact_lifecycle NOT NULL DEFAULT 'lead',
  is_subscribed    boolean NOT NULL DEFAULT true,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_contacts_email ON contacts (lower(email));
CREATE INDEX idx_contacts_last_name_first_name ON contacts (last_name, first_name);
CREATE INDEX idx_contacts_created_at ON contacts (created_at DESC);

CREATE TABLE products (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  organization_id  uuid NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
  sku              text NOT NULL,
  name             text NOT NULL,
  category         text NOT NULL CHECK (category IN ('goods', 'service', 'subscription')),
  unit_price       numeric(12,2) NOT NULL CHECK (unit_price >= 0),
  currency         char(3) NOT NULL DEFAULT 'USD' CHECK (currency = upper(currency)),
  is_active        boolean NOT NULL DEFAULT true,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  UNIQUE (sku, organization_id)
);
CREATE INDEX idx_products_name ON products (name);

CREATE TABLE opportunities (
  id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id            uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  organization_id      uuid NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
  contact_id           bigint NOT NULL REFERENCES contacts(id) ON DELETE CASCADE,
  product_id           bigint NOT NULL REFERENCES products(id),
  name                 text NOT NULL,
  stage                opportunity_stage NOT NULL DEFAULT 'prospecting',
  quantity             integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
  amount               numeric(14,2) NOT NULL CHECK (amount >= 0),
  probability          smallint NOT NULL CHECK (probability BETWEEN 0 AND 100),
  expected_close_date  date NOT NULL,
  closed_at            timestamptz,
  created_at           timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now(),
  CHECK ((closed_at IS NOT NULL) = (stage IN ('won', 'lost')))
);
CREATE INDEX idx_opportunities_contact_id ON opportunities (contact_id);
CREATE INDEX idx_opportunities_product_id ON opportunities (product_id);
CREATE INDEX idx_opportunities_stage_expected_close_date ON opportunities (stage, expected_close_date)
  WHERE stage NOT IN ('won', 'lost');

CREATE TABLE interactions (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id         uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  organization_id   uuid NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
  contact_id        bigint NOT NULL REFERENCES contacts(id) ON DELETE CASCADE,
  opportunity_id    bigint REFERENCES opportunities(id) ON DELETE SET NULL,
  kind              interaction_kind NOT NULL,
  subject           text NOT NULL,
  body              text NOT NULL,
  duration_minutes  integer CHECK (duration_minutes > 0),
  occurred_at       timestamptz NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CHECK (duration_minutes IS NULL OR kind IN ('call', 'meeting'))
);
CREATE INDEX idx_interactions_contact_id_occurred_at ON interactions (contact_id, occurred_at DESC);
CREATE INDEX idx_interactions_opportunity_id ON interactions (opportunity_id);
CREATE INDEX idx_interactions_occurred_at ON interactions (occurred_at DESC);

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON organizations
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON memberships
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON contacts
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON products
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON opportunities
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON interactions
  FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

GRANT USAGE ON SCHEMA crm TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON contacts, products, opportunities, interactions TO authenticated;
-- Sign-up and invitations are the business of a back office, not of the API: whoever could write
-- a membership could let themselves in anywhere.
GRANT SELECT, UPDATE ON organizations TO authenticated;
GRANT SELECT ON memberships TO authenticated;

COMMIT;
