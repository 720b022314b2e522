-- What a schema ($1) holds beside its tables: routines, operators, casts, collations, text search; and,
-- of everything in it, owners, privileges, comments and labels. Read under a path that begins with that
-- schema (see tables/mod.rs). What belongs to an extension is no part of it: all schemas share that.
-- What is marked is left out for a schema that holds relations alone.
WITH ns AS (
  SELECT n.* FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
),
-- By what depends on the schema: no index finds objects by it, and there may be those of a thousand tenants.
held AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN ns ON d.refobjid = ns.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
),
-- [beside tables
routine AS MATERIALIZED (
  SELECT p.*, CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS word,
         pg_catalog.quote_ident(p.proname) || '(' || CASE WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*'
           ELSE pg_catalog.pg_get_function_identity_arguments(p.oid) END || ')' AS identity
  FROM pg_catalog.pg_proc p
  WHERE p.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = p.oid AND m.deptype = 'e')
    -- The constructors of a range come with it.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'i')
),
type AS MATERIALIZED (
  SELECT t.*, pg_catalog.quote_ident(t.typname) AS identity
  FROM pg_catalog.pg_type t
  WHERE t.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
    AND t.typtype IN ('e', 'd', 'r', 'c')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid AND m.deptype = 'e')
),
-- beside tables]
relation AS MATERIALIZED (
  SELECT c.* FROM pg_catalog.pg_class c
  WHERE c.oid IN (SELECT h.objid FROM held h WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid AND m.deptype = 'e')
),
-- [beside tables
operator AS MATERIALIZED (
  SELECT o.*, pg_catalog.format('%s (%s, %s)', o.oprname,
                CASE o.oprleft WHEN 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END,
                pg_catalog.format_type(o.oprright, NULL)) AS identity
  FROM held h JOIN pg_catalog.pg_operator o ON h.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND h.objid = o.oid
  WHERE o.oprcode <> 0
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND m.objid = o.oid AND m.deptype = 'e')
),
conversion AS MATERIALIZED (
  SELECT k.*, pg_catalog.format('(%s AS %s)', pg_catalog.format_type(k.castsource, NULL), pg_catalog.format_type(k.casttarget, NULL)) AS identity
  FROM pg_catalog.pg_cast k
  WHERE k.oid >= 16384
    AND EXISTS (SELECT FROM pg_catalog.pg_type t JOIN ns ON t.typnamespace = ns.oid WHERE t.oid IN (k.castsource, k.casttarget))
    -- That of a range to its multirange comes with the two.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND d.objid = k.oid AND d.deptype = 'i')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND m.objid = k.oid AND m.deptype = 'e')
    -- There is no function of another schema for the new one's type: schema.sql tells of such casts.
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_proc f JOIN ns ON f.pronamespace <> ns.oid
      JOIN pg_catalog.pg_type t ON t.typnamespace = ns.oid AND t.oid IN (k.castsource, k.casttarget) AND (t.oid = f.prorettype OR t.oid = ANY (f.proargtypes::pg_catalog.oid[]))
      WHERE f.oid = k.castfunc)
),
kollation AS MATERIALIZED (
  SELECT o.*, pg_catalog.to_jsonb(o) AS whole FROM held h JOIN pg_catalog.pg_collation o ON h.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND h.objid = o.oid
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND m.objid = o.oid AND m.deptype = 'e')
),
dictionary AS MATERIALIZED (
  SELECT o.* FROM held h JOIN pg_catalog.pg_ts_dict o ON h.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND h.objid = o.oid
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND m.objid = o.oid AND m.deptype = 'e')
),
configuration AS MATERIALIZED (
  SELECT o.* FROM held h JOIN pg_catalog.pg_ts_config o ON h.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND h.objid = o.oid
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND m.objid = o.oid AND m.deptype = 'e')
),
-- As classes.sql has them.
family AS MATERIALIZED (
  SELECT f.*, pg_catalog.format('%I USING %I', f.opfname, m.amname) AS identity
  FROM held h JOIN pg_catalog.pg_opfamily f ON h.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND h.objid = f.oid
  JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
  WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND r.rolsuper)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m WHERE m.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND m.objid = f.oid AND m.deptype = 'e')
),
-- beside tables]
-- Everything that has an owner, privileges, a comment or a label, as a statement under the path names it.
-- told: whether its comment is told elsewhere in the model.
address(classid, objid, objsubid, word, identity, owner, acl, acltype, told) AS MATERIALIZED (
  SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, ns.oid, 0, 'SCHEMA', '', ns.nspowner, ns.nspacl, 'n'::"char", true FROM ns
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0,
         CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
         pg_catalog.quote_ident(c.relname), c.relowner, c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", true
  FROM relation c
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum, 'COLUMN',
         pg_catalog.quote_ident(c.relname) || '.' || pg_catalog.quote_ident(a.attname), c.relowner, a.attacl, 'c', true
  -- Those with privileges, as system columns may have; while there are labels at all, any. Their comments are told with
  -- them.
  FROM relation c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
  WHERE c.relkind <> 'S' AND (a.attacl IS NOT NULL OR a.attnum > 0 AND EXISTS (SELECT FROM pg_catalog.pg_seclabel))
-- [beside tables
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, t.typrelid, a.attnum, 'COLUMN',
         t.identity || '.' || pg_catalog.quote_ident(a.attname), t.typowner, NULL, 'c', false
  FROM type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE t.typtype = 'c'
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,
         t.identity, t.typowner, t.typacl, 'T', true
  FROM type t
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 0, 'CONSTRAINT',
         pg_catalog.quote_ident(k.conname) || ' ON DOMAIN ' || t.identity, NULL, NULL, NULL, false
  FROM type t JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0, p.word, p.identity, p.proowner, p.proacl, 'f', false FROM routine p
  UNION ALL
  SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, 0, 'OPERATOR', o.identity, o.oprowner, NULL, NULL, false FROM operator o
  UNION ALL
  SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid, 0, 'CAST', k.identity, NULL, NULL, NULL, false FROM conversion k
  UNION ALL
  SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid, 0, 'COLLATION', pg_catalog.quote_ident(o.collname), o.collowner, NULL, NULL, false FROM kollation o
  UNION ALL
  SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, o.oid, 0, 'TEXT SEARCH DICTIONARY', pg_catalog.quote_ident(o.dictname), o.dictowner, NULL, NULL, false FROM dictionary o
  UNION ALL
  SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, o.oid, 0, 'TEXT SEARCH CONFIGURATION', pg_catalog.quote_ident(o.cfgname), o.cfgowner, NULL, NULL, false FROM configuration o
  UNION ALL
  SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, f.oid, 0, 'OPERATOR FAMILY', f.identity, f.opfowner, NULL, NULL, false FROM family f
  UNION ALL
  SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid, 0, 'OPERATOR CLASS',
         pg_catalog.format('%I USING %I', o.opcname, m.amname), o.opcowner, NULL, NULL, false
  FROM held h JOIN pg_catalog.pg_opclass o ON h.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND h.objid = o.oid
  JOIN ns ON o.opcnamespace = ns.oid JOIN family f ON f.oid = o.opcfamily
  JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod JOIN pg_catalog.pg_type t ON t.oid = o.opcintype
  WHERE (t.typnamespace = ns.oid OR NOT o.opcdefault)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND e.objid = o.oid AND e.deptype = 'e')
  UNION ALL
  SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, o.oid, 0, 'CONVERSION', pg_catalog.quote_ident(o.conname), o.conowner, NULL, NULL, false
  FROM held h JOIN pg_catalog.pg_conversion o ON h.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass AND h.objid = o.oid
  WHERE pg_catalog.has_function_privilege(o.conproc::pg_catalog.oid, 'EXECUTE')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass AND e.objid = o.oid AND e.deptype = 'e')
-- beside tables]
  UNION ALL
  SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid, 0, 'STATISTICS', pg_catalog.quote_ident(s.stxname), s.stxowner, NULL, NULL, false
  FROM held h JOIN pg_catalog.pg_statistic_ext s ON s.oid = h.objid AND h.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
  JOIN relation c ON c.oid = s.stxrelid
  UNION ALL
  SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, 0, 'RULE',
         pg_catalog.quote_ident(w.rulename) || ' ON ' || pg_catalog.quote_ident(c.relname), NULL, NULL, NULL, false
  FROM relation c JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid
)
SELECT pg_catalog.json_build_object(
  'has_extension', EXISTS (
    SELECT FROM held h JOIN pg_catalog.pg_depend m ON m.classid = h.classid AND m.objid = h.objid AND m.deptype = 'e'),
-- [beside tables
  'routines', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', p.oid::pg_catalog.int8,
      'name', p.proname,
      'identity', p.identity,
      'signature', pg_catalog.quote_ident(p.proname) || '(' || coalesce((
        SELECT pg_catalog.string_agg(pg_catalog.format_type(t.type, NULL), ',' ORDER BY t.ord)
        FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY t(type, ord)), '') || ')',
      'kind', p.prokind,
      'arguments', CASE WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*' ELSE pg_catalog.pg_get_function_arguments(p.oid) END,
      'result', pg_catalog.pg_get_function_result(p.oid),
      'language', l.lanname,
      'volatility', p.provolatile,
      'parallel', p.proparallel,
      'strict', p.proisstrict,
      'definer', p.prosecdef,
      'leakproof', p.proleakproof,
      'cost', p.procost::pg_catalog.text,
      'rows', CASE WHEN p.proretset THEN p.prorows::pg_catalog.text END,
      'support', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', s.proname)
                  FROM pg_catalog.pg_proc s JOIN pg_catalog.pg_namespace n ON n.oid = s.pronamespace WHERE s.oid = p.prosupport),
      'transforms', coalesce((SELECT pg_catalog.json_agg(pg_catalog.format_type(t, NULL)) FROM pg_catalog.unnest(p.protrftypes) t), '[]'),
      'config', coalesce(pg_catalog.to_json(p.proconfig), '[]'),
      'body', p.prosrc,
      'library', p.probin,
      'atomic', pg_catalog.pg_get_function_sqlbody(p.oid),
      'aggregate', (
        SELECT pg_catalog.json_build_object(
          'kind', a.aggkind,
          'options', (
            SELECT pg_catalog.json_agg(pg_catalog.json_build_object('word', o.word, 'name', f.proname,
                     'schema', (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = f.pronamespace)) ORDER BY o.ord)
            FROM (VALUES (1, 'SFUNC', a.aggtransfn), (2, 'FINALFUNC', a.aggfinalfn), (3, 'COMBINEFUNC', a.aggcombinefn),
                         (4, 'SERIALFUNC', a.aggserialfn), (5, 'DESERIALFUNC', a.aggdeserialfn), (6, 'MSFUNC', a.aggmtransfn),
                         (7, 'MINVFUNC', a.aggminvtransfn), (8, 'MFINALFUNC', a.aggmfinalfn)) o(ord, word, fn)
            JOIN pg_catalog.pg_proc f ON f.oid = o.fn::pg_catalog.oid),
          'state', pg_catalog.format_type(a.aggtranstype, NULL),
          'space', a.aggtransspace,
          'moving_state', CASE WHEN a.aggmtranstype <> 0 THEN pg_catalog.format_type(a.aggmtranstype, NULL) END,
          'moving_space', a.aggmtransspace,
          'initial', a.agginitval, 'moving_initial', a.aggminitval,
          'extra', a.aggfinalextra, 'moving_extra', a.aggmfinalextra,
          'modify', a.aggfinalmodify, 'moving_modify', a.aggmfinalmodify,
          'sort', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', o.oprname)
                   FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = a.aggsortop))
        FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = p.oid)
    ) ORDER BY p.identity)
    FROM routine p JOIN pg_catalog.pg_language l ON l.oid = p.prolang), '[]'),
  'operators', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', o.oid::pg_catalog.int8,
      'name', o.oprname,
      'identity', o.identity,
      'function', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.proname)
                   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = o.oprcode::pg_catalog.oid),
      'left', CASE WHEN o.oprleft <> 0 THEN pg_catalog.format_type(o.oprleft, NULL) END,
      'right', pg_catalog.format_type(o.oprright, NULL),
      'commutator', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.oprname)
                     FROM pg_catalog.pg_operator f JOIN pg_catalog.pg_namespace n ON n.oid = f.oprnamespace WHERE f.oid = o.oprcom),
      'negator', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.oprname)
                  FROM pg_catalog.pg_operator f JOIN pg_catalog.pg_namespace n ON n.oid = f.oprnamespace WHERE f.oid = o.oprnegate),
      'restrict', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.proname)
                   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = o.oprrest::pg_catalog.oid),
      'join', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.proname)
               FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = o.oprjoin::pg_catalog.oid),
      'hashes', o.oprcanhash, 'merges', o.oprcanmerge) ORDER BY o.identity)
    FROM operator o), '[]'),
  'casts', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', k.oid::pg_catalog.int8,
      'identity', k.identity,
      'context', k.castcontext,
      'method', k.castmethod,
      'function', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', f.proname)
                   FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = k.castfunc),
      'arguments', pg_catalog.pg_get_function_identity_arguments(k.castfunc)) ORDER BY k.identity)
    FROM conversion k), '[]'),
  'collations', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', o.oid::pg_catalog.int8,
      'name', o.collname,
      'provider', o.collprovider,
      'deterministic', o.collisdeterministic,
      'collate', o.collcollate, 'ctype', o.collctype,
      'locale', coalesce(o.whole ->> 'colllocale', o.whole ->> 'colliculocale'),
      'rules', o.whole ->> 'collicurules') ORDER BY o.collname)
    FROM kollation o), '[]'),
  'dictionaries', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', o.oid::pg_catalog.int8,
      'name', o.dictname,
      'template', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', t.tmplname)
                   FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace WHERE t.oid = o.dicttemplate),
      'options', o.dictinitoption) ORDER BY o.dictname)
    FROM dictionary o), '[]'),
  'configurations', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', o.oid::pg_catalog.int8,
      'name', o.cfgname,
      'parser', (SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', t.prsname)
                 FROM pg_catalog.pg_ts_parser t JOIN pg_catalog.pg_namespace n ON n.oid = t.prsnamespace WHERE t.oid = o.cfgparser),
      'mappings', coalesce((
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object('token', m.token, 'dictionaries', m.dictionaries) ORDER BY m.token)
        FROM (SELECT y.alias AS token, pg_catalog.json_agg(pg_catalog.json_build_object('schema', dn.nspname, 'name', d.dictname) ORDER BY g.mapseqno) AS dictionaries
              FROM pg_catalog.pg_ts_config_map g
              JOIN pg_catalog.ts_token_type(o.cfgparser) y ON y.tokid = g.maptokentype
              JOIN pg_catalog.pg_ts_dict d ON d.oid = g.mapdict
              JOIN pg_catalog.pg_namespace dn ON dn.oid = d.dictnamespace
              WHERE g.mapcfg = o.oid GROUP BY y.alias) m), '[]')) ORDER BY o.cfgname)
    FROM configuration o), '[]'),
-- beside tables]
  'owners', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('on', a.word, 'object', a.identity,
             'owner', pg_catalog.pg_get_userbyid(a.owner), 'may', pg_catalog.pg_has_role(a.owner, 'MEMBER')) ORDER BY a.word, a.identity)
    FROM address a
    WHERE a.owner IS NOT NULL AND a.objsubid = 0
      AND NOT (a.word = 'SEQUENCE' AND EXISTS ( -- goes with its table
        SELECT FROM pg_catalog.pg_depend d WHERE d.classid = a.classid AND d.objid = a.objid AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0))), '[]'),
  'privileges', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'on', a.word, 'object', a.identity,
      'grantee', CASE p.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(p.grantee) END,
      'to_owner', p.grantee = a.owner,
      'privilege', p.privilege_type, 'grantable', p.is_grantable, 'granted', p.granted,
      'by_owner', p.grantor = a.owner) ORDER BY a.word, a.identity, p.granted, p.ord)
    -- Where the caller's default privileges are not PostgreSQL's, new objects lack what nobody had to grant.
    FROM (SELECT a.classid, a.objid, a.objsubid, a.word, a.identity, a.owner, a.acltype, f.acl IS NOT NULL AS defaults_differ,
                 CASE WHEN a.acl IS NULL AND f.acl IS NOT NULL THEN pg_catalog.acldefault(a.acltype, a.owner) ELSE a.acl END AS acl
          FROM address a
          LEFT JOIN (SELECT CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END AS acltype, d.defaclacl AS acl
                     FROM pg_catalog.pg_default_acl d
                     WHERE d.defaclnamespace = 0 AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user) f ON f.acltype = a.acltype) a
    CROSS JOIN LATERAL (
      SELECT x.*, true AS granted
      FROM pg_catalog.aclexplode(a.acl) WITH ORDINALITY x(grantor, grantee, privilege_type, is_grantable, ord)
      WHERE (a.defaults_differ AND x.grantee <> a.owner)
         OR NOT EXISTS (SELECT FROM pg_catalog.aclexplode(pg_catalog.acldefault(a.acltype, a.owner)) d
                        WHERE (d.grantor, d.grantee, d.privilege_type, d.is_grantable) = (x.grantor, x.grantee, x.privilege_type, x.is_grantable))
      UNION ALL
      SELECT x.*, false
      FROM pg_catalog.aclexplode(pg_catalog.acldefault(a.acltype, a.owner)) WITH ORDINALITY x(grantor, grantee, privilege_type, is_grantable, ord)
      WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(a.acl) d
                        WHERE (d.grantor, d.grantee, d.privilege_type, d.is_grantable) = (x.grantor, x.grantee, x.privilege_type, x.is_grantable))) p
    WHERE a.acl IS NOT NULL), '[]'),
  -- To whom else new objects of the caller's are open, by the database's default privileges.
  'default_grantees', coalesce((
    SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object('kind', d.defaclobjtype,
             'grantee', CASE x.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(x.grantee) END))
    FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) x
    WHERE d.defaclnamespace = 0 AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user AND x.grantee <> d.defaclrole), '[]'),
  'default_privileges', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'role', pg_catalog.pg_get_userbyid(d.defaclrole), 'kind', d.defaclobjtype,
      'grantee', CASE x.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(x.grantee) END,
      'privilege', x.privilege_type, 'grantable', x.is_grantable,
      'may', pg_catalog.pg_has_role(d.defaclrole, 'USAGE')) ORDER BY 1::pg_catalog.text)
    FROM pg_catalog.pg_default_acl d JOIN ns ON d.defaclnamespace = ns.oid
    CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) x), '[]'),
  'comments', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('on', a.word, 'object', a.identity, 'text', d.description) ORDER BY a.word, a.identity)
    FROM address a JOIN pg_catalog.pg_description d ON d.classoid = a.classid AND d.objoid = a.objid AND d.objsubid = a.objsubid
    WHERE NOT a.told), '[]'),
  -- What goes when an extension goes.
  'dependents', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('on', a.word, 'object', a.identity, 'extension', e.extname)
                               ORDER BY a.word, a.identity, e.extname)
    FROM (SELECT a.classid, a.objid, a.word, a.identity FROM address a
          WHERE a.objsubid = 0 AND a.word IN ('FUNCTION', 'PROCEDURE', 'MATERIALIZED VIEW')
          UNION ALL
          SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 'INDEX', pg_catalog.quote_ident(n.relname)
          FROM relation c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND (i.indisvalid OR c.relkind = 'p')
          JOIN pg_catalog.pg_class n ON n.oid = i.indexrelid
          UNION ALL
          SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 'TRIGGER',
                 pg_catalog.quote_ident(t.tgname) || ' ON ' || pg_catalog.quote_ident(c.relname)
          FROM relation c JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal) a
    JOIN pg_catalog.pg_depend d ON d.classid = a.classid AND d.objid = a.objid AND d.deptype = 'x'
    JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid), '[]'),
  'labels', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('on', a.word, 'object', a.identity,
             'provider', l.provider, 'label', l.label) ORDER BY a.word, a.identity, l.provider)
    FROM address a JOIN pg_catalog.pg_seclabel l ON l.classoid = a.classid AND l.objoid = a.objid AND l.objsubid = a.objsubid), '[]'),
  'publications', coalesce((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'publication', p.pubname, 'table', m.relname, 'columns', m.columns, 'filter', m.filter,
      'may', pg_catalog.pg_has_role(p.pubowner, 'USAGE')) ORDER BY p.pubname, m.relname)
    FROM (SELECT s.pnpubid AS pub, NULL::pg_catalog.name AS relname, NULL::pg_catalog.json AS columns, NULL AS filter
          FROM pg_catalog.pg_publication_namespace s JOIN ns ON s.pnnspid = ns.oid
          UNION ALL
          SELECT r.prpubid, c.relname,
                 (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord)
                  FROM pg_catalog.unnest(r.prattrs::pg_catalog.int2[]) WITH ORDINALITY u(num, ord)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = u.num),
                 pg_catalog.pg_get_expr(r.prqual, r.prrelid)
          FROM pg_catalog.pg_publication_rel r JOIN relation c ON c.oid = r.prrelid) m
    JOIN pg_catalog.pg_publication p ON p.oid = m.pub), '[]')
)::pg_catalog.text
FROM ns
