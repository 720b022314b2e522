//! What mends what protects rows: row-level security, policies, triggers. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use super::remade::{in_table, Remade, AS_IN_TEMPLATE};
use crate::catalog::{policy_sql, trigger_sql, Policy, Table, Trigger};
use crate::pg::ident::quote;
use crate::plan::{Kind, Step};

pub fn of_row_security(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected else { return Fix::default() };
    let Some(wanted) = pair.wanted(&part.table) else { return Fix::default() };
    let had = pair.had(&part.table);
    let mut fix = Fix::default();
    for (on, was, yes, no) in [
        (wanted.row_security, had.is_some_and(|t| t.row_security), "ENABLE", "DISABLE"),
        (wanted.force_row_security, had.is_some_and(|t| t.force_row_security), "FORCE", "NO FORCE"),
    ] {
        if on != was {
            let (word, back) = if on { (yes, no) } else { (no, yes) };
            let set = |word: &str| {
                format!("ALTER TABLE ONLY {} {word} ROW LEVEL SECURITY", pair.name(&part.table))
            };
            fix.push(
                Phase::RowSecurity,
                Step::new(
                    in_table(pair, Kind::RowSecurity, &part.table, ""),
                    format!("{} row level security of {}", word.to_lowercase(), part.table),
                    AS_IN_TEMPLATE,
                    set(word),
                    set(back),
                ),
            );
        }
    }
    fix
}

pub fn of_policy(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (wanted, had) = (pair.wanted(&part.table), pair.had(&part.table));
    remade_policy(
        pair,
        &part.table,
        wanted.and_then(|t| t.policy(&part.name)),
        had.and_then(|t| t.policy(&part.name)),
    )
}

pub fn remade_policy(
    pair: &Pair,
    table: &str,
    wanted: Option<&Policy>,
    had: Option<&Policy>,
) -> Fix {
    let Some(any) = wanted.or(had) else { return Fix::default() };
    let moved = Table { schema: pair.slug().into(), name: table.into(), ..Table::default() };
    Remade {
        object: in_table(pair, Kind::Policy, table, &any.name),
        what: format!("policy {} of {table}", any.name),
        why: "made anew as in the template",
        drop: policy_sql::drop(&moved, any),
        old: had.map(|policy| policy_sql::create(&moved, policy)),
        new: wanted.map(|policy| policy_sql::create(&moved, policy)),
    }
    .fix(Phase::Release, Phase::Policies)
}

pub fn of_trigger(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (wanted, had) = (pair.wanted_any(&part.table), pair.had_any(&part.table));
    remade_trigger(
        pair,
        &part.table,
        wanted.and_then(|t| t.trigger(&part.name)),
        had.and_then(|t| t.trigger(&part.name)),
    )
}

pub fn remade_trigger(
    pair: &Pair,
    table: &str,
    wanted: Option<&Trigger>,
    had: Option<&Trigger>,
) -> Fix {
    let Some(any) = wanted.or(had) else { return Fix::default() };
    let name = pair.name(table);
    let object = || in_table(pair, Kind::Trigger, table, &any.name);
    let state = |state: &str| trigger_sql::set_state(&name, &any.name, state);
    let set = |to: &str, back: &str| {
        let action = format!("set the state of trigger {} of {table}", any.name);
        Step::new(object(), action, AS_IN_TEMPLATE, state(to), state(back))
    };
    if let (Some(wanted), Some(had)) = (wanted, had) {
        if wanted.definition == had.definition {
            return Fix::step(Phase::Triggers, set(&wanted.enabled, &had.enabled));
        }
    }
    let mut fix = Fix::default();
    if let Some(had) = had.filter(|t| t.enabled != "O") {
        fix.push(Phase::Release, set("O", &had.enabled)); // for undo to put back with the trigger
    }
    let remade = Remade {
        object: object(),
        what: format!("trigger {} of {table}", any.name),
        why: "made anew as in the template",
        drop: format!("DROP TRIGGER {} ON {name}", quote(&any.name)),
        old: had.map(|t| t.definition.clone()),
        new: wanted.map(|t| t.definition.clone()),
    }
    .fix(Phase::Release, Phase::Triggers);
    fix.destructive = remade.destructive;
    fix.steps.extend(remade.steps);
    if let Some(wanted) = wanted.filter(|t| t.enabled != "O") {
        fix.push(Phase::Triggers, set(&wanted.enabled, "O"));
    }
    fix
}
