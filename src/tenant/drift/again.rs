//! What is as in the template, and yet has to go and come again. Pure.

use super::diff::{Both, Change, Difference, Fix, Pair, Phase};
use super::hanging::rule_again;
use super::keys::{remade_constraint, renamed};
use super::protection::{remade_policy, remade_trigger};
use super::remade::Remade;
use crate::catalog::{Part, PartKind};
use crate::pg::ident::quote;
use crate::plan::{Kind, Object};
use std::collections::{BTreeMap, BTreeSet};

/// The tables whose unique keys go, for good or to come again.
#[must_use]
pub fn rekeyed(pair: &Pair, different: &[Both]) -> BTreeSet<String> {
    let is_key = |part: &Part| {
        pair.had(&part.table).is_some_and(|t| {
            t.constraints
                .iter()
                .any(|k| k.name == part.name && matches!(k.kind.as_str(), "p" | "u"))
                || t.indexes.iter().any(|i| i.name == part.name && i.unique)
        })
    };
    let stays = |part: &Part| {
        let (wanted, had) = (pair.wanted(&part.table), pair.had(&part.table));
        let key = had.and_then(|t| t.constraints.iter().find(|k| k.name == part.name));
        wanted.is_some_and(|t| !t.constraints.iter().any(|k| k.name == part.name))
            && key.is_some_and(|key| renamed(wanted, had, key).is_some())
    };
    different
        .iter()
        .filter_map(|both| both.actual)
        .filter(|part| is_key(part) && !stays(part))
        .map(|p| p.table.clone())
        .collect()
}

/// What is as in the template and yet stands in the way of what is not: foreign keys on a key that is made
/// anew, policies and triggers on a column whose type changes. They go, and come again.
pub fn again(
    pair: &Pair,
    different: &BTreeMap<(PartKind, &str, &str), Both>,
    changes: &mut [Change],
) {
    let mut steps = Vec::new();
    let same =
        |kind: PartKind, table: &str, name: &str| !different.contains_key(&(kind, table, name));
    let calls = |text: &str| pair.remade.iter().any(|f| text.contains(&format!("{}(", quote(f))));
    let mentions = |text: &str| {
        pair.retyped
            .iter()
            .any(|(_, column)| text.contains(column.as_str()) || text.contains(&quote(column)))
            || calls(text)
    };
    for had in &pair.tenant.tables {
        for key in had.constraints.iter().filter(|k| k.kind == "f" && !k.inherited) {
            let onto = key.references.as_ref().filter(|r| r.schema == had.schema);
            if onto.is_some_and(|r| pair.rekeyed.contains(&r.name))
                && same(PartKind::Constraint, &had.name, &key.name)
            {
                steps.extend(remade_constraint(pair, &had.name, Some(key), Some(key)).steps);
            }
        }
        for rule in had.rules.iter().filter(|r| mentions(&r.definition)) {
            if same(PartKind::Rule, &had.name, &rule.name) {
                steps.extend(rule_again(pair, had, &rule.name).steps);
            }
        }
        for index in had.indexes.iter().filter(|i| i.constraint.is_none() && i.parent.is_none()) {
            if calls(&index.definition) && same(PartKind::Index, &had.name, &index.name) {
                let remade = Remade {
                    object: Object::in_schema(Kind::Index, pair.slug(), &index.name),
                    what: format!("index {}", index.name),
                    why: "made anew, after what it calls",
                    drop: format!("DROP INDEX {}", pair.name(&index.name)),
                    old: Some(index.definition.clone()),
                    new: Some(index.definition.clone()),
                };
                steps.extend(remade.fix(Phase::Unkey, Phase::Indexes).steps);
            }
        }
        for policy in &had.policies {
            let text =
                [&policy.using, &policy.check].into_iter().flatten().any(|text| mentions(text));
            if text && same(PartKind::Policy, &had.name, &policy.name) {
                steps.extend(remade_policy(pair, &had.name, Some(policy), Some(policy)).steps);
            }
        }
        for trigger in had.triggers.iter().filter(|t| !t.inherited) {
            if mentions(&trigger.definition) && same(PartKind::Trigger, &had.name, &trigger.name) {
                let mut fix = Fix::default();
                for half in [(None, Some(trigger)), (Some(trigger), None)] {
                    fix.steps.extend(remade_trigger(pair, &had.name, half.0, half.1).steps);
                }
                steps.extend(fix.steps);
            }
        }
    }
    // They belong to what makes them necessary; all of it is applied together.
    let cause = changes.iter_mut().find(|c| {
        c.difference != Difference::Missing
            && (matches!(c.kind, "column" | "constraint" | "index") && !c.fix.steps.is_empty()
                || c.kind == "function" && c.fix.not_by_plan.is_none())
    });
    if let Some(cause) = cause {
        cause.fix.steps.extend(steps);
        cause.fix.steps.sort_by_key(|(phase, _)| *phase);
    }
}
