//! The steps that make views, routines and the like as in the template, with what depends on them. Pure.

use super::diff::{Change, Difference, Phase};
use super::objects::Objects;
use super::side::{comments_of, what, Side, What};
use crate::catalog::{split_names, Schema};
use crate::pg::ident::{qualified, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::order::Node;
use std::collections::{BTreeSet, HashMap, HashSet};

impl<'a> Objects<'a> {
    /// The steps of these changes, and of what has to go and come again for them.
    #[must_use]
    pub fn steps(&self, changes: &[Change]) -> Vec<(Phase, Step)> {
        let mut steps = Vec::new();
        let listed: HashMap<&str, Difference> =
            changes.iter().filter_map(|c| Some((c.remake.as_deref()?, c.difference))).collect();
        let goes = self.goes(changes);
        let last = self.tenant.order.nodes.len();
        for (place, node) in self.tenant.order.nodes.iter().enumerate() {
            let Some(named) = what(node) else { continue };
            let difference = listed.get(named.key.as_str());
            let gone = difference == Some(&Difference::Extra);
            if !goes.contains(&node.address()) {
                if gone {
                    steps.push((Phase::Drop, self.dropped(node, &named, changes)));
                } else if let (Some(Difference::Different), Some(new)) =
                    (difference, self.wanted(&named.key))
                {
                    let at = self.template.places[&named.key];
                    steps.extend(self.replacement(new, node).map(|s| (Phase::Make(at), s)));
                }
                continue;
            }
            steps.push((Phase::Unmake(last - place), self.dropped(node, &named, changes)));
            if gone {
                continue;
            }
            let at = self.template.places.get(&named.key).copied();
            let at = at.unwrap_or(self.template.order.nodes.len() + place);
            let (side, new) = match (difference, self.wanted(&named.key)) {
                (Some(Difference::Different), Some(new)) => (&self.template, new),
                _ => (&self.tenant, node),
            };
            self.make(side, new, at, &mut steps);
            steps.extend(self.hanging(node, new, &named, changes).map(|s| (Phase::Make(at), s)));
        }
        for (at, node) in self.template.order.nodes.iter().enumerate() {
            let Some(named) = what(node) else { continue };
            if listed.get(named.key.as_str()) == Some(&Difference::Missing) {
                self.make(&self.template, node, at, &mut steps);
                steps.extend(self.given(&named).map(|s| (Phase::Make(at), s)));
            }
        }
        let made: HashSet<Object> = steps
            .iter()
            .filter(|(p, _)| matches!(p, Phase::Make(_)))
            .map(|(_, s)| s.object.clone())
            .collect();
        let later = self.template.of_schema(|clone| clone.made_later());
        let circles = later.into_iter().filter(|s| {
            matches!(s.object.kind, Kind::View | Kind::Routine) && made.contains(&s.object)
        });
        steps.extend(circles.map(|s| (Phase::Make(usize::MAX), s)));
        steps
    }

    fn make(&self, side: &Side, node: &Node, at: usize, steps: &mut Vec<(Phase, Step)>) {
        steps.extend(side.made(node).into_iter().map(|s| (Phase::Make(at), s)));
        let Some(named) = what(node) else { return };
        steps.extend(
            closed(self.tenant.schema, named.on, &self.name(&named)).map(|s| (Phase::Make(at), s)),
        );
        if let Node::View(view) = node {
            if view.kind == "m" && view.populated {
                let sql = format!("REFRESH MATERIALIZED VIEW {}", self.name(&named));
                let action = format!("fill materialized view {}", view.name);
                let object = Object::table(Kind::View, &self.tenant.schema.name, &view.name);
                let step = Step::part_of_table(object, action, "the template's is filled", sql);
                steps.push((Phase::Settings, step));
            }
        }
    }

    fn name(&self, named: &What) -> String {
        match named.on {
            "CAST" => named.object.clone(),
            _ => format!("{}.{}", quote(&self.tenant.schema.name), named.object),
        }
    }

    fn dropped(&self, node: &Node, named: &What, changes: &[Change]) -> Step {
        let made = self.tenant.made(node);
        let object = made.first().map(|s| s.object.clone());
        let object =
            object.unwrap_or_else(|| Object::schema(Kind::SchemaObject, &self.tenant.schema.name));
        let back: Vec<String> = made
            .into_iter()
            .chain(self.hanging(node, node, named, changes))
            .map(|s| s.sql)
            .collect();
        Step::new(
            object,
            format!("drop {} {}", named.on.to_lowercase(), named.object),
            "the template has none such, or it is made again",
            format!("DROP {} {}", named.on, self.name(named)),
            back.join(";\n"),
        )
    }

    fn replacement(&self, new: &Node, old: &Node) -> Option<Step> {
        let named = what(new)?;
        let object = self.template.made(new).first()?.object.clone();
        let action = format!("replace {} {}", named.on.to_lowercase(), named.object);
        let (sql, undo) = (self.template.replaced(new)?, self.tenant.replaced(old)?);
        let why = "as in the template";
        Some(match (new, old) {
            // No view loses a column by being replaced.
            (Node::View(a), Node::View(b)) if a.columns.len() != b.columns.len() => {
                Step::irreversible(object, action, why, sql)
            }
            _ => Step::new(object, action, why, sql, undo),
        })
    }

    /// Whose what is made new is.
    fn given(&self, named: &What) -> impl Iterator<Item = Step> {
        let (schema, on) = (&self.tenant.schema, named.on);
        let step = (schema.owner != self.caller && on != "CAST").then(|| {
            let sql = format!("ALTER {on} {} OWNER TO {}", self.name(named), quote(&schema.owner));
            let action = format!("give {} {} to {}", on.to_lowercase(), named.object, schema.owner);
            let object = Object::schema(Kind::Privileges, &schema.name);
            Step::part_of_table(object, action, "everything in the schema is its owner's", sql)
        });
        step.into_iter()
    }

    /// What hangs on an object of the tenant's and is not changed: it comes again with it.
    fn hanging(
        &self,
        node: &Node,
        new: &Node,
        named: &What,
        changes: &[Change],
    ) -> impl Iterator<Item = Step> + use<'a> {
        let changed = |kind: &str, object: String| {
            changes.iter().any(|c| c.kind == kind && c.object == object)
        };
        let stays = |column: &str| match new {
            Node::View(view) => view.columns.iter().any(|c| quote(&c.name) == column),
            _ => false,
        };
        let view = |column: &str| {
            split_names(column).is_some_and(|(relation, column)| {
                matches!(node, Node::View(_)) && relation == named.object && stays(column)
            })
        };
        let mine = |on: &str, object: &str| match on {
            "COLUMN" => view(object),
            "RULE" => {
                matches!(node, Node::View(_)) && object.ends_with(&format!(" ON {}", named.object))
            }
            _ => on == named.on && object == named.object,
        };
        let all = &self.tenant.schema.objects;
        let mut part = Schema {
            name: self.tenant.schema.name.clone(),
            owner: self.tenant.schema.owner.clone(),
            ..Schema::default()
        };
        let objects = &mut part.objects;
        objects.owners = all.owners.iter().filter(|o| mine(&o.on, &o.object)).cloned().collect();
        objects.comments =
            all.comments.iter().filter(|o| mine(&o.on, &o.object)).cloned().collect();
        objects.labels = all.labels.iter().filter(|o| mine(&o.on, &o.object)).cloned().collect();
        objects.privileges =
            all.privileges.iter().filter(|o| mine(&o.on, &o.object)).cloned().collect();
        let kept = match node {
            Node::View(view) => {
                let mut kept = (*view).clone();
                kept.columns = comments_of(view);
                kept.columns.retain(|c| stays(&quote(&c.name)));
                kept.indexes.retain(|i| !changed("index", quote(&i.name)));
                kept.triggers.retain(|t| !changed("trigger", qualified(&view.name, &t.name)));
                kept.rules.retain(|r| !changed("rule", qualified(&view.name, &r.name)));
                kept.extended_statistics.retain(|s| !changed("statistics", quote(&s.name)));
                // What a view cannot have goes with the materialized one.
                if !matches!(new, Node::View(view) if view.kind == "m") {
                    kept.indexes.clear();
                    kept.extended_statistics.clear();
                }
                Some(kept)
            }
            _ => None,
        };
        let steps = self.tenant.steps(&part, |clone| {
            if let Some(view) = &kept {
                clone.indexes(view);
                clone.extended_statistics(view);
                clone.rules(view);
                clone.triggers(view);
                clone.settings(view);
            }
            clone.comments_and_labels();
            clone.owners();
            clone.privileges();
        });
        steps.into_iter().map(|step| Step { undo: Some(String::new()), ..step })
    }
}

/// What the default privileges of whoever makes an object opened of it.
pub fn closed(tenant: &Schema, on: &str, name: &str) -> impl Iterator<Item = Step> {
    let (kind, word) = match on {
        "TABLE" | "VIEW" | "MATERIALIZED VIEW" => ("r", "TABLE"),
        "SEQUENCE" => ("S", "SEQUENCE"),
        "FUNCTION" | "PROCEDURE" => ("f", on),
        "AGGREGATE" => ("f", "FUNCTION"),
        _ => ("", ""),
    };
    let objects = &tenant.objects;
    let all = objects.default_grantees.iter().map(|d| (&d.kind, &d.grantee));
    let here = objects.default_privileges.iter().map(|d| (&d.kind, &d.grantee));
    let to: BTreeSet<String> = all
        .chain(here)
        .filter(|(k, grantee)| *k == kind && (kind != "f" || grantee.is_some()))
        .map(|(_, grantee)| grantee.as_ref().map_or("PUBLIC".into(), |r| quote(r)))
        .collect();
    let step = (!to.is_empty()).then(|| {
        let to = Vec::from_iter(to).join(", ");
        let sql = format!("REVOKE ALL ON {word} {name} FROM {to}");
        let object = Object::schema(Kind::Privileges, &tenant.name);
        let why = "default privileges opened it, the template's are below";
        Step::part_of_table(object, format!("revoke what {to} got by default"), why, sql)
    });
    step.into_iter()
}
