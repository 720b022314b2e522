//! What a failure of organizations, projects, memberships and roles says: SQLSTATE, message, DETAIL and
//! HINT.

use super::messages::{parts, Parts};
use super::tenant::tenant_parts;
use super::Error;
use pgrx::PgSqlErrorCode::*;

pub(super) fn context_parts(error: &Error) -> Parts {
    match error {
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
        other => tenant_parts(other),
    }
}
