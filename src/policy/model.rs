//! What protection means: the policies that a protected table has, as values to compare.

use crate::catalog::{Column, IdType, Policy};

/// Which rows a member sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of the one active organization.
    Active,
    /// Those of every organization the user belongs to.
    Member,
}

pub const SCOPES: &[&str] = &["active", "member"];

impl Scope {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Scope::Active),
            "member" => Some(Scope::Member),
            _ => None,
        }
    }
}

/// The restrictive floor: whatever other policies grant, nothing outside the tenant passes.
pub const FLOOR: &str = "tenant_guard_tenant";
const GRANTS: &[(&str, &str)] = &[
    ("tenant_guard_select", "SELECT"),
    ("tenant_guard_insert", "INSERT"),
    ("tenant_guard_update", "UPDATE"),
    ("tenant_guard_delete", "DELETE"),
];

/// Whether a policy of this name is ours to replace.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    name == FLOOR || GRANTS.iter().any(|(ours, _)| *ours == name)
}

/// "The row is the tenant's", spelled exactly as the server deparses it, so that a policy that is
/// there already compares equal. The helper stands in a sub-select: it runs once a statement.
#[must_use]
pub fn tenant_condition(column: &Column, id: IdType, scope: Scope) -> String {
    let left = match id {
        IdType::Varchar => format!("({})::text", column.quoted),
        _ if column.domain => format!("({})::{}", column.quoted, column.base_type),
        _ => column.quoted.clone(),
    };
    let (one, many, array) = match id {
        IdType::Uuid => ("org_id", "org_ids", "uuid[]"),
        IdType::Text | IdType::Varchar => ("org_id_text", "org_ids_text", "text[]"),
        IdType::Integer => ("org_id_bigint", "org_ids_bigint", "bigint[]"),
    };
    match scope {
        Scope::Active => format!("({left} = ( SELECT tenant_guard.{one}() AS {one}))"),
        Scope::Member => {
            format!("({left} = ANY (( SELECT tenant_guard.{many}() AS {many})::{array}))")
        }
    }
}

/// The policies of a protected table: the floor for everybody, and for the named roles one grant a
/// command. Each grant repeats the condition: dropping one policy by hand cannot open the table,
/// and the planner removes the duplicate.
#[must_use]
pub fn policies(condition: &str, roles: &[String]) -> Vec<Policy> {
    let policy = |name: &str, command: &str, permissive: bool, roles: &[String]| Policy {
        name: name.into(),
        command: command.into(),
        permissive,
        roles: roles.to_vec(),
        using: (command != "INSERT").then(|| condition.to_string()),
        check: matches!(command, "ALL" | "INSERT" | "UPDATE").then(|| condition.to_string()),
        comment: None,
    };
    let mut roles = roles.to_vec();
    roles.sort();
    roles.dedup();
    std::iter::once(policy(FLOOR, "ALL", false, &[]))
        .chain(GRANTS.iter().map(|(name, command)| policy(name, command, true, &roles)))
        .collect()
}
