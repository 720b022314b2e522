//! From the catalog to the plan of `protect_table` and `unprotect_table`. Pure.

use super::findings;
use super::harden;
use super::model::{is_anothers_of_ours, is_floor, is_ours, policies, Normal, Tenancy};
use super::options::{Call, Existing, Options, Scope};
use super::path;
use super::registry;
use crate::catalog::{policy_sql, ForeignKey, IdType, Named, Policy, Table, Trigger};
use crate::error::{Error, Result};
use crate::pg::ident::quote;
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

/// What the plans of a call have in common.
pub struct Site {
    /// Names that a new index must not take.
    pub taken: Vec<Named>,
    /// The roles of the API, whose privileges past row-level security are taken: those of the policies,
    /// anon and authenticated, and PUBLIC.
    pub api_roles: Vec<String>,
    /// Those of the policies' roles that policies do not bind.
    pub unbound: Vec<String>,
    /// The registered organizations' id: its type, table and column.
    pub organization: Option<(IdType, String, String)>,
}

/// What a plan depends on beside the tables themselves.
pub struct World<'a> {
    pub site: &'a Site,
    /// Where paths to the tenant are searched.
    pub keys: &'a [ForeignKey],
    /// How the table is protected by now.
    pub registered: Option<&'a Options>,
    pub normal: &'a Normal<'a>,
    /// The protected table that the tables hang under, whose triggers and indexes they get.
    pub above: Option<&'a Table>,
}

/// Plans the protection of a table and of everything that inherits from it. A query on a partition
/// itself obeys the partition's own policies only, so each gets them.
pub fn protect(family: &[Table], options: &Options, call: Call, world: World) -> Result<Plan> {
    options.check()?;
    let root = &family[0];
    let mut plan = Plan::new("protect_table", root.qualified());
    let tenancy = tenancy(world.above.unwrap_or(root), options, &world)?;
    same_kind_as_organizations(&mut plan, root, options, &tenancy, &world);
    can_be_kept(family, options, &tenancy)?;
    for table in family {
        let column = match &tenancy {
            Tenancy::Column { .. } => Tenancy::of_column(table, &options.tenant_column)?,
            Tenancy::Path { .. } => tenancy.clone(),
        };
        for option in [&options.project_column, &options.owner_column].into_iter().flatten() {
            table.require_exact_id_column(option)?;
        }
        existing_policies(&mut plan, table, options, call.existing)?;
        row_security(&mut plan, table);
        let wanted = policies(table, &column, options, world.normal)?;
        wanted_policies(&mut plan, table, &wanted);
        harden::defaults(&mut plan, table, options, &column);
        harden::privileges(&mut plan, table, &world.site.api_roles);
        harden::inherited_trigger(&mut plan, table);
    }
    // What a partitioned table has makes that of its partitions.
    let tops: Vec<&Table> = family
        .iter()
        .filter(|t| !t.is_partition || (t.oid == root.oid && world.above.is_none()))
        .collect();
    for table in &tops {
        harden::keep_tenant(&mut plan, table, options, &tenancy);
    }
    let mut taken = world.site.taken.clone();
    for table in &tops {
        harden::tenant_index(&mut plan, table, options, &tenancy, call.index, &mut taken);
    }
    if world.above.is_none() {
        registry::step(&mut plan, root, options, world.registered)?;
        findings::all(&mut plan, family, options, &tenancy, &world.site.unbound);
    }
    Ok(plan)
}

/// The table's own column, or else a path to another table's.
fn tenancy(table: &Table, options: &Options, world: &World) -> Result<Tenancy> {
    match (&options.via, table.column(&options.tenant_column)) {
        (None, Some(_)) => Tenancy::of_column(table, &options.tenant_column),
        (Some(via), Some(_)) => Err(Error::WrongOption {
            option: "via",
            why: format!(
                "table {} has the tenant column \"{}\" itself, so no path is needed to it",
                table.qualified(),
                options.tenant_column
            ),
            hint: format!("Leave out via => '{via}'."),
        }),
        (via, None) => {
            let via = via.as_deref();
            Tenancy::of_path(path::find(table, &options.tenant_column, via, world.keys)?)
        }
    }
}

/// A row that moves between partitions comes by triggers before it only, which see neither what a generated
/// column is going to be nor what a later trigger makes of the row. In the scope of one organization WITH CHECK does.
fn can_be_kept(family: &[Table], options: &Options, tenancy: &Tenancy) -> Result<()> {
    let (Tenancy::Column { .. }, Scope::Member) = (tenancy, options.scope) else { return Ok(()) };
    for table in family.iter().filter(|t| t.kind == "p" || t.is_partition) {
        let column = table.column(&options.tenant_column);
        let changers: Vec<String> =
            table.triggers.iter().filter(|t| changes_rows(t)).map(|t| quote(&t.name)).collect();
        let why = if column.is_some_and(|c| !c.generated.is_empty()) {
            "its tenant column is generated".to_string()
        } else if !changers.is_empty() {
            format!("its triggers ({}) can change a row before it is written", changers.join(", "))
        } else {
            continue;
        };
        return Err(Error::WrongOption {
            option: "scope",
            why: format!(
                "table {} is partitioned and {why}: a member of two organizations could move a row from one to the other",
                table.qualified()
            ),
            hint: "Use scope 'active'.".into(),
        });
    }
    Ok(())
}

fn changes_rows(trigger: &Trigger) -> bool {
    trigger.function.schema != "tenant_guard" && trigger.definition.contains(" BEFORE ")
}

/// An id that is stored as another type than the organizations' own would be compared in a spelling
/// that nobody promised.
fn same_kind_as_organizations(
    plan: &mut Plan,
    table: &Table,
    options: &Options,
    tenancy: &Tenancy,
    world: &World,
) {
    let Some((wanted, other, other_column)) = &world.site.organization else { return };
    let text = |id: IdType| matches!(id, IdType::Text | IdType::Varchar);
    let found = tenancy.id();
    if found == *wanted || (text(found) && text(*wanted)) {
        return;
    }
    let type_name = match tenancy {
        Tenancy::Column { .. } => {
            table.column(&options.tenant_column).map(|c| c.r#type.clone()).unwrap_or_default()
        }
        Tenancy::Path { path, .. } => {
            path.end().tenant.as_ref().map(|t| t.r#type.clone()).unwrap_or_default()
        }
    };
    plan.findings.push(Finding {
        severity: Severity::Warning,
        message: format!(
            "column \"{}\" of {} holds other ids than the registered organizations have",
            options.tenant_column,
            table.qualified()
        ),
        detail: format!("It is of type {type_name}; they are those of column \"{other_column}\" of {other}. Where memberships are asked, no row matches."),
        hint: "Change the column's type, unless tokens alone say who belongs where (tenant_guard.org_check).".into(),
        fix: None,
    });
}

/// Plans taking the protection away: our policies, triggers and defaults go, and where no other
/// policies are left, row-level security is switched off. Where others are left it stays on, or they
/// would mean nothing.
pub fn unprotect(family: &[Table], registered: Option<&Options>) -> Result<Plan> {
    let mut plan = Plan::new("unprotect_table", family[0].qualified());
    // First: what hangs under a registered table is protected again as soon as it is open.
    registry::removal(&mut plan, &family[0], registered)?;
    for table in family {
        let ours: Vec<_> = table.policies.iter().filter(|p| is_ours(&p.name)).collect();
        harden::release(&mut plan, table, registered);
        if ours.is_empty() {
            continue;
        }
        // The floor goes last: at no moment are the grants without it.
        for policy in ours.iter().filter(|p| !is_floor(&p.name)) {
            drop_policy(&mut plan, table, policy, "the table is no longer to be protected");
        }
        for policy in ours.iter().filter(|p| is_floor(&p.name)) {
            drop_policy(&mut plan, table, policy, "the table is no longer to be protected");
        }
        if table.policies.iter().any(|p| !is_ours(&p.name) && !is_anothers_of_ours(p)) {
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
            detail: "No policy is left, and row-level security is switched off. Privileges that protect_table revoked stay revoked.".into(),
            hint: "To go back to what was before protect_table instead, undo that change: SELECT id FROM tenant_guard.change WHERE operation = 'protect_table'.".into(),
            fix: None,
        });
        open_up(&mut plan, table);
    }
    Ok(plan)
}

fn open_up(plan: &mut Plan, table: &Table) {
    let why = "no policy is left for the owner to obey";
    security(plan, table, table.force_row_security, "NO FORCE", "FORCE", why);
    let why = "with no policy left nobody would see a row";
    security(plan, table, table.row_security, "DISABLE", "ENABLE", why);
}

/// The policies that tenant_guard did not make.
#[must_use]
pub fn foreign_policies(table: &Table) -> Vec<&Policy> {
    let ours = |p: &&Policy| !is_ours(&p.name) && !is_anothers_of_ours(p);
    table.policies.iter().filter(ours).collect()
}

fn existing_policies(
    plan: &mut Plan,
    table: &Table,
    options: &Options,
    existing: Existing,
) -> Result<()> {
    let foreign = foreign_policies(table);
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
                    detail: kept_detail(options),
                    hint: "Say existing => 'replace' to drop it; undo brings it back.".into(),
                    fix: Some(fix),
                });
            }
        }
    }
    Ok(())
}

fn kept_detail(options: &Options) -> String {
    let but =
        "but the restrictive policy tenant_guard_tenant keeps it from reaching another tenant.";
    match options.permissions.is_some() || options.owner_column.is_some() {
        true => {
            format!("It can give members what permissions and owner_column do not give them, {but}")
        }
        false => format!("It can widen what a member may do within the tenant, {but}"),
    }
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
    // Every table of the family has steps of its own, so none of them may recurse.
    let alter =
        |word: &str| format!("ALTER TABLE ONLY {} {word} ROW LEVEL SECURITY", table.qualified());
    plan.push(
        Step::new(
            Object::table(Kind::RowSecurity, &table.schema, &table.name),
            format!("{} row level security", up.to_lowercase()),
            why,
            alter(up),
            alter(down),
        )
        .locking("ACCESS EXCLUSIVE", table),
    );
}

fn wanted_policies(plan: &mut Plan, table: &Table, wanted: &[Policy]) {
    for policy in wanted {
        match table.policy(&policy.name) {
            Some(there) if same(there, policy) => continue,
            Some(there) => drop_policy(plan, table, there, "it differs from what was asked for"),
            None => {}
        }
        let why = if is_floor(&policy.name) {
            "a floor under all other policies: no row of another tenant passes".to_string()
        } else {
            format!("members may {} their own organization's rows", policy.command)
        };
        plan.push(
            Step::new(
                Object::in_table(Kind::Policy, &table.schema, &table.name, &policy.name),
                format!("create policy {}", policy.name),
                why,
                policy_sql::create(table, policy),
                policy_sql::drop(table, policy),
            )
            .locking("ACCESS EXCLUSIVE", table),
        );
    }
    // Last those that other options wanted: at no moment is the floor gone.
    for policy in table.policies.iter().filter(|p| is_ours(&p.name)) {
        if !wanted.iter().any(|w| w.name == policy.name) {
            drop_policy(plan, table, policy, "what was asked for has no such policy");
        }
    }
}

fn same(there: &Policy, wanted: &Policy) -> bool {
    *there == Policy { comment: there.comment.clone(), ..wanted.clone() }
}

pub fn drop_policy(plan: &mut Plan, table: &Table, policy: &Policy, why: &str) {
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
    plan.push(
        Step::new(
            object(),
            format!("drop policy {}", policy.name),
            why,
            policy_sql::drop(table, policy),
            policy_sql::create(table, policy),
        )
        .locking("ACCESS EXCLUSIVE", table),
    );
}
