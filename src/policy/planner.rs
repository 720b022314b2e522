//! From the catalog to the plan of `protect_table` and `unprotect_table`. Pure.

use super::model::{is_ours, policies, tenant_condition, Scope, FLOOR};
use crate::catalog::{policy_sql, Named, Policy, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{qualified, quote, truncate, MAX_IDENTIFIER};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

/// What to do with policies that tenant_guard did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Keep,
    Replace,
}

pub const EXISTING: &[&str] = &["refuse", "keep", "replace"];

/// What to do about the index that leads with the tenant column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMode {
    Build,
    Concurrently,
    Skip,
}

pub const INDEX_MODES: &[&str] = &["build", "concurrently", "skip"];

#[derive(Debug, Clone)]
pub struct Options {
    pub tenant_column: String,
    pub scope: Scope,
    pub roles: Vec<String>,
    pub existing: Existing,
    pub index: IndexMode,
}

/// Plans the protection of a table and of everything that inherits from it. A query on a partition
/// itself obeys the partition's own policies only, so each gets them.
pub fn protect(family: &[Table], options: &Options, names_in_use: &[Named]) -> Result<Plan> {
    let mut plan = Plan::new("protect_table", family[0].qualified());
    for table in family {
        let (column, id) = table.require_id_column(&options.tenant_column)?;
        existing_policies(&mut plan, table, options.existing)?;
        row_security(&mut plan, table);
        let condition = tenant_condition(column, id, options.scope);
        wanted_policies(&mut plan, table, &policies(&condition, &options.roles));
    }
    // A partitioned table's index makes those of its partitions.
    let mut taken = names_in_use.to_vec();
    for table in family.iter().filter(|t| !t.is_partition || t.oid == family[0].oid) {
        tenant_index(&mut plan, table, options, &mut taken);
    }
    Ok(plan)
}

/// Plans taking the protection away: our policies go, and where no others are left, row-level
/// security is switched off. Where others are left it stays on, or they would mean nothing.
pub fn unprotect(family: &[Table]) -> Plan {
    let mut plan = Plan::new("unprotect_table", family[0].qualified());
    for table in family {
        let ours: Vec<_> = table.policies.iter().filter(|p| is_ours(&p.name)).collect();
        if ours.is_empty() {
            continue;
        }
        // The floor goes last: at no moment are the grants without it.
        for policy in ours.iter().filter(|p| p.name != FLOOR) {
            drop_policy(&mut plan, table, policy, "the table is no longer to be protected");
        }
        for policy in ours.iter().filter(|p| p.name == FLOOR) {
            drop_policy(&mut plan, table, policy, "the table is no longer to be protected");
        }
        if table.policies.len() > ours.len() {
            let mut fix = Plan::new("unprotect_table", table.qualified());
            for policy in table.policies.iter().filter(|p| !is_ours(&p.name)) {
                drop_policy(&mut fix, table, policy, "the table is to be open");
            }
            open_up(&mut fix, table);
            plan.findings.push(Finding {
                severity: Severity::Notice,
                message: format!("row-level security stays enabled on {}", table.qualified()),
                detail: "It has policies that tenant_guard did not make.".into(),
                hint: "Drop them and disable row-level security if the table is to be open.".into(),
                fix: Some(fix),
            });
            continue;
        }
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message: format!("{} will be open to every role with privileges on it", table.qualified()),
            detail: "No policy is left, and row-level security is switched off.".into(),
            hint: "To go back to what was before protect_table instead, undo that change: SELECT id FROM tenant_guard.change WHERE operation = 'protect_table'.".into(),
            fix: None,
        });
        open_up(&mut plan, table);
    }
    plan
}

fn open_up(plan: &mut Plan, table: &Table) {
    let why = "no policy is left for the owner to obey";
    security(plan, table, table.force_row_security, "NO FORCE", "FORCE", why);
    let why = "with no policy left nobody would see a row";
    security(plan, table, table.row_security, "DISABLE", "ENABLE", why);
}

fn existing_policies(plan: &mut Plan, table: &Table, existing: Existing) -> Result<()> {
    let foreign: Vec<&Policy> = table.policies.iter().filter(|p| !is_ours(&p.name)).collect();
    match existing {
        Existing::Refuse if foreign.is_empty() => {}
        Existing::Refuse => {
            return Err(Error::ExistingPolicies {
                table: table.qualified(),
                policies: foreign.iter().map(|p| quote(&p.name)).collect(),
            })
        }
        Existing::Replace => {
            for policy in foreign {
                drop_policy(
                    plan,
                    table,
                    policy,
                    "existing => 'replace': the tenant policies take its place",
                );
            }
        }
        Existing::Keep => {
            for policy in foreign.iter().filter(|p| p.permissive) {
                let mut fix = Plan::new("protect_table", table.qualified());
                drop_policy(&mut fix, table, policy, "the tenant policies take its place");
                plan.findings.push(Finding {
                    severity: Severity::Notice,
                    message: format!(
                        "policy {} of {} is kept beside the tenant policies",
                        quote(&policy.name),
                        table.qualified()
                    ),
                    detail: format!("It can widen what a member may do within the tenant, but the restrictive policy {FLOOR} keeps it from reaching another tenant."),
                    hint: "Say existing => 'replace' to drop it; undo brings it back.".into(),
                    fix: Some(fix),
                });
            }
        }
    }
    Ok(())
}

fn row_security(plan: &mut Plan, table: &Table) {
    security(
        plan,
        table,
        !table.row_security,
        "ENABLE",
        "DISABLE",
        "without row-level security policies are not looked at",
    );
    security(
        plan,
        table,
        !table.force_row_security,
        "FORCE",
        "NO FORCE",
        "the table's owner obeys the policies too",
    );
}

fn security(plan: &mut Plan, table: &Table, needed: bool, up: &str, down: &str, why: &str) {
    if !needed {
        return;
    }
    let alter = |word: &str| format!("ALTER TABLE {} {word} ROW LEVEL SECURITY", only(table));
    plan.push(Step::new(
        Object::table(Kind::RowSecurity, &table.schema, &table.name),
        format!("{} row level security", up.to_lowercase()),
        why,
        alter(up),
        alter(down),
    ));
}

/// Every table of the family has steps of its own, so none of them may recurse.
fn only(table: &Table) -> String {
    format!("ONLY {}", table.qualified())
}

fn wanted_policies(plan: &mut Plan, table: &Table, wanted: &[Policy]) {
    for policy in wanted {
        match table.policy(&policy.name) {
            Some(there) if same(there, policy) => continue,
            Some(there) => drop_policy(plan, table, there, "it differs from what was asked for"),
            None => {}
        }
        let why = match policy.command.as_str() {
            "ALL" => {
                "a floor under all other policies: no row of another tenant passes".to_string()
            }
            command => format!("members may {command} their own organization's rows"),
        };
        plan.push(Step::new(
            Object::in_table(Kind::Policy, &table.schema, &table.name, &policy.name),
            format!("create policy {}", policy.name),
            why,
            policy_sql::create(table, policy),
            policy_sql::drop(table, policy),
        ));
    }
}

fn same(there: &Policy, wanted: &Policy) -> bool {
    *there == Policy { comment: there.comment.clone(), ..wanted.clone() }
}

fn drop_policy(plan: &mut Plan, table: &Table, policy: &Policy, why: &str) {
    let object = || Object::in_table(Kind::Policy, &table.schema, &table.name, &policy.name);
    // Undone last step first: the policy is made again before its comment is put back.
    if let Some(comment) = policy_sql::comment(table, policy) {
        plan.push(Step::new(
            object(),
            format!("remove the comment on policy {}", policy.name),
            "so that undo can put it back with the policy",
            format!("COMMENT ON POLICY {} ON {} IS NULL", quote(&policy.name), table.qualified()),
            comment,
        ));
    }
    plan.push(Step::new(
        object(),
        format!("drop policy {}", policy.name),
        why,
        policy_sql::drop(table, policy),
        policy_sql::create(table, policy),
    ));
}

fn tenant_index(plan: &mut Plan, table: &Table, options: &Options, taken: &mut Vec<Named>) {
    if options.index == IndexMode::Skip || table.has_index_leading_with(&options.tenant_column) {
        return;
    }
    let name = index_name(table, &options.tenant_column, taken);
    taken.push(Named { schema: table.schema.clone(), name: name.clone() });
    let concurrently = match options.index {
        IndexMode::Concurrently => "CONCURRENTLY ",
        _ => "",
    };
    plan.push(Step {
        needs_no_transaction: options.index == IndexMode::Concurrently,
        ..Step::new(
            Object::in_schema(Kind::Index, &table.schema, &name),
            format!("create index {name}"),
            "every query of a tenant looks its rows up by this column",
            format!(
                "CREATE INDEX {concurrently}{} ON {} ({})",
                quote(&name),
                table.qualified(),
                quote(&options.tenant_column)
            ),
            format!("DROP INDEX {concurrently}{}", qualified(&table.schema, &name)),
        )
    });
}

/// `idx_<table>_<column>`, cut to what PostgreSQL keeps, with a number where the name is taken.
#[must_use]
pub fn index_name(table: &Table, column: &str, taken: &[Named]) -> String {
    let base = format!("idx_{}_{column}", table.name);
    let is_taken = |name: &str| taken.iter().any(|t| t.schema == table.schema && t.name == name);
    (0..)
        .map(|n| match n {
            0 => truncate(&base, MAX_IDENTIFIER).to_string(),
            n => {
                let suffix = format!("_{n}");
                format!("{}{suffix}", truncate(&base, MAX_IDENTIFIER - suffix.len()))
            }
        })
        .find(|name| !is_taken(name))
        .unwrap_or(base)
}
