//! What mends rules, extended statistics and comments. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use super::remade::{Remade, AS_IN_TEMPLATE};
use crate::catalog::{Part, Schema, Table};
use crate::pg::ident::{literal, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::clone::{Clone, Target};
use crate::tenant::order::Order;
use crate::tenant::routines::Place;

/// What the clone's own makers say of a table of one of the two schemas.
fn steps(pair: &Pair, schema: &Schema, run: impl FnOnce(&mut Clone)) -> Vec<String> {
    let slug = pair.slug();
    let names = schema.names();
    let target = Target { slug: slug.into(), ..Target::default() };
    let order = Order::default();
    let mut clone = Clone {
        plan: Default::default(),
        template: schema,
        target: &target,
        order: &order,
        place: Place { template: &schema.name, slug, path: slug, names: &names },
    };
    run(&mut clone);
    clone.plan.steps.into_iter().map(|s| s.sql).collect()
}

fn rule(pair: &Pair, schema: &Schema, table: Option<&Table>, name: &str) -> Vec<String> {
    let Some(mut table) = table.cloned() else { return Vec::new() };
    table.rules.retain(|r| r.name == name);
    steps(pair, schema, |clone| clone.rules(&table))
}

fn statistics(pair: &Pair, schema: &Schema, table: Option<&Table>, name: &str) -> Vec<String> {
    let Some(mut table) = table.cloned() else { return Vec::new() };
    table.extended_statistics.retain(|s| s.name == name);
    steps(pair, schema, |clone| clone.extended_statistics(&table))
}

/// Each is made by one statement and set by another, where it has to be.
fn remade(remade: Remade, sets: Option<String>, down: Phase, up: Phase) -> Fix {
    let (object, what) = (remade.object.clone(), remade.what.clone());
    let mut fix = remade.fix(down, up);
    if let Some(sql) = sets {
        let step = Step::part_of_table(object, format!("set {what}"), "as in the template", sql);
        fix.push(up, step);
    }
    fix
}

pub fn of_rule(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (table, name) = (&part.table, &part.name);
    let wanted = rule(pair, pair.template, pair.wanted_any(table), name);
    let had = rule(pair, pair.tenant, pair.had_any(table), name);
    again(pair, table, name, wanted, had)
}

/// A rule that stands in the way: it goes, and comes again.
#[must_use]
pub fn rule_again(pair: &Pair, table: &Table, name: &str) -> Fix {
    let had = rule(pair, pair.tenant, Some(table), name);
    again(pair, &table.name, name, had.clone(), had)
}

fn again(pair: &Pair, table: &str, name: &str, wanted: Vec<String>, had: Vec<String>) -> Fix {
    let on = pair.name(table);
    let remaking = Remade {
        object: Object::table(Kind::Table, pair.slug(), table),
        what: format!("rule {name} of {table}"),
        why: "made anew as in the template",
        drop: format!("DROP RULE {} ON {on}", quote(name)),
        old: (!had.is_empty()).then(|| had.join(";\n")),
        new: wanted.first().cloned(),
    };
    remade(remaking, wanted.get(1).cloned(), Phase::Release, Phase::Triggers)
}

pub fn of_statistics(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    let (table, name) = (&part.table, &part.name);
    let wanted = statistics(pair, pair.template, pair.wanted_any(table), name);
    let had = statistics(pair, pair.tenant, pair.had_any(table), name);
    let remaking = Remade {
        object: Object::in_schema(Kind::SchemaObject, pair.slug(), name),
        what: format!("statistics {name}"),
        why: "made anew as in the template",
        drop: format!("DROP STATISTICS {}", pair.name(name)),
        old: (!had.is_empty()).then(|| had.join(";\n")),
        new: wanted.first().cloned(),
    };
    remade(remaking, wanted.get(1).cloned(), Phase::Unkey, Phase::Triggers)
}

pub fn of_comment(pair: &Pair, both: Both) -> Fix {
    let Some(part) = both.expected.or(both.actual) else { return Fix::default() };
    // The name says what it is on; a schema's own name is not the template's.
    let target = match part.name.as_str() {
        "SCHEMA" => format!("SCHEMA {}", quote(pair.slug())),
        other => other.to_string(),
    };
    let comment = |part: Option<&Part>| {
        let text = part.map_or("NULL".into(), |p| literal(&p.definition));
        format!("COMMENT ON {target} IS {text}")
    };
    let object = match part.table.as_str() {
        "" => Object::schema(Kind::Schema, pair.slug()),
        table => Object::table(Kind::Table, pair.slug(), table),
    };
    let step = Step::new(
        object,
        format!("comment on {}", target.to_lowercase()),
        AS_IN_TEMPLATE,
        comment(both.expected),
        comment(both.actual),
    );
    Fix { destructive: both.expected.is_none(), ..Fix::step(Phase::Settings, step) }
}
