-- Verifying a token of about 700 bytes: ours for HS256, ES256, EdDSA and RS256 beside the PL/pgSQL and
-- pgcrypto way on HS256. One token for each algorithm, made by the script around this, is verified 2,000
-- times a round; 11 rounds, medians.
\pset footer off
\set VERBOSITY terse
CREATE EXTENSION tenant_guard;
CREATE EXTENSION pgcrypto;
SELECT count(*) FROM tenant_guard.load_jwks(:'jwks') \g /dev/null
SET tenant_guard.trust = 'verified';

-- The way it is usually done in SQL: split, decode, hmac, compare, parse, check exp.
CREATE SCHEMA sql_way;
CREATE FUNCTION sql_way.url_decode(data text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  WITH t AS (SELECT translate(data, '-_', '+/') AS trans), r AS (SELECT length(t.trans) % 4 AS remainder FROM t)
  SELECT decode(t.trans || CASE WHEN r.remainder > 0 THEN repeat('=', 4 - r.remainder) ELSE '' END, 'base64') FROM t, r
$$;
CREATE FUNCTION sql_way.url_encode(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT translate(encode(data, 'base64'), E'+/=\n', '-_')
$$;
CREATE FUNCTION sql_way.verify(token text, secret bytea) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  part text[] := string_to_array(token, '.');
  header jsonb; payload jsonb;
BEGIN
  header := convert_from(sql_way.url_decode(part[1]), 'utf8')::jsonb;
  IF header ->> 'alg' <> 'HS256' OR part[3] <> sql_way.url_encode(hmac(convert_to(part[1] || '.' || part[2], 'utf8'), secret, 'sha256')) THEN
    RAISE EXCEPTION 'invalid token';
  END IF;
  payload := convert_from(sql_way.url_decode(part[2]), 'utf8')::jsonb;
  IF (payload ->> 'exp')::float8 <= extract(epoch FROM clock_timestamp()) THEN
    RAISE EXCEPTION 'expired token';
  END IF;
  RETURN payload;
END $$;

CREATE TABLE tokens (alg text PRIMARY KEY, token text);
INSERT INTO tokens SELECT key, value FROM jsonb_each_text(:'tokens');
CREATE TABLE timings (position int, variant text, us float8);
CREATE PROCEDURE measure(secret bytea) LANGUAGE plpgsql AS $$
DECLARE
  v record; started timestamptz; t text;
BEGIN
  FOR round IN 0..11 LOOP
    FOR v IN SELECT row_number() OVER () AS position, * FROM (VALUES
        ('authenticate HS256', 'HS256', 1), ('verify in PL/pgSQL and pgcrypto, HS256', 'HS256', 2), ('pgcrypto hmac alone, HS256', 'HS256', 3),
        ('authenticate ES256', 'ES256', 1), ('authenticate EdDSA', 'EdDSA', 1), ('authenticate RS256', 'RS256', 1)) v(variant, alg, way) LOOP
      SELECT token INTO t FROM tokens WHERE alg = v.alg;
      started := clock_timestamp();
      CASE v.way
        WHEN 1 THEN PERFORM tenant_guard.authenticate(t) FROM generate_series(1, 2000);
        WHEN 2 THEN PERFORM sql_way.verify(t || left(n::text, 0), secret) FROM generate_series(1, 2000) n;
        WHEN 3 THEN PERFORM hmac(convert_to(t || left(n::text, 0), 'utf8'), secret, 'sha256') FROM generate_series(1, 2000) n;
      END CASE;
      IF round > 0 THEN
        INSERT INTO timings VALUES (v.position, v.variant, extract(epoch FROM clock_timestamp() - started) * 1e6 / 2000);
      END IF;
      COMMIT;
    END LOOP;
  END LOOP;
END $$;
CALL measure(:'secret');
SELECT variant, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY us)::numeric, 2) AS "us a token",
       round((1e6 / percentile_cont(0.5) WITHIN GROUP (ORDER BY us))::numeric, -2) AS "tokens/s a core",
       (SELECT length(token) FROM tokens WHERE alg = split_part(replace(variant, ', ', ' '), ' ', array_length(string_to_array(replace(variant, ', ', ' '), ' '), 1))) AS "bytes"
FROM timings GROUP BY position, variant ORDER BY position;
