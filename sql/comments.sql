-- Made by build.rs from the doc comments in src/. Not for editing.
DO $script$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT p.oid::regprocedure AS signature, c.comment
    FROM (VALUES
      ('add_feature', $comment$Gives a table the columns and the machinery of features, and plans only what it lacks. A feature is
a name, or a name with options: 'timestamps', 'actors:{"type": "text"}', 'status:draft,active'.
The features: dual_id, tenant, project, timestamps, actors, soft_delete, version, status, access,
audit; docs/conventions.md says what each makes. Partitions and inheriting tables follow their parent.
Returns the steps of the change. The caller must own the tables.
Raises 42501, 42P01, 42809, 22023 for an unknown feature or option, 55000 where one does not fit.

Example: `SELECT * FROM tenant_guard.add_feature('crm.contacts', 'timestamps', 'soft_delete');`$comment$),
      ('add_feature_dry_run', $comment$What add_feature would do: its steps, with nothing changed. Raises what it raises.

Example: `SELECT sql FROM tenant_guard.add_feature_dry_run('crm.contacts', 'timestamps');`$comment$),
      ('add_key', $comment$Adds a key for verifying tokens. HMAC takes the shared secret, as `encoding` says: text, base64,
base64url or hex; the others a public key as PEM (SPKI) or as JSON Web Key. The key's algorithm is
the only one it is ever used with. With `issuer` it signs for that issuer only. It is in force from
`valid_from` until before `valid_until`; NULL is no bound. Administrative:
EXECUTE is not granted to PUBLIC. The secret stands in this statement, so keep it out of logs.
Returns the key id. Raises 22023 for what is no such key, 42710 for a key id that is taken, 22004.

Example: `SELECT tenant_guard.add_key('2026-11', 'HS256', 'a secret of at least 32 bytes, kept well');`$comment$),
      ('amend_tenant_schema', $comment$Changes a tenant schema's registration as a plan decided: tenant_role, state (active, archived), remembered,
version, those that are given. Opens and closes nothing by itself. The caller must own the schema.
Raises 22004, 22023, 3F000, 42501.

Example: `SELECT tenant_guard.amend_tenant_schema('acme', '{"version": 2}');`$comment$),
      ('archive_tenant_schema', $comment$Closes a tenant schema and keeps it with its rows: every privilege on it that others than its owner have is
taken away and remembered, and use_tenant refuses it. Returns the steps; in a dry run nothing changes. The
caller must own the schema. Raises 22004, 3F000, 42501, 55000.

Example: `SELECT * FROM tenant_guard.archive_tenant_schema('acme');`$comment$),
      ('assign_destination', $comment$Says at which destination a tenant is: an organization's id, or a slug. database: its database, where the
destination is a server; a slug's is named like it. NULL for the destination takes the tenant from where
it is. Nothing is moved. Administrative: EXECUTE is not granted to PUBLIC.
Returns the steps; in a dry run nothing changes. Raises 22004, 22023, 42704, 53400 (no room).

Example: `SELECT * FROM tenant_guard.assign_destination('acme', 'eu1');`$comment$),
      ('audit_changed', $comment$The columns that an UPDATE changed, by the bytes of their values; NULL for other events. Raises nothing.

Example: `SELECT changed_columns FROM tenant_guard.audit_log WHERE operation = 'UPDATE';`$comment$),
      ('audit_changed_by', $comment$Who last disabled or dropped a trigger of an audited table, and when, as the security events have it; no row
where nobody did. The caller must own the table. Raises 42501.

Example: `SELECT * FROM tenant_guard.audit_changed_by('crm.contacts');`$comment$),
      ('audit_key', $comment$The primary key of an event's row, as jsonb; NULL where the table has none, and for a TRUNCATE. Raises nothing.

Example: `SELECT key FROM tenant_guard.audit_log;`$comment$),
      ('audit_log_status', $comment$The audit log itself: how many partitions it has, its size in bytes with indexes, the events as the planner estimates
them, the days between which the partitions are that hold some; when it was sealed last, and how long the oldest
event that is not sealed yet has waited, NULL where there is none. What is not sealed yet is read for it. For owners
of audited tables, auditors and superusers: for others there is no row, since it tells of all organizations. Raises
nothing.

Example: `SELECT pg_size_pretty(size), oldest, sealing_lag FROM tenant_guard.audit_log_status();`$comment$),
      ('audit_logged', $comment$What the audit log holds of each table that is the caller's: since when it has events of it, when the oldest was
written that is not sealed yet (NULL where all are), and how many events and bytes there are, as the planner
estimates them, NULL where it does not know. For audit_status. Raises nothing.

Example: `SELECT * FROM tenant_guard.audit_logged();`$comment$),
      ('audit_old_record', $comment$The row before an event, as audit_record gives the one after; NULL for an INSERT. Raises nothing.

Example: `SELECT old_record FROM tenant_guard.audit_log;`$comment$),
      ('audit_organization', $comment$The active organization as the audit log has it: its UUID, or a UUID that stands for an id of another kind;
NULL without one. Raises only what a registered `active` condition raises.

Example: `SELECT tenant_guard.audit_organization();`$comment$),
      ('audit_organization_text', $comment$The organization that an event belongs to, as the row has it; NULL where it belongs to none. Raises nothing.

Example: `SELECT organization_id FROM tenant_guard.audit_log;`$comment$),
      ('audit_proof', $comment$Proves to somebody outside that an event was logged, by what docs/audit-format.md describes: all that is hashed
of the event, its way through its organization's tree and the block, the block's place in the chain. digest: one
that the other side has; the blocks from the event's to that one are told. For whoever may read the event.
Returns one JSON object. Raises 22004, 42704 where the caller reads no such event, 55000 where it is not sealed
yet.

Example: `SELECT tenant_guard.audit_proof(id) FROM tenant_guard.audit_log ORDER BY id LIMIT 1;`$comment$),
      ('audit_record', $comment$The row after an event, as jsonb: all its columns but those that are left out; NULL after a DELETE, and for an
event that the caller may not read. Used by the view audit_log: log is the partition's OID, place the event's
place in it. Raises nothing.

Example: `SELECT record FROM tenant_guard.audit_log;`$comment$),
      ('audit_row', $comment$Logs the change of one row. For triggers made by enable_audit; its argument says what is logged. Raises 39P01
(attached otherwise), 55000 (the tenant column is gone, or the argument is not enable_audit's); then nothing changes.

Example: `SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tenant_guard.audit_row'::regproc;`$comment$),
      ('audit_statement', $comment$Logs the rows that a statement changed. For triggers made by enable_audit; its argument says what is logged. Raises 39P01
(attached otherwise), 55000 (the tenant column is gone, or the argument is not enable_audit's); then nothing changes.

Example: `SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tenant_guard.audit_statement'::regproc;`$comment$),
      ('audit_table_key', $comment$The number that the audit log knows a table by, through renames, drop and restore; NULL for NULL. Raises 42809,
42P01, 55000 (a table that was never logged).

Example: `SELECT tenant_guard.audit_table_key('crm.contacts');`$comment$),
      ('audit_truncate', $comment$Logs a TRUNCATE, with the rows that it removes where that was asked for. For triggers made by enable_audit. Raises
as audit_row does.

Example: `SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tenant_guard.audit_truncate'::regproc;`$comment$),
      ('auditor', $comment$True. Whoever has EXECUTE on it is an auditor of the database, and reads every security event, of
whatever organization, once granted SELECT on tenant_guard.security_event. EXECUTE is not granted to
PUBLIC. Raises nothing.

Example: `GRANT EXECUTE ON FUNCTION tenant_guard.auditor() TO auditors;`$comment$),
      ('authenticate', $comment$Verifies a JSON Web Token (RFC 7519) with the keys of this database and makes its claims the
identity: of the transaction, or with `scope => 'session'` of the session. `exp` is checked again
by every statement that asks for the identity. Needs `tenant_guard.trust = 'verified'`.
Raises 28000, saying which check failed, 55000 where the trust is another or an identity for the
session is not allowed, 42501 in a session in which an administrator's setting was not taken, 22004,
22023.

Example: `BEGIN; SELECT tenant_guard.authenticate('<header>.<payload>.<signature>'); ... COMMIT;`$comment$),
      ('before_drop_extension', $comment$Tells, before DROP EXTENSION tenant_guard runs, what stays in the database. Event trigger.$comment$),
      ('begin_tenant_database', $comment$Records that a tenant's database is to be made, or gone on with: create_tenant_database begins with it.
Administrative: EXECUTE is not granted to PUBLIC. Raises as create_tenant_database does.

Example: `SELECT tenant_guard.begin_tenant_database('acme', 'eu-server', 'template1', -1);`$comment$),
      ('begin_tenant_move', $comment$Records that a tenant is to be moved, once everything that it needs there is found, or gone on with:
move_tenant begins with it. Administrative: EXECUTE is not granted to PUBLIC. Raises as move_tenant does.

Example: `SELECT tenant_guard.begin_tenant_move('acme', 'eu2', false);`$comment$),
      ('begin_tenant_run', $comment$Records a run of SQL over tenants, and runs nothing: run_for_tenants begins with it. Refused while a run of
the same statements by the same role has one of these tenants and is not over, so that nothing is done
twice. Returns the run's number. Raises as run_for_tenants does.

Example: `SELECT tenant_guard.begin_tenant_run('ANALYZE tickets');`$comment$),
      ('cancel_tenant_move', $comment$Gives a move up: opens the schema here again, where the move had archived it, and drops what was made there.
A WARNING says so where that cannot be reached. Refused once the tenant is assigned to the destination.
Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 42501, 42704, 55000.

Example: `SELECT tenant_guard.cancel_tenant_move('acme');`$comment$),
      ('cancel_tenant_run', $comment$Ends a run for good: tenants in hand are finished, those that wait are left as they are, and what is done
stays done. Only the role that started it may. Raises 22004, 42501, 42704.

Example: `SELECT tenant_guard.cancel_tenant_run(1);`$comment$),
      ('check_protection', $comment$Looks, when its transaction commits, at a table or view that was made or altered in an enforced schema.
For the extension's own table. Raises 55000.$comment$),
      ('claim', $comment$One claim as text, by its path of object keys (array positions count from 0); strings come bare,
numbers, booleans, objects and arrays as JSON text; a missing claim and JSON null are NULL.
Keys may hold dots, slashes and URLs. Raises nothing.

Example: `SELECT tenant_guard.claim('app_metadata', 'plan');`$comment$),
      ('claim_json', $comment$One claim as jsonb, by its path; a missing claim is NULL, and so is JSON null. Raises nothing.

Example: `SELECT tenant_guard.claim_json('app_metadata', 'roles');`$comment$),
      ('claims', $comment$The claims of the current request as one JSON object; NULL when there are none, or anything but a
JSON object. Raises nothing.

Example: `SELECT tenant_guard.claims() ->> 'email';`$comment$),
      ('classify', $comment$Says what a column holds: 'public' (for clients), 'internal' (for the application and its logs), 'pii' (of a person:
masked in logs) or 'secret' (shown nowhere); NULL takes what was said back. safe_json, log_json and the audit log go by
it; it grants and revokes nothing. A partition or a table that inherits the column has the same class, unless it
is classified itself. The class stays with the column when that or its table is renamed, and goes with it.
Returns the steps, none where the column is of that class; in a dry run nothing changes. The caller must own
the table. Raises 42501, 42703, 42809, 42P01, 22004, 22023, 55P03.

Example: `SELECT * FROM tenant_guard.classify('crm.contacts', 'email', 'pii');`$comment$),
      ('context', $comment$The active organization and project in each type, as org_id, org_id_text, project_id and so on return
them; NULL without an identity. For the conditions of policies: it is asked once for each query that it
stands in, as `(SELECT org_id())` would be, and costs a query less; and as a row it is no value that the
planner could look at, so that a kept plan is made for no organization in particular. Outside of a query, as in
an expression of PL/pgSQL, it is asked each time. Raises only what a registered `active` condition raises.

Example: `CREATE POLICY own ON notes USING (organization_id = (tenant_guard.context()).org_id);`$comment$),
      ('create_table', $comment$Creates a table with features, in the order id, public_id, organization_id, project_id, then the
columns given, then the rest. `name` may be qualified and quoted; `columns` is what would stand
between the parentheses of CREATE TABLE, with the types and tables of others named with their schema.
With the feature tenant the table is protected (protect_table), unless protect is false.
Returns the steps; in a dry run nothing changes. Undo drops the table while it has no row.
Raises 42501, 42P07, 3F000, 42601, 42602, 22023, 22004, 55000.

Example: `SELECT * FROM tenant_guard.create_table('crm.leads', 'name text NOT NULL', '{dual_id,tenant,timestamps}');`$comment$),
      ('create_tenant_schema', $comment$Makes a schema for one tenant from a template schema, with everything in it: types, sequences, tables
(partitions, inheritance, generated and identity columns), constraints, indexes, statistics, views,
functions, operators, casts, triggers, rules, row-level security and policies, comments, owners,
privileges, publications, and what tenant_guard has registered of it. Names inside the template mean the
new schema, also in the text of SQL and PL/pgSQL functions; names outside it stay. Afterwards nothing in
the new schema may depend on the template, and its structure and privileges must be the template's, or
all of it is refused. What is not carried is a step of the result that says so, and a WARNING.
with_data is 'none', 'all' or '{table,...}'. The objects belong to the template's owners where the caller
has their rights, or all to owner. The tenant's role gets USAGE on the schema and SELECT, INSERT, UPDATE,
DELETE on its tables, or what a tenant template's role has there; a NOLOGIN role tenant_<slug> is made
unless tenant_role names one, or is 'none'. quotas are that new role's: {"connection_limit": 10,
"statement_timeout": "5s"}. A slug is the schema's name: a-z, 0-9 and _, at most 56 characters.
A template of a role that has fewer rights than the caller is refused: to make it again would run
that role's functions with the caller's rights. trust_template => true clones it all the same.
Returns the steps; in a dry run nothing changes. The caller needs CREATE on the database.
Raises 42602 (no slug), 42P06, 42710, 3F000, 42501, 42704, 42P01, 22023, 0A000, 55000.

Example: `SELECT * FROM tenant_guard.create_tenant_schema('acme', template => 'crm_template');`$comment$),
      ('create_tenant_summary', $comment$Makes a table for what a query yields for each organization, and registers the query, for
refresh_tenant_summary to run. The table has the query's columns and refreshed_at; its primary key is
the tenant column and the columns of key, without a key there is an index on the tenant column.
protect => true protects it with protect_table, so that each organization reads its own rows; no role
is granted anything, and what default privileges would let others write is revoked. It is empty until
it is refreshed. name: 'schema.table', as SQL spells it. query: one SELECT that names everything but
pg_catalog's with its schema, and yields the tenant column and no name twice. Called again with
another query of the same columns it registers that; with other columns it is refused.
Returns the steps; in a dry run nothing changes. The caller needs CREATE on the schema, and owns the
table. Raises 22004, 22023 (name, query, key), 3F000, 42501, 42601, 42703, 42804, 42P01, 42P07, 55000.

Example: `SELECT * FROM tenant_guard.create_tenant_summary('crm.leads_by_day', 'SELECT organization_id, created_at::date AS day, count(*) AS leads FROM crm.leads GROUP BY 1, 2', key => '{day}');`$comment$),
      ('denormalize_tenant', $comment$Gives a table the tenant column of the table that its foreign key leads to: adds it, fills it from there,
and puts (tenant, key) REFERENCES parent (tenant, key) in the place of the foreign key, so that the two
cannot differ. via names the foreign key's column where there are several ways. That is the recommended
way for children: policies compare one column, as cheap as on any table, where protect_table with via
looks the parent up for each row; it costs one column and one wider key, and rewrites the rows once.
Returns the steps; in a dry run nothing changes. The caller must own both tables. Protect the table
afterwards. Raises 42501, 42P01, 42703, 22023, 55P03.

Example: `SELECT * FROM tenant_guard.denormalize_tenant('crm.tasks', via => 'project_id');`$comment$),
      ('destination_for', $comment$Where an organization's data is, for routers: the destination, the database on a server, and the schema
of a tenant that has one; no row for one that was assigned nowhere. Two look-ups by key. Granted to nobody:
GRANT EXECUTE to the role that routes. Raises nothing.

Example: `SELECT name, conninfo, database, schema FROM tenant_guard.destination_for('aaaaaaaa-0000-4000-8000-000000000001');`$comment$),
      ('destination_for_text', $comment$destination_for by a slug, or by an organization's id in its text form.

Example: `SELECT name, conninfo, database, schema FROM tenant_guard.destination_for_text('acme');`$comment$),
      ('disable_audit', $comment$Stops auditing a table and all that inherits from it. What was logged stays.
Returns the steps; in a dry run nothing changes. The caller must own the table.
Raises 22004, 42501, 42P01, 42809.

Example: `SELECT * FROM tenant_guard.disable_audit('crm.contacts');`$comment$),
      ('drop_feature', $comment$Takes the machinery of features away from a table and all that inherits from it: triggers, policy,
indexes; unique indexes become constraints again. The columns stay with what is in them, unless
the option says otherwise: 'version:{"columns": "drop"}'.
Returns the steps of the change. The caller must own the tables.
Raises 42501, 42P01, 42809, 22023, 55000, and 23505 where deleted rows have values of others.

Example: `SELECT * FROM tenant_guard.drop_feature('crm.contacts', 'version');`$comment$),
      ('drop_feature_dry_run', $comment$What drop_feature would do: its steps, with nothing changed. Raises what it raises.

Example: `SELECT sql FROM tenant_guard.drop_feature_dry_run('crm.contacts', 'version');`$comment$),
      ('drop_tenant_schema', $comment$Drops a tenant schema with every row in it, its registration, and its role where
create_tenant_schema made that. Nothing brings the rows back, so the slug is given twice; refused
while anything outside the schema depends on it. Returns the steps; in a dry run nothing changes.
The caller must own the schema. Raises 22004, 22023 (not confirmed), 3F000, 42501, 2BP01.

Example: `SELECT * FROM tenant_guard.drop_tenant_schema('acme', confirm => 'acme');`$comment$),
      ('drop_tenant_summary', $comment$Drops a summary: its registered query and its table. Refused while a view or the like needs the table.
Returns the steps; in a dry run nothing changes. No undo brings it back: create it again and refresh
it. The caller must own the summary. Raises 22004, 2BP01, 42501, 42809, 42P01, 55000 (no summary).

Example: `SELECT * FROM tenant_guard.drop_tenant_summary('crm.leads_by_day');`$comment$),
      ('email', $comment$The claimed email address; NULL when there is none. Few issuers vouch for it: it is for showing,
not for deciding. Raises nothing.

Example: `SELECT tenant_guard.email();`$comment$),
      ('enable_audit', $comment$Writes every INSERT, UPDATE, DELETE and TRUNCATE of a table to the audit log, through whatever
path the change comes (COPY, MERGE, cascades, partitions, replication). columns is an object of columns and
what becomes of their values: 'include' (as they are), 'omit' (only that they changed), 'mask' (a form that
gives a person's data not away), 'hash' (a keyed hash: equal values look equal); of the others their class
decides: pii is masked, secret left out. truncate: 'event' logs that the table was emptied, 'rows' each row too. tenant_column names the column that says whose trail an event
belongs to; NULL means organization_id where the table has it, else the table's owner alone reads its
trail. unchanged: 'log', or 'skip' for UPDATEs that change nothing.
Returns the steps; in a dry run nothing changes. A call says all that is wanted: what it leaves out is the default
again. The caller must own the table and needs EXECUTE on tenant_guard.audit_statement(), audit_row() and
audit_truncate(), which an administrator grants.
Raises 22004, 22023, 42501, 42P01, 42703, 42809.

Example: `SELECT * FROM tenant_guard.enable_audit('crm.contacts', columns => '{"email": "mask"}');`$comment$),
      ('enforce', $comment$Watches CREATE and ALTER TABLE, CREATE VIEW, CREATE and DROP POLICY, DISABLE ROW LEVEL SECURITY and the
attaching of partitions in the schemas: a table with the tenant column that is not protected, or a view
over one without security_invoker, is warned about (mode 'warn') or refused ('error') when the
transaction commits, so that it can be protected in between; or is protected at once ('protect', with
the options of protect_table in `options`, and the view gets security_invoker). 'off' ends it. What
extensions make is let pass, and what pg_dump's scripts restore, with a warning for a new table; SET tenant_guard.enforcement =
off lets an administrator pass. Administrative: EXECUTE is not granted to PUBLIC.
Returns the change's steps; in a dry run nothing changes. Raises 3F000, 22023, 22004.

Example: `SELECT * FROM tenant_guard.enforce('{crm}', 'error');`$comment$),
      ('erase_subject', $comment$Erases one subject's personal values from the audit log, for good: in all events of the rows that key names, by
their primary key or by any columns that some event has with these values, through all keys that the rows had.
columns: which columns' values; NULL means all that were logged as 'erasable'. A value that was logged as it is,
before its column was erasable, is hashed as it is: it cannot be erased without breaking the seal, stays, and is
counted in kept. What was erased when, by whom and why is a row of audit_erasure. For administrators.
Returns how many events there are of the subject, how many values were erased, and how many are kept; in a dry run
nothing changes. The whole trail of the table is read. Raises 42501, 22004, 22023, 42703, 55000.

Example: `SELECT * FROM tenant_guard.erase_subject('crm.contacts', '{"email": "ada@example.com"}', 'request 17');`$comment$),
      ('explain_identity', $comment$Says, row by row, who the session is taken for and why: where the identity comes from, what the
claims look like, which path gave each value, whether the organization is believed, and what the
user may do. Every value that is NULL says why. No token and no key is shown. Columns: setting,
value_seen, verdict, hint. Raises only what a registered `active` condition raises.

Example: `SELECT * FROM tenant_guard.explain_identity();`$comment$),
      ('flush_access', $comment$Adds the accesses that log_access noted to access_count and last_accessed, one UPDATE a table, and
forgets them. table: NULL counts those of every table that the caller owns, and forgets those of
tables that are gone; one that fails is warned of, and its accesses wait. Runs with the rights of the table's owner, whatever the policies; the table's
triggers fire as on any UPDATE. Two calls at once count nothing twice. Returns how many accesses were
counted; those to rows that are gone by now are not. The caller must own the table. Raises 42501,
42809, 42P01, 55000 (no such columns).

Example: `SELECT tenant_guard.flush_access('crm.leads');`$comment$),
      ('follow_audited', $comment$Audits what a command puts under an audited table. Event trigger. Where that fails it warns, and the command
goes on.

Example: `SELECT evtname FROM pg_event_trigger WHERE evtfoid = 'tenant_guard.follow_audited'::regproc;`$comment$),
      ('follow_columns', $comment$Keeps what classify registered with its columns when they or their tables are renamed, moved or dropped.
Event trigger. Raises nothing of its own.

Example: `SELECT evtname FROM pg_event_trigger WHERE evtfoid = 'tenant_guard.follow_columns'::regproc;`$comment$),
      ('forget', $comment$Ends the identity: for the rest of the transaction nobody is asking, unless `authenticate` is
called again; an identity of the session is gone, unless the transaction is rolled back. Raises nothing.

Example: `SELECT tenant_guard.forget();`$comment$),
      ('forget_tenant_database', $comment$Forgets that a tenant's database is being made or was made, and where the tenant is. The database stays:
drop it on its server (DROP DATABASE). confirm: the slug again. Administrative: EXECUTE is not granted to
PUBLIC. Raises 22004, 22023 (not confirmed), 42704.

Example: `SELECT tenant_guard.forget_tenant_database('acme', confirm => 'acme');`$comment$),
      ('has_floor', $comment$Whether the table has the floor of protect_table: the restrictive policies for PUBLIC that keep every command
to the tenant's rows, each of which asks the extension for the context. The grants of protect_table hold while it
has. The answer is the planner's, who asks again, for a table that a query reads, whenever a policy of it has
changed; hence it counts as immutable. Raises nothing.

Example: `SELECT tenant_guard.has_floor('crm.contacts');`$comment$),
      ('has_permission', $comment$Whether the user is permitted something in the active organization: `leads:read` is permitted by
`leads:read`, `leads:*` and `*`. Raises only what a registered `active` condition raises.

Example: `CREATE POLICY writers ON leads FOR UPDATE USING ((SELECT tenant_guard.has_permission('leads:write')));`$comment$),
      ('has_role', $comment$Whether the user has the role in the active organization, itself or by inheritance. Raises only
what a registered `active` condition raises.

Example: `CREATE POLICY admins ON settings USING ((SELECT tenant_guard.has_role('admin')));`$comment$),
      ('hold_audit', $comment$Keeps purge_audit from an organization's events, however old they are, until release_audit_hold; NULL: from
everybody's. For administrators. Returns the hold's number. Raises 42501, 22004 without a reason.

Example: `SELECT tenant_guard.hold_audit('aaaaaaaa-0000-4000-8000-000000000001', 'case 12/2026');`$comment$),
      ('is_authenticated', $comment$Whether there is a user: true once the claims in force name one, never NULL. Raises nothing.

Example: `CREATE POLICY signed_in ON notices USING ((SELECT tenant_guard.is_authenticated()));`$comment$),
      ('is_member', $comment$Whether the user belongs to the organization, and that is active; as the membership table says, or
the token, as `tenant_guard.org_check` says; false without a user. Raises only what a registered
`active` condition raises.

Example: `SELECT tenant_guard.is_member('3f0c5b9e-0000-4000-8000-000000000001');`$comment$),
      ('is_member_text', $comment$`is_member` for organizations whose ids are not UUIDs. Raises only what a registered `active`
condition raises.

Example: `SELECT tenant_guard.is_member_text('42');`$comment$),
      ('is_service', $comment$Whether the claimed database role is `service_role`, the application's own server; never NULL.
Raises nothing.

Example: `SELECT tenant_guard.is_service();`$comment$),
      ('jwt_role', $comment$The claimed database role: the one that the gateway was asked to use, from the claim `role` unless
the profile or `set_claim_path` says otherwise; NULL when there is none. Raises nothing.

Example: `SELECT tenant_guard.jwt_role() = 'authenticated';`$comment$),
      ('keep_conventions', $comment$Keeps timestamps, actors, version and status of a row as the table's features say. For triggers made by add_feature.$comment$),
      ('keep_tenant', $comment$Refuses, for whom the table's policies bind, a change of the column that it is given: the tenant's.
A foreign key's ON UPDATE CASCADE and roles with BYPASSRLS pass. For triggers made by protect_table.
Raises 42501.

Example: `SELECT tgname FROM pg_trigger WHERE tgfoid = 'tenant_guard.keep_tenant'::regproc;`$comment$),
      ('load_jwks', $comment$Adds the keys of a JSON Web Key Set (RFC 7517), as an issuer publishes it. A key that cannot be
used, or whose key id is taken by another key, is left out, and the rest is loaded; a key that is
there already stays as it is. Returns a row for each member: its key id, its algorithm, whether the
table has it now and it is not retired, and what was found. Administrative: EXECUTE is not granted to PUBLIC.
Raises 22023 for what is no key set.

Example: `SELECT * FROM tenant_guard.load_jwks('{"keys": []}', issuer => 'https://issuer.example');`$comment$),
      ('log_access', $comment$Notes that the caller looked at a row, for flush_access to count: without a lock on the row or a write
to its table, so readers do not hold each other up. The row is named by its public_id and counts only
if the caller can see it, by privileges and policies; for one that is not there, or is not the
caller's to see, nothing happens, and nobody learns which. A session notes a row once a second for
each user and operation, 10,000 rows a second at most; while 128 MB wait to be counted, nothing more
is noted. operation: 1 to 63 bytes, as 'read'. The table needs the columns public_id uuid, with an
index, last_accessed timestamptz and access_count bigint. Raises 22004, 22023 (operation), 25006 (in a
read-only transaction), 42501 (no SELECT), 42809, 42P01, 55000 (no such columns).

Example: `SELECT tenant_guard.log_access('crm.leads', '01990000-0000-7000-8000-000000000001');`$comment$),
      ('log_event', $comment$Notes an event of the application's in tenant_guard.security_event, with who and where the session is: user,
organization and project, database roles, application_name, client address, request id (the header
x-request-id of request.headers, else tenant_guard.request_id). kind: 1 to 63 bytes, none of the
extension's own. severity: 'info', 'notice', 'warning' or 'critical'. details: up to 8,192 bytes.
The event goes with its transaction. A session notes tenant_guard.max_events_per_second; while the
table is larger than tenant_guard.max_security_event_size, info and notice are not noted, and warning
and critical while it is twice as large.
Returns the event's id; NULL where it was not noted. Raises 22004, 22023 (kind, severity, details), 25006 (in a
read-only transaction), 42939 (a kind of the extension's own).

Example: `SELECT tenant_guard.log_event('export_started', 'notice', '{"table": "leads"}');`$comment$),
      ('log_json', $comment$A row as JSON for logs: of a table's row the columns that classify made public or internal as they are, those of class pii
masked (text as mask has it, anything else as three asterisks); secret ones and those of no class are left out. Ids
are not replaced. Rows within the row, and rows that are no table's, as for safe_json. value: a row or an array
of rows. NULL for NULL. Raises 42804 for anything else, 54000 over 256 MB.

Example: `SELECT tenant_guard.log_json(c) FROM crm.contacts c;`$comment$),
      ('mask', $comment$Text with its value taken out and its shape left in: of an e-mail address the first letter and the top-level domain
stay, of a phone number the last two digits, of a name (up to five words of letters) the first letter of each
word; anything else is three asterisks. What is one letter, or one sign of a script that has no capitals, is
not shown. NULL for NULL. Raises nothing.

Example: `SELECT tenant_guard.mask('ada.lovelace@example.com');`$comment$),
      ('may_read_events', $comment$Whether a member of the active organization may read its security events: it has the permission
audit.read or, where no role was given permissions with set_role_permissions, is a member. false
without an organization. For the table's policy. Raises only what a registered `active` condition raises.

Example: `SELECT tenant_guard.may_read_events();`$comment$),
      ('move_tenant_schema', $comment$Gives a tenant schema, and everything in it, to another owner: all of it or nothing. A WARNING names the
SECURITY DEFINER functions, which run with the new owner's rights from then on, and the views and rules that
reach what the present owner may not read. Returns the steps; in a dry run
nothing changes. The caller must have the rights of all present owners, and be a member of the new one.
Raises 22004, 3F000, 42501, 42704, 55000.

Example: `SELECT * FROM tenant_guard.move_tenant_schema('acme', 'crm_owner');`$comment$),
      ('org_id', $comment$The active organization where its id is a UUID: the one chosen with `set_org` in this transaction,
else the one that the claims name, if the check in `tenant_guard.org_check` lets it be believed;
NULL when there is none, and of several claimed ones. The membership is looked up once a
transaction. Raises only what a registered `active` condition raises.

Example: `CREATE POLICY own ON notes USING (organization_id = (SELECT tenant_guard.org_id()));`$comment$),
      ('org_id_bigint', $comment$The active organization where its id is a whole number of 8 bytes; NULL otherwise. Raises only what
a registered `active` condition raises.

Example: `CREATE POLICY own ON orders USING (branch_id = (SELECT tenant_guard.org_id_bigint()));`$comment$),
      ('org_id_text', $comment$The active organization's id as text; NULL when there is none. Raises only what a registered
`active` condition raises.

Example: `SELECT tenant_guard.org_id_text();`$comment$),
      ('org_ids', $comment$Every active organization that the user belongs to, as an array of UUIDs: those that the membership
table gives the user, or that the token names, as `tenant_guard.org_check` says; ids that are not
UUIDs are left out; empty, never NULL, when there are none. Raises only what a registered `active`
condition raises.

Example: `... USING (organization_id = ANY ((SELECT tenant_guard.org_ids())::uuid[]))`$comment$),
      ('org_ids_bigint', $comment$Every active organization that the user belongs to, as an array of bigint; ids that are not whole
numbers are left out; empty, never NULL, when there are none. Raises only what a registered
`active` condition raises.

Example: `SELECT unnest(tenant_guard.org_ids_bigint());`$comment$),
      ('org_ids_text', $comment$Every active organization that the user belongs to, as an array of text; empty, never NULL, when
there are none. Raises only what a registered `active` condition raises.

Example: `SELECT unnest(tenant_guard.org_ids_text());`$comment$),
      ('org_role', $comment$The user's role in the organization; the first in alphabetical order where there are several; NULL
for no member, and for a member without a role. Raises only what a registered `active` condition
raises.

Example: `SELECT tenant_guard.org_role(tenant_guard.org_id()) = 'owner';`$comment$),
      ('org_role_text', $comment$`org_role` for organizations whose ids are not UUIDs. Raises only what a registered `active`
condition raises.

Example: `SELECT tenant_guard.org_role_text('42');`$comment$),
      ('origin', $comment$Which database this is: a number that a restored copy does not share, so that recorded OIDs are
believed only where they were written. Raises nothing.

Example: `SELECT count(*) FROM tenant_guard.change_step WHERE origin = tenant_guard.origin();`$comment$),
      ('page_query', $comment$Writes the query of one page of a table, to be run as it is: sql, which takes as long for the last page
as for the first; and index, the CREATE INDEX statement for the index that it needs, NULL where there
is one. order: `column [ASC | DESC] [NULLS FIRST | NULLS LAST], ...`; the primary key, or another
unique key that is NOT NULL, is added behind it, so that no two rows are equal. after: the last row of
the page before, as a JSON object with at least the columns that sql orders by; NULL for the first
page. page_size: rows, 1 to 10000. The query has no condition on the tenant: the table's policies do.
The caller needs SELECT on the table. Raises 22004, 22023 (order, after, page_size), 42501, 42703,
42809, 42P01, 55000 (no key).

Example: `SELECT sql FROM tenant_guard.page_query('crm.contacts', 'name, created_at', '{"id": 7, "name": "Ada", "created_at": "2026-01-01T00:00:00Z"}');`$comment$),
      ('permissions', $comment$What the user is permitted in the active organization, as granted, wildcards and all, sorted;
empty, never NULL, when it is nothing. Raises only what a registered `active` condition raises.

Example: `SELECT tenant_guard.permissions();`$comment$),
      ('permitted_org_ids', $comment$Every active organization of the user's in which the user has one of the roles, or is permitted one of
the permissions (words with a colon or a star), as an array of UUIDs; empty, never NULL, when there
are none. Raises only what a registered `active` condition raises.

Example: `... USING (organization_id = ANY ((SELECT tenant_guard.permitted_org_ids('owner', 'leads:write'))::uuid[]))`$comment$),
      ('permitted_org_ids_bigint', $comment$`permitted_org_ids` as an array of bigint. Raises only what a registered `active` condition raises.

Example: `SELECT tenant_guard.permitted_org_ids_bigint('admin');`$comment$),
      ('permitted_org_ids_text', $comment$`permitted_org_ids` as an array of text. Raises only what a registered `active` condition raises.

Example: `SELECT tenant_guard.permitted_org_ids_text('admin');`$comment$),
      ('pgbouncer_databases', $comment$Lines for a PgBouncer's [databases] section, one for each destination and each tenant's database on a
server: text to be put into its file, where the passwords come from auth_file or auth_query. Only what
PgBouncer knows of a conninfo is taken over (host, port, dbname); a URI, a service and a name that another
pool has are not, and named in a comment. Administrative: EXECUTE is not granted to PUBLIC. Raises nothing.

Example: `SELECT line FROM tenant_guard.pgbouncer_databases() AS line;`$comment$),
      ('pre_request', $comment$For PostgREST's `db-pre-request`. Where the gateway is trusted it captures `request.jwt.claims`
for the transaction: what anybody sets there afterwards is ignored, and recorded in
`tenant_guard.security_event`. With `tenant_guard.trust = 'verified'` it authenticates the Bearer
token of the request's Authorization header, and raises 28000 as `authenticate` does; a request
without one is nobody's. Raises 42501 as `authenticate` does.

Example: `ALTER ROLE authenticator SET pgrst.db_pre_request = 'tenant_guard.pre_request';`$comment$),
      ('project_id', $comment$The active project where its id is a UUID: the one chosen with `set_org`, else the one that the
claims name, if it is the active organization's; NULL when there is none. Raises only what a
registered `active` condition raises.

Example: `CREATE POLICY own ON tasks USING (project_id = (SELECT tenant_guard.project_id()));`$comment$),
      ('project_id_bigint', $comment$The active project where its id is a whole number of 8 bytes; NULL otherwise. Raises only what a
registered `active` condition raises.

Example: `SELECT tenant_guard.project_id_bigint();`$comment$),
      ('project_id_text', $comment$The active project's id as text; NULL when there is none. Raises only what a registered `active`
condition raises.

Example: `SELECT tenant_guard.project_id_text();`$comment$),
      ('protect_schema', $comment$protect_table for every table of a schema that has the tenant column, or that one shortest path of
foreign keys connects with a table that has; in one transaction. Tables that are protected by a
protect_table call of their own keep its options; tables without a way to a tenant are left alone
and named in a notice. To keep what is done when a table is busy: protect_schema_by_table.
Returns the steps; in a dry run nothing changes. The caller must own the tables.
Raises 3F000 for no such schema, and as protect_table does.

Example: `SELECT count(*) FROM tenant_guard.protect_schema('crm', dry_run => true);`$comment$),
      ('protect_schema_table', $comment$One table of protect_schema_by_table: returns how many steps there were. Raises as protect_table does.

Example: `SELECT tenant_guard.protect_schema_table('crm.contacts', 'organization_id', 'active', NULL, NULL, NULL, NULL, NULL, 'refuse', 'build');`$comment$),
      ('protect_table', $comment$Protects a table: enables and forces row-level security, puts a restrictive policy under
everything that lets only the tenant's rows pass, and grants the roles one policy a command. With
that come the index that leads with the tenant column, the context as that column's default, in scope
'member' a trigger that keeps rows with their tenant, and the end of privileges that policies do not look at
(TRUNCATE, REFERENCES, TRIGGER; SELECT and UPDATE on sequences). Partitions and inheriting tables are
protected with it, later ones too. Call it again with other options and only the difference is
planned; call it again with the same and nothing is.

scope: 'active' shows the active organization's rows (see org_id), 'member' those of every
organization the user belongs to (see org_ids). roles: NULL means role authenticated where it
exists, else PUBLIC. permissions: for each of select, insert, update and delete who may: "member",
"own" (the row's owner), a role or a permission such as leads:write, or an array of them; a command that
it does not name is nobody's; NULL means every member, or with owner_column the row's owner.
project_column: rows are the active project's. owner_column: says whose row it is, by uid(). via: for a
table without the tenant column, the column of the foreign key that leads to it. shared: a condition on
rows that all may read and nobody may write. existing: what to do with policies made by others:
'refuse', 'keep' or 'replace'. index: 'build', 'concurrently' (planned, but to be run by itself) or
'skip'.
Returns the steps, each with the lock it takes; in a dry run nothing changes. Ways round the policies
that only a change of the schema closes are told as warnings, with the statements that do. The caller
must own the tables.
Raises 42501, 42P01, 42703, 42804, 42809, 22004, 22023, 42704, 55000 (existing policies), 55P03
(lock_timeout), 25001.

Example: `SELECT * FROM tenant_guard.protect_table('crm.contacts', dry_run => true);`$comment$),
      ('protection_drift', $comment$What somebody changed by hand on a protected table since protect_table, as what protect_table would
do about it; empty where nothing; NULL for a table that is not protected or not yours.
Raises nothing of its own.

Example: `SELECT tenant_guard.protection_drift('crm.contacts'::regclass);`$comment$),
      ('protection_drifts', $comment$protection_drift of every protected table of yours: its OID, and what somebody changed. Raises nothing of
its own.

Example: `SELECT relation::regclass, drift FROM tenant_guard.protection_drifts() WHERE drift <> '{}';`$comment$),
      ('purge_audit', $comment$Removes what was logged longer ago than older_than, or before a moment, of one organization or of all: whole trees of
sealed blocks, the oldest first. Events that are not sealed stay, and those of an organization that is held, or whose
retention is longer. Months of which nothing is left are dropped; who acted goes with the last of his events, unless a
session of now may name it again. What was purged is a block of the chain, and verify_audit goes on to verify the
rest, which is read for it. For administrators.
Returns a row for each organization that lost events, with how many, and for each month that was dropped; in a
dry run nothing changes. Raises 42501, 22004 for neither an age nor a moment, 22023 for both, a negative age or a
moment to come, XX001 where what is to go is not what was sealed.

Example: `SELECT * FROM tenant_guard.purge_audit(interval '2 years', dry_run => true);`$comment$),
      ('purge_deleted', $comment$Deletes for good what was soft-deleted longer ago than the interval: of one table and all that
inherits from it, or of every table with the feature whose owner's rights the caller has. Rows that
refer to others go before them; what a foreign key ON DELETE CASCADE takes along goes too, and is
not counted. Policies are not looked at. Tables: name and number of rows; in a dry run how many
there are to go. Where all are purged, a table that fails is warned of, and left out.
Raises 42501 for a table of another owner, 55000 for one without the feature, 22023, 22004, and
what a foreign key raises that forbids it.

Example: `SELECT * FROM tenant_guard.purge_deleted('90 days', dry_run => true);`$comment$),
      ('recommend_strategy', $comment$Says which way of keeping tenants apart fits: rows of shared tables, a schema each, or a database each; best
first, with a score of 0 to 100, a verdict (recommended, possible, unsuited), the reasons and the limits.
Measured in this database: tables and relations of a tenant (those of a template schema, of the tenant schemas
you see, or else of all schemas), the catalog's size, the largest tenant, max_connections. tenants: how many
there will be; NULL for as many tenant schemas as there are. compliance: what has to be, as a JSON object of
booleans: physical_isolation, residency, own_backup, customized. Changes nothing.
Raises 22023 (compliance, tenants), 3F000.

Example: `SELECT strategy, score, verdict, reasons FROM tenant_guard.recommend_strategy(tenants => 2000, compliance => '{"own_backup": true}');`$comment$),
      ('record_assignment', $comment$Writes where a tenant is, as a plan of assign_destination decided; NULL for the destination removes it.
Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 22023, 42704, 53400.

Example: `SELECT tenant_guard.record_assignment('acme', 'eu1', NULL);`$comment$),
      ('record_destination', $comment$Writes one row of the registry, as a plan decided; NULL for the kind removes it. Administrative: EXECUTE is
not granted to PUBLIC. Raises 22004, 22023, 2BP01.

Example: `SELECT tenant_guard.record_destination('eu1', 'database', 'host=eu1.example.com', NULL, 'eu', 500);`$comment$),
      ('refresh_tenant_summary', $comment$Puts what the query of a summary yields now in place of what the summary has: for one organization, or
for all. All of it or, should the query fail, nothing. Readers are not held up and see the old rows
until the transaction commits; a second refresh of the same summary waits for the first. The query
runs with the rights of the summary's owner, whoever calls, past the policies on the owner's own
tables; where policies of another's table would hide rows it is refused. Returns the number of rows
written. The caller must own the summary. Raises 22023 (no id of the tenant column's type), 42501,
42809, 42P01, 55000 (no summary), and what the query raises.

Example: `SELECT tenant_guard.refresh_tenant_summary('crm.leads_by_day', 'aaaaaaaa-0000-4000-8000-000000000001');`$comment$),
      ('refuse_change', $comment$Refuses to alter or remove what was logged. For the extension's own tables.$comment$),
      ('register_claim_source', $comment$Writes one row of where claims are found, as a plan of set_claim_profile or set_claim_path decided;
NULL removes it. Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 22023, 23514.

Example: `SELECT tenant_guard.register_claim_source('profile', ARRAY['auth0']);`$comment$),
      ('register_column_class', $comment$Writes what a column holds, as a plan of classify decided; NULL removes it. The caller must own the table.
Raises 42501, 42703, 42809, 42P01, 22004, 22023, 55P03.

Example: `SELECT tenant_guard.register_column_class('crm.contacts', 'email', 'pii');`$comment$),
      ('register_destination', $comment$Registers a place that tenants live in, or changes what is registered. kind: database, where tenants are
schemas or rows, or server, where each has a database. conninfo: as libpq reads it, without a password;
secret: where a router finds that, in words of your own; capacity: so many tenants at most.
Administrative: EXECUTE is not granted to PUBLIC.
Returns the steps; in a dry run nothing changes. Raises 22004, 22023 (kind, conninfo, capacity).

Example: `SELECT * FROM tenant_guard.register_destination('eu1', 'database', 'host=eu1.example.com dbname=app user=router', secret => 'vault:db/eu1', region => 'eu', capacity => 500);`$comment$),
      ('register_enforcement', $comment$Writes what a plan of enforce decided for a schema; NULL removes it. Administrative: EXECUTE is not
granted to PUBLIC. Raises 3F000, 22023, 22004.

Example: `SELECT tenant_guard.register_enforcement('crm', 'warn', '{"tenant_column": "organization_id"}');`$comment$),
      ('register_membership', $comment$Writes the registration that a plan of use_membership decided on; NULL removes it.
Administrative: EXECUTE is not granted to PUBLIC, and the caller must own the tables named.
Raises as use_membership does.

Example: `SELECT tenant_guard.register_membership('{"table_schema": "crm", "table_name": "memberships", "user_column": "user_id", "org_column": "organization_id"}');`$comment$),
      ('register_protection', $comment$Writes how a table is protected, as a plan of protect_table decided; NULL removes it. The caller
must own the table. Protects nothing by itself. Raises 42501, 42P01, 42809, 22023.

Example: `SELECT tenant_guard.register_protection('crm.contacts', '{"tenant_column": "organization_id"}');`$comment$),
      ('register_role_permissions', $comment$Writes one row of what roles may do, as a plan of set_role_permissions decided; NULL for the
permissions removes it. Administrative: EXECUTE is not granted to PUBLIC. Raises 22004, 22023.

Example: `SELECT tenant_guard.register_role_permissions('member', ARRAY['leads:read'], ARRAY[]::text[]);`$comment$),
      ('register_tenant_schema', $comment$Writes the registration that a plan of create_tenant_schema decided on. Where a fingerprint is given, the
schema's structure must have it, or 55000 names what differs from the template. tenant_role is NULL
where there is none. The caller must own the schema. Raises 3F000, 42501, 23505, 55000.

Example: `SELECT tenant_guard.register_tenant_schema('acme', 'crm_template', NULL, 'tenant_acme', true);`$comment$),
      ('register_tenant_summary', $comment$Writes the registration that a plan of create_tenant_summary decided on: query is from now on what
refresh_tenant_summary runs for the table, with the rights of its owner. The caller must own the
table, and it must have the query's columns and refreshed_at. Raises 22004, 22023, 42501, 42601,
42703, 42804, 42809, 42P01, 55000.

Example: `SELECT tenant_guard.register_tenant_summary('crm.totals', 'SELECT organization_id, count(*) AS n FROM crm.leads GROUP BY 1', 'organization_id', '{}');`$comment$),
      ('registration_changed', $comment$Tells all sessions that what they keep of one of the extension's own tables is old. For those tables.$comment$),
      ('release_audit_hold', $comment$Ends a hold. For administrators. Returns whether there was such a hold in force. Raises 42501, 22004.

Example: `SELECT tenant_guard.release_audit_hold(1);`$comment$),
      ('rename_tenant_schema', $comment$Gives a tenant schema another slug, which is the schema's name, and its role another name, where
create_tenant_schema made that. A WARNING names the functions whose text names the schema: texts are not
changed. Returns the steps; in a dry run nothing changes. The caller must own the schema, and needs CREATE on
the database, and CREATEROLE where the role is renamed. Raises 22004, 3F000, 42501, 42602, 42P06, 42710, 55000.

Example: `SELECT * FROM tenant_guard.rename_tenant_schema('acme', 'acme_inc');`$comment$),
      ('reopen_tenant_run', $comment$Opens a run again, for whoever resumes it. Raises as resume_tenant_run does.

Example: `SELECT tenant_guard.reopen_tenant_run(1, false, 1);`$comment$),
      ('report_tenant_database', $comment$Says how making a tenant's database ended; raises 55000 with what went wrong where it failed.
Administrative: EXECUTE is not granted to PUBLIC.

Example: `SELECT tenant_guard.report_tenant_database('acme');`$comment$),
      ('report_tenant_move', $comment$Says how a move ended; raises 55000 with what went wrong where it failed. Administrative: EXECUTE is not
granted to PUBLIC.

Example: `SELECT tenant_guard.report_tenant_move('acme');`$comment$),
      ('report_tenant_run', $comment$Says how a run ended: a notice, or a warning where tenants failed; where it was stopped, the failure as an
error with the tenant's own SQLSTATE. Raises 42501, 42704.

Example: `SELECT tenant_guard.report_tenant_run(1);`$comment$),
      ('require_org', $comment$The active organization. Raises 28000 when there is none, saying why, and when its id is no UUID.

Example: `INSERT INTO notes (organization_id, body) VALUES (tenant_guard.require_org(), 'hello');`$comment$),
      ('require_org_text', $comment$The active organization as text. Raises 28000 when there is none, saying why.

Example: `SELECT tenant_guard.require_org_text();`$comment$),
      ('require_permission', $comment$Returns the permission if the user has it (see `permissions`). Raises 42501 when not, 28000 when that
is because no organization is active.

Example: `SELECT tenant_guard.require_permission('leads:write');`$comment$),
      ('require_project', $comment$The active project. Raises 28000 when there is none, and when its id is no UUID.

Example: `INSERT INTO tasks (project_id, title) VALUES (tenant_guard.require_project(), 'call back');`$comment$),
      ('require_project_text', $comment$The active project as text. Raises 28000 when there is none.

Example: `SELECT tenant_guard.require_project_text();`$comment$),
      ('require_role', $comment$The role, of those given, that the user has (see `roles`): the first in their order.
Raises 42501 when it is none of them, 28000 when that is because no organization is active, 22023 for
an empty list.

Example: `SELECT tenant_guard.require_role('owner', 'admin');`$comment$),
      ('restore_row', $comment$Brings a soft-deleted row back, and with it the rows of other tables that were deleted with it. The
row is named by its primary key, each column with its value. It is done with the caller's own rights:
privileges and policies hold as for an UPDATE.
Returns the number of rows brought back; 0 where there is no such deleted row that the caller may
change. Raises 42501, 42P01, 55000 for a table without the feature, 22023 for what is no key, 22004,
23505 where a new row has taken a unique value meanwhile.

Example: `SELECT tenant_guard.restore_row('crm.contacts', '{"id": 7}');`$comment$),
      ('restore_tenant_schema', $comment$Opens an archived tenant schema again to those who could use it. A WARNING names roles that are gone since.
Returns the steps; in a dry run nothing changes. The caller must own the schema. Raises 22004, 3F000, 42501,
55000.

Example: `SELECT * FROM tenant_guard.restore_tenant_schema('acme');`$comment$),
      ('retire_key', $comment$Ends the use of a key: no token that it signed is accepted from now on. Identities that were
verified before keep until their token expires. Retiring it again changes nothing.
Administrative: EXECUTE is not granted to PUBLIC. Raises 42704 for a key id that nobody added, 22004.

Example: `SELECT tenant_guard.retire_key(kid) FROM tenant_guard.jwt_key WHERE kid = '2026-10';`$comment$),
      ('roles', $comment$The user's roles in the active organization, with those they inherit (`set_role_permissions`),
sorted; empty, never NULL, when there are none. They are the membership table's where it is asked
and has a role column, else the token's: for the organization that it names, or, where it names
none, while no organization is active. Raises only what a registered `active` condition raises.

Example: `SELECT tenant_guard.roles();`$comment$),
      ('row_as_of', $comment$One row as it was at a moment, as jsonb; NULL where there was none. What counts is when changes came to be seen,
that is, when they were committed. Columns that the log does not have as they were (left out, masked,
hashed) are missing where they changed since. The caller sees what it may read of the trail, and of the table
now. A TRUNCATE whose rows were not logged is not seen. Raises as row_history does, and 42501 (no SELECT on
the table).

Example: `SELECT tenant_guard.row_as_of('crm.contacts', '{"id": 42}', now() - interval '1 day');`$comment$),
      ('row_history', $comment$Every event of one row that the caller may read, the first one first, through changes of its key. key is an
object of the primary key's columns, as audit_log shows it. Rows of the shape of audit_log: record and
old_record are the row after and before as jsonb, committed_at is NULL where the statement committed by
itself; truncated tells of a row that a TRUNCATE removed. A key that was used again shows the rows of all its lives. Raises 22004, 22023 (no key), 42501
(no SELECT on the table), 42809, 42P01, 55000 (a table that was never logged).

Example: `SELECT occurred_at, operation, changed_columns, user_id FROM tenant_guard.row_history('crm.contacts', '{"id": 42}');`$comment$),
      ('run_database_step', $comment$Does the next step of making a tenant's database, over a connection of its own, and notes it. Returns
whether there are more; an error is noted, not raised, and ends it. Administrative: EXECUTE is not granted
to PUBLIC. Raises 22004, 42704, 0A000.

Example: `SELECT tenant_guard.run_database_step('acme');`$comment$),
      ('run_move_step', $comment$Does the next step of a move, and notes it. Returns whether there are more; an error is noted, not raised, and
ends it; from when the schema here was closed until the tenant is assigned, it is opened again too.
Administrative: EXECUTE is not granted to PUBLIC. Raises 0A000, 22004, 42501, 42704.

Example: `SELECT tenant_guard.run_move_step('acme');`$comment$),
      ('run_next_tenant', $comment$Runs the next tenant of a run that nobody works on, in the transaction at hand, and records what became of
it there. Returns the seconds to wait before calling it again, 0 where it ran one; NULL when the run is over
or stopped. Raises 22004, 42501, 42704, 55000; an error of the tenant's statements is recorded, not raised.

Example: `SELECT tenant_guard.run_next_tenant(1);`$comment$),
      ('safe_json', $comment$A row as JSON for clients: of a table's row only the columns that classify made public. Where the table has a column
public_id of type uuid, id holds that, unless it is classified as something else, and the primary key is left
out; a foreign key to a table with a public_id holds the public_id of the row there, or null where the caller may
not see that row. Rows within the row, and arrays of rows, go by the classes of their own tables. Of a row that
is no table's (a view's, a sub-select's, a type's) only the tables' rows in it are given, and of a table
without a public column nothing: an empty object. value: a row or an array of rows. NULL for NULL. Raises 42804
for anything else, 54000 over 256 MB.

Example: `SELECT tenant_guard.safe_json(c) FROM crm.contacts c;`$comment$),
      ('seal_audit', $comment$Seals what was logged since the last call: all events of transactions that have ended go into blocks of at most
about a million, each with a Merkle tree for each organization, chained to the block before. Nobody who writes
waits. Made to be called again and again, by pg_cron or a worker. While another session seals, and where
nothing was logged, it returns no row.
Returns the new blocks: number, events, and the digest, which is worth keeping where this database's superusers
cannot reach it. Raises 42501, 25006 on a standby.

Example: `SELECT * FROM tenant_guard.seal_audit();`$comment$),
      ('set_audit_retention', $comment$Has an organization's events kept at least so long, whatever purge_audit is asked for; NULL ends that. For
administrators. Returns nothing. Raises 42501, 22004, 22023 for a time that is negative, or longer than a
thousand years.

Example: `SELECT tenant_guard.set_audit_retention('aaaaaaaa-0000-4000-8000-000000000001', interval '10 years');`$comment$),
      ('set_claim_path', $comment$Says at which path of a token's claims one thing stands: user, org, project, role (the database
role), roles, permissions or email; instead of where the profile looks. NULL for the path takes
that back. Each element is one key, as it is, URLs included. A claim that users write themselves,
such as `user_metadata`, is refused unless `force` is true. Administrative: EXECUTE is not granted
to PUBLIC. Returns the change's steps. Raises 22023 for an unknown name, an empty path, and a path
into what users write.

Example: `SELECT * FROM tenant_guard.set_claim_path('roles', ARRAY['https://acme.example/roles']);`$comment$),
      ('set_claim_profile', $comment$Says whose tokens this database gets: supabase (the default), neon, clerk_v1, clerk_v2, auth0,
workos, keycloak, firebase, cognito, entra, hasura or custom. docs/vendors.md says which claims
each reads; paths set with `set_claim_path` stay in force. Administrative: EXECUTE is not granted
to PUBLIC. Returns the change's steps. Raises 22023 for an unknown profile.

Example: `SELECT * FROM tenant_guard.set_claim_profile('clerk_v2');`$comment$),
      ('set_org', $comment$Makes an organization, and a project of it, the active ones until the transaction ends, after
checking that the user belongs to the organization, that it is active, and that the project is its
own; returns the organization's id. Without a project, none is active. The choice counts for this
user only: when the claims change to another user in the same transaction, it is void.
Raises 42501 for no member, a suspended organization and another organization's project, 28000
without a user, 55000 when the membership table, or that of projects, is asked and not registered or
gone, 22004.

Example: `BEGIN; SELECT tenant_guard.set_org('3f0c5b9e-0000-4000-8000-000000000001'); ... COMMIT;`$comment$),
      ('set_org_text', $comment$`set_org` for organizations and projects whose ids are not UUIDs; returns the organization's id as
the membership table spells it. Raises as `set_org` does.

Example: `SELECT tenant_guard.set_org_text('42', project => '7');`$comment$),
      ('set_role_permissions', $comment$Says what a role of the application may do in its organization: its permissions, `leads:read` or
with a wildcard `leads:*`, and the roles whose permissions it has too. NULL for the permissions
takes the role's row away. Administrative: EXECUTE is not granted to PUBLIC.
Returns the change's steps. Raises 22023 for a malformed permission and for roles that would inherit
from each other in a circle.

Example: `SELECT * FROM tenant_guard.set_role_permissions('admin', '{leads:*,billing:read}', inherits => '{member}');`$comment$),
      ('shows_deleted', $comment$Whether soft-deleted rows are shown beside the others: true where tenant_guard.show_deleted is on,
as it is while restore_row runs; never NULL. Policies ask it. Raises nothing.

Example: `SELECT tenant_guard.shows_deleted();`$comment$),
      ('soft_delete', $comment$Marks a row as deleted instead of deleting it. For triggers made by add_feature.$comment$),
      ('soft_delete_cascade', $comment$Marks the rows of other tables with the feature that refer to a row with ON DELETE CASCADE, once it is
marked itself: at the same time, by the same user, for the same reason. For triggers made by add_feature.$comment$),
      ('start_run_helpers', $comment$Starts background workers that take tenants of a run as well, parallel less one of them, as the role in
force and with its rights; fewer, with a notice, where no more can be had. Returns how many.
Raises 22023, 42501, 42704.

Example: `SELECT tenant_guard.start_run_helpers(1, 4);`$comment$),
      ('status', $comment$Reports the installation: how identities are trusted, which keys there are, what is registered,
which settings could be spoofed and by whom, which roles row-level security does not hold, and who
may call administrative functions. Columns: item, value, verdict (ok, note or warning) and hint. No
secret is shown. Administrative: EXECUTE is not granted to PUBLIC. Raises nothing.

Example: `SELECT * FROM tenant_guard.status() WHERE verdict = 'warning';`$comment$),
      ('sync_tenant_schema', $comment$Makes a tenant's schema as its template is by now: adds types, labels, tables, columns, constraints, indexes,
policies, triggers, rules, statistics, functions, views and operators, changes what is different, and grants
as the template does, and new tables to the tenant's role. A view or function that cannot be replaced is
dropped and made again, with the views that depend on it. What drops
something, or changes a type so that a value may lose a part, is done with allow_destructive => true only, and
told of in a WARNING otherwise; so is what no plan can do. Afterwards tenant_drift has nothing else to say, or
all of it is refused. Labels added to an enum can be used when they are committed: where the template already
uses them, a first call adds them and a second does the rest. Records which version of the template the
tenant has. What is made new belongs to the schema's owner. A template, or a tenant schema, of a role that has
fewer rights than the caller is refused, as by create_tenant_schema; trust_template => true syncs it all the same. Returns the steps; in a dry run nothing changes. The caller must own the schema, and what is in it.
Raises 22004, 3F000, 42501, 42P07 (something else is there under a name of the template's), 55000, and what a row of the tenant's is in the way of (23502, 23505, 23514, ...).

Example: `SELECT step, action FROM tenant_guard.sync_tenant_schema('acme', dry_run => true);`$comment$),
      ('table_as_of', $comment$The rows of a table as they were at a moment, each as jsonb, in no order: the rows that the caller sees now, less
what was done since. What counts is when changes were committed. Raises 22004, 42501 (no SELECT on the
table), 42809, 42P01, 55000 (a table that was never logged, or that was emptied since without its rows in
the log).

Example: `SELECT r FROM tenant_guard.table_as_of('crm.contacts', now() - interval '1 day') r;`$comment$),
      ('tables_to_protect', $comment$The tables that protect_schema protects, each with what inherits from it, in the order it does; those
left alone are named in a notice. Raises 3F000 for no such schema.

Example: `SELECT * FROM tenant_guard.tables_to_protect('crm');`$comment$),
      ('template_fingerprint', $comment$What a template, or any schema, is like, as one number for all of it: its tables, types, sequences, views,
functions and the rest, with their comments; not rows, owners or privileges. A template and its clone have the
same, unless a policy names the tenant's role. NULL where there is no such schema, or you may not look into it. Raises nothing.

Example: `SELECT tenant_guard.template_fingerprint('crm_template') = tenant_guard.template_fingerprint('acme');`$comment$),
      ('tenant_drift', $comment$What of a tenant's schema is not as in its template, object by object, what protects rows first: the kind of
object, its name, the difference (missing, extra or different), what the template has and what is there
(NULL for nothing), the statements that mend it (NULL where none can, or where another row's do), whether
they drop something or may lose a part of a value, and, where no plan can mend it, the reason. Names that differ by the schema only are equal. Without a
slug, every tenant schema that you own and whose template you may use. Changes nothing. Raises 3F000, 42501.

Example: `SELECT object_type, object, difference FROM tenant_guard.tenant_drift('acme');`$comment$),
      ('uid', $comment$The user's id where it is a UUID; NULL otherwise. It is the claim `sub`, unless the profile or
`set_claim_path` says otherwise. Raises nothing.

Example: `CREATE POLICY own ON notes USING (user_id = (SELECT tenant_guard.uid()));`$comment$),
      ('uid_text', $comment$The user's id as text, for ids that are not UUIDs; NULL when there is none. Raises nothing.

Example: `SELECT tenant_guard.uid_text();`$comment$),
      ('undo', $comment$Takes an applied change back, all of its steps in one transaction, and journals that as a
change of its own, which can be undone in turn. The caller must own every object it touched.
Refuses with 55000, naming the object, when somebody altered one since; `force => true` undoes
all the same, leaving out what is already gone. Returns the steps; in a dry run nothing changes.
Raises 42704 for no such change, 42501 for one that touched what is not yours, 55000 for one
already undone or with no way back.

Example: `SELECT * FROM tenant_guard.undo(7);`$comment$),
      ('undo_request', $comment$Undoes all that a request did to audited tables, in all its transactions, as undo_row does it. The request's id is
that of the header x-request-id, or of tenant_guard.request_id. Raises as undo_row does.

Example: `SELECT * FROM tenant_guard.undo_request('5f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11');`$comment$),
      ('undo_row', $comment$Undoes the last event of one row, or those back to and with event_id: a deleted row comes back, an inserted one
goes, changed columns are as before. Only where the row is as the event left it, and with the caller's own rights,
privileges and policies; the changes are logged as any other. Returns the events that were undone, with the
statements; in a dry run nothing changes. Raises 40001 (the row was changed since, or is not the caller's to
change), 55000 (the log does not have the values), P0002 (nothing to undo), and as row_history does.

Example: `SELECT * FROM tenant_guard.undo_row('crm.contacts', '{"id": 42}');`$comment$),
      ('undo_transaction', $comment$Undoes all that a transaction did to audited tables, as undo_row does it: all of it that the caller may read, or
nothing. A TRUNCATE is undone where its rows were logged. Raises as undo_row does.

Example: `SELECT * FROM tenant_guard.undo_transaction('8812', dry_run => true);`$comment$),
      ('unprotect_table', $comment$Takes the protection of protect_table away from a table and all that inherits from it: policies,
trigger and default. Row-level security stays enabled where policies made by others are left. The
tenant index is kept, and privileges that protect_table revoked stay revoked.
Returns the steps; in a dry run nothing changes. The caller must own the tables.
Raises 42501, 42P01, 42809, 55P03.

Example: `SELECT * FROM tenant_guard.unprotect_table('crm.contacts');`$comment$),
      ('unregister_destination', $comment$Takes a destination out of the registry. Refused while tenants are at it. Administrative: EXECUTE is not
granted to PUBLIC. Returns the steps; in a dry run nothing changes. Raises 22004, 42704, 2BP01.

Example: `SELECT * FROM tenant_guard.unregister_destination('eu1');`$comment$),
      ('unregister_tenant_schema', $comment$Removes a tenant schema's registration; the schema stays. The caller must own the schema, where
it still exists, or have registered it. Raises 3F000, 42501.

Example: `SELECT tenant_guard.unregister_tenant_schema('acme');`$comment$),
      ('unregister_tenant_summary', $comment$Removes the registered query of a table, which stays as it is. The caller must own the table.
Raises 22004, 42501, 42809, 42P01.

Example: `SELECT tenant_guard.unregister_tenant_summary('crm.totals');`$comment$),
      ('use_membership', $comment$Registers the table that says who belongs to which organization: a row for each user and
organization (and role), or a row for each user. `set_org`, `org_ids` and `is_member` ask it from
then on, and a claimed organization is believed only if it agrees. `role_column` may hold one role
or an array of them. `active` is a condition on its rows, such as 'revoked_at IS NULL'. With
`project_table`, projects are checked to be the organization's; with `organizations`, one whose
`status_column` is not among `active_statuses` is refused to everybody; a NULL status_column asks only
that it is there. The column of the project's organization is called like `org_column` unless
`project_org_column` says otherwise. Administrative: EXECUTE is not granted to PUBLIC, and the caller
must own the tables.
Returns the change's steps. Raises 42501 for what is not the caller's, 42P01 and 42703 for a missing
table or column, 42804 for a column that holds no such ids, 42809 for what is no table, 55000 where an
index is missing, 42601 and 22023 for an `active` that is no expression, 22004.

Example: `SELECT * FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role');`$comment$),
      ('use_tenant', $comment$Sets search_path, to the end of the transaction, to a tenant's schema and nothing else: names that are not
there are found nowhere. The caller must belong: be a member of the tenant's role, or its owner; and whoever
acts for a user of an application, where the tenant has an organization, must have that one active. It gives no
right that the caller has not: USAGE on the schema is asked for too. Returns the slug. Outside a transaction
block it holds for its own statement only. Raises 22004, 42501, 55000.

Example: `SELECT tenant_guard.use_tenant('acme');`$comment$),
      ('uuid_v7', $comment$Returns a new UUID of version 7 (RFC 9562): 48 bits of milliseconds since 1970, then bits that grow
within the millisecond, then random ones. Each is greater than the one before it in the same session;
those of several sessions are in order to the millisecond. Whoever sees one learns when it was made.
Raises nothing.

Example: `CREATE TABLE crm.leads (public_id uuid NOT NULL UNIQUE DEFAULT tenant_guard.uuid_v7());`$comment$),
      ('validate_org', $comment$Returns the organization if the user may work for it, by the checks of `set_org`; sets nothing.
Raises 42501 for no member and for a suspended organization, 28000 without a user, 55000 when the
membership table is asked and not registered or gone, 22004.

Example: `INSERT INTO invoices (organization_id) VALUES (tenant_guard.validate_org('3f0c5b9e-0000-4000-8000-000000000001'));`$comment$),
      ('validate_org_text', $comment$`validate_org` for organizations whose ids are not UUIDs; returns the id as the membership table
spells it. Raises as `validate_org` does.

Example: `SELECT tenant_guard.validate_org_text('42');`$comment$),
      ('verify_audit', $comment$Looks for whatever is not as it was sealed: the hash of each event, layout and context is computed anew, then
each tree, then the chain of blocks. Of what was logged since the last seal it looks at the hashes. digest: one
that seal_audit returned and that was kept elsewhere has to be in the chain. from_block: begin there; the chain
is looked at whole. Auditors and superusers call it.
Returns no row where all is well; else of each block the first event that was altered, is missing, or was
inserted, and every layout, context, tree and block that is not what it was. Tells in a NOTICE how much it looked
at, and what was purged. Raises 42501.

Example: `SELECT * FROM tenant_guard.verify_audit();`$comment$),
      ('verify_token', $comment$Verifies a token as `authenticate` does and returns its claims; sets nothing. Works whatever
`tenant_guard.trust` is. Raises 28000, saying which check failed, 42501 as `authenticate` does, 22004.

Example: `SELECT tenant_guard.verify_token('<header>.<payload>.<signature>') ->> 'sub';`$comment$),
      ('watch', $comment$Looks at what a command made in the schemas that enforce watches, and at what hangs under a protected
table; and records what opens a protected or audited table as security events. Event trigger. Raises what protecting it raises.

Example: `SELECT evtname FROM pg_event_trigger WHERE evtfoid = 'tenant_guard.watch'::regproc;`$comment$)
    ) c(name, comment)
    JOIN pg_catalog.pg_proc p ON p.proname = c.name
    WHERE p.pronamespace = 'tenant_guard'::regnamespace
  LOOP
    EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', f.signature, f.comment);
  END LOOP;
END
$script$;
