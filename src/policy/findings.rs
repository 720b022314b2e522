//! What protect_table notices and leaves to a person: ways round the policies that only a change of the
//! schema closes, each with the plan that does it. Pure.

use super::harden::{grantee, may_move};
use super::model::Tenancy;
use super::options::Options;
use crate::catalog::{Constraint, References, Table, View};
use crate::pg::ident::{literal, qualified, quote, truncate, MAX_IDENTIFIER};
use crate::plan::{Finding, Kind, Object, Plan, Severity, Step};

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

/// Keys that all tenants share: whoever inserts a taken value learns that it is taken.
fn keys(plan: &mut Plan, table: &Table, bound: &[&str]) {
    for key in table.constraints.iter().filter(|k| matches!(k.kind.as_str(), "p" | "u" | "x")) {
        let has_tenant = key.columns.iter().any(|c| bound.contains(&c.as_str()));
        if has_tenant || key.inherited || is_surrogate(table, &key.columns) {
            continue;
        }
        let (word, hint) = match key.kind.as_str() {
            "x" => ("exclusion constraint", "Add the tenant column WITH = to it (extension btree_gist gives uuid, text and bigint the operator class)."),
            "p" => ("primary key", "Make the tenant column a part of it, or use keys that nobody chooses."),
            _ => ("unique constraint", "Make the tenant column a part of it."),
        };
        let fix = (key.kind == "u").then(|| widened(table, key, bound)).flatten();
        warn(
            plan,
            format!(
                "{word} {} of {} is shared by all tenants",
                quote(&key.name),
                table.qualified()
            ),
            "It looks past policies: whoever inserts a value that another tenant has is told so.",
            hint,
            fix,
        );
    }
    for index in table.indexes.iter().filter(|i| i.unique && i.constraint.is_none()) {
        let columns: Vec<&str> = index.columns.iter().flatten().map(String::as_str).collect();
        if columns.iter().any(|c| bound.contains(c)) || index.parent.is_some() {
            continue;
        }
        warn(
            plan,
            format!(
                "unique index {} of {} is shared by all tenants",
                quote(&index.name),
                table.qualified()
            ),
            "It looks past policies: whoever inserts a value that another tenant has is told so.",
            "Make the tenant column its first column.",
            None,
        );
    }
}

/// A key whose values nobody chooses.
fn is_surrogate(table: &Table, columns: &[String]) -> bool {
    let [column] = columns else { return false };
    table.column(column).is_some_and(|c| {
        !c.identity.is_empty()
            || c.default.as_deref().is_some_and(|d| {
                d.starts_with("nextval(") || d.contains("uuid") && d.ends_with("()")
            })
    })
}

/// The constraint with the tenant column in front; None where foreign keys hang on it.
fn widened(table: &Table, key: &Constraint, bound: &[&str]) -> Option<Plan> {
    let [tenant] = bound else { return None };
    if key.deferrable || table.referenced_by.iter().any(|r| same_set(&r.referenced, &key.columns)) {
        return None;
    }
    let columns = |lead: &[&str]| {
        let all = lead.iter().copied().chain(key.columns.iter().map(String::as_str));
        all.map(quote).collect::<Vec<_>>().join(", ")
    };
    let with = |columns: String| {
        format!(
            "ALTER TABLE {t} DROP CONSTRAINT {k}, ADD CONSTRAINT {k} UNIQUE ({columns})",
            t = table.qualified(),
            k = quote(&key.name)
        )
    };
    let mut fix = Plan::new("protect_table", table.qualified());
    fix.push(Step::new(
        Object::in_table(Kind::Constraint, &table.schema, &table.name, &key.name),
        format!("add the tenant to {}", key.name),
        "a value is taken within its organization only",
        with(columns(&[tenant])),
        with(columns(&[])),
    ));
    Some(fix)
}

fn same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|x| b.contains(x))
}

/// Foreign keys between tenants' tables that do not say "of the same tenant".
fn foreign_keys(plan: &mut Plan, table: &Table, options: &Options) {
    if table.column(&options.tenant_column).is_none() {
        return;
    }
    for key in table.constraints.iter().filter(|k| !k.inherited) {
        let Some(to) = &key.references else { continue };
        let tenant = &options.tenant_column;
        let same_tenant =
            key.columns.iter().zip(&to.columns).any(|(c, r)| c == tenant && r == tenant);
        if same_tenant || !to.all_columns.contains(tenant) || to.columns.contains(tenant) {
            continue;
        }
        warn(
            plan,
            format!("foreign key {} of {} can cross tenants", quote(&key.name), table.qualified()),
            &format!("It looks past policies: a row may refer to another tenant's row of {}, whose key its writer guesses, and learns that it is there.", qualified(&to.schema, &to.name)),
            "Refer to the tenant too: the fix needs the right to change both tables.",
            Some(composite(table, key, to, tenant)),
        );
    }
}

/// The owner who runs a plan sees no row while policies bind it, and PostgreSQL checks a new foreign key
/// with the owner's eyes. Nobody else gains by it: the tables are locked.
#[must_use]
pub fn force(schema: &str, name: &str, on: bool) -> Step {
    let table = qualified(schema, name);
    let alter = |word: &str| format!("ALTER TABLE ONLY {table} {word} ROW LEVEL SECURITY");
    let (word, back, why) = match on {
        true => ("FORCE", "NO FORCE", "the owner obeys the policies again"),
        false => (
            "NO FORCE",
            "FORCE",
            "the owner has to see every row; nobody else does, the table is locked",
        ),
    };
    let step = Step::new(
        Object::table(Kind::RowSecurity, schema, name),
        format!("{} row level security of {name}", word.to_lowercase()),
        why,
        alter(word),
        alter(back),
    );
    Step { lock: Some(format!("ACCESS EXCLUSIVE on {table}")), ..step }
}

fn composite(table: &Table, key: &Constraint, to: &References, tenant: &str) -> Plan {
    let mut fix = Plan::new("protect_table", table.qualified());
    let list = |columns: &[String]| {
        let all = std::iter::once(tenant).chain(columns.iter().map(String::as_str));
        all.map(quote).collect::<Vec<_>>().join(", ")
    };
    let target = qualified(&to.schema, &to.name);
    // By then the table itself is forced.
    let mut forced = vec![(&table.schema, &table.name)];
    if to.forced && to.oid != table.oid {
        forced.push((&to.schema, &to.name));
    }
    for (schema, name) in &forced {
        fix.push(force(schema, name, false));
    }
    let mut wanted: Vec<String> = vec![tenant.to_string()];
    wanted.extend(to.columns.iter().cloned());
    if !to.keys.iter().any(|k| same_set(k, &wanted)) {
        let name = format!("{}_{}_key", to.name, wanted.join("_"));
        let name = quote(truncate(&name, MAX_IDENTIFIER));
        fix.push(Step::new(
            Object::in_table(Kind::Constraint, &to.schema, &to.name, &name),
            "add a key for the foreign key".to_string(),
            "a foreign key points at a unique key",
            format!("ALTER TABLE {target} ADD CONSTRAINT {name} UNIQUE ({})", list(&to.columns)),
            format!("ALTER TABLE {target} DROP CONSTRAINT {name}"),
        ));
    }
    let name = quote(&key.name);
    let actions = referential_actions(to) + deferrable(key);
    fix.push(Step::new(
        Object::in_table(Kind::Constraint, &table.schema, &table.name, &key.name),
        format!("make {} refer to the tenant too", key.name),
        "a row refers to rows of its own tenant only",
        format!(
            "ALTER TABLE {t} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {target} ({}){actions}",
            list(&key.columns),
            list(&to.columns),
            t = table.qualified(),
        ),
        format!(
            "ALTER TABLE {t} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {}",
            key.definition,
            t = table.qualified()
        ),
    ));
    for (schema, name) in forced.iter().rev() {
        fix.push(force(schema, name, true));
    }
    fix
}

/// ON DELETE and ON UPDATE of a composite key in the place of a simple one. SET NULL would take the
/// tenant too, so it names the columns that it is for by leaving the tenant's alone.
pub fn referential_actions(to: &References) -> String {
    let word = |action: &str| match action {
        "r" => Some("RESTRICT"),
        "c" => Some("CASCADE"),
        _ => None,
    };
    let mut actions = String::new();
    match (word(&to.on_delete), to.on_delete.as_str()) {
        (Some(word), _) => actions += &format!(" ON DELETE {word}"),
        (None, "n" | "d") => {
            let word = if to.on_delete == "n" { "SET NULL" } else { "SET DEFAULT" };
            let columns: Vec<String> = to.from_columns.iter().map(|c| quote(c)).collect();
            actions += &format!(" ON DELETE {word} ({})", columns.join(", "));
        }
        _ => {}
    }
    if let Some(word) = word(&to.on_update) {
        actions += &format!(" ON UPDATE {word}");
    }
    actions
}

/// When a composite key in the place of a simple one is checked: as that was.
#[must_use]
pub fn deferrable(key: &Constraint) -> &'static str {
    match (key.deferrable, key.definition.contains("INITIALLY DEFERRED")) {
        (true, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        (false, _) => "",
    }
}

/// A view reads as its owner unless it is told not to.
fn views(plan: &mut Plan, table: &Table) {
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
fn sequences(plan: &mut Plan, table: &Table, options: &Options) {
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

fn publications(plan: &mut Plan, table: &Table) {
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
