//! What tenant_guard has registered of a template, as statements about its clone. Pure.

use super::registry::Registered;
use crate::catalog::Names;
use crate::pg::ident::{literal, qualified};

/// Each with what it does and how it is taken back.
#[must_use]
pub fn statements(
    registered: &[Registered],
    slug: &str,
    names: &Names,
) -> Vec<(String, String, String)> {
    registered
        .iter()
        .map(|r| {
            let table = r.table.as_deref().unwrap_or_default();
            let name = literal(&qualified(slug, table));
            match r.kind.as_str() {
                "protection" => {
                    let call = |options: &str| {
                        format!("SELECT tenant_guard.register_protection({name}, {options})")
                    };
                    let action = format!("register the protection of {table}");
                    (action, call(&literal(&r.value)), call("NULL"))
                }
                "class" => {
                    let column = r.column.as_deref().unwrap_or_default();
                    let call = |class: &str| {
                        let column = literal(column);
                        format!("SELECT tenant_guard.register_column_class({name}, {column}, {class})")
                    };
                    let action = format!("register the class of {table}.{column}");
                    (action, call(&literal(&r.value)), call("NULL"))
                }
                "summary" => {
                    let key: Vec<String> =
                        r.key.iter().flatten().map(|column| literal(column)).collect();
                    let call = |query: &str| {
                        format!(
                            "SELECT tenant_guard.register_tenant_summary({name}::pg_catalog.regclass, {query}, {}, ARRAY[{}]::pg_catalog.name[])",
                            literal(r.column.as_deref().unwrap_or_default()),
                            key.join(", ")
                        )
                    };
                    let query = literal(&names.rewrite(&r.value, slug));
                    (format!("register the summary {table}"), call(&query), call("NULL"))
                }
                _ => {
                    let call = |mode: &str, options: &str| {
                        format!("SELECT tenant_guard.register_enforcement({}, {mode}, {options})", literal(slug))
                    };
                    let options = literal(r.options.as_deref().unwrap_or("{}"));
                    let made = call(&literal(&r.value), &options);
                    ("watch the schema as the template is".into(), made, call("NULL", "NULL"))
                }
            }
        })
        .collect()
}
