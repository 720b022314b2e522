//! What an administrator registered, by name: read, checked and written.

use super::condition;
use crate::catalog;
use crate::context::planner::{self, Registration};
use crate::error::Result;
use crate::pg::{ident, query, user};

/// Whether the caller may write the registration that a plan decides on.
pub fn may_register() -> Result<bool> {
    let may = query::value::<bool>(
        "SELECT pg_catalog.has_function_privilege('tenant_guard.register_membership(jsonb)', 'EXECUTE')",
        &[],
    )?;
    Ok(may == Some(true))
}

/// What is registered, by name, whether or not it still exists.
pub fn registration() -> Result<Option<Registration>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT (pg_catalog.to_jsonb(m) - '{only_row,table_owner,project_owner,organization_owner}'::pg_catalog.text[])::pg_catalog.text
             FROM tenant_guard.membership m",
            &[],
        )
    })
}

/// Replaces the registration. The caller must own the tables, columns included.
pub fn register(wanted: &Registration) -> Result<()> {
    let named = |schema: &str, name: &str| catalog::table(catalog::table_named(schema, name)?);
    let membership = named(&wanted.table_schema, &wanted.table_name)?;
    let projects = match (&wanted.project_schema, &wanted.project_table) {
        (Some(schema), Some(table)) => Some(named(schema, table)?),
        _ => None,
    };
    let organizations = match (&wanted.organization_schema, &wanted.organization_table) {
        (Some(schema), Some(table)) => Some(named(schema, table)?),
        _ => None,
    };
    let tables = planner::Tables {
        membership: &membership,
        projects: projects.as_ref(),
        organizations: organizations.as_ref(),
    };
    planner::check(wanted, &tables)?;
    check_condition(wanted)?;
    let mut row = serde_json::to_value(wanted)?;
    let owner = |table: &Option<catalog::Table>| table.as_ref().map(|table| table.owner.clone());
    row["table_owner"] = membership.owner.clone().into();
    row["project_owner"] = owner(&projects).into();
    row["organization_owner"] = owner(&organizations).into();
    user::as_extension_owner(|| {
        query::run("DELETE FROM tenant_guard.membership", &[])?;
        query::run(
            "INSERT INTO tenant_guard.membership SELECT * FROM pg_catalog.jsonb_populate_record(
               NULL::tenant_guard.membership, $1 || '{\"only_row\": true}')",
            &[pgrx::JsonB(row).into()],
        )
    })
}

pub fn unregister() -> Result<()> {
    user::as_extension_owner(|| query::run("DELETE FROM tenant_guard.membership", &[]))
}

/// The condition is one expression, and means something about the table's rows.
pub fn check_condition(wanted: &Registration) -> Result<()> {
    let Some(active) = &wanted.active else {
        return Ok(());
    };
    crate::pg::expression::check(active, "active")?;
    let table = ident::qualified(&wanted.table_schema, &wanted.table_name);
    // With the caller's rights: who registers the table owns it.
    query::rows(
        &format!("SELECT 1 FROM {table} m WHERE {} LIMIT 0", condition(active)),
        &[],
        |_| Ok(()),
    )?;
    Ok(())
}
