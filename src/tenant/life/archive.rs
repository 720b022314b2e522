//! archive_tenant_schema and restore_tenant_schema: a schema that is kept, and closed.

use super::{amendment, now};
use crate::error::{Error, Result};
use crate::pg::{ident, relation};
use crate::plan::{self, Finding, Kind, Object, Plan, Rows, Severity, Step};
use crate::tenant::registry::{self, Entry};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A word and nothing else: the registration is its owner's to write, and whoever restores runs what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Word {
    Usage,
    Create,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Word::Usage => "USAGE",
            Word::Create => "CREATE",
        })
    }
}

/// One privilege on a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Privilege {
    /// A role; none for PUBLIC.
    grantee: Option<String>,
    privilege: Word,
    grantable: bool,
}

/// Whether that is what archiving remembers.
#[must_use]
pub fn is_remembered(value: &Value) -> bool {
    value.is_null() || serde_json::from_value::<Vec<Privilege>>(value.clone()).is_ok()
}

impl Privilege {
    fn to(&self) -> String {
        self.grantee.as_deref().map_or("PUBLIC".into(), ident::quote)
    }

    fn grant(&self, schema: &str) -> String {
        let option = if self.grantable { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {} ON SCHEMA {schema} TO {}{option}", self.privilege, self.to())
    }

    fn revoke(&self, schema: &str) -> String {
        format!("REVOKE {} ON SCHEMA {schema} FROM {} CASCADE", self.privilege, self.to())
    }
}

pub fn archive(slug: &str, dry_run: bool) -> Result<Rows> {
    let entry = locked(slug, dry_run)?;
    if entry.state == "archived" {
        return Err(Error::Archived { slug: slug.into() });
    }
    let privileges: Vec<Privilege> = now(include_str!("privileges.sql"), slug)?;
    let schema = ident::quote(slug);
    let mut plan = Plan::new("archive_tenant_schema", slug);
    plan.push(amendment::step(
        &entry,
        "register the tenant schema as archived",
        "use_tenant refuses it; what is taken away is remembered",
        &[("state", "archived".into()), ("remembered", serde_json::to_value(&privileges)?)],
    ));
    for privilege in &privileges {
        plan.push(Step::new(
            Object::schema(Kind::SchemaGrants, slug),
            format!("revoke {} from {}", privilege.privilege, privilege.to()),
            "nobody but the owner reaches an archived schema",
            privilege.revoke(&schema),
            privilege.grant(&schema),
        ));
    }
    let outside = registry::outside_dependents(slug)?;
    if !outside.is_empty() {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message: format!("what depends on schema {schema} from outside still reaches it"),
            detail: format!("With the rights of whoever owns them: {}.", outside.join(", ")),
            hint: "Revoke them too, or drop them.".into(),
            fix: None,
        });
    }
    plan::run(plan, dry_run)
}

pub fn restore(slug: &str, dry_run: bool) -> Result<Rows> {
    let entry = locked(slug, dry_run)?;
    if entry.state != "archived" {
        return Err(Error::NotArchived { slug: slug.into() });
    }
    let remembered: Option<Vec<Privilege>> = serde_json::from_value(entry.remembered.clone())?;
    let remembered = remembered.unwrap_or_default();
    let schema = ident::quote(slug);
    let mut plan = Plan::new("restore_tenant_schema", slug);
    let mut gone = Vec::new();
    for privilege in &remembered {
        let role = privilege.grantee.as_deref();
        if role.is_some_and(|role| !crate::catalog::role_exists(role).unwrap_or(false)) {
            gone.push(privilege.to());
            continue;
        }
        plan.push(Step::new(
            Object::schema(Kind::SchemaGrants, slug),
            format!("grant {} to {}", privilege.privilege, privilege.to()),
            "as it was before the schema was archived",
            privilege.grant(&schema),
            privilege.revoke(&schema),
        ));
    }
    plan.push(amendment::step(
        &entry,
        "register the tenant schema as active",
        "use_tenant takes it again",
        &[("state", "active".into()), ("remembered", Value::Null)],
    ));
    if !gone.is_empty() {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message: format!("not everybody who could use schema {schema} is still there"),
            detail: format!("Dropped since: {}.", gone.join(", ")),
            hint: "GRANT USAGE to whoever came in their place.".into(),
            fix: None,
        });
    }
    plan::run(plan, dry_run)
}

fn locked(slug: &str, dry_run: bool) -> Result<Entry> {
    if !dry_run {
        relation::lock_name("tenant_schema", slug);
    }
    super::own(slug)
}

#[cfg(test)]
mod tests {
    use super::is_remembered;
    use serde_json::json;

    #[test]
    fn what_is_remembered_are_privileges_and_no_other_text() {
        let one = |privilege: &str| json!([{"grantee": null, "privilege": privilege, "grantable": false}]);
        for kept in [json!(null), json!([]), one("USAGE"), one("CREATE")] {
            assert!(is_remembered(&kept), "{kept}");
        }
        for other in
            [one("ALL"), one("USAGE ON SCHEMA a TO PUBLIC; --"), json!({}), json!(["USAGE"])]
        {
            assert!(!is_remembered(&other), "{other}");
        }
    }
}
