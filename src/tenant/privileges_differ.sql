-- Whose privileges on what in schema $1 are not those on the same in schema $2; no row when all is well. The
-- owners' own are theirs, and the tenant roles ($3 of the new schema, $4 of the template) have what they are given.
WITH role AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname IN ($3, $4)
),
ns AS (
  SELECT n.oid, n.nspname = $1 AS is_new, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname IN ($1, $2)
),
-- By what depends on a schema: no index finds objects by it, and there may be those of a thousand tenants.
held AS MATERIALIZED (
  SELECT d.refobjid AS home, d.classid, d.objid FROM pg_catalog.pg_depend d JOIN ns ON ns.oid = d.refobjid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
),
relation AS MATERIALIZED (
  SELECT c.* FROM pg_catalog.pg_class c
  WHERE c.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
),
type AS MATERIALIZED (
  SELECT t.typname, t.typnamespace, t.typowner, t.typacl FROM pg_catalog.pg_type t
  WHERE t.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass UNION ALL SELECT c.reltype FROM relation c)
),
-- within: what it is there with. A column has privileges of its own, or its row says nothing; so has a type.
object(is_new, what, within, owner, acl, type) AS (
  SELECT ns.is_new, 'the schema', 'the schema', ns.nspowner, ns.nspacl, 'n'::"char" FROM ns
  UNION ALL
  SELECT ns.is_new, pg_catalog.quote_ident(c.relname), pg_catalog.quote_ident(c.relname), c.relowner, c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char"
  FROM relation c JOIN ns ON ns.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
  UNION ALL
  SELECT ns.is_new, pg_catalog.quote_ident(c.relname) || '.' || pg_catalog.quote_ident(a.attname), pg_catalog.quote_ident(c.relname),
         c.relowner, a.attacl, 'c'
  FROM relation c JOIN ns ON ns.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'p', 'v', 'm')
  UNION ALL
  SELECT ns.is_new, 'type ' || pg_catalog.quote_ident(t.typname), 'type ' || pg_catalog.quote_ident(t.typname), t.typowner, t.typacl, 'T'
  FROM type t JOIN ns ON ns.oid = t.typnamespace
  -- Where the one says nothing, and the other does, the two are not alike.
  WHERE t.typname IN (SELECT y.typname FROM type y WHERE y.typacl IS NOT NULL)
  UNION ALL
  SELECT ns.is_new, f.name, f.name, p.proowner, p.proacl, 'f'
  FROM pg_catalog.pg_proc p JOIN ns ON ns.oid = p.pronamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.format('%I(%s)', p.proname, (
           SELECT pg_catalog.string_agg(CASE WHEN y.typnamespace = ns.oid THEN y.typname ELSE pg_catalog.format_type(y.oid, NULL) END, ', ' ORDER BY a.ord)
           FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY a(type, ord) JOIN pg_catalog.pg_type y ON y.oid = a.type)) AS name) f
  WHERE p.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
),
privilege AS (
  SELECT o.is_new, o.what, x.grantee, x.privilege_type, x.is_grantable
  FROM object o
  CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(o.acl, pg_catalog.acldefault(o.type, o.owner))) x
  WHERE x.grantee NOT IN (SELECT ns.nspowner FROM ns) AND x.grantee NOT IN (SELECT r.oid FROM role r)
    AND x.grantee <> o.owner
    AND EXISTS (SELECT FROM object other WHERE other.what = o.within AND other.is_new <> o.is_new)
),
difference AS (
  SELECT p.what, p.grantee, p.privilege_type FROM privilege p
  GROUP BY p.what, p.grantee, p.privilege_type, p.is_grantable HAVING count(*) <> 2
)
SELECT DISTINCT pg_catalog.format('%s on %s for %s', d.privilege_type, d.what,
         CASE d.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.grantee)) END)
FROM difference d
ORDER BY 1
