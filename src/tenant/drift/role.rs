//! What the tenant's role may do: what it works with, and nothing beside it. Pure.

use super::diff::{Change, Difference, Fix, Pair, Phase};
use super::privileges::{exists, owner};
use crate::catalog::{split_names, Schema, Table};
use crate::pg::ident::quote;
use crate::plan::{Kind, Object, Step};
use std::collections::{BTreeMap, BTreeSet};

const WORK: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// What the tenant's role has to have and has not, on the tables that the template has too.
pub fn on_tables(pair: &Pair) -> Vec<Change> {
    let Some(role) = pair.role else { return Vec::new() };
    let mut changes = Vec::new();
    for wanted in &pair.template.tables {
        let had = pair.had(&wanted.name);
        if had.is_some_and(|t| t.owner == role) || (had.is_none() && pair.tenant.owner == role) {
            continue;
        }
        let has = |word: &&str| {
            had.is_some_and(|t| {
                t.privileges
                    .iter()
                    .any(|p| p.grantee == role && p.column.is_none() && p.privilege == *word)
            })
        };
        let lacking: Vec<&str> = WORK.into_iter().filter(|word| !has(word)).collect();
        if lacking.is_empty() {
            continue;
        }
        let (name, words, to) = (pair.name(&wanted.name), lacking.join(", "), quote(role));
        let step = Step::new(
            Object::table(Kind::TableGrants, pair.slug(), &wanted.name),
            format!("grant table {} to the tenant's role", wanted.name),
            "the tenant works with its own rows, and cannot change the tables",
            format!("GRANT {words} ON TABLE {name} TO {to}"),
            format!("REVOKE {words} ON TABLE {name} FROM {to}"),
        );
        let fix = Fix::step(Phase::Grants, step);
        changes.push(Change {
            kind: "privileges",
            object: format!("{} of {to}", quote(&wanted.name)),
            difference: Difference::Missing,
            expected: Some(WORK.join(", ")),
            actual: had.map(|_| WORK.into_iter().filter(has).collect::<Vec<_>>().join(", ")),
            fix,
            remake: None,
        });
    }
    changes
}

/// The same of views, or what it has and must not: one without security_invoker shows what its owner sees.
#[must_use]
pub fn on_views(pair: &Pair) -> Vec<Change> {
    let Some(role) = pair.role.filter(|role| *role != pair.tenant.owner) else { return Vec::new() };
    let mut changes = Vec::new();
    for view in &pair.template.views {
        let name = quote(&view.name);
        let has: BTreeSet<&str> = pair
            .tenant
            .objects
            .privileges
            .iter()
            .filter(|p| p.on.ends_with("VIEW") && p.object == name && p.granted)
            .filter(|p| p.grantee.as_deref() == Some(role))
            .map(|p| p.privilege.as_str())
            .collect();
        let wanted: BTreeSet<&str> = match (shows(pair.template, view), view.kind.as_str()) {
            (false, _) => BTreeSet::new(),
            (true, "m") => BTreeSet::from(["SELECT"]),
            (true, _) => BTreeSet::from(["SELECT", "INSERT", "UPDATE", "DELETE"]),
        };
        let lacking: Vec<&str> = wanted.difference(&has).copied().collect();
        let opened: Vec<&str> =
            if wanted.is_empty() { has.iter().copied().collect() } else { Vec::new() };
        let (difference, words) = match (lacking.as_slice(), opened.as_slice()) {
            ([], []) => continue,
            ([], words) => (Difference::Extra, words.join(", ")),
            (words, _) => (Difference::Missing, words.join(", ")),
        };
        let (on, to) = (pair.name(&view.name), quote(role));
        let grant = format!("GRANT {words} ON TABLE {on} TO {to}");
        let revoke = format!("REVOKE {words} ON TABLE {on} FROM {to}");
        let extra = difference == Difference::Extra;
        let (verb, sql, undo) =
            if extra { ("revoke", revoke, grant) } else { ("grant", grant, revoke) };
        let why = "a view without security_invoker shows what its owner sees";
        let object = Object::table(Kind::TableGrants, pair.slug(), &view.name);
        let action = format!("{verb} view {} of the tenant's role", view.name);
        let mut fix = Fix::step(Phase::Grants, Step::new(object, action, why, sql, undo));
        // What the view showed by its policies alone it does not show past them.
        let before = pair.had_any(&view.name);
        fix.destructive = extra && !before.is_some_and(|v| shows(pair.tenant, v));
        let said = |words: &BTreeSet<&str>| {
            (!words.is_empty()).then(|| words.iter().copied().collect::<Vec<_>>().join(", "))
        };
        changes.push(Change {
            kind: "privileges",
            object: format!("{name} of {to}"),
            difference,
            expected: said(&wanted),
            actual: said(&has),
            fix,
            remake: None,
        });
    }
    changes
}

/// Whether a view shows no more than its reader may see.
fn shows(schema: &Schema, view: &Table) -> bool {
    let invoker = |o: &String| {
        matches!(o.as_str(), "security_invoker=true" | "security_invoker=on" | "security_invoker=1")
    };
    view.kind == "v" && view.options.iter().any(invoker)
        || !schema.tables.iter().any(|t| t.row_security)
}

/// On an object: its privileges, each with whether it may be passed on.
type Held = BTreeMap<(String, String), BTreeSet<(String, bool)>>;

fn held(schema: &Schema, role: &str) -> Held {
    let mut all = Held::new();
    let of = |p: &&crate::catalog::ItsPrivilege| {
        p.granted && !p.to_owner && p.grantee.as_deref() == Some(role)
    };
    for p in schema.objects.privileges.iter().filter(of) {
        let one = (p.privilege.clone(), p.grantable);
        all.entry((p.on.clone(), p.object.clone())).or_default().insert(one);
    }
    all
}

/// What create_tenant_schema gives the role of every tenant.
fn given(on: &str) -> &'static [&'static str] {
    match on {
        "SCHEMA" => &["USAGE"],
        "SEQUENCE" => &["USAGE", "SELECT"],
        // Which of them on views, on_views says.
        "TABLE" | "VIEW" | "MATERIALIZED VIEW" => &WORK,
        _ => &[],
    }
}

/// What else it has and the template gives it not, such as CREATE on the schema or TRIGGER on a table, and what it
/// has not. The schema itself is left out where it is `archived`.
#[must_use]
pub fn on_the_rest(pair: &Pair, templates_role: Option<&str>, archived: bool) -> Vec<Change> {
    let Some(role) = pair.role.filter(|role| *role != pair.tenant.owner) else { return Vec::new() };
    let has = held(pair.tenant, role);
    let mut wanted = held(pair.template, role);
    for (object, privileges) in templates_role.map(|r| held(pair.template, r)).unwrap_or_default() {
        wanted.entry(object).or_default().extend(privileges);
    }
    let mut objects: BTreeSet<(String, String)> =
        has.keys().chain(wanted.keys()).cloned().collect();
    objects.insert(("SCHEMA".into(), String::new()));
    let sequences = pair.tenant.sequences.iter();
    objects.extend(sequences.map(|s| ("SEQUENCE".to_string(), quote(&s.name))));
    let mut changes = Vec::new();
    for (on, object) in objects {
        if !exists(pair.template, &on, &object)
            || (on == "SCHEMA" && archived)
            || owner(pair.tenant, &on, &object) == role
        {
            continue;
        }
        let key = (on.clone(), object.clone());
        let (has, asked) = (has.get(&key).cloned(), wanted.get(&key).cloned());
        let (has, asked) = (has.unwrap_or_default(), asked.unwrap_or_default());
        let mut may = asked.clone();
        may.extend(given(&on).iter().map(|word| (word.to_string(), false)));
        let allowed = |(word, grantable): &&(String, bool)| {
            may.iter().any(|(w, g)| w == word && (*g || !grantable))
        };
        let extra: BTreeSet<_> = has.iter().filter(|p| !allowed(p)).cloned().collect();
        let mut lacking: Vec<(String, bool)> = match on.as_str() {
            // One that is made new comes with its grants.
            "SEQUENCE" if !exists(pair.tenant, &on, &object) => Vec::new(),
            _ => asked.into_iter().collect(),
        };
        if matches!(on.as_str(), "SCHEMA" | "SEQUENCE") && templates_role.is_none() {
            lacking.extend(given(&on).iter().map(|word| (word.to_string(), false)));
        }
        let elsewhere = |word: &str| match on.as_str() {
            "TABLE" => WORK.contains(&word),
            "VIEW" | "MATERIALIZED VIEW" => templates_role.is_none() && WORK.contains(&word),
            _ => false,
        };
        lacking.retain(|(word, grantable)| {
            !elsewhere(word) && !has.iter().any(|(w, g)| w == word && (*g || !grantable))
        });
        let lacking: BTreeSet<_> = lacking.into_iter().collect();
        for (difference, privileges) in [(Difference::Extra, extra), (Difference::Missing, lacking)]
        {
            if let Some(fix) = fix(pair, &on, &object, role, &privileges, &may, difference) {
                let what = if on == "SCHEMA" { "the schema" } else { object.as_str() };
                changes.push(Change {
                    kind: "privileges",
                    object: format!("{what} of {}", quote(role)),
                    difference,
                    expected: said(&may),
                    actual: said(&has),
                    fix,
                    remake: None,
                });
            }
        }
    }
    changes
}

fn fix(
    pair: &Pair,
    on: &str,
    object: &str,
    role: &str,
    privileges: &BTreeSet<(String, bool)>,
    may: &BTreeSet<(String, bool)>,
    difference: Difference,
) -> Option<Fix> {
    let extra = difference == Difference::Extra;
    let mut fix = Fix { destructive: extra, ..Fix::default() };
    let (target, column) = match (on, split_names(object)) {
        ("SCHEMA", _) => (format!("SCHEMA {}", quote(pair.slug())), None),
        ("COLUMN", Some((relation, column))) => {
            (format!("TABLE {}.{relation}", quote(pair.slug())), Some(column))
        }
        _ => {
            let word = match on {
                "VIEW" | "MATERIALIZED VIEW" => "TABLE",
                "AGGREGATE" => "FUNCTION",
                "DOMAIN" => "TYPE",
                other => other,
            };
            (format!("{word} {}.{object}", quote(pair.slug())), None)
        }
    };
    let to = quote(role);
    for (word, grantable) in privileges {
        let list = column.map_or(word.clone(), |column| format!("{word} ({column})"));
        let option = if *grantable { " WITH GRANT OPTION" } else { "" };
        let grant = format!("GRANT {list} ON {target} TO {to}{option}");
        // The privilege itself may be meant, and only that it can be passed on not.
        let only_option = *grantable && may.iter().any(|(w, _)| w == word);
        let what = if only_option { "GRANT OPTION FOR " } else { "" };
        let revoke = format!("REVOKE {what}{list} ON {target} FROM {to} CASCADE");
        let (verb, sql, undo) =
            if extra { ("revoke", revoke, grant) } else { ("grant", grant, revoke) };
        let action = format!("{verb} {list} on {} of the tenant's role", target.to_lowercase());
        let why = "the tenant's role works with its rows, and does nothing else";
        let step = Object::schema(Kind::Privileges, pair.slug());
        fix.push(Phase::Grants, Step::new(step, action, why, sql, undo));
    }
    (!fix.steps.is_empty()).then_some(fix)
}

fn said(all: &BTreeSet<(String, bool)>) -> Option<String> {
    let word = |(word, grantable): &(String, bool)| {
        format!("{word}{}", if *grantable { " WITH GRANT OPTION" } else { "" })
    };
    (!all.is_empty()).then(|| all.iter().map(word).collect::<Vec<_>>().join(", "))
}
