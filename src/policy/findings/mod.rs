//! What protect_table notices and leaves to a person: ways round the policies that only a change of the
//! schema closes, each with the plan that does it. Pure.

mod around;
mod foreign_keys;
mod keys;

use self::around::{publications, sequences, views};
use self::foreign_keys::foreign_keys;
use self::keys::keys;
use super::harden::may_move;
use super::model::Tenancy;
use super::options::Options;
use crate::catalog::Table;
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Finding, Plan, Severity};

pub use self::around::invoker;
pub use self::foreign_keys::{deferrable, force, referential_actions};

pub fn all(
    plan: &mut Plan,
    family: &[Table],
    options: &Options,
    tenancy: &Tenancy,
    unbound: &[String],
) {
    let root = &family[0];
    let bound: Vec<&str> = match tenancy {
        Tenancy::Column { .. } => vec![options.tenant_column.as_str()],
        Tenancy::Path { path, .. } => path.keys[0].columns.iter().map(String::as_str).collect(),
    };
    for role in unbound {
        warn(
            plan,
            format!("policies do not bind the role {}", quote(role)),
            "It is a superuser or has BYPASSRLS, so it reads and writes the rows of all organizations.",
            "Leave it out of roles, or take BYPASSRLS from it if it is to obey.",
            None,
        );
    }
    for parent in &root.open_parents {
        let parent = qualified(&parent.schema, &parent.name);
        warn(
            plan,
            format!("rows of {} are open through {parent}", root.qualified()),
            "A query on the table above obeys the policies of that table only, and it has none of the tenant's.",
            &format!("Protect the table above, and this with it: SELECT * FROM tenant_guard.protect_table({}).", literal(&parent)),
            None,
        );
    }
    path_costs(plan, root, options, tenancy);
    for table in family.iter().filter(|t| !t.is_partition || t.oid == root.oid) {
        keys(plan, table, &bound);
        foreign_keys(plan, table, options);
        views(plan, table);
        sequences(plan, table, options);
        publications(plan, table);
    }
}

fn warn(plan: &mut Plan, message: String, detail: &str, hint: &str, fix: Option<Plan>) {
    plan.findings.push(Finding {
        severity: Severity::Warning,
        message,
        detail: detail.into(),
        hint: hint.into(),
        fix,
    });
}

fn path_costs(plan: &mut Plan, table: &Table, options: &Options, tenancy: &Tenancy) {
    let Tenancy::Path { path, .. } = tenancy else { return };
    for key in path.keys.iter().filter(|k| !k.protected) {
        let parent = qualified(&key.schema, &key.name);
        warn(
            plan,
            format!(
                "{parent}, which says whose rows of {} are, is not protected",
                table.qualified()
            ),
            "Whoever may write there gives itself rows of other tenants here.",
            &format!(
                "Protect it too: SELECT * FROM tenant_guard.protect_table({}).",
                literal(&parent)
            ),
            None,
        );
    }
    plan.findings.push(Finding {
        severity: Severity::Notice,
        message: format!("{} is protected along {}", table.qualified(), path.describe()),
        detail: format!(
            "Each row costs {} index look-up{} more than a tenant column of its own would, and the roles need SELECT on the tables of the path.{}",
            path.keys.len(),
            if path.keys.len() == 1 { "" } else { "s" },
            if may_move(options, tenancy) {
                " With scope 'member' a member of two organizations can move a row from one to the other by its foreign key."
            } else {
                ""
            }
        ),
        hint: format!(
            "To have the column here, held to the parent's by a foreign key: SELECT * FROM tenant_guard.denormalize_tenant({}).",
            literal(&table.qualified())
        ),
        fix: None,
    });
}
