-- A schema with every kind of object that a template can hold. Only "Zoo" is cloned; the schema beside it,
-- the roles and the publication are what it refers to.
CREATE ROLE zoo_keeper NOLOGIN;
CREATE ROLE zoo_visitor NOLOGIN;
CREATE SCHEMA beside;
CREATE TABLE beside.countries (code char(2) PRIMARY KEY, name text);
INSERT INTO beside.countries VALUES ('de', 'Germany'), ('fr', 'France');
CREATE FUNCTION beside.upper_first(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.initcap($1)';
CREATE SCHEMA zoo;
COMMENT ON SCHEMA zoo IS 'every kind of it';
SET search_path = zoo;
SET check_function_bodies = off;

-- Types.
CREATE COLLATION "ein Satz" (provider = libc, locale = 'C');
COMMENT ON COLLATION "ein Satz" IS 'as bytes';
CREATE TYPE state AS ENUM ('new', 'it''s', 'Größe');
CREATE TYPE "Adresse é" AS (street text COLLATE "ein Satz", states state[], at timestamptz);
COMMENT ON COLUMN "Adresse é".street IS 'with number';
CREATE DOMAIN "Prozent é" AS numeric(5, 2) DEFAULT 0 CONSTRAINT "in Grenzen" CHECK (VALUE BETWEEN 0 AND 100);
COMMENT ON CONSTRAINT "in Grenzen" ON DOMAIN "Prozent é" IS 'of a hundred';
COMMENT ON DOMAIN "Prozent é" IS 'a share';
CREATE FUNCTION apart(a float8, b float8) RETURNS float8 IMMUTABLE STRICT LANGUAGE sql AS 'SELECT a - b';
CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = apart, MULTIRANGE_TYPE_NAME = spans);
CREATE DOMAIN wide_span AS span CHECK (NOT isempty(VALUE));
CREATE DOMAIN later AS int;
ALTER DOMAIN later ADD CONSTRAINT small CHECK (VALUE < 10) NOT VALID;
GRANT USAGE ON TYPE state TO zoo_visitor;
REVOKE USAGE ON TYPE span FROM PUBLIC;

-- Sequences.
CREATE SEQUENCE "odd 'seq'" AS smallint START 5 INCREMENT -2 MINVALUE -50 MAXVALUE 99 CACHE 3 CYCLE;
COMMENT ON SEQUENCE "odd 'seq'" IS 'counts down';
CREATE UNLOGGED SEQUENCE fleeting;

-- Functions: overloads, languages, settings, text that names the schema.
CREATE FUNCTION total(a int, b int DEFAULT 2) RETURNS int IMMUTABLE PARALLEL SAFE LEAKPROOF COST 7 LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION total(a state, VARIADIC b text[]) RETURNS text STABLE LANGUAGE sql RETURN a::text || array_length(b, 1);
CREATE FUNCTION total() RETURNS int LANGUAGE sql AS 'SELECT zoo.total(1, 2)';
COMMENT ON FUNCTION total(int, int) IS 'adds';
CREATE FUNCTION couple(OUT a int, INOUT b state, c numeric DEFAULT 1.5) RETURNS record LANGUAGE plpgsql AS $$
-- zoo.animals stays in a comment
BEGIN
  SELECT count(*) INTO a FROM zoo.animals x WHERE x.state = b AND zoo . "total"() > 0;
  b := 'new'::"zoo".state;
END $$;
CREATE PROCEDURE feed(inout n int, who regclass DEFAULT NULL) LANGUAGE plpgsql SECURITY DEFINER SET search_path = zoo, pg_temp SET work_mem = '1MB' AS $body$
BEGIN
  INSERT INTO animals (name) VALUES ($$x$$ || n);
END $body$;
CREATE FUNCTION initial(name text) RETURNS text IMMUTABLE LANGUAGE sql SET search_path = pg_catalog, zoo AS 'SELECT left(name, 1)';
CREATE FUNCTION secret() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$SELECT 'x' $$;
REVOKE ALL ON FUNCTION secret() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION secret() TO zoo_keeper WITH GRANT OPTION;
CREATE FUNCTION plus(a int, b int) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'int4pl';
CREATE AGGREGATE summed(int) (SFUNC = plus, STYPE = int, INITCOND = '0', PARALLEL = SAFE, MSFUNC = plus, MINVFUNC = int4mi, MSTYPE = int);
CREATE AGGREGATE counted(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE nth(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
COMMENT ON AGGREGATE counted(*) IS 'all of them';
CREATE FUNCTION same_state(a state, b text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT a::text = b';
CREATE FUNCTION same_state(a text, b state) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT b::text = a';
CREATE FUNCTION unlike(a state, b text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT a::text <> b';
CREATE OPERATOR === (FUNCTION = same_state, LEFTARG = state, RIGHTARG = text, COMMUTATOR = ===, NEGATOR = !==, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR === (FUNCTION = same_state, LEFTARG = text, RIGHTARG = state, COMMUTATOR = ===);
CREATE OPERATOR !== (FUNCTION = unlike, LEFTARG = state, RIGHTARG = text, NEGATOR = ===);
COMMENT ON OPERATOR === (state, text) IS 'by label';
CREATE FUNCTION state_number(state) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT length($1::text)';
CREATE CAST (state AS int) WITH FUNCTION state_number(state) AS ASSIGNMENT;
COMMENT ON CAST (state AS int) IS 'its length';
CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = pg_catalog.simple, stopwords = 'english');
CREATE TEXT SEARCH CONFIGURATION search (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION search ADD MAPPING FOR asciiword, word WITH plain, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION search IS 'own words';
-- A class with its family, one that is the default for an own type, and what is of the family alone.
CREATE OPERATOR CLASS backwards FOR TYPE bigint USING btree AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint8cmp(bigint, bigint);
COMMENT ON OPERATOR CLASS backwards USING btree IS 'the last first';
CREATE TYPE mark AS (n int);
CREATE FUNCTION equal_marks(mark, mark) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT ($1).n = ($2).n';
CREATE FUNCTION mark_hash(mark) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT hashint4(($1).n)';
CREATE OPERATOR <=> (FUNCTION = equal_marks, LEFTARG = mark, RIGHTARG = mark, COMMUTATOR = <=>, HASHES);
CREATE OPERATOR FAMILY "Marks é" USING hash;
COMMENT ON OPERATOR FAMILY "Marks é" USING hash IS 'of marks';
CREATE OPERATOR CLASS mark_ops DEFAULT FOR TYPE mark USING hash FAMILY "Marks é" AS
  OPERATOR 1 <=>, FUNCTION 1 mark_hash(mark);
ALTER OPERATOR FAMILY "Marks é" USING hash ADD OPERATOR 1 === (state, text), FUNCTION 1 (state, state) state_number(state);
CREATE CONVERSION old_files FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION "new files" FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
COMMENT ON CONVERSION old_files IS 'from before';
-- A name that stands in pg_catalog too.
CREATE FUNCTION lower(state) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'own'$$;
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now()';

-- Tables.
CREATE TABLE animals (
  id bigint GENERATED BY DEFAULT AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
  "Name é" text COLLATE "ein Satz" GENERATED ALWAYS AS (pg_catalog.upper(name)) STORED,
  name text NOT NULL CHECK (initial(name) <> ''),
  state state NOT NULL DEFAULT 'new',
  share "Prozent é",
  home "Adresse é",
  span span,
  country char(2) REFERENCES beside.countries ON UPDATE CASCADE,
  words tsvector,
  n smallint DEFAULT nextval('"odd ''seq''"'),
  label text DEFAULT beside.upper_first('x'),
  s serial,
  at timestamptz DEFAULT now(),
  born timestamptz DEFAULT pg_catalog.now(),
  dropped int,
  CONSTRAINT "a name" UNIQUE (name) INCLUDE (state) WITH (fillfactor = 70),
  EXCLUDE USING gist (span WITH &&) WHERE (state <> 'it''s')
) WITH (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE animals DROP COLUMN dropped;
ALTER TABLE animals ADD CONSTRAINT "not checked" CHECK (share < 90) NOT VALID;
ALTER TABLE animals ALTER name SET STORAGE EXTERNAL, ALTER state SET STATISTICS 50, ALTER name SET (n_distinct = -0.5),
  ALTER label SET COMPRESSION pglz;
COMMENT ON TABLE animals IS 'it''s \ them';
COMMENT ON COLUMN animals."Name é" IS 'made';
COMMENT ON CONSTRAINT "a name" ON animals IS 'only once';
CREATE INDEX idx_expression ON animals ((name || 'x') COLLATE "C", lower(state), id DESC NULLS LAST) INCLUDE (share) WHERE state === 'new';
ALTER INDEX idx_expression ALTER COLUMN 1 SET STATISTICS 500;
COMMENT ON INDEX idx_expression IS 'an expression';
CREATE INDEX idx_words ON animals USING gin (words) WITH (fastupdate = off);
CREATE UNIQUE INDEX idx_identity ON animals (id, name);
ALTER TABLE animals REPLICA IDENTITY USING INDEX idx_identity, CLUSTER ON animals_pkey;
CREATE STATISTICS "both of them" (ndistinct, mcv) ON name, state FROM animals;
CREATE STATISTICS one_expression ON (name || 'y') FROM animals;
ALTER STATISTICS "both of them" SET STATISTICS 77;
COMMENT ON STATISTICS "both of them" IS 'go together';
CREATE TABLE cages (
  id int, animal bigint CONSTRAINT "Tier é" REFERENCES animals ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  above int, PRIMARY KEY (id) DEFERRABLE
);
ALTER TABLE cages ADD CONSTRAINT unchecked FOREIGN KEY (animal) REFERENCES animals (id) NOT VALID;
CREATE UNLOGGED TABLE cache (k text PRIMARY KEY, v jsonb);
CREATE TABLE typed OF "Adresse é" (PRIMARY KEY (street));
CREATE TABLE nothing ();
-- A circle: the check takes rows of the table.
CREATE TABLE ring (id int, other int);
CREATE FUNCTION is_round(ring) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1.id <> $1.other';
ALTER TABLE ring ADD CONSTRAINT round CHECK (is_round(ring.*));
-- Inheritance and partitions.
CREATE TABLE special (extra text) INHERITS (cages);
ALTER TABLE special ALTER above SET DEFAULT 7, ALTER above SET NOT NULL;
CREATE TABLE parent_two (id int CHECK (id > 0), note text DEFAULT 'p');
CREATE TABLE two_parents (own int, id int) INHERITS (cages, parent_two);
CREATE TABLE visits (id bigint, at date NOT NULL, animal bigint REFERENCES animals, note text COLLATE "C", PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (id);
CREATE TABLE visits_2026_0 PARTITION OF visits_2026 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE "visits 2026 1" (note text COLLATE "C" DEFAULT 'own', at date NOT NULL, id bigint NOT NULL, animal bigint);
ALTER TABLE visits_2026 ATTACH PARTITION "visits 2026 1" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE visits_default PARTITION OF visits DEFAULT;
CREATE TABLE by_list (k text, v int) PARTITION BY LIST (k COLLATE "C");
CREATE TABLE by_list_null PARTITION OF by_list FOR VALUES IN (NULL, 'it''s');
CREATE INDEX idx_visits_animal ON visits (animal);
CREATE INDEX idx_only ON ONLY visits (note);

-- Views.
CREATE VIEW tame WITH (security_barrier = true) AS SELECT id, name, state FROM animals WHERE state <> 'it''s' WITH CASCADED CHECK OPTION;
CREATE VIEW nested WITH (security_invoker = true) AS SELECT t.*, c.id AS cage FROM tame t LEFT JOIN cages c ON c.animal = t.id;
COMMENT ON VIEW nested IS 'a view of a view';
COMMENT ON COLUMN nested.cage IS 'of it';
ALTER VIEW tame ALTER COLUMN name SET DEFAULT 'unnamed';
CREATE VIEW by_key AS SELECT a.id, a.name, count(*) AS cages FROM animals a JOIN cages c ON c.animal = a.id GROUP BY a.id;
CREATE RECURSIVE VIEW numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 5;
CREATE MATERIALIZED VIEW counted_states WITH (fillfactor = 90) AS SELECT state, count(*) AS n, summed(1) AS s FROM animals GROUP BY state;
CREATE UNIQUE INDEX idx_counted ON counted_states (state);
COMMENT ON MATERIALIZED VIEW counted_states IS 'filled';
CREATE MATERIALIZED VIEW empty_one AS SELECT * FROM counted_states WITH NO DATA;
CREATE FUNCTION of_view() RETURNS SETOF nested LANGUAGE sql STABLE ROWS 12 BEGIN ATOMIC SELECT * FROM nested; END;
CREATE FUNCTION row_of(animals) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1.name';
CREATE FUNCTION by_atomic(i bigint) RETURNS text LANGUAGE sql BEGIN ATOMIC INSERT INTO cache VALUES (i::text, NULL) ON CONFLICT (k) DO NOTHING; SELECT row_of(a) FROM animals a WHERE a.id = i; END;

-- Rules and triggers.
CREATE RULE "keep them" AS ON DELETE TO cache DO INSTEAD NOTHING;
CREATE RULE also AS ON INSERT TO cages DO ALSO (INSERT INTO cache VALUES (new.id::text, '{}'); INSERT INTO cache VALUES ('n', '{}'));
ALTER TABLE cages DISABLE RULE also;
COMMENT ON RULE also ON cages IS 'not now';
CREATE RULE tame_update AS ON UPDATE TO nested DO INSTEAD UPDATE animals SET name = new.name WHERE id = old.id;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '%', TG_TABLE_NAME; RETURN coalesce(new, old); END$$;
CREATE TRIGGER "every row" BEFORE INSERT OR UPDATE OF name, state ON animals FOR EACH ROW WHEN (new.state === 'it''s') EXECUTE FUNCTION told('a', 'it''s');
CREATE TRIGGER t_always AFTER DELETE ON animals FOR EACH ROW EXECUTE FUNCTION told();
ALTER TABLE animals ENABLE ALWAYS TRIGGER t_always;
CREATE TRIGGER t_replica AFTER TRUNCATE ON animals EXECUTE FUNCTION told();
ALTER TABLE animals ENABLE REPLICA TRIGGER t_replica;
CREATE TRIGGER t_off AFTER UPDATE ON animals REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION told();
ALTER TABLE animals DISABLE TRIGGER t_off;
CREATE CONSTRAINT TRIGGER t_constraint AFTER INSERT ON cages FROM animals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION told();
COMMENT ON TRIGGER t_off ON animals IS 'off';
CREATE TRIGGER t_view INSTEAD OF INSERT ON nested FOR EACH ROW EXECUTE FUNCTION told();
CREATE TRIGGER t_part AFTER INSERT ON visits FOR EACH ROW EXECUTE FUNCTION told();
ALTER TABLE visits_default DISABLE TRIGGER t_part;

-- Row-level security.
ALTER TABLE animals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "see them" ON animals FOR SELECT TO zoo_visitor, zoo_keeper USING (state === 'new' AND EXISTS (SELECT FROM cages c WHERE c.animal = animals.id));
CREATE POLICY restrict ON animals AS RESTRICTIVE USING (total() > 0) WITH CHECK (name <> 'hidden');
COMMENT ON POLICY restrict ON animals IS 'never less';
ALTER TABLE cages ENABLE ROW LEVEL SECURITY;
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON visits TO PUBLIC USING (true);

-- Privileges.
GRANT USAGE ON SCHEMA zoo TO zoo_visitor;
GRANT CREATE ON SCHEMA zoo TO zoo_keeper WITH GRANT OPTION;
GRANT SELECT ON ALL TABLES IN SCHEMA zoo TO zoo_visitor;
GRANT UPDATE (name, state), INSERT (name) ON animals TO zoo_keeper WITH GRANT OPTION;
GRANT ALL ON cages TO zoo_keeper;
GRANT TRIGGER, REFERENCES ON cages TO PUBLIC;
REVOKE DELETE, TRUNCATE ON cache FROM CURRENT_USER;
GRANT USAGE ON SEQUENCE fleeting TO zoo_visitor;
GRANT UPDATE (cage) ON nested TO zoo_visitor;
GRANT REFERENCES (tableoid) ON cages TO zoo_visitor;
ALTER DEFAULT PRIVILEGES IN SCHEMA zoo GRANT SELECT, INSERT ON TABLES TO zoo_visitor;
ALTER DEFAULT PRIVILEGES IN SCHEMA zoo GRANT EXECUTE ON FUNCTIONS TO zoo_keeper WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE zoo_keeper IN SCHEMA zoo GRANT USAGE ON TYPES TO zoo_visitor;

-- Owners.
ALTER TABLE by_list OWNER TO zoo_keeper;
ALTER FUNCTION secret() OWNER TO zoo_keeper;
ALTER TYPE span OWNER TO zoo_keeper;
ALTER VIEW numbers OWNER TO zoo_keeper;

-- Publications.
CREATE PUBLICATION zoo_part FOR TABLE animals (id, name) WHERE (id > 5), cages;
CREATE PUBLICATION zoo_whole FOR TABLES IN SCHEMA zoo;
RESET search_path;
RESET check_function_bodies;
