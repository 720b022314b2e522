//! Changes of a registration: the step of a plan, and what it calls.

use super::{archive, ledger};
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::{ident, query, user};
use crate::plan::{Kind, Object, Step};
use crate::tenant::registry::{self, own_role, Entry};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::JsonB;
use serde_json::{Map, Value};

/// The step that amends the registration of `entry`, as it is now, and the way back.
#[must_use]
pub fn step(entry: &Entry, action: &str, why: &str, to: &[(&str, Value)]) -> Step {
    let new: Map<String, Value> =
        to.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
    let old: Map<String, Value> = new.keys().map(|key| (key.clone(), of(entry, key))).collect();
    let call = |amendment: Map<String, Value>| {
        format!(
            "SELECT tenant_guard.amend_tenant_schema({}, {})",
            literal(&entry.slug),
            literal(&Value::Object(amendment).to_string())
        )
    };
    Step::new(Object::schema(Kind::TenantSchema, &entry.slug), action, why, call(new), call(old))
}

fn of(entry: &Entry, key: &str) -> Value {
    match key {
        "tenant_role" => entry.tenant_role.clone().into(),
        "state" => entry.state.clone().into(),
        "version" => entry.template_version.into(),
        _ => entry.remembered.clone(),
    }
}

/// Changes a tenant schema's registration as a plan decided: tenant_role, state (active, archived), remembered,
/// version, those that are given. Opens and closes nothing by itself. The caller must own the schema.
/// Raises 22004, 22023, 3F000, 42501.
///
/// Example: `SELECT tenant_guard.amend_tenant_schema('acme', '{"version": 2}');`
#[pg_extern(volatile, parallel_unsafe)]
fn amend_tenant_schema(slug: Option<&str>, amendment: Option<JsonB>) -> Result<(), ErrorReport> {
    let null = |argument| Error::NullArgument { function: "amend_tenant_schema", argument };
    let slug = slug.ok_or_else(|| null("slug"))?;
    let entry =
        registry::find(slug)?.ok_or_else(|| Error::NotATenantSchema { slug: slug.into() })?;
    registry::check_owner(&entry)?;
    let amendment = amendment.ok_or_else(|| null("amendment"))?;
    Ok(amend(entry, amendment.0)?)
}

fn amend(mut entry: Entry, amendment: Value) -> Result<()> {
    let refuse = |why: String| {
        Error::WrongOption {
        option: "amendment",
        why,
        hint: "Call rename_tenant_schema, archive_tenant_schema, restore_tenant_schema or sync_tenant_schema, which write it.".into(),
    }
    };
    let Value::Object(amendment) = amendment else {
        return Err(refuse("it is no JSON object".into()));
    };
    for (key, value) in amendment {
        match (key.as_str(), &value) {
            ("tenant_role", Value::String(role)) => {
                if entry.role_created
                    && Some(role) != entry.tenant_role.as_ref()
                    && *role != own_role(&entry.slug)
                {
                    // Or dropping the tenant would drop a role that somebody else needs.
                    return Err(Error::NotPermitted {
                        what: format!(
                            "registering role {} as made for tenant {}",
                            ident::quote(role),
                            entry.slug
                        ),
                        detail: format!(
                            "Only {} is made for it, and dropped with it.",
                            own_role(&entry.slug)
                        ),
                        hint: "Rename the role, or leave the registration as it is.".into(),
                    });
                }
                entry.tenant_role = Some(role.clone());
            }
            ("state", Value::String(state)) if state == "active" || state == "archived" => {
                entry.state.clone_from(state);
            }
            ("remembered", _) if archive::is_remembered(&value) => entry.remembered = value,
            ("version", Value::Null) => entry.template_version = None,
            ("version", Value::Number(number)) => {
                let version = number.as_i64().and_then(|n| i32::try_from(n).ok());
                let version = version.ok_or_else(|| refuse(format!("{number} is no version")))?;
                if !ledger::stands(&entry.template, version)? {
                    return Err(refuse(format!(
                        "Template {} has no version {version}",
                        ident::quote(&entry.template)
                    )));
                }
                entry.template_version = Some(version);
            }
            _ => return Err(refuse(format!("{key} cannot be {value}"))),
        }
    }
    user::as_extension_owner(|| {
        query::run(
            "UPDATE tenant_guard.tenant_schema SET tenant_role = $2, state = $3, template_version = $4,
                    remembered = nullif($5::pg_catalog.jsonb, 'null') WHERE slug = $1",
            &[
                entry.slug.as_str().into(),
                entry.tenant_role.as_deref().into(),
                entry.state.as_str().into(),
                entry.template_version.into(),
                entry.remembered.to_string().into(),
            ],
        )
    })
}
