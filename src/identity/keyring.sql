-- The keys that were not retired, as JSON. Times are microseconds of Unix time; those before
-- the year 1 and after 9999, infinity too, are no bounds.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
         'kid', k.kid,
         'alg', k.alg,
         'secret_hex', pg_catalog.encode(k.secret, 'hex'),
         'public_key', k.public_key,
         'issuer', k.issuer,
         'valid_from', CASE WHEN k.valid_from > '0001-01-01'
                       THEN (EXTRACT(epoch FROM k.valid_from) * 1000000)::pg_catalog.int8 END,
         'valid_until', CASE WHEN k.valid_until < '9999-12-31'
                        THEN (EXTRACT(epoch FROM k.valid_until) * 1000000)::pg_catalog.int8 END)
       ORDER BY k.kid)::pg_catalog.text
FROM tenant_guard.jwt_key k
WHERE k.retired_at IS NULL
  AND (k.valid_from IS NULL OR k.valid_from < '9999-12-31')
  AND (k.valid_until IS NULL OR k.valid_until > '0001-01-01')
