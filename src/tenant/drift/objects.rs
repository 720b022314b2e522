//! Views, routines, operators, casts, collations, text search and ranges: which differ, and the steps that make
//! them as in the template, with what depends on them. Pure.

use super::diff::{Change, Difference, Fix, Phase};
use super::names::{taken, Taken};
use crate::catalog::{split_names, Address, Names, Schema, Table};
use crate::pg::ident::{qualified, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::clone::{Clone, Target};
use crate::tenant::order::{key_address, order, table_address, Node, Order};
use crate::tenant::routines::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What an object is called: the word of a difference, that of a statement, its name there, and its key.
struct What {
    kind: &'static str,
    on: &'static str,
    object: String,
    key: String,
}

fn what(node: &Node) -> Option<What> {
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
struct Side<'a> {
    schema: &'a Schema,
    order: Order<'a>,
    names: Names<'a>,
    path: String,
    structure: BTreeMap<String, String>,
    places: HashMap<String, usize>,
    target: Target,
}

impl<'a> Side<'a> {
    fn new(schema: &'a Schema, slug: &str, caller: &str) -> Self {
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
    fn steps(&self, schema: &Schema, run: impl FnOnce(&mut Clone)) -> Vec<Step> {
        let slug = &self.target.slug;
        let place =
            Place { template: &self.schema.name, slug, path: &self.path, names: &self.names };
        let (target, order) = (&self.target, &self.order);
        let mut clone = Clone { plan: Default::default(), template: schema, target, order, place };
        run(&mut clone);
        clone.plan.steps.retain(|step| step.object.kind != Kind::NotCarried);
        clone.plan.steps
    }

    fn of_schema(&self, run: impl FnOnce(&mut Clone)) -> Vec<Step> {
        self.steps(self.schema, run)
    }

    fn made(&self, node: &Node) -> Vec<Step> {
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

    fn replaced(&self, node: &Node) -> Option<String> {
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
    fn text(&self, node: &Node) -> String {
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
    fn identity(&self, node: &Node, key: &str) -> String {
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
    fn readers(&self, table: &Table, column: &str) -> Vec<Address> {
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

fn comments_of(view: &Table) -> Vec<crate::catalog::Column> {
    let only = |c: &crate::catalog::Column| crate::catalog::Column {
        name: c.name.clone(),
        comment: c.comment.clone(),
        is_local: true,
        ..Default::default()
    };
    view.columns.iter().map(only).collect()
}

pub struct Objects<'a> {
    template: Side<'a>,
    tenant: Side<'a>,
    caller: String,
}

impl<'a> Objects<'a> {
    #[must_use]
    pub fn new(template: &'a Schema, tenant: &'a Schema, caller: &str) -> Self {
        let slug = &tenant.name;
        Objects {
            template: Side::new(template, slug, caller),
            tenant: Side::new(tenant, slug, caller),
            caller: caller.into(),
        }
    }

    #[must_use]
    pub fn caller(&self) -> &str {
        &self.caller
    }

    fn wanted(&self, key: &str) -> Option<&Node<'a>> {
        self.template.places.get(key).map(|i| &self.template.order.nodes[*i])
    }

    fn had(&self, key: &str) -> Option<&Node<'a>> {
        self.tenant.places.get(key).map(|i| &self.tenant.order.nodes[*i])
    }

    /// What of them differs. The steps come when it is known what else is done.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let keys: BTreeSet<&String> =
            self.template.places.keys().chain(self.tenant.places.keys()).collect();
        keys.into_iter().filter_map(|key| self.change(key)).collect()
    }

    fn change(&self, key: &str) -> Option<Change> {
        let (wanted, had) = (self.wanted(key), self.had(key));
        let named = what(wanted.or(had)?)?;
        let difference = match (wanted, had) {
            (Some(_), None) => Difference::Missing,
            (None, Some(_)) => Difference::Extra,
            (Some(a), Some(b)) => {
                if self.template.identity(a, key) == self.tenant.identity(b, key) {
                    return None;
                }
                Difference::Different
            }
            (None, None) => return None,
        };
        let mut fix = Fix { destructive: difference == Difference::Extra, ..Fix::default() };
        if let (Some(a), Some(b)) = (wanted, had) {
            if !replaceable(a, b) && self.dependents(HashSet::from([b.address()])).is_err() {
                fix = Fix::by_hand(
                    "Columns, defaults or checks of tables need it, and it cannot be replaced: drop or change these, and sync again.",
                );
            }
        }
        Some(Change {
            kind: named.kind,
            object: named.object,
            difference,
            expected: wanted.map(|n| self.template.text(n)),
            actual: had.map(|n| self.tenant.text(n)),
            fix,
            remake: Some(key.to_string()),
        })
    }

    /// The names of functions and operators that are dropped and made again: what names them goes before.
    #[must_use]
    pub fn remade_names(&self, changes: &[Change]) -> BTreeSet<String> {
        let keys = changes
            .iter()
            .filter(|c| c.difference == Difference::Different && c.fix.not_by_plan.is_none());
        keys.filter_map(|c| {
            let key = c.remake.as_ref()?;
            let (a, b) = (self.wanted(key)?, self.had(key)?);
            match b {
                Node::Routine(routine) if !replaceable(a, b) => Some(routine.name.clone()),
                _ => None,
            }
        })
        .collect()
    }

    /// What of the tenant's has to be dropped with these; an error where a table's own parts are among it.
    fn dependents(&self, seeds: HashSet<Address>) -> Result<HashSet<Address>, ()> {
        let nodes: HashMap<Address, &Node> =
            self.tenant.order.nodes.iter().map(|n| (n.address(), n)).collect();
        let mut all = seeds;
        loop {
            let more: Vec<Address> = self
                .tenant
                .schema
                .edges
                .iter()
                .filter(|e| all.contains(&e.to) && !all.contains(&e.from))
                .map(|e| e.from)
                .filter(|from| nodes.contains_key(from))
                .collect();
            if more.is_empty() {
                return Ok(all);
            }
            if more.iter().any(|from| nodes.get(from).is_some_and(|n| what(n).is_none())) {
                return Err(());
            }
            all.extend(more);
        }
    }

    /// Of all changes, the keys of what stands on something that is left as it is.
    #[must_use]
    pub fn on_what_is_left(&self, left: &[Change]) -> HashSet<String> {
        let side = &self.template;
        let mut all: HashSet<Address> = HashSet::new();
        for change in left.iter().filter(|c| c.difference != Difference::Extra) {
            let key = change.remake.as_ref().and_then(|key| self.wanted(key));
            all.extend(key.map(Node::address));
            for table in side.schema.tables.iter().filter(|_| change.kind == "column") {
                let columns = table.columns.iter();
                let it = columns.filter(|c| qualified(&table.name, &c.name) == change.object);
                all.extend(it.flat_map(|column| side.readers(table, &column.quoted)));
            }
        }
        loop {
            let edges = side.schema.edges.iter();
            let more: Vec<Address> = edges
                .filter(|e| all.contains(&e.to) && !all.contains(&e.from))
                .map(|e| e.from)
                .collect();
            if more.is_empty() {
                break;
            }
            all.extend(more);
        }
        let nodes = side.order.nodes.iter().filter(|n| all.contains(&n.address()));
        nodes.filter_map(|n| what(n).map(|w| w.key)).collect()
    }

    /// What has to go before these changes can be made: by address.
    fn goes(&self, changes: &[Change]) -> HashSet<Address> {
        let mut seeds: HashSet<Address> = HashSet::new();
        for change in changes {
            if let Some(key) = &change.remake {
                if let (Some(a), Some(b)) = (self.wanted(key), self.had(key)) {
                    if !replaceable(a, b) {
                        seeds.insert(b.address());
                    }
                }
            }
        }
        let taken = taken(self.template.schema, self.tenant.schema);
        for view in changes.iter().filter(|c| c.kind == "view" && c.difference == Difference::Extra)
        {
            let is_it = |name: &str| quote(name) == view.object;
            let in_the_way = |t: &Taken| {
                (t.word == "view" && is_it(&t.name)) || t.table.as_deref().is_some_and(is_it)
            };
            if taken.iter().any(in_the_way) {
                let key = view.remake.as_ref().and_then(|key| self.had(key));
                seeds.extend(key.map(Node::address));
            }
        }
        for table in &self.tenant.schema.tables {
            let changed = |kind: &str, name: &str| {
                let object = qualified(&table.name, name);
                changes.iter().any(|c| {
                    c.kind == kind && c.object == object && c.difference != Difference::Missing
                })
            };
            for column in table.columns.iter().filter(|c| changed("column", &c.name)) {
                let wanted = self.template.schema.tables.iter().find(|t| t.name == table.name);
                let new = wanted.and_then(|t| t.column(&column.name));
                if new.is_some_and(|new| {
                    (&new.r#type, &new.collation) != (&column.r#type, &column.collation)
                }) {
                    seeds.extend(self.tenant.readers(table, &column.quoted));
                }
            }
            let keys = table.constraints.iter().filter(|k| changed("constraint", &k.name));
            for key in keys.map(key_address) {
                let from = self.tenant.schema.edges.iter().filter(|e| e.to == key);
                seeds.extend(from.map(|e| e.from));
            }
        }
        // What a table needs cannot go; PostgreSQL says so.
        self.dependents(seeds.clone()).unwrap_or(seeds)
    }

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

/// Whether CREATE OR REPLACE makes the one of the other.
fn replaceable(new: &Node, old: &Node) -> bool {
    match (new, old) {
        (Node::Routine(a), Node::Routine(b)) => {
            a.aggregate.is_none()
                && b.aggregate.is_none()
                && (&a.kind, &a.arguments, &a.result) == (&b.kind, &b.arguments, &b.result)
        }
        (Node::View(a), Node::View(b)) => {
            let face = |c: &crate::catalog::Column| {
                (c.name.clone(), c.r#type.clone(), c.collation.clone())
            };
            let settings = |v: &Table| v.columns.iter().any(|c| c.default.is_some());
            a.kind == "v"
                && b.kind == "v"
                && !settings(b)
                && !settings(a)
                && b.columns.len() <= a.columns.len()
                && a.columns.iter().zip(&b.columns).all(|(a, b)| face(a) == face(b))
        }
        _ => false,
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
