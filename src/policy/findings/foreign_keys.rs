//! Foreign keys that can cross tenants, and those that cannot in their place. Pure.

use super::keys::same_set;
use super::warn;
use crate::catalog::{Constraint, References, Table};
use crate::pg::ident::{qualified, quote, truncate, MAX_IDENTIFIER};
use crate::plan::{Kind, Object, Plan, Step};
use crate::policy::options::Options;

/// Foreign keys between tenants' tables that do not say "of the same tenant".
pub fn foreign_keys(plan: &mut Plan, table: &Table, options: &Options) {
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
