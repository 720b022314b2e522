//! What a failure of tenant schemas says: SQLSTATE, message, DETAIL and HINT.

use super::fleet::fleet_parts;
use super::messages::{parts, Parts};

use super::Error;
use pgrx::PgSqlErrorCode::*;

pub(super) fn tenant_parts(error: &Error) -> Parts {
    match error {
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
        Error::Unlike { schema, template, objects } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("schema \"{schema}\" would not be like its template \"{template}\""),
            format!("These differ: {}.", objects.join(", ")),
            "Nothing was created. Somebody may have changed the template meanwhile: try again. Otherwise look at these objects in the template, and at event triggers that alter what is made.",
        ),
        Error::NotATemplate { schema, why } => parts(
            ERRCODE_INVALID_PARAMETER_VALUE,
            format!("schema \"{schema}\" cannot be a template"),
            *why,
            "Name the schema whose tables a tenant is to have.",
        ),
        Error::StillDrifts { slug, objects } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("tenant schema \"{slug}\" would still not be as its template"),
            format!("Different would be {}. Nothing was changed.", objects.join(", ")),
            format!("Look at them: SELECT * FROM tenant_guard.tenant_drift('{slug}'). Change them by hand, then sync again."),
        ),
        Error::NamesTaken { slug, objects } => parts(
            ERRCODE_DUPLICATE_TABLE,
            format!("tenant schema \"{slug}\" has something else under names of its template"),
            format!("In the way are {}. Nothing was changed.", objects.join(", ")),
            format!("Where the template renamed a table, rename the tenant's too and its rows are kept: ALTER TABLE ... RENAME TO ... Where they may go: sync_tenant_schema('{slug}', allow_destructive => true)."),
        ),
        Error::Archived { slug } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("tenant schema \"{slug}\" is archived"),
            "It is kept with its rows, and nobody but its owner reaches it.",
            format!("Have its owner restore it: SELECT * FROM tenant_guard.restore_tenant_schema('{slug}')."),
        ),
        Error::NotArchived { slug } => parts(
            ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("tenant schema \"{slug}\" is not archived"),
            "There is nothing to restore.",
            "archive_tenant_schema closes a schema.",
        ),
        Error::NotYourTenant { slug, why } => parts(
            ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("you may not use tenant schema \"{slug}\""),
            *why,
            "Have an administrator grant you the tenant's role, or choose the tenant's organization with set_org.",
        ),
        other => fleet_parts(other),
    }
}
