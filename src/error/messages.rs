//! What a failure says: SQLSTATE, message, DETAIL and HINT.

use super::policies::policy_parts;
use super::Error;
use crate::identity::Refusal;
use pgrx::PgSqlErrorCode;

pub struct Parts {
    pub code: PgSqlErrorCode,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

pub(super) fn parts(
    code: PgSqlErrorCode,
    message: impl Into<String>,
    detail: impl Into<String>,
    hint: impl Into<String>,
) -> Parts {
    Parts { code, message: message.into(), detail: detail.into(), hint: hint.into() }
}

impl Error {
    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> String {
        self.parts().message
    }

    pub(super) fn parts(&self) -> Parts {
        use PgSqlErrorCode::*;
        match self {
            Error::NoSuchTable { oid } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("no table has the OID {oid}"),
                "It was dropped, or the number was never a table's.",
                "Name the table: 'schema.table'::regclass.",
            ),
            Error::NoTableNamed { table } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("table {table} does not exist"),
                "No relation of that schema has that name.",
                "Name it exactly as it is spelled in the catalog.",
            ),
            Error::NoSuchColumn { table, column, columns } => parts(
                ERRCODE_UNDEFINED_COLUMN,
                format!("table {table} has no column \"{column}\""),
                format!("Its columns are {}.", columns.join(", ")),
                "Name one of them, exactly as it is spelled in the catalog and without quotes, or add the column first.",
            ),
            Error::WrongRelationKind { relation, kind, wanted, hint } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{relation} is {kind}, not {wanted}"),
                format!("This function works on {wanted} only."),
                hint.clone(),
            ),
            Error::SystemTable { table } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("{table} is not yours to change"),
                "It is a system, temporary or extension table.",
                "Name a table of your own schemas.",
            ),
            Error::WrongColumnType { table, column, found, wanted } => parts(
                ERRCODE_DATATYPE_MISMATCH,
                format!("column \"{column}\" of {table} is of type {found}"),
                format!("The column must be {wanted}, or a domain over one of them."),
                "Name the column that holds the id, or change its type first.",
            ),
            Error::NotOwner { object, owner, caller } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("must be owner of {object}"),
                format!("It belongs to role \"{owner}\"; you are \"{caller}\"."),
                format!("Run this as \"{owner}\", or as a member of that role."),
            ),
            Error::NotPermitted { what, detail, hint } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("not permitted: {what}"),
                detail.clone(),
                hint.clone(),
            ),
            Error::NullArgument { function, argument } => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("{function}: argument \"{argument}\" must not be NULL"),
                "The argument was given as NULL.",
                format!("Give a value for \"{argument}\", or leave the argument out where it has a default."),
            ),
            Error::UnknownOption { option, value, allowed } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("unknown value '{value}' for option \"{option}\""),
                format!("It takes {}.", allowed.join(", ")),
                format!("Write {option} => '{}'.", allowed.first().unwrap_or(&"")),
            ),
            Error::NoSuchRole { role } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("role \"{role}\" does not exist"),
                "Policies and tenant schemas are given to database roles that exist.",
                "Create the role first, or name another in the option.",
            ),
            Error::ExistingPolicies { table, policies } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("table {table} already has policies that tenant_guard did not make"),
                format!("They are {}.", policies.join(", ")),
                "Say existing => 'replace' to drop them (undo restores them), or existing => 'keep' to leave them beside the tenant policies.",
            ),
            Error::OutsideTransaction { operation, sql } => parts(
                ERRCODE_ACTIVE_SQL_TRANSACTION,
                format!("{operation} has a step that cannot run inside a transaction"),
                format!("The step is: {sql}"),
                "Run that statement by itself, then call the function again: it plans only what is left.",
            ),
            Error::NoIdentity { what } => parts(
                ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                format!("{what} needs a user, and this session has none"),
                "There are no claims in force, or they name no user.",
                "Authenticate first, or have the gateway set request.jwt.claims; SELECT * FROM tenant_guard.explain_identity() says what was seen.",
            ),
            Error::NoMembershipTable => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "no membership table is registered",
                "An organization is believed only when a membership table says that the user belongs to it.",
                "An administrator registers it: SELECT * FROM tenant_guard.use_membership('schema.memberships', 'user_id', 'organization_id').",
            ),
            Error::MembershipTableGone { table } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the registered membership table {table} is gone or changed"),
                "It, or a column of it, was renamed, dropped, or altered to another type; so nobody is a member of anything.",
                "An administrator registers it anew: SELECT * FROM tenant_guard.use_membership(...).",
            ),
            Error::ProjectTableGone => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the registered table of projects is gone or changed",
                "It, or a column of it, was renamed, dropped, or altered to another type; so no project is anybody's.",
                "An administrator registers it anew: use_membership(..., project_table => 'schema.projects').",
            ),
            Error::OrganizationTableGone => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the registered table of organizations is gone or changed",
                "It, or a column of it, was renamed, dropped, or altered to another type; so no organization is active.",
                "An administrator registers it anew: use_membership(..., organizations => 'schema.organizations').",
            ),
            Error::NoneClaimed => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                "the token names no organization",
                "tenant_guard.org_check says that tokens are what counts, so there is none to choose.",
                "Have the issuer put the user's organizations in the token; SELECT * FROM tenant_guard.explain_identity() says where it is looked for.",
            ),
            Error::IdIsNoUuid { what, id } => parts(
                ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                format!("the active {what} \"{id}\" has no UUID for an id"),
                "This function returns a UUID.",
                format!("Call tenant_guard.require_{}_text() instead.", if *what == "project" { "project" } else { "org" }),
            ),
            Error::NotMember { organization, why } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("the user is not a member of organization \"{organization}\""),
                *why,
                "Choose one of tenant_guard.org_ids(), or add the membership first.",
            ),
            Error::Suspended { organization } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("organization \"{organization}\" is not active"),
                "The registered table of organizations does not have it among the active ones.",
                "Choose one of tenant_guard.org_ids(), or have the organization activated.",
            ),
            Error::NoOrganization { why } => parts(
                ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                "no organization is active",
                format!("That is because {why}."),
                "SELECT * FROM tenant_guard.explain_identity() says what was seen; set_org(organization) chooses one for the transaction.",
            ),
            Error::NoProject => parts(
                ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                "no project is active",
                "None was chosen with set_org, and the claims name none of the active organization's.",
                "Call tenant_guard.set_org(organization, project) first.",
            ),
            Error::NoProjectTable => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "no table of projects is registered",
                "A project is believed only when such a table says that it is the organization's.",
                "An administrator registers it: use_membership(..., project_table => 'schema.projects').",
            ),
            Error::NotItsProject { project, organization } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("project \"{project}\" is not one of organization \"{organization}\""),
                "The registered table of projects does not have it under this organization.",
                "Choose a project of the organization, or the organization of the project.",
            ),
            Error::RoleMissing { wanted, held } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("needs the role {roles}", roles = wanted.join(" or ")),
                match held.as_slice() {
                    [] => "The user has no role in the active organization.".to_string(),
                    held => format!("The user's roles in the active organization are {}.", held.join(", ")),
                },
                "Have the role given in the organization, or work for another with set_org.",
            ),
            Error::PermissionMissing { permission, roles } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("needs the permission {permission}"),
                match roles.as_slice() {
                    [] => "The user has no role in the active organization.".to_string(),
                    roles => format!("The user's roles in the active organization, {}, do not permit it.", roles.join(", ")),
                },
                "Grant it to a role: SELECT * FROM tenant_guard.set_role_permissions(role, permissions).",
            ),
            Error::RoleCycle { way } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "roles would inherit from each other in a circle",
                format!("The circle is {}.", way.join(" > ")),
                "Leave one of them out of inherits. Nothing was changed.",
            ),
            Error::BadPermission { role, name, why } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("role \"{role}\" cannot be given \"{name}\""),
                format!("That is because {why}."),
                "Write permissions as segments parted by colons: leads:read, leads:*, or * for everything.",
            ),
            Error::BadRegistration { why } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "the registration is not what use_membership plans",
                why.clone(),
                "Call tenant_guard.use_membership, which plans it.",
            ),
            Error::IdsDiffer { table, column, found, other, other_column } => parts(
                ERRCODE_DATATYPE_MISMATCH,
                format!("column \"{column}\" of {table} holds other ids than column \"{other_column}\" of {other}"),
                format!("It is of type {found}; both are to hold organizations."),
                "Name the column that holds the organization's id.",
            ),
            Error::NoIndex { table, column, why, create } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("table {table} has no index on column \"{column}\""),
                format!("It needs one, for {why}. An index that is partial, invalid, or begins with another column does not serve."),
                format!("Create it first: {create};"),
            ),
            Error::NotAnExpression { option, text } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("option \"{option}\" is not one SQL expression"),
                format!("It is: {text}"),
                "Write a condition on the table's own columns, such as 'revoked_at IS NULL'.",
            ),
            Error::Token(refusal) => token_parts(refusal),
            Error::SettingNotTaken { setting } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("the value of {setting} was not taken in this session"),
                "Either the client gave one as it connected, which only an administrator may and which hid the administrator's; or the administrator's is no value of the setting. Nobody is believed in this session.",
                "Connect without it (PGOPTIONS, options=-c ...); an administrator sets it with ALTER DATABASE ... SET or in postgresql.conf.",
            ),
            Error::LoadedInParallel => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "tenant_guard cannot be loaded while a parallel query runs",
                "PostgreSQL sets no settings then, so the administrator's would not be in force.",
                "Call one of its functions before the query, or load it for every session: session_preload_libraries = 'tenant_guard'.",
            ),
            Error::EmptyList { function, argument } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{function}: argument \"{argument}\" is empty"),
                "At least one is needed: nobody has one of none.",
                format!("Give at least one value for \"{argument}\"."),
            ),
            Error::NotVerifying => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "authenticate() needs tenant_guard.trust = 'verified'",
                "This database trusts its gateway: identities come from request.jwt.claims.",
                "An administrator changes it: ALTER DATABASE ... SET tenant_guard.trust = 'verified', for new sessions. verify_token() only checks.",
            ),
            Error::NoSessionIdentity => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "identities for a whole session are switched off",
                "tenant_guard.allow_session_identity is off: behind a pooler the next client would inherit it.",
                "Call authenticate(token) in each transaction.",
            ),
            Error::BadKey { kid, why } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("key \"{kid}\" cannot be used"),
                format!("That is because {why}."),
                "HMAC takes a secret; RS, PS, ES and EdDSA a public key, as PEM (BEGIN PUBLIC KEY) or as JSON Web Key.",
            ),
            Error::DuplicateKey { kid } => parts(
                ERRCODE_DUPLICATE_OBJECT,
                format!("there is a key \"{kid}\" already"),
                "A key id stands for one key for ever, retired ones included.",
                "Give the new key an id of its own, and retire the old one when its tokens have expired.",
            ),
            Error::NoSuchKey { kid } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("there is no key \"{kid}\""),
                "No key of that id was added to this database.",
                "List them: SELECT kid, alg, valid_until, retired_at FROM tenant_guard.jwt_key.",
            ),
            Error::NotAKeySet => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "this is no JSON Web Key Set",
                "A key set is an object with an array \"keys\" (RFC 7517).",
                "Give what the issuer serves under its jwks_uri; a single key goes to add_key.",
            ),
            Error::BadClaimPath { name } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("the path for \"{name}\" names no claim"),
                "A path is one or more keys, none of them NULL.",
                "Write each key as an element: ARRAY['app_metadata', 'org_id'].",
            ),
            Error::UserWritableClaim { name, key } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("\"{key}\" cannot be the source of \"{name}\""),
                "Users write that claim themselves: whoever is asked for it says what suits him.",
                "Have the issuer put it in a claim that only the server writes (app_metadata); force => true takes it all the same.",
            ),
            Error::NoSuchChange { change } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("there is no change {change}"),
                "The journal has no change of that number.",
                "List them: SELECT id, operation, target, applied_at, undone_by FROM tenant_guard.change ORDER BY id.",
            ),
            Error::AlreadyUndone { change, by, last, made_again: false } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("change {change} was already undone"),
                format!("Change {by} undid it."),
                format!("To have it back, undo the undo: SELECT * FROM tenant_guard.undo({last})."),
            ),
            Error::AlreadyUndone { change, by, last, made_again: true } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("change {change} was already undone"),
                format!("Change {by} undid it, and change {last} made it again."),
                format!("Undo the one that is in force: SELECT * FROM tenant_guard.undo({last})."),
            ),
            Error::Irreversible { change, step, action } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("change {change} cannot be undone"),
                format!("Its step {step} ({action}) has no way back."),
                "Restore what it removed from a backup.",
            ),
            Error::AlteredSince { change, object } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{object} was altered since change {change}"),
                "Undoing would overwrite or drop what somebody else did.",
                format!("Look at it first; SELECT * FROM tenant_guard.undo({change}, force => true) undoes all the same."),
            ),
            Error::NotASlug { slug, why } => parts(
                ERRCODE_INVALID_NAME,
                format!("\"{slug}\" cannot be the slug of a tenant schema"),
                why.clone(),
                "A slug is the schema's name: 1 to 56 characters of a-z, 0-9 and _, starting with a letter.",
            ),
            Error::SchemaExists { schema } => parts(
                ERRCODE_DUPLICATE_SCHEMA,
                format!("schema \"{schema}\" already exists"),
                "A tenant schema is made new; an existing schema is never taken over.",
                "Choose another slug, or drop the schema first.",
            ),
            Error::NoSuchSchema { schema } => parts(
                ERRCODE_INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
                "No schema of this database has that name.",
                "Name it exactly as it is spelled in the catalog, without quotes.",
            ),
            Error::RoleExists { role } => parts(
                ERRCODE_DUPLICATE_OBJECT,
                format!("role \"{role}\" already exists"),
                "Roles are shared by all databases; a role that someone else made is not given a tenant's rows unasked.",
                format!("If it is meant to be this tenant's, say so: tenant_role => '{role}'."),
            ),
            Error::NotATenantSchema { slug } => parts(
                ERRCODE_INVALID_SCHEMA_NAME,
                format!("\"{slug}\" is not a tenant schema"),
                "tenant_guard.tenant_schemas has no such slug.",
                "List them: SELECT slug FROM tenant_guard.tenant_schemas.",
            ),
            Error::SchemaMissing { slug } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("tenant schema \"{slug}\" is registered, but its schema is gone"),
                "Somebody dropped the schema by hand; the registration and the tenant's role are still there.",
                format!("Clear them away first: SELECT * FROM tenant_guard.drop_tenant_schema('{slug}', confirm => '{slug}')."),
            ),
            Error::NotConfirmed { slug } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("dropping tenant schema \"{slug}\" was not confirmed"),
                "The rows in it are lost for good: no undo brings them back.",
                format!("Repeat the slug: drop_tenant_schema('{slug}', confirm => '{slug}')."),
            ),
            Error::SchemaInUse { schema, dependents } => parts(
                ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                format!("other objects depend on schema \"{schema}\""),
                format!("They are {}.", dependents.join(", ")),
                "Drop or change them first.",
            ),
            Error::CannotClone { schema, objects } => parts(
                ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("schema \"{schema}\" cannot be cloned completely"),
                format!("Its tables need {}, which this version does not carry.", objects.join(", ")),
                "Move them to a schema that all tenants share, and point the tables there.",
            ),
            Error::PointsBack { schema, template, objects } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("schema \"{schema}\" would still depend on its template \"{template}\""),
                format!("These would: {}.", objects.join(", ")),
                "Nothing was created. Name the objects in the template without their schema, or move what they share to another schema.",
            ),
            Error::AppendOnly { log } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("the {log} log is append-only"),
                "What was logged is never altered or removed, whoever asks.",
                match *log {
                    "security" => "Read it through tenant_guard.security_event.",
                    _ => "Read it through tenant_guard.audit_log.",
                },
            ),
            Error::TenantColumnGone { table, column } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the audit trail of {table} has lost its tenant column \"{column}\""),
                "The column was renamed or dropped, so nobody could tell whose trail the change belongs to.",
                format!("Name the column anew: SELECT * FROM tenant_guard.enable_audit('{table}', tenant_column => ...)."),
            ),
            Error::NotAfterTrigger => parts(
                ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                "the audit functions work only in triggers that enable_audit makes",
                "They log what was done: AFTER each row, or AFTER a TRUNCATE.",
                "Drop the trigger and call tenant_guard.enable_audit on the table.",
            ),
            Error::Internal { what } => parts(
                ERRCODE_INTERNAL_ERROR,
                format!("tenant_guard: {what}"),
                "This should not happen.",
                "Please report it with the statement that led to it.",
            ),
            other => policy_parts(other),
        }
    }
}

/// With a capital letter in front.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// About a token: which check failed, never the token and never the key.
fn token_parts(refusal: &Refusal) -> Parts {
    let (check, detail, hint) = refusal.explain();
    parts(
        PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        format!("the token is not accepted: {check}"),
        detail,
        hint,
    )
}
