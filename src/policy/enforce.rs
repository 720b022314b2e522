//! `enforce`: saying in which schemas a table with the tenant column has to be protected.

use super::options::Options;
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::types::{Name, Names, PlannedStep};
use crate::pg::{query, relation, user};
use crate::plan::{self, Kind, Object, Plan, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use serde::Deserialize;

const MODES: &[&str] = &["warn", "error", "protect", "off"];

/// Those of protect_table that make sense for tables that are not there yet.
const OPTIONS: &[&str] =
    &["scope", "roles", "permissions", "project_column", "owner_column", "shared"];

/// What is enforced in a schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Enforcement {
    pub mode: String,
    pub options: Options,
}

/// Watches CREATE and ALTER TABLE, CREATE VIEW, CREATE and DROP POLICY, DISABLE ROW LEVEL SECURITY and the
/// attaching of partitions in the schemas: a table with the tenant column that is not protected, or a view
/// over one without security_invoker, is warned about (mode 'warn') or refused ('error') when the
/// transaction commits, so that it can be protected in between; or is protected at once ('protect', with
/// the options of protect_table in `options`, and the view gets security_invoker). 'off' ends it. What
/// extensions make is let pass, and what pg_dump's scripts restore, with a warning for a new table; SET tenant_guard.enforcement =
/// off lets an administrator pass. Administrative: EXECUTE is not granted to PUBLIC.
/// Returns the change's steps; in a dry run nothing changes. Raises 3F000, 22023, 22004.
///
/// Example: `SELECT * FROM tenant_guard.enforce('{crm}', 'error');`
#[pg_extern(volatile, parallel_unsafe)]
pub fn enforce(
    schemas: Option<Names>,
    mode: Option<&str>,
    tenant_column: default!(Option<Name>, "'organization_id'"),
    options: default!(Option<JsonB>, "NULL"),
    dry_run: default!(Option<bool>, "false"),
) -> Result<SetOfIterator<'static, PlannedStep>, ErrorReport> {
    let null = |argument| Error::NullArgument { function: "enforce", argument };
    let schemas: Vec<String> =
        schemas.ok_or_else(|| null("schemas"))?.0.into_iter().flatten().collect();
    if schemas.is_empty() {
        return Err(Error::EmptyList { function: "enforce", argument: "schemas" }.into());
    }
    let mode = mode.ok_or_else(|| null("mode"))?;
    if !MODES.contains(&mode) {
        let value = mode.to_string();
        return Err(Error::UnknownOption { option: "mode", value, allowed: MODES }.into());
    }
    let tenant_column = tenant_column.ok_or_else(|| null("tenant_column"))?.0;
    let options = chosen(options, mode, tenant_column)?;
    let wanted = (mode != "off").then(|| Enforcement { mode: mode.into(), options });
    let plan = plan(&schemas, wanted.as_ref())?;
    Ok(plan::run(plan, dry_run.unwrap_or(false))?)
}

/// Options of protect_table, for what is protected at once.
fn chosen(json: Option<JsonB>, mode: &str, tenant_column: String) -> Result<Options> {
    let refuse =
        |why: String, hint: &str| Error::WrongOption { option: "options", why, hint: hint.into() };
    let object = match json.map(|json| json.0) {
        None => serde_json::Map::new(),
        Some(serde_json::Value::Object(object)) if mode == "protect" => object,
        Some(serde_json::Value::Object(_)) => {
            return Err(refuse(
                format!("they are for mode 'protect', and the mode is '{mode}'"),
                "Leave them out.",
            ))
        }
        Some(_) => {
            return Err(refuse(
                "they are no JSON object".into(),
                r#"For example {"scope": "member", "roles": ["authenticated"]}."#,
            ))
        }
    };
    if let Some(key) = object.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        return Err(refuse(
            format!("\"{key}\" is none of them"),
            "They are those of protect_table: scope, roles, permissions, project_column, owner_column, shared.",
        ));
    }
    let has_roles = object.contains_key("roles");
    let mut options: Options = serde_json::from_value(serde_json::Value::Object(object)).map_err(|error| {
        refuse(error.to_string(), "They are those of protect_table: scope, roles, permissions, project_column, owner_column, shared.")
    })?;
    if !has_roles {
        options.roles = super::default_roles()?;
    }
    for role in &options.roles {
        if !crate::catalog::role_exists(role)? {
            return Err(Error::NoSuchRole { role: role.clone() });
        }
    }
    if let Some(shared) = &options.shared {
        crate::pg::expression::check(shared, "shared")?;
    }
    options.tenant_column = tenant_column;
    options.of_schema = true;
    options.check()?;
    Ok(options)
}

fn plan(schemas: &[String], wanted: Option<&Enforcement>) -> Result<Plan> {
    let mut plan = Plan::new("enforce", schemas.join(", "));
    for schema in schemas {
        if !relation::schema_exists(schema) {
            return Err(Error::NoSuchSchema { schema: schema.clone() });
        }
        let current = in_force(schema)?;
        if current.as_ref() == wanted {
            continue;
        }
        let why = match wanted.map(|w| w.mode.as_str()) {
            Some("warn") => "a table that is not protected is warned about",
            Some("error") => "a table that is not protected is refused",
            Some(_) => "a table that is not protected is protected at once",
            None => "tables are watched no longer",
        };
        plan.push(Step::new(
            Object::schema(Kind::Enforcement, schema),
            format!(
                "{} in schema {schema}",
                wanted.map_or("enforce nothing", |_| "enforce protection")
            ),
            why,
            call(schema, wanted)?,
            call(schema, current.as_ref())?,
        ));
    }
    Ok(plan)
}

fn call(schema: &str, enforcement: Option<&Enforcement>) -> Result<String> {
    let arguments = match enforcement {
        Some(e) => {
            format!("{}, {}", literal(&e.mode), literal(&serde_json::to_string(&e.options)?))
        }
        None => "NULL, NULL".into(),
    };
    Ok(format!("SELECT tenant_guard.register_enforcement({}, {arguments})", literal(schema)))
}

/// Writes what a plan of enforce decided for a schema; NULL removes it. Administrative: EXECUTE is not
/// granted to PUBLIC. Raises 3F000, 22023, 22004.
///
/// Example: `SELECT tenant_guard.register_enforcement('crm', 'warn', '{"tenant_column": "organization_id"}');`
#[pg_extern(volatile, parallel_unsafe)]
pub fn register_enforcement(
    schema: Option<Name>,
    mode: Option<&str>,
    options: Option<JsonB>,
) -> Result<(), ErrorReport> {
    let null = Error::NullArgument { function: "register_enforcement", argument: "schema" };
    let schema = schema.ok_or(null)?.0;
    let by = user::current();
    let (Some(mode), Some(options)) = (mode, options) else {
        return Ok(user::as_extension_owner(|| {
            let sql = "DELETE FROM tenant_guard.enforcement WHERE schema_name = $1";
            query::run(sql, &[schema.as_str().into()])
        })?);
    };
    if !MODES.contains(&mode) || mode == "off" {
        let value = mode.to_string();
        return Err(Error::UnknownOption { option: "mode", value, allowed: MODES }.into());
    }
    if !relation::schema_exists(&schema) {
        return Err(Error::NoSuchSchema { schema }.into());
    }
    let options: Options =
        serde_json::from_value(options.0).map_err(|error| Error::WrongOption {
            option: "options",
            why: error.to_string(),
            hint: "Call enforce, which writes them.".into(),
        })?;
    let options = serde_json::to_string(&options).map_err(Error::from)?;
    Ok(user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.enforcement (schema_name, schema_oid, origin, mode, options, enforced_by)
             SELECT n.nspname, n.oid, tenant_guard.origin(), $2, $3::pg_catalog.jsonb, $4
             FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
             ON CONFLICT (schema_name) DO UPDATE
             SET schema_oid = excluded.schema_oid, origin = excluded.origin, mode = excluded.mode, options = excluded.options, enforced_by = excluded.enforced_by, enforced_at = pg_catalog.now()",
            &[schema.as_str().into(), mode.into(), options.into(), by.into()],
        )
    })?)
}

/// What is enforced in the schema.
pub fn in_force(schema: &str) -> Result<Option<Enforcement>> {
    user::as_extension_owner(|| {
        query::model(
            "SELECT pg_catalog.json_build_object('mode', e.mode, 'options', e.options)::pg_catalog.text
             FROM tenant_guard.enforcement e WHERE e.schema_name = $1",
            &[schema.into()],
        )
    })
}
