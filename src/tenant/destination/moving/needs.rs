//! What has to be there before a tenant can come: asked before anything is made.

use super::layout;
use super::remote::Remote;
use crate::catalog::Schema;
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::{attempt, query, relation};
use crate::tenant::registry::Entry;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Needs {
    extensions: Vec<String>,
    objects: Vec<Shared>,
}

#[derive(Debug, Deserialize)]
struct Shared {
    what: String,
    look: String,
}

/// Everything that is missing, in one error.
pub fn check(remote: &Remote, schema: &Schema, entry: &Entry) -> Result<()> {
    let mut missing = Vec::new();
    let guarded = "SELECT 1 FROM pg_catalog.pg_extension e WHERE e.extname = 'tenant_guard'";
    if !remote.has(guarded)? {
        return refuse(entry, vec!["extension tenant_guard".into()]);
    }
    let here = relation::origin().to_string();
    if remote.text("SELECT tenant_guard.origin()::pg_catalog.text")? == Some(here) {
        return refuse(entry, vec!["another database: the destination is this one".into()]);
    }
    same(remote, &mut missing)?;
    let needs: Option<Needs> =
        query::model(include_str!("needs.sql"), &[entry.slug.as_str().into()])?;
    let Needs { extensions, objects } =
        needs.unwrap_or(Needs { extensions: vec![], objects: vec![] });
    for role in layout::roles(schema, entry) {
        let there =
            format!("SELECT 1 FROM pg_catalog.pg_roles r WHERE r.rolname = {}", literal(&role));
        if !remote.has(&there)? {
            missing.push(format!("role \"{role}\""));
        }
    }
    for extension in extensions {
        let there = format!(
            "SELECT 1 FROM pg_catalog.pg_extension e WHERE e.extname = {}",
            literal(&extension)
        );
        if !remote.has(&there)? {
            missing.push(format!("extension \"{extension}\""));
        }
    }
    for published in &schema.objects.publications {
        let there = format!(
            "SELECT 1 FROM pg_catalog.pg_publication p WHERE p.pubname = {}",
            literal(&published.publication)
        );
        if !remote.has(&there)? {
            missing.push(format!("publication \"{}\"", published.publication));
        }
    }
    for shared in objects {
        // It raises where there is none.
        if attempt::told(|| remote.has(&shared.look)).is_err() {
            missing.push(shared.what);
        }
    }
    missing.sort();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    refuse(entry, missing)
}

/// Values have to mean the same on both sides.
fn same(remote: &Remote, missing: &mut Vec<String>) -> Result<()> {
    let encoding = "SELECT pg_catalog.getdatabaseencoding()::pg_catalog.text";
    let here = query::value::<String>(encoding, &[])?.unwrap_or_default();
    if remote.text(encoding)?.as_deref() != Some(here.as_str()) {
        missing.push(format!("the encoding {here}"));
    }
    let guard =
        "SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'tenant_guard'";
    let here = query::value::<String>(guard, &[])?.unwrap_or_default();
    if remote.text(guard)?.as_deref() != Some(here.as_str()) {
        missing.push(format!("version {here} of tenant_guard"));
    }
    let version = "SELECT (pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000)::pg_catalog.text";
    let number = |text: Option<String>| text.and_then(|t| t.parse::<i32>().ok()).unwrap_or(0);
    let here = number(query::value::<String>(version, &[])?);
    if number(remote.text(version)?) != here {
        missing.push(format!("PostgreSQL {here}"));
    }
    Ok(())
}

fn refuse(entry: &Entry, missing: Vec<String>) -> Result<()> {
    Err(Error::DestinationLacks { slug: entry.slug.clone(), missing })
}
