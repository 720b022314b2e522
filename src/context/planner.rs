//! From the catalog to the plan of `use_membership`. Pure.

use crate::catalog::Table;
use crate::error::Result;
use crate::pg::ident::literal;
use crate::plan::{Kind, Object, Plan, Step};
use serde::Deserialize;

/// The registered row, as names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registration {
    pub table_schema: String,
    pub table_name: String,
    pub user_column: String,
    pub org_column: String,
    pub role_column: Option<String>,
}

pub fn register(
    table: &Table,
    user_column: &str,
    org_column: &str,
    role_column: Option<&str>,
    current: Option<&Registration>,
) -> Result<Plan> {
    table.require_id_column(user_column)?;
    table.require_id_column(org_column)?;
    if let Some(role_column) = role_column {
        table.require_column(role_column)?;
    }
    let wanted = Registration {
        table_schema: table.schema.clone(),
        table_name: table.name.clone(),
        user_column: user_column.into(),
        org_column: org_column.into(),
        role_column: role_column.map(str::to_string),
    };
    let mut plan = Plan::new("use_membership", table.qualified());
    if current == Some(&wanted) {
        return Ok(plan);
    }
    plan.push(Step::new(
        Object::global(Kind::Membership, ""),
        "register the membership table",
        "set_org, org_ids and is_member ask this table who belongs where",
        call(Some(&wanted)),
        call(current),
    ));
    Ok(plan)
}

fn call(registration: Option<&Registration>) -> String {
    let text = |value: &str| literal(value);
    let arguments = match registration {
        Some(r) => [
            text(&r.table_schema),
            text(&r.table_name),
            text(&r.user_column),
            text(&r.org_column),
            r.role_column.as_deref().map_or("NULL".into(), text),
        ],
        None => std::array::from_fn(|_| "NULL".into()),
    };
    format!("SELECT tenant_guard.register_membership({})", arguments.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Column;
    use crate::error::Error;

    fn memberships() -> Table {
        let column = |name: &str, base_type: &str| Column {
            name: name.into(),
            quoted: name.into(),
            r#type: base_type.into(),
            base_type: base_type.into(),
            ..Column::default()
        };
        Table {
            schema: "Acme Co".into(),
            name: "it's".into(),
            columns: vec![
                column("u", "uuid"),
                column("o", "bigint"),
                column("r", "text"),
                column("at", "date"),
            ],
            ..Table::default()
        }
    }

    #[test]
    fn registering_is_one_step_with_the_former_registration_as_its_undo() {
        let plan = register(&memberships(), "u", "o", Some("r"), None).unwrap();
        assert_eq!(
            plan.steps[0].sql,
            "SELECT tenant_guard.register_membership('Acme Co', 'it''s', 'u', 'o', 'r')"
        );
        assert_eq!(
            plan.steps[0].undo.as_deref(),
            Some("SELECT tenant_guard.register_membership(NULL, NULL, NULL, NULL, NULL)")
        );
    }

    #[test]
    fn registering_the_same_again_plans_nothing() {
        let there = Registration {
            table_schema: "Acme Co".into(),
            table_name: "it's".into(),
            user_column: "u".into(),
            org_column: "o".into(),
            role_column: None,
        };
        assert!(register(&memberships(), "u", "o", None, Some(&there)).unwrap().steps.is_empty());
        assert_eq!(
            register(&memberships(), "u", "o", Some("r"), Some(&there)).unwrap().steps.len(),
            1
        );
    }

    #[test]
    fn columns_must_exist_and_hold_ids() {
        let refused =
            |user, org, role| register(&memberships(), user, org, role, None).unwrap_err();
        assert!(
            matches!(refused("x", "o", None), Error::NoSuchColumn { column, .. } if column == "x")
        );
        assert!(matches!(refused("u", "o", Some("x")), Error::NoSuchColumn { .. }));
        assert!(
            matches!(refused("at", "o", None), Error::WrongColumnType { column, .. } if column == "at")
        );
    }
}
