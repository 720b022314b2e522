//! Policies of the model as SQL.

use super::model::Policy;
use super::table::Table;
use crate::pg::ident::{literal, quote};

#[must_use]
pub fn create(table: &Table, policy: &Policy) -> String {
    let roles = if policy.roles.is_empty() {
        "PUBLIC".to_string()
    } else {
        policy.roles.iter().map(|r| quote(r)).collect::<Vec<_>>().join(", ")
    };
    let clause = |word: &str, condition: &Option<String>| {
        condition.as_ref().map(|c| format!("\n  {word} ({c})")).unwrap_or_default()
    };
    format!(
        "CREATE POLICY {} ON {} AS {} FOR {} TO {roles}{}{}",
        quote(&policy.name),
        table.qualified(),
        if policy.permissive { "PERMISSIVE" } else { "RESTRICTIVE" },
        policy.command,
        clause("USING", &policy.using),
        clause("WITH CHECK", &policy.check),
    )
}

#[must_use]
pub fn drop(table: &Table, policy: &Policy) -> String {
    format!("DROP POLICY {} ON {}", quote(&policy.name), table.qualified())
}

/// The statement for a policy's comment, which dropping the policy would lose.
#[must_use]
pub fn comment(table: &Table, policy: &Policy) -> Option<String> {
    let text = policy.comment.as_ref()?;
    let name = quote(&policy.name);
    Some(format!("COMMENT ON POLICY {name} ON {} IS {}", table.qualified(), literal(text)))
}
