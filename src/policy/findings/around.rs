//! Around a table: views that read it, sequences that number its rows, publications that send them. Pure.

use super::warn;
use crate::catalog::{Table, View};
use crate::pg::ident::{qualified, quote};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};
use crate::policy::harden::grantee;
use crate::policy::options::Options;

/// A view reads as its owner unless it is told not to.
pub fn views(plan: &mut Plan, table: &Table) {
    for view in table.views.iter().filter(|v| !v.security_invoker) {
        let name = qualified(&view.schema, &view.name);
        if view.kind == "m" {
            warn(
                plan,
                format!("materialized view {name} holds rows of {} for everybody", table.qualified()),
                "It knows no row-level security: whoever may read it reads what its owner saw.",
                "Revoke SELECT on it from the API's roles, or make it a table kept per organization: tenant_guard.create_tenant_summary(...).",
                None,
            );
            continue;
        }
        warn(
            plan,
            format!("view {name} reads {} as its owner", table.qualified()),
            "Without security_invoker the policies see the view's owner, not whoever asks.",
            "Give it security_invoker.",
            Some(invoker(view)),
        );
    }
}

/// The plan that makes a view read as whoever asks.
#[must_use]
pub fn invoker(view: &View) -> Plan {
    let name = qualified(&view.schema, &view.name);
    let mut fix = Plan::new("protect_table", &*name);
    fix.push(Step::new(
        Object::table(Kind::Table, &view.schema, &view.name),
        format!("set security_invoker of {name}"),
        "the policies of its tables hold for whoever reads it",
        format!("ALTER VIEW {name} SET (security_invoker = true)"),
        format!("ALTER VIEW {name} RESET (security_invoker)"),
    ));
    fix
}

/// Whoever may insert needs the numbers.
pub fn sequences(plan: &mut Plan, table: &Table, options: &Options) {
    let inserts =
        |role: &str| table.privileges.iter().any(|p| p.grantee == role && p.privilege == "INSERT");
    let public = ["public".to_string()];
    let roles = if options.roles.is_empty() { &public[..] } else { &options.roles[..] };
    for sequence in table.sequences.iter().filter(|s| !s.identity && s.owned) {
        let may_use = |role: &str| {
            sequence.privileges.iter().any(|p| {
                (p.grantee == role || p.grantee == "public")
                    && matches!(p.privilege.as_str(), "USAGE" | "UPDATE")
            })
        };
        for role in roles.iter().filter(|r| inserts(r) && !may_use(r)) {
            let name = qualified(&sequence.schema, &sequence.name);
            let mut fix = Plan::new("protect_table", table.qualified());
            fix.push(Step::new(
                Object::table(Kind::TableGrants, &sequence.schema, &sequence.name),
                "grant usage on the sequence".to_string(),
                "new rows take their numbers from it",
                format!("GRANT USAGE ON SEQUENCE {name} TO {}", grantee(role)),
                format!("REVOKE USAGE ON SEQUENCE {name} FROM {}", grantee(role)),
            ));
            plan.findings.push(Finding {
                severity: Severity::Notice,
                message: format!("{role} may insert into {} but not use {name}", table.qualified()),
                detail: "A row without a number of its own is refused: permission denied for sequence.".into(),
                hint: "Grant USAGE on it, and no more: SELECT would tell how many rows all tenants made.".into(),
                fix: Some(fix),
            });
        }
    }
}

pub fn publications(plan: &mut Plan, table: &Table) {
    if table.publications.is_empty() {
        return;
    }
    let names: Vec<String> = table.publications.iter().map(|p| quote(p)).collect();
    warn(
        plan,
        format!("{} is published by {}", table.qualified(), names.join(", ")),
        "Logical replication obeys no policies: a subscriber receives the rows of all tenants.",
        "Make sure that every subscriber may have them all, or give the publication a row filter.",
        None,
    );
}
