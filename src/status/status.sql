-- $1 the administrative functions, $2 tenant_guard.trust, $3 tenant_guard.org_check, $4 what is gone
-- of the registered membership table, or NULL.
SELECT item, value, verdict, hint
FROM (
  SELECT 1 AS position, 'version' AS item, e.extversion AS value, 'ok' AS verdict, NULL AS hint
  FROM pg_catalog.pg_extension e WHERE e.extname = 'tenant_guard'
  UNION ALL
  SELECT 2, 'tenant_guard.trust', $2,
         CASE $2 WHEN 'verified' THEN 'ok' ELSE 'note' END,
         CASE $2 WHEN 'verified' THEN NULL ELSE 'Whoever can set request.jwt.claims is believed: see spoofable settings.' END
  UNION ALL
  SELECT 3, 'tenant_guard.org_check', $3,
         CASE WHEN $3 <> 'claim' AND EXISTS (SELECT FROM tenant_guard.membership) THEN 'ok'
              WHEN $3 = 'membership' THEN 'warning' ELSE 'note' END,
         CASE WHEN $3 <> 'claim' AND EXISTS (SELECT FROM tenant_guard.membership) THEN NULL
              WHEN $3 = 'membership' THEN 'No membership table is registered, so no organization can be active: use_membership().'
              ELSE 'A claimed organization is believed without a look at memberships: it ends with the token, not with the membership.' END
  UNION ALL
  SELECT 4, 'claim profile', coalesce((SELECT s.value[1] FROM tenant_guard.claim_source s WHERE s.name = 'profile'), 'supabase')
         || coalesce((SELECT ', with its own path for ' || pg_catalog.string_agg(s.name, ', ' ORDER BY s.name)
                      FROM tenant_guard.claim_source s WHERE s.name <> 'profile'), ''), 'ok', NULL
  UNION ALL
  SELECT 5, 'key "' || k.kid || '"',
         pg_catalog.concat_ws(', ', k.alg, 'issuer ' || k.issuer, 'from ' || k.valid_from, 'until ' || k.valid_until,
                              'retired ' || k.retired_at),
         CASE WHEN k.retired_at IS NOT NULL OR k.valid_until <= now() OR k.valid_from > now() THEN 'note' ELSE 'ok' END,
         CASE WHEN k.retired_at IS NOT NULL THEN 'Out of use.'
              WHEN k.valid_until <= now() THEN 'No longer valid: retire it.'
              WHEN k.valid_from > now() THEN 'Not valid yet.' END
  FROM tenant_guard.jwt_key k
  UNION ALL
  SELECT 5, 'keys', 'none in force', 'warning', 'No token can be verified: add_key() or load_jwks().'
  WHERE $2 = 'verified' AND NOT EXISTS (
    SELECT FROM tenant_guard.jwt_key k
    WHERE k.retired_at IS NULL AND (k.valid_from <= now()) IS NOT FALSE AND (k.valid_until > now()) IS NOT FALSE)
  UNION ALL
  SELECT 6, 'audience', coalesce(nullif(pg_catalog.current_setting('tenant_guard.jwt_audience', true), ''), 'any'),
         CASE WHEN coalesce(pg_catalog.current_setting('tenant_guard.jwt_audience', true), '') = '' THEN 'note' ELSE 'ok' END,
         CASE WHEN coalesce(pg_catalog.current_setting('tenant_guard.jwt_audience', true), '') = ''
              THEN 'Tokens that the issuer made for other applications are accepted too: set tenant_guard.jwt_audience.' END
  WHERE $2 = 'verified'
  UNION ALL
  SELECT 7, 'membership table', pg_catalog.format('%I.%I', m.table_schema, m.table_name),
         CASE WHEN $4::pg_catalog.text IS NULL THEN 'ok' ELSE 'warning' END,
         'Gone or changed is ' || $4::pg_catalog.text || '. Register it anew with use_membership().'
  FROM tenant_guard.membership m
  UNION ALL
  SELECT 7, 'membership table', 'none', 'note', 'use_membership() registers one.'
  WHERE NOT EXISTS (SELECT FROM tenant_guard.membership)
  UNION ALL
  SELECT 8, 'roles with permissions', count(*)::pg_catalog.text, 'ok', NULL FROM tenant_guard.role_permission
  UNION ALL
  -- Any role that sends SQL of its own sets a setting that no extension has defined.
  SELECT 9, 'spoofable settings',
         'request.jwt.claims, by ' || coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' ORDER BY r.rolname), 'no login role'),
         CASE WHEN count(*) = 0 THEN 'ok' ELSE 'warning' END,
         'Only the gateway should log in with these; for clients that send SQL of their own set tenant_guard.trust to verified.'
  FROM pg_catalog.pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND $2 = 'gateway'
  UNION ALL
  SELECT 9, 'spoofable settings', 'none', 'ok', NULL WHERE $2 = 'verified'
  UNION ALL
  SELECT 10, 'parameter ' || p.parname, pg_catalog.format('%s to %s', a.privilege_type,
           CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END),
         'warning', 'Whoever may set it decides who anybody is: REVOKE it.'
  FROM pg_catalog.pg_parameter_acl p CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) a
  WHERE p.parname LIKE 'tenant\_guard.%'
    -- PostgreSQL writes the owner's own rights down with the first grant.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.oid = a.grantee AND s.rolsuper)
  UNION ALL
  SELECT 11, 'default of ' || coalesce('role ' || pg_catalog.quote_ident(r.rolname), 'all roles') || coalesce(' in database ' || pg_catalog.quote_ident(d.datname), ''),
         pg_catalog.split_part(c.setting, '=', 1) || CASE WHEN c.setting ~ '^tenant_guard\.' THEN ' = ' || pg_catalog.split_part(c.setting, '=', 2) ELSE '' END,
         CASE WHEN c.setting ~ '^request\.' THEN 'warning' ELSE 'note' END,
         CASE WHEN c.setting ~ '^request\.' THEN 'Every session of the role begins with claims: ALTER ROLE ... RESET it.' END
  FROM pg_catalog.pg_db_role_setting s
  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c(setting)
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
  WHERE c.setting ~ '^(tenant_guard|request)\.' AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
  UNION ALL
  SELECT 12, 'parallel safety', coalesce(pg_catalog.string_agg(p.proname, ', ' ORDER BY p.proname), 'every helper'),
         CASE WHEN count(*) = 0 THEN 'ok' ELSE 'warning' END,
         CASE WHEN count(*) > 0 THEN 'Somebody altered these: policies that call them no longer run in parallel.' END
  FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'tenant_guard'::regnamespace AND p.provolatile = 's' AND p.proparallel <> 's'
    AND p.proname NOT IN ('verify_token', 'validate_org', 'validate_org_text', 'explain_identity', 'status', 'safe_json', 'log_json',
                          'audit_table_key', 'row_history', 'row_as_of', 'table_as_of', 'changes_between', 'transaction_changes', 'audit_status', 'audit_changed_by', 'audit_logged', 'audit_log_status',
                          'destination_for', 'destination_for_text', 'pgbouncer_databases', 'recommend_strategy', 'template_fingerprint')
  UNION ALL
  SELECT 13, 'roles with BYPASSRLS', coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname)
           || CASE WHEN r.rolsuper THEN ' (superuser)' ELSE '' END, ', ' ORDER BY r.rolname), 'none'),
         CASE WHEN pg_catalog.bool_or(NOT r.rolsuper) THEN 'warning' ELSE 'note' END,
         'Row-level security does not hold them: no request should run as one.'
  FROM pg_catalog.pg_roles r WHERE r.rolbypassrls OR (r.rolsuper AND r.rolcanlogin)
  UNION ALL
  SELECT 14, 'exposed functions', coalesce(pg_catalog.string_agg(DISTINCT p.proname || ' to '
           || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', '), 'none'),
         CASE WHEN count(*) = 0 THEN 'ok' WHEN pg_catalog.bool_or(a.grantee = 0 OR g.rolname IN ('anon', 'authenticated')) THEN 'warning' ELSE 'note' END,
         CASE WHEN count(*) > 0 THEN 'Administrative functions: only roles that run migrations should have them.' END
  FROM pg_catalog.pg_proc p
  CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
  LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
  WHERE p.pronamespace = 'tenant_guard'::regnamespace AND p.proname = ANY ($1) AND a.grantee <> p.proowner
  UNION ALL
  SELECT 15, 'schema tenant_guard', 'CREATE for ' || pg_catalog.string_agg(
           CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', '),
         'warning', 'Whoever may create there could plant functions among the extension''s own: REVOKE it.'
  FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
  WHERE n.nspname = 'tenant_guard' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
  HAVING count(*) > 0
  UNION ALL
  SELECT 16, 'security events', count(*)::pg_catalog.text, CASE WHEN count(*) = 0 THEN 'ok' ELSE 'note' END,
         CASE WHEN count(*) > 0 THEN 'SELECT * FROM tenant_guard.security_event WHERE severity IN (''warning'', ''critical'') ORDER BY id DESC.' END
  FROM tenant_guard.security_event
  WHERE source = 'tenant_guard' AND severity IN ('warning', 'critical')
) report
ORDER BY position, item
