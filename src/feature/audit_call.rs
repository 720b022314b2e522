//! The audit trail as a step of another plan: enable_audit with the options that the triggers there carry. Pure.

use crate::catalog::{Table, Trigger};
use crate::pg::ident::literal;
use serde_json::{Map, Value};

/// What the triggers' argument says.
#[derive(Debug, Clone, Default)]
pub struct Options(Map<String, Value>);

impl Options {
    #[must_use]
    pub fn of(trigger: &Trigger) -> Self {
        let argument = trigger.arguments().into_iter().next().unwrap_or_default();
        Options(serde_json::from_str(&argument).unwrap_or_default())
    }

    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.get("tenant").and_then(Value::as_str)
    }

    #[must_use]
    pub fn with_tenant(mut self, tenant: Option<&str>) -> Self {
        if let Some(tenant) = tenant {
            self.0.insert("tenant".into(), tenant.into());
        }
        self
    }

    #[must_use]
    pub fn enable(&self, table: &Table) -> String {
        let mut arguments = literal(&table.qualified());
        if let Some(columns) = self.0.get("columns") {
            arguments.push_str(&format!(", columns => {}", literal(&columns.to_string())));
        }
        for (name, option) in
            [("truncated_rows", "truncate => 'rows'"), ("skip_unchanged", "unchanged => 'skip'")]
        {
            if self.0.get(name) == Some(&Value::Bool(true)) {
                arguments.push_str(", ");
                arguments.push_str(option);
            }
        }
        if let Some(tenant) = self.tenant() {
            arguments.push_str(&format!(", tenant_column => {}", literal(tenant)));
        }
        format!("SELECT pg_catalog.count(*) FROM tenant_guard.enable_audit({arguments})")
    }
}

#[must_use]
pub fn disable(table: &Table) -> String {
    let name = literal(&table.qualified());
    format!("SELECT pg_catalog.count(*) FROM tenant_guard.disable_audit({name})")
}
