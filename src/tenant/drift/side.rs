//! One of two schemas, as the makers of a clone write it. Pure.

use crate::catalog::{Address, Names, Schema, Table};
use crate::pg::ident::quote;
use crate::plan::{Kind, Step};
use crate::tenant::clone::{Clone, Target};
use crate::tenant::order::{order, table_address, Node, Order};
use crate::tenant::routines::Place;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What an object is called: the word of a difference, that of a statement, its name there, and its key.
pub struct What {
    pub kind: &'static str,
    pub on: &'static str,
    pub object: String,
    pub key: String,
}

#[must_use]
pub fn what(node: &Node) -> Option<What> {
    let (kind, on, object, key) = match node {
        Node::Collation(o) => ("collation", "COLLATION", quote(&o.name), &o.name),
        Node::Dictionary(o) => {
            ("text search dictionary", "TEXT SEARCH DICTIONARY", quote(&o.name), &o.name)
        }
        Node::Configuration(o) => {
            ("text search configuration", "TEXT SEARCH CONFIGURATION", quote(&o.name), &o.name)
        }
        Node::Operator(o) => ("operator", "OPERATOR", o.identity.clone(), &o.identity),
        Node::Cast(o) => ("cast", "CAST", o.identity.clone(), &o.identity),
        Node::Type(o) if o.range.is_some() => ("type", "TYPE", quote(&o.name), &o.name),
        Node::Routine(o) => {
            let on = match o.kind.as_str() {
                "a" => "AGGREGATE",
                "p" => "PROCEDURE",
                _ => "FUNCTION",
            };
            ("function", on, o.identity.clone(), &o.signature)
        }
        Node::View(o) => {
            let on = if o.kind == "m" { "MATERIALIZED VIEW" } else { "VIEW" };
            ("view", on, quote(&o.name), &o.name)
        }
        _ => return None,
    };
    Some(What { kind, on, object, key: format!("{kind} {key}") })
}

/// One of the two schemas, in the order in which it is made.
pub struct Side<'a> {
    pub schema: &'a Schema,
    pub order: Order<'a>,
    names: Names<'a>,
    path: String,
    structure: BTreeMap<String, String>,
    pub places: HashMap<String, usize>,
    target: Target,
}

impl<'a> Side<'a> {
    pub fn new(schema: &'a Schema, slug: &str, caller: &str) -> Self {
        let mut path = quote(slug);
        if schema.name != slug && schema.objects.has_extension {
            path += &format!(", {}", quote(&schema.name));
        }
        let order = order(schema);
        let named = order.nodes.iter().enumerate();
        let places = named.filter_map(|(i, n)| Some((what(n)?.key, i))).collect();
        let target = Target { slug: slug.into(), caller: caller.into(), ..Target::default() };
        let (names, structure) = (schema.names(), schema.structure(None));
        Side { schema, order, names, path, structure, places, target }
    }

    /// What the clone's own makers say.
    pub fn steps(&self, schema: &Schema, run: impl FnOnce(&mut Clone)) -> Vec<Step> {
        let slug = &self.target.slug;
        let place =
            Place { template: &self.schema.name, slug, path: &self.path, names: &self.names };
        let (target, order) = (&self.target, &self.order);
        let mut clone = Clone { plan: Default::default(), template: schema, target, order, place };
        run(&mut clone);
        clone.plan.steps.retain(|step| step.object.kind != Kind::NotCarried);
        clone.plan.steps
    }

    pub fn of_schema(&self, run: impl FnOnce(&mut Clone)) -> Vec<Step> {
        self.steps(self.schema, run)
    }

    pub fn made(&self, node: &Node) -> Vec<Step> {
        let mut steps = self.of_schema(|clone| clone.make(node));
        if let Node::View(view) = node {
            let bare = Table {
                comment: None,
                constraints: Vec::new(),
                triggers: Vec::new(),
                indexes: Vec::new(),
                columns: uncommented(view),
                ..(*view).clone()
            };
            steps.extend(self.of_schema(|clone| clone.settings(&bare)));
        }
        steps
    }

    pub fn replaced(&self, node: &Node) -> Option<String> {
        let mut sql = None;
        self.of_schema(|clone| {
            sql = match node {
                Node::View(view) => Some(clone.view_query(view, "OR REPLACE VIEW")),
                Node::Routine(routine) => Some(crate::tenant::routines::create_routine(
                    routine,
                    &clone.place,
                    false,
                    true,
                )),
                _ => None,
            };
        });
        sql
    }

    /// As text that is the same on both sides where the objects are.
    pub fn text(&self, node: &Node) -> String {
        let mut text: Vec<String> = Vec::new();
        match node {
            Node::View(view) => {
                let word = if view.kind == "m" { "MATERIALIZED VIEW" } else { "VIEW" };
                self.of_schema(|clone| text.push(clone.view_query(view, word)));
                text.extend(self.made(node).iter().skip(1).map(|s| s.sql.clone()));
            }
            _ => text.extend(self.made(node).iter().map(|s| s.sql.clone())),
        }
        text.join(";\n")
    }

    /// Of what is compared as the structure says it, and not as the statement does.
    pub fn identity(&self, node: &Node, key: &str) -> String {
        match node {
            Node::View(view) => {
                let types = view.columns.iter().map(|c| (&c.name, &c.r#type, &c.collation));
                format!("{}{:?}", self.text(node), types.collect::<Vec<_>>())
            }
            Node::Type(_) => self.text(node),
            Node::Routine(r) => {
                self.structure.get(&format!("function {}", r.identity)).cloned().unwrap_or_default()
            }
            _ => self.structure.get(key).cloned().unwrap_or_default(),
        }
    }
}

impl Side<'_> {
    /// What reads a column by name.
    pub fn readers(&self, table: &Table, column: &str) -> Vec<Address> {
        let address = table_address(table);
        let edges = self.schema.edges.iter();
        let on: HashSet<Address> = edges.filter(|e| e.to == address).map(|e| e.from).collect();
        let nodes = self.order.nodes.iter().filter(|n| on.contains(&n.address()));
        nodes
            .filter(|node| match node {
                Node::View(v) => v.definition.as_ref().is_some_and(|d| d.contains(column)),
                Node::Routine(r) => r.atomic.as_ref().is_some_and(|a| a.contains(column)),
                _ => false,
            })
            .map(|n| n.address())
            .collect()
    }
}

fn uncommented(view: &Table) -> Vec<crate::catalog::Column> {
    let bare = |c: &crate::catalog::Column| crate::catalog::Column { comment: None, ..c.clone() };
    view.columns.iter().map(bare).collect()
}

#[must_use]
pub fn comments_of(view: &Table) -> Vec<crate::catalog::Column> {
    let only = |c: &crate::catalog::Column| crate::catalog::Column {
        name: c.name.clone(),
        comment: c.comment.clone(),
        is_local: true,
        ..Default::default()
    };
    view.columns.iter().map(only).collect()
}
