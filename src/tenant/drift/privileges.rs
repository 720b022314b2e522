//! Who else than the tenant's role may do what: as in the template. Pure.

use super::diff::{Change, Difference, Fix, Pair, Phase};
use crate::catalog::{split_names, ItsPrivilege, Schema};
use crate::pg::ident::quote;
use crate::plan::Step;
use crate::tenant::clone::{Clone, Target};
use crate::tenant::order::Order;
use crate::tenant::routines::Place;
use std::collections::{BTreeMap, BTreeSet};

/// Whom a privilege is for, where the two schemas may call the same one differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Grantee {
    Owner,
    Public,
    Role(String),
}

type Key = (String, String, Grantee);
type Granted = BTreeSet<(String, bool, bool)>;

fn read(schema: &Schema, role: Option<&str>, owners: [&str; 2]) -> BTreeMap<Key, Granted> {
    let mut all: BTreeMap<Key, Granted> = BTreeMap::new();
    for p in &schema.objects.privileges {
        let grantee = match &p.grantee {
            _ if p.to_owner => Grantee::Owner,
            None => Grantee::Public,
            Some(name) if Some(name.as_str()) == role || owners.contains(&name.as_str()) => {
                continue
            }
            Some(name) => Grantee::Role(name.clone()),
        };
        let key = (p.on.clone(), p.object.clone(), grantee);
        let one = (p.privilege.clone(), p.grantable, p.granted);
        all.entry(key).or_default().insert(one);
    }
    all
}

pub fn exists(schema: &Schema, on: &str, object: &str) -> bool {
    if on == "SCHEMA" {
        return true;
    }
    let relation = match on {
        "COLUMN" => split_names(object).map(|(relation, _)| relation),
        _ => None,
    };
    let mut relations = schema.tables.iter().chain(&schema.views);
    if let Some(relation) = relation {
        return relations.any(|t| {
            quote(&t.name) == relation
                && t.columns.iter().any(|c| object.ends_with(&format!(".{}", quote(&c.name))))
        });
    }
    schema.sequences.iter().any(|s| on == "SEQUENCE" && quote(&s.name) == object)
        || schema.objects.owners.iter().any(|o| o.on == on && o.object == object)
}

/// Whose an object of the tenant's is, or will be.
pub fn owner<'a>(tenant: &'a Schema, on: &str, object: &str) -> &'a str {
    let relation = match on {
        "COLUMN" => split_names(object).map_or(object, |(relation, _)| relation),
        _ => object,
    };
    let found = tenant
        .objects
        .owners
        .iter()
        .find(|o| o.object == relation && (o.on == on || on == "COLUMN" && o.on != "FUNCTION"));
    found.map_or(&tenant.owner, |o| &o.owner)
}

/// The schema itself is left out where it is `archived`: its privileges are remembered elsewhere.
#[must_use]
pub fn changes(pair: &Pair, templates_role: Option<&str>, archived: bool) -> Vec<Change> {
    let owners = [pair.template.owner.as_str(), pair.tenant.owner.as_str()];
    let wanted = read(pair.template, templates_role, owners);
    let had = read(pair.tenant, pair.role, owners);
    let keys: BTreeSet<&Key> = wanted.keys().chain(had.keys()).collect();
    let none = Granted::new();
    let mut changes = Vec::new();
    for key in keys {
        let (on, object, grantee) = key;
        let (new, old) = (wanted.get(key).unwrap_or(&none), had.get(key).unwrap_or(&none));
        if new == old
            || !exists(pair.template, on, object)
            || (on == "SCHEMA" && archived)
            || matches!(grantee, Grantee::Role(name) if Some(name.as_str()) == pair.role)
        {
            continue;
        }
        let to = match grantee {
            Grantee::Owner => Some(owner(pair.tenant, on, object).to_string()),
            Grantee::Public => None,
            Grantee::Role(name) => Some(name.clone()),
        };
        let what = if on == "SCHEMA" { "the schema" } else { object };
        let whose = to.as_ref().map_or("PUBLIC".into(), |r| quote(r));
        // What is open is closed when that is asked for; all else is done whatever is asked for.
        let opened: Granted = old.difference(new).filter(|p| p.2).cloned().collect();
        let rest: Granted = old.difference(new).filter(|p| !p.2).cloned().collect();
        let lacking: Granted = new.difference(old).cloned().collect();
        for (difference, gone, added) in [
            (Difference::Extra, &opened, &none),
            (
                if rest.is_empty() { Difference::Missing } else { Difference::Different },
                &rest,
                &lacking,
            ),
        ] {
            let mut fix = Fix { destructive: difference == Difference::Extra, ..Fix::default() };
            for (one, back) in
                gone.iter().map(|p| (p, true)).chain(added.iter().map(|p| (p, false)))
            {
                let (privilege, grantable, granted) = one;
                let p = |granted: bool| ItsPrivilege {
                    on: on.clone(),
                    object: object.clone(),
                    grantee: to.clone(),
                    to_owner: false,
                    privilege: privilege.clone(),
                    grantable: *grantable,
                    granted,
                    by_owner: true,
                };
                let undo = statements(pair, &p(*granted == back));
                for (step, undo) in statements(pair, &p(*granted != back)).into_iter().zip(undo) {
                    fix.push(Phase::Grants, Step { undo: Some(undo.sql), ..step });
                }
            }
            if fix.steps.is_empty() {
                continue;
            }
            changes.push(Change {
                kind: "privileges",
                object: format!("{what} of {whose}"),
                difference,
                expected: said(new),
                actual: said(old),
                fix,
                remake: None,
            });
        }
    }
    changes
}

fn said(all: &Granted) -> Option<String> {
    let word = |(privilege, grantable, granted): &(String, bool, bool)| {
        let no = if *granted { "" } else { "no " };
        let option = if *grantable { " WITH GRANT OPTION" } else { "" };
        format!("{no}{privilege}{option}")
    };
    (!all.is_empty()).then(|| all.iter().map(word).collect::<Vec<_>>().join(", "))
}

pub fn statements(pair: &Pair, privilege: &ItsPrivilege) -> Vec<Step> {
    let slug = pair.slug();
    let names = pair.tenant.names();
    let target = Target { slug: slug.into(), ..Target::default() };
    let order = Order::default();
    let mut clone = Clone {
        plan: Default::default(),
        template: pair.tenant,
        target: &target,
        order: &order,
        place: Place { template: slug, slug, path: slug, names: &names },
    };
    clone.privilege(std::slice::from_ref(privilege));
    clone.plan.steps
}
