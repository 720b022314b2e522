//! From the catalog to the plan of `use_membership`. Pure.

use crate::catalog::{IdType, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{self, literal};
use crate::plan::{Kind, Object, Plan, Step};
use serde::{Deserialize, Serialize};

/// The registered row, as names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub table_schema: String,
    pub table_name: String,
    pub user_column: String,
    pub org_column: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_column: Option<String>,
    /// A condition on the table's rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_table: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_org_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_table: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_statuses: Option<Vec<String>>,
}

/// The tables that a registration names, as they are.
pub struct Tables<'a> {
    pub membership: &'a Table,
    pub projects: Option<&'a Table>,
    pub organizations: Option<&'a Table>,
}

pub fn register(
    wanted: &Registration,
    tables: &Tables,
    current: Option<&Registration>,
) -> Result<Plan> {
    check(wanted, tables)?;
    let mut plan = Plan::new("use_membership", tables.membership.qualified());
    if current == Some(wanted) {
        return Ok(plan);
    }
    plan.push(Step::new(
        Object::global(Kind::Membership, ""),
        "register the membership table",
        "set_org, org_ids and is_member ask this table who belongs where",
        call(Some(wanted))?,
        call(current)?,
    ));
    Ok(plan)
}

/// Whether the tables have what the registration names, and an index for every question asked of them.
pub fn check(wanted: &Registration, tables: &Tables) -> Result<()> {
    let membership = tables.membership;
    membership.require_id_column(&wanted.user_column)?;
    let (_, org_type) = membership.require_id_column(&wanted.org_column)?;
    if let Some(role_column) = &wanted.role_column {
        membership.require_column(role_column)?;
    }
    require_index(membership, &wanted.user_column, "every request looks the user up in it")?;
    if let Some(projects) = tables.projects {
        let (id, org) = (&wanted.project_column, &wanted.project_org_column);
        let (id, org) =
            (id.as_deref().unwrap_or("id"), org.as_deref().unwrap_or(&wanted.org_column));
        projects.require_id_column(id)?;
        same_kind(projects, org, org_type, membership, &wanted.org_column)?;
        require_index(projects, id, "every request with a project looks it up in it")?;
    }
    if let Some(organizations) = tables.organizations {
        let id = wanted.organization_column.as_deref().unwrap_or("id");
        same_kind(organizations, id, org_type, membership, &wanted.org_column)?;
        if let Some(status) = &wanted.status_column {
            organizations.require_column(status)?;
        }
        require_index(organizations, id, "every request looks its organization up in it")?;
    }
    Ok(())
}

fn same_kind(
    table: &Table,
    column: &str,
    wanted: IdType,
    other: &Table,
    other_column: &str,
) -> Result<()> {
    let (found, kind) = table.require_id_column(column)?;
    let text = |kind| matches!(kind, IdType::Text | IdType::Varchar);
    if kind == wanted || (text(kind) && text(wanted)) {
        return Ok(());
    }
    Err(Error::IdsDiffer {
        table: table.qualified(),
        column: column.to_string(),
        found: found.r#type.clone(),
        other: other.qualified(),
        other_column: other_column.to_string(),
    })
}

fn require_index(table: &Table, column: &str, why: &'static str) -> Result<()> {
    if table.has_index_leading_with(column) {
        return Ok(());
    }
    let index = format!("idx_{}_{column}", table.name);
    Err(Error::NoIndex {
        table: table.qualified(),
        column: column.to_string(),
        why,
        create: format!(
            "CREATE INDEX {} ON {} ({})",
            ident::quote(ident::truncate(&index, ident::MAX_IDENTIFIER)),
            table.qualified(),
            ident::quote(column)
        ),
    })
}

fn call(registration: Option<&Registration>) -> Result<String> {
    let argument = match registration {
        Some(registration) => literal(&serde_json::to_string(registration)?),
        None => "NULL".into(),
    };
    Ok(format!("SELECT tenant_guard.register_membership({argument})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Column, Index};

    fn table(schema: &str, name: &str, columns: &[(&str, &str)], indexed: &[&str]) -> Table {
        let column = |(name, base_type): &(&str, &str)| Column {
            name: name.to_string(),
            quoted: name.to_string(),
            r#type: base_type.to_string(),
            base_type: base_type.to_string(),
            ..Column::default()
        };
        let index = |column: &&str| Index {
            name: format!("i_{column}"),
            method: "btree".into(),
            valid: true,
            columns: vec![Some(column.to_string())],
            ..Index::default()
        };
        Table {
            schema: schema.into(),
            name: name.into(),
            columns: columns.iter().map(column).collect(),
            indexes: indexed.iter().map(index).collect(),
            ..Table::default()
        }
    }

    fn memberships() -> Table {
        let columns = [("u", "uuid"), ("o", "bigint"), ("r", "text"), ("at", "date")];
        table("Acme Co", "it's", &columns, &["u"])
    }

    fn wanted() -> Registration {
        Registration {
            table_schema: "Acme Co".into(),
            table_name: "it's".into(),
            user_column: "u".into(),
            org_column: "o".into(),
            ..Registration::default()
        }
    }

    fn plan(wanted: &Registration, current: Option<&Registration>) -> Result<Plan> {
        let membership = memberships();
        let projects =
            table("p", "projects", &[("id", "uuid"), ("o", "bigint"), ("x", "uuid")], &["id"]);
        let organizations = table(
            "p",
            "organizations",
            &[("id", "bigint"), ("state", "text"), ("k", "bigint")],
            &["id"],
        );
        let tables = Tables {
            membership: &membership,
            projects: wanted.project_table.is_some().then_some(&projects),
            organizations: wanted.organization_table.is_some().then_some(&organizations),
        };
        register(wanted, &tables, current)
    }

    #[test]
    fn registering_is_one_step_with_the_former_registration_as_its_undo() {
        let plan = plan(&Registration { role_column: Some("r".into()), ..wanted() }, None).unwrap();
        assert_eq!(
            plan.steps[0].sql,
            r#"SELECT tenant_guard.register_membership('{"table_schema":"Acme Co","table_name":"it''s","user_column":"u","org_column":"o","role_column":"r"}')"#
        );
        assert_eq!(
            plan.steps[0].undo.as_deref(),
            Some("SELECT tenant_guard.register_membership(NULL)")
        );
    }

    #[test]
    fn registering_the_same_again_plans_nothing() {
        assert!(plan(&wanted(), Some(&wanted())).unwrap().steps.is_empty());
        let with_role = Registration { role_column: Some("r".into()), ..wanted() };
        assert_eq!(plan(&with_role, Some(&wanted())).unwrap().steps.len(), 1);
    }

    #[test]
    fn columns_must_exist_and_hold_ids() {
        let refused = |change: fn(&mut Registration)| {
            let mut wanted = wanted();
            change(&mut wanted);
            plan(&wanted, None).unwrap_err()
        };
        let no_column = |e: Error| matches!(e, Error::NoSuchColumn { .. });
        assert!(no_column(refused(|w| w.user_column = "x".into())));
        assert!(no_column(refused(|w| w.role_column = Some("x".into()))));
        assert!(
            matches!(refused(|w| w.user_column = "at".into()), Error::WrongColumnType { column, .. } if column == "at")
        );
        let projects = |w: &mut Registration| w.project_table = Some("projects".into());
        assert!(no_column(refused(|w| {
            w.project_table = Some("projects".into());
            w.project_column = Some("none".into());
        })));
        let mut other_kind = wanted();
        projects(&mut other_kind);
        other_kind.project_org_column = Some("x".into());
        assert!(matches!(plan(&other_kind, None), Err(Error::IdsDiffer { .. })));
        assert!(no_column(refused(|w| {
            w.organization_table = Some("organizations".into());
            w.status_column = Some("status".into());
        })));
    }

    #[test]
    fn a_missing_index_is_named_with_the_statement_that_makes_it() {
        let by_org = Registration { user_column: "o".into(), ..wanted() };
        let Err(Error::NoIndex { create, .. }) = plan(&by_org, None) else {
            panic!("accepted without an index");
        };
        assert_eq!(create, r#"CREATE INDEX "idx_it's_o" ON "Acme Co"."it's" (o)"#);
        let by_k = Registration {
            organization_table: Some("organizations".into()),
            organization_column: Some("k".into()),
            ..wanted()
        };
        assert!(matches!(plan(&by_k, None), Err(Error::NoIndex { column, .. }) if column == "k"));
    }
}
