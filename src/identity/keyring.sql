-- The keys that were not retired, as JSON. Times are microseconds of Unix time; -infinity and
-- infinity are no bounds.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
         'kid', k.kid,
         'alg', k.alg,
         'secret_hex', pg_catalog.encode(k.secret, 'hex'),
         'public_key', k.public_key,
         'issuer', k.issuer,
         'valid_from', CASE WHEN pg_catalog.isfinite(k.valid_from)
                       THEN (EXTRACT(epoch FROM k.valid_from) * 1000000)::pg_catalog.int8 END,
         'valid_until', CASE WHEN pg_catalog.isfinite(k.valid_until)
                        THEN (EXTRACT(epoch FROM k.valid_until) * 1000000)::pg_catalog.int8 END)
       ORDER BY k.kid)::pg_catalog.text
FROM tenant_guard.jwt_key k
WHERE k.retired_at IS NULL
  AND (k.valid_from IS NULL OR k.valid_from < 'infinity')
  AND (k.valid_until IS NULL OR k.valid_until > '-infinity')
