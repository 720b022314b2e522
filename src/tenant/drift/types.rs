//! What mends types. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use crate::catalog::{Attribute, Type};
use crate::pg::ident::{literal, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::create::create_type;

pub fn of_type(pair: &Pair, both: Both) -> Fix {
    let find = |types: &[Type], name: &str| types.iter().find(|t| t.name == name).cloned();
    let wanted = both.expected.and_then(|part| find(&pair.template.types, &part.name));
    let had = both.actual.and_then(|part| find(&pair.tenant.types, &part.name));
    match (wanted, had) {
        (Some(wanted), None) => {
            let word = word(&wanted);
            let step = Step::new(
                object(pair, &wanted.name),
                format!("create {} {}", word.to_lowercase(), wanted.name),
                "as in the template",
                create_type(&wanted, pair.slug(), |_| false),
                format!("DROP {word} {}", pair.name(&wanted.name)),
            );
            Fix::step(Phase::Types, step)
        }
        (None, Some(had)) => {
            let word = word(&had);
            let step = Step::new(
                object(pair, &had.name),
                format!("drop {} {}", word.to_lowercase(), had.name),
                "the template has none of that name",
                format!("DROP {word} {}", pair.name(&had.name)),
                create_type(&had, pair.slug(), |_| false),
            );
            Fix::step(Phase::Drop, step).dropping()
        }
        (Some(wanted), Some(had)) if wanted.kind != had.kind => {
            Fix::by_hand("It is another kind of type.")
        }
        (Some(wanted), Some(had)) => match wanted.kind.as_str() {
            "e" => labels(pair, &wanted, &had),
            "d" => domain(pair, &wanted, &had),
            "c" => attributes(pair, &wanted, &had),
            _ => Fix::default(),
        },
        (None, None) => Fix::default(),
    }
}

fn word(ty: &Type) -> &'static str {
    if ty.kind == "d" {
        "DOMAIN"
    } else {
        "TYPE"
    }
}

fn object(pair: &Pair, name: &str) -> Object {
    Object::in_schema(Kind::Type, pair.slug(), name)
}

/// Labels can be added anywhere, and not taken away.
fn labels(pair: &Pair, wanted: &Type, had: &Type) -> Fix {
    let mut rest = wanted.labels.iter();
    if !had.labels.iter().all(|label| rest.any(|l| l == label)) {
        return Fix::by_hand("It has labels that the template's has not, or in another order.");
    }
    let mut fix = Fix::default();
    for (at, label) in wanted.labels.iter().enumerate() {
        if had.labels.contains(label) {
            continue;
        }
        // All before it are there by now.
        let place = match at.checked_sub(1) {
            Some(before) => format!("AFTER {}", literal(&wanted.labels[before])),
            None => {
                had.labels.first().map(|l| format!("BEFORE {}", literal(l))).unwrap_or_default()
            }
        };
        fix.push(
            Phase::Types,
            Step::irreversible(
                object(pair, &wanted.name),
                format!("add a label to type {}", wanted.name),
                "as in the template; no label can be taken away again",
                format!(
                    "ALTER TYPE {} ADD VALUE {} {place}",
                    pair.name(&wanted.name),
                    literal(label)
                ),
            ),
        );
    }
    fix
}

fn domain(pair: &Pair, wanted: &Type, had: &Type) -> Fix {
    if wanted.base != had.base || wanted.collation != had.collation {
        return Fix::by_hand("It is a domain over another type.");
    }
    let name = pair.name(&wanted.name);
    let mut fix = Fix::default();
    let mut alter = |sql: String, undo: String| {
        fix.push(
            Phase::Types,
            Step::new(
                object(pair, &wanted.name),
                format!("alter domain {}", wanted.name),
                "as in the template",
                format!("ALTER DOMAIN {name} {sql}"),
                format!("ALTER DOMAIN {name} {undo}"),
            ),
        );
    };
    for gone in had.constraints.iter().filter(|k| !same_constraint(&wanted.constraints, k)) {
        let constraint = quote(&gone.name);
        alter(
            format!("DROP CONSTRAINT {constraint}"),
            format!("ADD CONSTRAINT {constraint} {}", gone.definition),
        );
    }
    if wanted.default != had.default {
        let set = |default: &Option<String>| match default {
            Some(default) => format!("SET DEFAULT {default}"),
            None => "DROP DEFAULT".into(),
        };
        alter(set(&wanted.default), set(&had.default));
    }
    if wanted.not_null != had.not_null {
        let set = |on: bool| format!("{} NOT NULL", if on { "SET" } else { "DROP" });
        alter(set(wanted.not_null), set(had.not_null));
    }
    for new in wanted.constraints.iter().filter(|k| !same_constraint(&had.constraints, k)) {
        let constraint = quote(&new.name);
        alter(
            format!("ADD CONSTRAINT {constraint} {}", new.definition),
            format!("DROP CONSTRAINT {constraint}"),
        );
    }
    fix
}

fn same_constraint(
    among: &[crate::catalog::DomainConstraint],
    constraint: &crate::catalog::DomainConstraint,
) -> bool {
    among.iter().any(|k| k.name == constraint.name && k.definition == constraint.definition)
}

fn attributes(pair: &Pair, wanted: &Type, had: &Type) -> Fix {
    let name = pair.name(&wanted.name);
    let spelled = |a: &Attribute| {
        let collate = a.collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
        format!("{}{collate}", a.r#type)
    };
    let mut fix = Fix::default();
    let step = |sql: String, undo: Option<String>| {
        let action = format!("alter type {}", wanted.name);
        let sql = format!("ALTER TYPE {name} {sql}");
        match undo {
            Some(undo) => {
                let undo = format!("ALTER TYPE {name} {undo}");
                Step::new(object(pair, &wanted.name), action, "as in the template", sql, undo)
            }
            None => {
                Step::irreversible(object(pair, &wanted.name), action, "as in the template", sql)
            }
        }
    };
    for old in &had.attributes {
        if !wanted.attributes.iter().any(|a| a.name == old.name) {
            fix.destructive = true;
            fix.push(Phase::Types, step(format!("DROP ATTRIBUTE {}", quote(&old.name)), None));
        }
    }
    for new in &wanted.attributes {
        let attribute = quote(&new.name);
        match had.attributes.iter().find(|a| a.name == new.name) {
            None => fix.push(
                Phase::Types,
                step(
                    format!("ADD ATTRIBUTE {attribute} {}", spelled(new)),
                    Some(format!("DROP ATTRIBUTE {attribute}")),
                ),
            ),
            Some(old) if spelled(old) != spelled(new) => {
                let set =
                    |a: &Attribute| format!("ALTER ATTRIBUTE {attribute} TYPE {}", spelled(a));
                fix.push(Phase::Types, step(set(new), Some(set(old))));
            }
            Some(_) => {}
        }
    }
    if fix.steps.is_empty() {
        return Fix::by_hand("Its attributes are in another order.");
    }
    fix
}
