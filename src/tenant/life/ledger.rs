//! The versions of templates: what each was like whenever a tenant was made or synced from it.

use crate::catalog::{self, Schema};
use crate::error::Result;
use crate::pg::{kept, query, relation, user};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::RefCell;

thread_local! {
    /// The template that a plan under way has read, and its fingerprint.
    static KNOWN: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// While it lives, the plan's own steps need not read the template a second time.
pub struct Known;

#[must_use]
pub fn known(template: &str, fingerprint: String) -> Known {
    let known = (template.to_string(), fingerprint);
    KNOWN.with(|k| *k.borrow_mut() = Some(known));
    Known
}

impl Drop for Known {
    fn drop(&mut self) {
        KNOWN.with(|k| *k.borrow_mut() = None);
    }
}

/// What a template is like, whoever its tenants are.
#[must_use]
pub fn fingerprint(template: &Schema) -> String {
    catalog::fingerprint(&template.structure(None))
}

/// What the template is like now; None where there is none, or the caller may not look into it.
fn fingerprint_of(template: &str) -> Result<Option<String>> {
    let known = KNOWN
        .with(|k| k.borrow().as_ref().filter(|(name, _)| name == template).map(|(_, f)| f.clone()));
    if known.is_some() {
        return Ok(known);
    }
    Ok(catalog::schema(template)?.filter(|s| s.usable).map(|s| fingerprint(&s)))
}

/// What a template, or any schema, is like, as one number for all of it: its tables, types, sequences, views,
/// functions and the rest, with their comments; not rows, owners or privileges. A template and its clone have the
/// same, unless a policy names the tenant's role. NULL where there is no such schema, or you may not look into it. Raises nothing.
///
/// Example: `SELECT tenant_guard.template_fingerprint('crm_template') = tenant_guard.template_fingerprint('acme');`
#[pg_extern(stable, parallel_unsafe)]
pub fn template_fingerprint(template: Option<&str>) -> Result<Option<String>, ErrorReport> {
    let Some(template) = template else { return Ok(None) };
    Ok(catalog::schema(template)?.filter(|s| s.usable).map(|s| fingerprint(&s)))
}

struct Latest {
    version: i32,
    fingerprint: String,
}

fn latest(template: &str) -> Result<Option<Latest>> {
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        let rows = kept::rows(
            "SELECT v.version, v.fingerprint FROM tenant_guard.template_version v
             WHERE v.template = $1 ORDER BY v.version DESC LIMIT 1",
            &[template.into()],
            |row| {
                Ok(Latest {
                    version: row.get::<i32>(1)?.unwrap_or_default(),
                    fingerprint: row.get::<String>(2)?.unwrap_or_default(),
                })
            },
        )?;
        Ok(rows.into_iter().next())
    })
}

/// The number of what the template is like now, recorded or still to be.
pub fn current(template: &Schema) -> Result<i32> {
    let now = fingerprint(template);
    Ok(match latest(&template.name)? {
        Some(latest) if latest.fingerprint == now => latest.version,
        Some(latest) => latest.version + 1,
        None => 1,
    })
}

/// Records what the template is like now, where that is new; its number. None where the caller may not know.
pub fn record(template: &str) -> Result<Option<i32>> {
    let Some(now) = fingerprint_of(template)? else { return Ok(None) };
    if let Some(latest) = latest(template)?.filter(|l| l.fingerprint == now) {
        return Ok(Some(latest.version));
    }
    relation::lock_name("template_version", template);
    let version = match latest(template)? {
        Some(latest) if latest.fingerprint == now => return Ok(Some(latest.version)),
        Some(latest) => latest.version + 1,
        None => 1,
    };
    let by = user::current();
    user::as_extension_owner(|| {
        query::run(
            "INSERT INTO tenant_guard.template_version (template, version, fingerprint, schema_oid, origin, recorded_by)
             SELECT $1, $2, $3, n.oid, $4, $5 FROM pg_catalog.pg_namespace n WHERE n.nspname = $1",
            &[template.into(), version.into(), now.into(), relation::origin().into(), by.into()],
        )
    })?;
    Ok(Some(version))
}

/// Whether the number stands in the ledger, or is what the template is like now.
pub fn stands(template: &str, version: i32) -> Result<bool> {
    let there = user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED); // also what others have recorded meanwhile
        query::value::<bool>(
            "SELECT true FROM tenant_guard.template_version v WHERE v.template = $1 AND v.version = $2",
            &[template.into(), version.into()],
        )
    })?;
    Ok(there.is_some() || record(template)? == Some(version))
}
