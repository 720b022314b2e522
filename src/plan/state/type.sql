-- $1 schema, $3 type: what an enum, domain or composite type is made of
SELECT pg_catalog.format('%s %s %s %s %s [%s] [%s] [%s]', t.typtype,
         pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, t.typcollation::pg_catalog.regcollation,
         (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
         (SELECT pg_catalog.string_agg(pg_catalog.format('%I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)), ', ' ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid),
         (SELECT pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_catalog.pg_type t
WHERE t.typnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1) AND t.typname = $3 AND $2 IS NOT NULL
