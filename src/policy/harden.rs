//! What protection needs beside policies: what row-level security does not look at. Pure.

use super::model::Tenancy;
use super::options::{IndexMode, Options, Scope};
use crate::catalog::{trigger_sql, Column, IdType, Named, Privilege, Table, Trigger, UsedSequence};
use crate::pg::ident::{literal, qualified, quote, truncate, MAX_IDENTIFIER};
use crate::plan::{self, Finding, Kind, Object, Plan, Severity, Step};
use std::collections::BTreeSet;

const KEEP_TENANT: &str = "tenant_guard_keep_tenant";
/// Partitions get it from the table above them, which they could not if they had one of that name.
const KEEP_TENANT_OF_PARTITIONS: &str = "tenant_guard_keep_tenant_of_partitions";
/// None of them is looked at by policies: TRUNCATE removes all tenants' rows, a foreign key or a
/// trigger of somebody else's reads them.
const PAST_POLICIES: &[&str] = &["TRUNCATE", "REFERENCES", "TRIGGER"];
/// A sequence's state tells how many rows all tenants made.
const OF_SEQUENCES: &[&str] = &["SELECT", "UPDATE"];

/// The tenant's and the project's column get the context as their default, where they have none.
pub fn defaults(plan: &mut Plan, table: &Table, options: &Options, tenancy: &Tenancy) {
    let tenant = match tenancy {
        Tenancy::Column { .. } => table.column(&options.tenant_column).map(|c| (c, "org_id")),
        Tenancy::Path { .. } => None,
    };
    let project = options.project_column.as_deref().and_then(|name| table.column(name));
    for (column, helper) in tenant.into_iter().chain(project.map(|c| (c, "project_id"))) {
        if column.default.is_some() || !column.generated.is_empty() || !column.identity.is_empty() {
            continue;
        }
        let Some(id) = IdType::from_sql(&column.base_type) else { continue };
        let alter =
            format!("ALTER TABLE ONLY {} ALTER COLUMN {}", table.qualified(), quote(&column.name));
        plan.push(
            Step::new(
                Object::in_table(Kind::Column, &table.schema, &table.name, &column.name),
                format!("set default of {}", column.name),
                "a new row is the active organization's, unless it says otherwise",
                format!("{alter} SET DEFAULT {}", context_default(helper, id)),
                format!("{alter} DROP DEFAULT"),
            )
            .locking("ACCESS EXCLUSIVE", table),
        );
    }
}

fn context_default(helper: &str, id: IdType) -> String {
    format!("tenant_guard.{helper}{}()", id.helper_suffix())
}

fn is_context_default(column: &Column) -> bool {
    column.default.as_deref().is_some_and(|d| {
        let bare = d.trim_start_matches('(');
        bare.starts_with("tenant_guard.org_id") || bare.starts_with("tenant_guard.project_id")
    })
}

fn keep_tenant_name(table: &Table) -> &'static str {
    match table.kind.as_str() {
        "p" => KEEP_TENANT_OF_PARTITIONS,
        _ => KEEP_TENANT,
    }
}

/// In the scope of several organizations WITH CHECK would let a member of two move a row from one to the other,
/// so a trigger keeps it. In that of one, WITH CHECK does, and a trigger would cost every UPDATE of the table.
pub fn keep_tenant(plan: &mut Plan, table: &Table, options: &Options, tenancy: &Tenancy) {
    let Tenancy::Column { .. } = tenancy else { return };
    let Some(column) = table.column(&options.tenant_column) else { return };
    let trigger = keep_tenant_name(table);
    if options.scope == Scope::Active {
        if let Some(there) = table.trigger(trigger).filter(|t| !t.inherited) {
            drop_trigger(plan, table, there, "WITH CHECK keeps rows with the active organization");
        }
        return;
    }
    let moment = moment(table);
    if let Some(there) = table.trigger(trigger) {
        if is_as_wanted(there, column, moment) {
            return enable(plan, table, trigger, &there.enabled);
        }
        drop_trigger(plan, table, there, "it differs from what was asked for");
    }
    let quoted = quote(&column.name);
    let create = format!(
        "CREATE TRIGGER {trigger} {} ON {}\n  FOR EACH ROW WHEN (OLD.{quoted} IS DISTINCT FROM NEW.{quoted})\n  EXECUTE FUNCTION tenant_guard.keep_tenant({})",
        moment,
        table.qualified(),
        literal(&column.name),
    );
    plan.push(
        Step::new(
            Object::in_table(Kind::Trigger, &table.schema, &table.name, trigger),
            format!("create trigger {trigger}"),
            "whom the policies bind moves no row to another organization",
            create,
            format!("DROP TRIGGER {trigger} ON {}", table.qualified()),
        )
        .locking("SHARE ROW EXCLUSIVE", table),
    );
}

/// When the trigger looks: at every UPDATE, since another trigger may change the column. Before each row it costs
/// a lock of the old row; but a row that moves to another partition comes by no trigger after an UPDATE.
fn moment(table: &Table) -> &'static str {
    match table.kind.as_str() {
        "p" => "BEFORE UPDATE",
        _ => "AFTER UPDATE",
    }
}

/// Whether somebody replaced the trigger by one that looks at less.
fn is_as_wanted(there: &Trigger, column: &Column, moment: &str) -> bool {
    let (name, quoted) = (&there.name, &column.quoted);
    let condition = |cast: &str| {
        format!(
            " FOR EACH ROW WHEN (old.{quoted}{cast} IS DISTINCT FROM new.{quoted}{cast}) EXECUTE "
        )
    };
    let casts = ["".to_string(), "::text".to_string(), format!("::{}", column.base_type)];
    there.arguments() == [column.name.as_str()]
        && there.function == Named { schema: "tenant_guard".into(), name: "keep_tenant".into() }
        && there.definition.starts_with(&format!("CREATE TRIGGER {name} {moment} ON "))
        && casts.iter().any(|cast| there.definition.contains(&condition(cast)))
}

/// What partitions got of a trigger above them may be switched off there.
pub fn inherited_trigger(plan: &mut Plan, table: &Table) {
    if let Some(there) = table.trigger(KEEP_TENANT_OF_PARTITIONS).filter(|t| t.inherited) {
        enable(plan, table, KEEP_TENANT_OF_PARTITIONS, &there.enabled);
    }
}

/// Somebody may have switched it off.
fn enable(plan: &mut Plan, table: &Table, trigger: &str, state: &str) {
    if matches!(state, "O" | "A") {
        return;
    }
    plan.push(
        Step::new(
            Object::in_table(Kind::Trigger, &table.schema, &table.name, trigger),
            format!("enable trigger {trigger}"),
            "it was switched off",
            trigger_sql::set_state(&table.qualified(), trigger, "O"),
            trigger_sql::set_state(&table.qualified(), trigger, state),
        )
        .locking("SHARE ROW EXCLUSIVE", table),
    );
}

/// The last step is the one that drops it.
fn drop_trigger(plan: &mut Plan, table: &Table, trigger: &Trigger, why: &str) {
    plan::drop_trigger(plan, table, trigger, why);
    if let Some(step) = plan.steps.pop() {
        plan.push(step.locking("ACCESS EXCLUSIVE", table));
    }
}

/// What the API's roles may do past the policies is taken from them, and what sequences tell.
pub fn privileges(plan: &mut Plan, table: &Table, api_roles: &[String]) {
    let on = format!("TABLE {}", table.qualified());
    let object = || Object::table(Kind::TableGrants, &table.schema, &table.name);
    let revoked = revoke(plan, &on, &object, &table.privileges, PAST_POLICIES, api_roles);
    report(plan, &table.qualified(), &revoked);
    for sequence in table.sequences.iter().filter(|s| s.owned) {
        keep_usage(plan, table, sequence, api_roles);
        let name = qualified(&sequence.schema, &sequence.name);
        let object = || Object::table(Kind::TableGrants, &sequence.schema, &sequence.name);
        let on = format!("SEQUENCE {name}");
        let left = revoke(plan, &on, &object, &sequence.privileges, OF_SEQUENCES, api_roles);
        report(plan, &name, &left);
    }
}

/// A role that draws from a sequence by UPDATE alone gets USAGE, which is for that and no more.
fn keep_usage(plan: &mut Plan, table: &Table, sequence: &UsedSequence, api_roles: &[String]) {
    if sequence.identity {
        return;
    }
    let name = qualified(&sequence.schema, &sequence.name);
    let has = |grantee: &str, privilege: &str| {
        sequence.privileges.iter().any(|p| p.grantee == grantee && p.privilege == privilege)
    };
    for role in api_roles.iter().filter(|r| has(r, "UPDATE") && !has(r, "USAGE")) {
        let role = grantee(role);
        plan.push(Step::new(
            Object::table(Kind::TableGrants, &sequence.schema, &sequence.name),
            format!("grant usage on sequence {}", sequence.name),
            format!("rows of {} take their numbers from it", table.qualified()),
            format!("GRANT USAGE ON SEQUENCE {name} TO {role}"),
            format!("REVOKE USAGE ON SEQUENCE {name} FROM {role}"),
        ));
    }
}

/// A step for each grantee that has some of `unwanted`; returns those whom only others can revoke from.
fn revoke(
    plan: &mut Plan,
    on: &str,
    object: &dyn Fn() -> Object,
    privileges: &[Privilege],
    unwanted: &[&str],
    api_roles: &[String],
) -> Vec<String> {
    let unwanted =
        |p: &&Privilege| unwanted.contains(&p.privilege.as_str()) && api_roles.contains(&p.grantee);
    let groups: BTreeSet<(&str, bool)> = privileges
        .iter()
        .filter(unwanted)
        .filter(|p| p.by_owner)
        .map(|p| (p.grantee.as_str(), p.grantable))
        .collect();
    for (role, grantable) in groups {
        let these: Vec<&Privilege> = privileges
            .iter()
            .filter(unwanted)
            .filter(|p| p.by_owner && p.grantee == role && p.grantable == grantable)
            .collect();
        let words: BTreeSet<&str> = these.iter().map(|p| p.privilege.as_str()).collect();
        let words: Vec<&str> = words.into_iter().collect();
        let restored: Vec<String> = these
            .iter()
            .map(|p| match &p.column {
                Some(column) => format!("{} ({})", p.privilege, quote(column)),
                None => p.privilege.clone(),
            })
            .collect();
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        plan.push(Step::new(
            object(),
            format!("revoke {} on {} from {role}", words.join(", ").to_lowercase(), object().table),
            "policies do not look at it",
            format!("REVOKE {} ON {on} FROM {}", words.join(", "), grantee(role)),
            format!("GRANT {} ON {on} TO {}{option}", restored.join(", "), grantee(role)),
        ));
    }
    let others: BTreeSet<String> = privileges
        .iter()
        .filter(unwanted)
        .filter(|p| !p.by_owner)
        .map(|p| format!("{} to {}", p.privilege, p.grantee))
        .collect();
    others.into_iter().collect()
}

fn report(plan: &mut Plan, name: &str, left: &[String]) {
    if left.is_empty() {
        return;
    }
    plan.findings.push(Finding {
        severity: Severity::Warning,
        message: format!("privileges on {name} that policies do not look at are left"),
        detail: format!("Somebody with grant option granted {}, and only they can revoke it.", left.join(", ")),
        hint: "Revoke it as the role that granted it, or revoke that role's grant option with CASCADE.".into(),
        fix: None,
    });
}

/// A role as GRANT names it.
pub fn grantee(role: &str) -> String {
    if role == "public" {
        "PUBLIC".into()
    } else {
        quote(role)
    }
}

/// The index that every query of a tenant needs.
pub fn tenant_index(
    plan: &mut Plan,
    table: &Table,
    options: &Options,
    tenancy: &Tenancy,
    mode: IndexMode,
    taken: &mut Vec<Named>,
) {
    let columns: Vec<String> = match tenancy {
        Tenancy::Column { .. } => {
            let both = [Some(&options.tenant_column), options.project_column.as_ref()];
            both.into_iter().flatten().cloned().collect()
        }
        Tenancy::Path { path, .. } => path.keys[0].columns.clone(),
    };
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    if mode == IndexMode::Skip || table.has_index_leading_with_all(&names) {
        return;
    }
    let name = index_name(table, &names, taken);
    taken.push(Named { schema: table.schema.clone(), name: name.clone() });
    let concurrently = match mode {
        IndexMode::Concurrently => "CONCURRENTLY ",
        _ => "",
    };
    let why = match tenancy {
        Tenancy::Column { .. } => "every query of a tenant looks its rows up by it",
        Tenancy::Path { .. } => "every query of a tenant comes to its rows along this key",
    };
    let columns: Vec<String> = names.iter().map(|c| quote(c)).collect();
    let step = Step::new(
        Object::in_schema(Kind::Index, &table.schema, &name),
        format!("create index {name}"),
        why,
        format!(
            "CREATE INDEX {concurrently}{} ON {} ({})",
            quote(&name),
            table.qualified(),
            columns.join(", ")
        ),
        format!("DROP INDEX {concurrently}{}", qualified(&table.schema, &name)),
    )
    .locking(
        if mode == IndexMode::Concurrently { "SHARE UPDATE EXCLUSIVE" } else { "SHARE" },
        table,
    );
    plan.push(Step { needs_no_transaction: mode == IndexMode::Concurrently, ..step });
}

/// `idx_<table>_<columns>`, cut to what PostgreSQL keeps, with a number where the name is taken.
#[must_use]
pub fn index_name(table: &Table, columns: &[&str], taken: &[Named]) -> String {
    let base = format!("idx_{}_{}", table.name, columns.join("_"));
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

/// What unprotect_table takes back of it.
pub fn release(plan: &mut Plan, table: &Table, registered: Option<&Options>) {
    if let Some(trigger) = table.trigger(keep_tenant_name(table)).filter(|t| !t.inherited) {
        drop_trigger(plan, table, trigger, "the table is no longer to be protected");
    }
    let Some(options) = registered else { return };
    let columns = [Some(&options.tenant_column), options.project_column.as_ref()];
    for column in columns.into_iter().flatten().filter_map(|name| table.column(name)) {
        let (true, Some(default)) = (is_context_default(column), &column.default) else { continue };
        let alter =
            format!("ALTER TABLE ONLY {} ALTER COLUMN {}", table.qualified(), quote(&column.name));
        plan.push(Step::new(
            Object::in_table(Kind::Column, &table.schema, &table.name, &column.name),
            format!("drop default of {}", column.name),
            "the table is no longer to be protected",
            format!("{alter} DROP DEFAULT"),
            format!("{alter} SET DEFAULT {default}"),
        ));
    }
}

/// Whether rows could still move between tenants, for the finding that says so.
#[must_use]
pub fn may_move(options: &Options, tenancy: &Tenancy) -> bool {
    options.scope == Scope::Member && matches!(tenancy, Tenancy::Path { .. })
}
