-- Who owns what in a schema and who may do what there, as one checksum: the same text is asked on both sides, with the
-- schema's name in the place of the parameter.
WITH ns AS (SELECT n.* FROM pg_catalog.pg_namespace n WHERE n.nspname = :slug),
object(what, owner, acl, type) AS (
  SELECT 'the schema', n.nspowner, n.nspacl, 'n'::"char" FROM ns n
  UNION ALL
  SELECT 'relation ' || c.relname, c.relowner, c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char"
  FROM pg_catalog.pg_class c JOIN ns n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
  UNION ALL
  SELECT pg_catalog.format('column %I.%I', c.relname, a.attname), c.relowner, a.attacl, 'c'
  FROM pg_catalog.pg_class c JOIN ns n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT 'type ' || t.typname, t.typowner, t.typacl, 'T'
  FROM pg_catalog.pg_type t JOIN ns n ON n.oid = t.typnamespace WHERE t.typtype IN ('c', 'd', 'e', 'r')
  UNION ALL
  SELECT pg_catalog.format('routine %I(%s)', p.proname, pg_catalog.oidvectortypes(p.proargtypes)), p.proowner, p.proacl, 'f'
  FROM pg_catalog.pg_proc p JOIN ns n ON n.oid = p.pronamespace
),
line AS (
  SELECT pg_catalog.format('%s|%s|%s|%s|%s', o.what, pg_catalog.pg_get_userbyid(o.owner),
           CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, x.privilege_type, x.is_grantable) AS text
  FROM object o
  LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(o.acl, pg_catalog.acldefault(o.type, o.owner))) x ON true
)
SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(DISTINCT l.text, E'\n' ORDER BY l.text), '')) FROM line l
