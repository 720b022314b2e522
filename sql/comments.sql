-- Made by build.rs from the doc comments in src/. Not for editing.
DO $script$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT p.oid::regprocedure AS signature, c.comment
    FROM (VALUES
      ('audit_row', $comment$Logs the change of one row. For triggers made by enable_audit; its argument is the tenant column.$comment$),
      ('audit_truncate', $comment$Logs a TRUNCATE. For triggers made by enable_audit.$comment$),
      ('before_drop_extension', $comment$Tells, before DROP EXTENSION tenant_guard runs, what stays in the database. Event trigger.$comment$),
      ('claim', $comment$One claim as text, by its path of object keys (array positions count from 0); strings come bare,
numbers, booleans, objects and arrays as JSON text; a missing claim and JSON null are NULL.
Keys may hold dots, slashes and URLs. Raises nothing.

Example: `SELECT tenant_guard.claim('app_metadata', 'plan');`$comment$),
      ('claim_json', $comment$One claim as jsonb, by its path; a missing claim is NULL, and so is JSON null. Raises nothing.

Example: `SELECT tenant_guard.claim_json('app_metadata', 'roles');`$comment$),
      ('claims', $comment$The claims of the current request as one JSON object; NULL when `request.jwt.claims` is absent,
empty, or anything but a JSON object. Raises nothing.

Example: `SELECT tenant_guard.claims() ->> 'email';`$comment$),
      ('create_tenant_schema', $comment$Makes a schema for one tenant from a template schema: tables (partitions, inheritance, generated
and identity columns), sequences, constraints, foreign keys, indexes, triggers, policies and
row-level security, without rows. Names inside the template resolve to the new schema, names
outside it stay; afterwards nothing in the new schema may depend on the template, or all of it
is refused. What is not carried (views, functions, ...) is told in a WARNING; where a table
needs it, the clone is refused. The tenant role gets USAGE on the schema and
SELECT, INSERT, UPDATE, DELETE on its tables; unless tenant_role names a role, a NOLOGIN role
tenant_<slug> is made. A slug is the schema's name: a-z, 0-9 and _, at most 56 characters.
A template of a role that has fewer rights than the caller is refused: to make it again would run
that role's functions with the caller's rights. trust_template => true clones it all the same.
Returns the steps; in a dry run nothing changes. The caller needs CREATE on the database.
Raises 42602 (no slug), 42P06, 42710, 3F000, 42501, 42704, 0A000, 55000.

Example: `SELECT * FROM tenant_guard.create_tenant_schema('acme', template => 'crm_template');`$comment$),
      ('disable_audit', $comment$Stops auditing a table and all that inherits from it. What was logged stays.
Returns the steps; in a dry run nothing changes. The caller must own the table.
Raises 42501, 42P01, 42809.

Example: `SELECT * FROM tenant_guard.disable_audit('crm.contacts');`$comment$),
      ('drop_tenant_schema', $comment$Drops a tenant schema with every row in it, its registration, and its role where
create_tenant_schema made that. Nothing brings the rows back, so the slug is given twice; refused
while anything outside the schema depends on it. Returns the steps; in a dry run nothing changes.
The caller must own the schema. Raises 22004, 22023 (not confirmed), 3F000, 42501, 2BP01.

Example: `SELECT * FROM tenant_guard.drop_tenant_schema('acme', confirm => 'acme');`$comment$),
      ('enable_audit', $comment$Writes every INSERT, UPDATE, DELETE and TRUNCATE of a table to the audit log, through whatever
path the change comes (COPY, MERGE, cascades, partitions, replication). tenant_column names the
column that says whose trail an event belongs to; NULL means organization_id where the table
has it, else the table's owner alone reads its trail.
Returns the steps; in a dry run nothing changes. The caller must own the table and needs
EXECUTE on tenant_guard.audit_row() and audit_truncate(), which an administrator grants.
Raises 42501, 42P01, 42703, 42809.

Example: `SELECT * FROM tenant_guard.enable_audit('crm.contacts');`$comment$),
      ('is_member', $comment$Whether the membership table says that the user belongs to the organization; false without a
user or a registered table.

Example: `SELECT tenant_guard.is_member('3f0c5b9e-0000-4000-8000-000000000001');`$comment$),
      ('is_member_text', $comment$`is_member` for organizations whose ids are not UUIDs.

Example: `SELECT tenant_guard.is_member_text('42');`$comment$),
      ('jwt_role', $comment$The claim `role`: the database role that the gateway was asked to use; NULL when there is none.
Raises nothing.

Example: `SELECT tenant_guard.jwt_role() = 'authenticated';`$comment$),
      ('org_id', $comment$The active organization where its id is a UUID: the one chosen with `set_org` in this
transaction, else the one that the claims name (`org_id`, `organization_id`, or either in
`app_metadata`); NULL when there is none. Raises nothing.

Example: `CREATE POLICY own ON notes USING (organization_id = (SELECT tenant_guard.org_id()));`$comment$),
      ('org_id_bigint', $comment$The active organization where its id is a whole number of 8 bytes; NULL otherwise. Raises nothing.

Example: `CREATE POLICY own ON orders USING (branch_id = (SELECT tenant_guard.org_id_bigint()));`$comment$),
      ('org_id_text', $comment$The active organization's id as text; NULL when there is none. Raises nothing.

Example: `SELECT tenant_guard.org_id_text();`$comment$),
      ('org_ids', $comment$Every organization that the membership table gives the user, as an array of UUIDs; ids that are
not UUIDs are left out; empty without a user, a membership or a registered table.

Example: `... USING (organization_id = ANY ((SELECT tenant_guard.org_ids())::uuid[]))`$comment$),
      ('org_ids_bigint', $comment$Every organization that the membership table gives the user, as an array of bigint; ids that
are not whole numbers are left out; empty without a user, a membership or a registered table.

Example: `SELECT unnest(tenant_guard.org_ids_bigint());`$comment$),
      ('org_ids_text', $comment$Every organization that the membership table gives the user, as an array of text; empty without
a user, a membership or a registered table.

Example: `SELECT unnest(tenant_guard.org_ids_text());`$comment$),
      ('org_role', $comment$The user's role in the organization, from the role column named in `use_membership`; NULL for
no member, and where no role column was named.

Example: `SELECT tenant_guard.org_role(tenant_guard.org_id()) = 'owner';`$comment$),
      ('org_role_text', $comment$`org_role` for organizations whose ids are not UUIDs.

Example: `SELECT tenant_guard.org_role_text('42');`$comment$),
      ('origin', $comment$Which database this is: a number that a restored copy does not share, so that recorded OIDs are
believed only where they were written. Raises nothing.

Example: `SELECT count(*) FROM tenant_guard.change_step WHERE origin = tenant_guard.origin();`$comment$),
      ('protect_table', $comment$Protects a table: enables and forces row-level security, puts a restrictive policy under
everything that lets only the tenant's rows pass, grants the roles one policy a command, and
makes the index that leads with the tenant column. Partitions and inheriting tables are
protected with it. Call it again with other options and only the difference is planned; call it
again with the same and nothing is.

scope: 'active' shows the active organization's rows (see org_id), 'member' those of every
organization the user belongs to (see org_ids). roles: NULL means role authenticated where it
exists, else PUBLIC. existing: what to do with policies made by others: 'refuse', 'keep' or
'replace'. index: 'build', 'concurrently' (planned, but to be run by itself) or 'skip'.
Returns the steps; in a dry run nothing changes. The caller must own the tables.
Raises 42501, 42P01, 42703, 42804, 42809, 22023, 42704, 55000 (existing policies), 25001.

Example: `SELECT * FROM tenant_guard.protect_table('crm.contacts', dry_run => true);`$comment$),
      ('refuse_change', $comment$Refuses to alter or remove what was logged. For the extension's own tables.$comment$),
      ('register_membership', $comment$Writes the registration that a plan of use_membership decided on; all NULL removes it.
Administrative: EXECUTE is not granted to PUBLIC, and the caller must own the table named.
Raises 42501, 42P01.

Example: `SELECT tenant_guard.register_membership('crm', 'memberships', 'user_id', 'organization_id', 'role');`$comment$),
      ('register_tenant_schema', $comment$Writes the registration that a plan of create_tenant_schema decided on. The caller must own the
schema. Raises 3F000, 42501, 23505.

Example: `SELECT tenant_guard.register_tenant_schema('acme', 'crm_template', NULL, 'tenant_acme', true);`$comment$),
      ('registration_changed', $comment$Tells all sessions that the registered membership table is another. For the extension's own table.$comment$),
      ('require_org', $comment$The active organization, where its id is a UUID. Raises 28000 when there is none.

Example: `INSERT INTO notes (organization_id, body) VALUES (tenant_guard.require_org(), 'hello');`$comment$),
      ('require_org_text', $comment$The active organization as text. Raises 28000 when there is none.

Example: `SELECT tenant_guard.require_org_text();`$comment$),
      ('set_org', $comment$Makes an organization the active one until the transaction ends, after the membership table
said that the user belongs to it; returns its id. It counts for this user only: when the claims
change to another user in the same transaction, the choice is void.
Raises 42501 for no member, 28000 without a user, 55000 when no membership table is registered.

Example: `BEGIN; SELECT tenant_guard.set_org('3f0c5b9e-0000-4000-8000-000000000001'); ... COMMIT;`$comment$),
      ('set_org_text', $comment$`set_org` for organizations whose ids are not UUIDs.

Example: `SELECT tenant_guard.set_org_text('42');`$comment$),
      ('uid', $comment$The user's id, the claim `sub`, where it is a UUID; NULL otherwise. Raises nothing.

Example: `CREATE POLICY own ON notes USING (user_id = (SELECT tenant_guard.uid()));`$comment$),
      ('uid_text', $comment$The user's id, the claim `sub`, as text, for subjects that are not UUIDs; NULL when there is
none. Raises nothing.

Example: `SELECT tenant_guard.uid_text();`$comment$),
      ('undo', $comment$Takes an applied change back, all of its steps in one transaction, and journals that as a
change of its own, which can be undone in turn. The caller must own every object it touched.
Refuses with 55000, naming the object, when somebody altered one since; `force => true` undoes
all the same, leaving out what is already gone. Returns the steps; in a dry run nothing changes.
Raises 42704 for no such change, 42501 for one that touched what is not yours, 55000 for one
already undone or with no way back.

Example: `SELECT * FROM tenant_guard.undo(7);`$comment$),
      ('unprotect_table', $comment$Takes the protection of protect_table away from a table and all that inherits from it. Row-level
security stays enabled where policies made by others are left. The tenant index is kept.
Returns the steps; in a dry run nothing changes. The caller must own the tables.
Raises 42501, 42P01, 42809.

Example: `SELECT * FROM tenant_guard.unprotect_table('crm.contacts');`$comment$),
      ('unregister_tenant_schema', $comment$Removes a tenant schema's registration; the schema stays. The caller must own the schema, where
it still exists, or have registered it. Raises 3F000, 42501.

Example: `SELECT tenant_guard.unregister_tenant_schema('acme');`$comment$),
      ('use_membership', $comment$Registers the table that says who belongs to which organization: one row for each user and
organization. `set_org`, `org_ids` and `is_member` ask it from then on. Administrative: EXECUTE
is not granted to PUBLIC, and the caller must own the table.
Returns the change's steps. Raises 42501, 42P01, 42703, 42804, 42809.

Example: `SELECT * FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role');`$comment$)
    ) c(name, comment)
    JOIN pg_catalog.pg_proc p ON p.proname = c.name
    WHERE p.pronamespace = 'tenant_guard'::regnamespace
  LOOP
    EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', f.signature, f.comment);
  END LOOP;
END
$script$;
