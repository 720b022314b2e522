//! In which order the objects of a schema are made: each after what it depends on. Pure.
//!
//! Where objects depend on each other in a circle, a part of one is made later: a default or a check, else
//! a view's query, else the body of a function, as pg_dump does it.

use crate::catalog::{
    Address, Cast, Class, Collation, Configuration, Constraint, Conversion, Dictionary, Edge,
    Family, Operator, Routine, Schema, Sequence, Table, Type,
};
use std::collections::{HashMap, HashSet};

/// The OIDs of catalogs, the same in every version.
const PG_TYPE: u32 = 1247;
const PG_PROC: u32 = 1255;
const PG_CLASS: u32 = 1259;
const PG_CAST: u32 = 2605;
const PG_CONSTRAINT: u32 = 2606;
const PG_CONVERSION: u32 = 2607;
const PG_OPCLASS: u32 = 2616;
const PG_OPERATOR: u32 = 2617;
const PG_OPFAMILY: u32 = 2753;
const PG_COLLATION: u32 = 3456;
const PG_TS_DICT: u32 = 3600;
const PG_TS_CONFIG: u32 = 3602;

#[derive(Clone, Copy)]
pub enum Node<'a> {
    Collation(&'a Collation),
    Type(&'a Type),
    Dictionary(&'a Dictionary),
    Configuration(&'a Configuration),
    Sequence(&'a Sequence),
    Routine(&'a Routine),
    Operator(&'a Operator),
    Cast(&'a Cast),
    Family(&'a Family),
    Class(&'a Class),
    Conversion(&'a Conversion),
    Table(&'a Table),
    View(&'a Table),
    /// A primary key, unique or exclusion constraint, where something needs it early.
    Key(&'a Table, &'a Constraint),
}

impl Node<'_> {
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Node::Collation(o) => (PG_COLLATION, o.oid),
            Node::Type(o) => type_address(o),
            Node::Dictionary(o) => (PG_TS_DICT, o.oid),
            Node::Configuration(o) => (PG_TS_CONFIG, o.oid),
            Node::Sequence(o) => (PG_CLASS, o.oid),
            Node::Routine(o) => routine_address(o),
            Node::Operator(o) => (PG_OPERATOR, o.oid),
            Node::Cast(o) => (PG_CAST, o.oid),
            Node::Family(o) => (PG_OPFAMILY, o.oid),
            Node::Class(o) => (PG_OPCLASS, o.oid),
            Node::Conversion(o) => (PG_CONVERSION, o.oid),
            Node::Table(o) | Node::View(o) => table_address(o),
            Node::Key(_, k) => key_address(k),
        }
    }
}

#[must_use]
pub fn key_address(constraint: &Constraint) -> Address {
    (PG_CONSTRAINT, constraint.oid)
}

#[derive(Default)]
pub struct Order<'a> {
    pub nodes: Vec<Node<'a>>,
    /// Parts that are made when everything is there: by whose they are, and `default x`, `check y` or
    /// `query`; a function's body is `body`.
    pub later: HashSet<(Address, String)>,
    pub early_keys: HashSet<u32>,
    /// The places of the tables among the nodes, by their OIDs.
    pub tables: HashMap<u32, usize>,
}

impl Order<'_> {
    pub fn is_later(&self, address: Address, part: &str) -> bool {
        !self.later.is_empty() && self.later.contains(&(address, part.to_string()))
    }
}

#[must_use]
pub fn table_address(table: &Table) -> Address {
    (PG_CLASS, table.oid)
}

#[must_use]
pub fn type_address(ty: &Type) -> Address {
    (PG_TYPE, ty.oid)
}

#[must_use]
pub fn routine_address(routine: &Routine) -> Address {
    (PG_PROC, routine.oid)
}

#[must_use]
pub fn order(schema: &Schema) -> Order<'_> {
    let objects = &schema.objects;
    let classes = &schema.classes;
    let mut nodes: Vec<Node> = Vec::new();
    // Text that uses one without a word does not say so, and nothing in the catalog does.
    nodes.extend(objects.casts.iter().map(Node::Cast));
    nodes.extend(objects.collations.iter().map(Node::Collation));
    nodes.extend(schema.types.iter().map(Node::Type));
    nodes.extend(objects.dictionaries.iter().map(Node::Dictionary));
    nodes.extend(objects.configurations.iter().map(Node::Configuration));
    nodes.extend(schema.sequences.iter().map(Node::Sequence));
    nodes.extend(objects.routines.iter().map(Node::Routine));
    nodes.extend(objects.operators.iter().map(Node::Operator));
    nodes.extend(classes.families.iter().map(Node::Family));
    nodes.extend(classes.classes.iter().map(Node::Class));
    nodes.extend(classes.conversions.iter().map(Node::Conversion));
    nodes.extend(schema.tables.iter().map(Node::Table));
    nodes.extend(schema.views.iter().map(Node::View));
    let made_first = nodes.len();
    for table in &schema.tables {
        let keys = table.constraints.iter().filter(|k| matches!(k.kind.as_str(), "p" | "u" | "x"));
        nodes.extend(keys.map(|k| Node::Key(table, k)));
    }
    let known: Vec<(Address, Node)> = nodes.into_iter().map(|n| (n.address(), n)).collect();
    let mut graph = Graph::of(&known, &schema.edges);
    let mut later = HashSet::new();
    while let Some(cycle) = graph.cycle() {
        let Some((from, part)) = graph.weakest(&cycle, &known) else {
            graph.targets[cycle[0].0].retain(|edge| edge.to != cycle[0].1);
            continue;
        };
        later.insert((known[from].0, part.clone()));
        graph.without(from, &part);
    }
    let mut done = vec![false; known.len()];
    let mut sequence = Vec::with_capacity(known.len());
    for place in 0..made_first {
        graph.visit(place, &mut done, &mut sequence);
    }
    let mut order = Order { later, ..Order::default() };
    for place in sequence {
        match known[place].1 {
            Node::Key(_, constraint) => {
                order.early_keys.insert(constraint.oid);
            }
            Node::Table(table) => {
                order.tables.insert(table.oid, order.nodes.len());
            }
            _ => {}
        }
        order.nodes.push(known[place].1);
    }
    order
}

struct Target {
    to: usize,
    part: Option<String>,
}

struct Graph {
    /// Of each place, what it depends on.
    targets: Vec<Vec<Target>>,
}

impl Graph {
    fn of(known: &[(Address, Node)], edges: &[Edge]) -> Self {
        let places: HashMap<Address, usize> =
            known.iter().enumerate().map(|(place, (address, _))| (*address, place)).collect();
        let mut targets: Vec<Vec<Target>> = known.iter().map(|_| Vec::new()).collect();
        for edge in edges {
            if let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) {
                targets[*from].push(Target { to: *to, part: edge.part.clone() });
            }
        }
        let tables: HashMap<&str, usize> = known
            .iter()
            .enumerate()
            .filter_map(|(place, (_, node))| match node {
                Node::Table(table) => Some((table.name.as_str(), place)),
                _ => None,
            })
            .collect();
        for (place, (_, node)) in known.iter().enumerate() {
            let needs: Vec<usize> = match node {
                // Even where the catalog's edge is one of its columns'.
                Node::Key(table, _) => {
                    tables.get(table.name.as_str()).copied().into_iter().collect()
                }
                Node::Table(table) => {
                    let own = table.parents.iter().filter(|p| p.schema == table.schema);
                    own.filter_map(|p| tables.get(p.name.as_str()).copied()).collect()
                }
                _ => continue,
            };
            targets[place].extend(needs.into_iter().map(|to| Target { to, part: None }));
        }
        targets.iter_mut().for_each(|t| t.sort_by_key(|t| t.to));
        Graph { targets }
    }

    fn visit(&self, place: usize, done: &mut [bool], sequence: &mut Vec<usize>) {
        if std::mem::replace(&mut done[place], true) {
            return;
        }
        for target in &self.targets[place] {
            self.visit(target.to, done, sequence);
        }
        sequence.push(place);
    }

    /// The edges of some circle.
    fn cycle(&self) -> Option<Vec<(usize, usize)>> {
        let mut state = vec![0u8; self.targets.len()];
        let mut path = Vec::new();
        (0..self.targets.len()).find_map(|place| self.walk(place, &mut state, &mut path))
    }

    fn walk(
        &self,
        place: usize,
        state: &mut [u8],
        path: &mut Vec<usize>,
    ) -> Option<Vec<(usize, usize)>> {
        match state[place] {
            2 => return None,
            1 => {
                let start = path.iter().position(|p| *p == place)?;
                let circle = &path[start..];
                let next = circle.iter().skip(1).chain(circle.first());
                return Some(circle.iter().copied().zip(next.copied()).collect());
            }
            _ => {}
        }
        state[place] = 1;
        path.push(place);
        for target in &self.targets[place] {
            if let Some(cycle) = self.walk(target.to, state, path) {
                return Some(cycle);
            }
        }
        path.pop();
        state[place] = 2;
        None
    }

    /// What of the circle is easiest made later.
    fn weakest(
        &self,
        cycle: &[(usize, usize)],
        known: &[(Address, Node)],
    ) -> Option<(usize, String)> {
        let parts_of =
            |from: usize, to: usize| self.targets[from].iter().filter(move |t| t.to == to);
        // Later only if nothing else between the two holds them together.
        let only = |from: usize, to: usize, wanted: fn(&str) -> bool| {
            let all = parts_of(from, to).all(|t| t.part.as_deref().is_some_and(wanted));
            parts_of(from, to).find_map(|t| t.part.clone().filter(|_| all)).map(|p| (from, p))
        };
        let small = |(from, to): &(usize, usize)| {
            only(*from, *to, |p| p.starts_with("default ") || p.starts_with("check "))
        };
        let query = |(from, to): &(usize, usize)| match known[*from].1 {
            Node::View(view) if view.kind == "v" => only(*from, *to, |p| p == "query"),
            _ => None,
        };
        let body = |(from, to): &(usize, usize)| only(*from, *to, |p| p == "body");
        cycle
            .iter()
            .find_map(small)
            .or_else(|| cycle.iter().find_map(query))
            .or_else(|| cycle.iter().find_map(body))
    }

    fn without(&mut self, from: usize, part: &str) {
        self.targets[from].retain(|t| t.part.as_deref() != Some(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(edges: &[(u32, u32, Option<&str>, u32, u32)]) -> Schema {
        let table = |oid: u32| Table { oid, name: format!("t{oid}"), ..Table::default() };
        let view = |oid: u32| Table { kind: "v".into(), ..table(oid) };
        let routine = |oid: u32| Routine { oid, ..Routine::default() };
        let mut schema =
            Schema { tables: vec![table(1), table(2)], views: vec![view(3)], ..Schema::default() };
        schema.tables[0].constraints =
            vec![Constraint { oid: 7, kind: "p".into(), ..Constraint::default() }];
        schema.objects.routines =
            vec![routine(5), Routine { atomic: Some("RETURN 1".into()), ..routine(6) }];
        schema.edges = edges
            .iter()
            .map(|(c, o, p, tc, to)| Edge::from((*c, *o, p.map(str::to_string), *tc, *to)))
            .collect();
        schema
    }

    fn names(order: &Order) -> Vec<u32> {
        let name = |node: &Node| match node {
            Node::Table(t) | Node::View(t) => t.oid,
            Node::Routine(r) => r.oid,
            Node::Key(_, k) => k.oid,
            _ => 0,
        };
        order.nodes.iter().map(name).collect()
    }

    #[test]
    fn each_comes_after_what_it_depends_on() {
        for (edges, expected) in [
            (vec![], vec![5, 6, 1, 2, 3]),
            (vec![(PG_CLASS, 1, None, PG_CLASS, 2)], vec![5, 6, 2, 1, 3]),
            (
                vec![(PG_PROC, 5, None, PG_CLASS, 3), (PG_CLASS, 3, Some("query"), PG_CLASS, 2)],
                vec![2, 3, 5, 6, 1],
            ),
            // A view that groups by a primary key needs the key itself.
            (vec![(PG_CLASS, 3, Some("query"), PG_CONSTRAINT, 7)], vec![5, 6, 1, 2, 7, 3]),
        ] {
            let schema = schema(&edges);
            let order = order(&schema);
            assert_eq!(names(&order), expected, "{edges:?}");
            assert!(order.later.is_empty());
        }
    }

    #[test]
    fn a_circle_is_broken_where_a_part_can_be_made_later() {
        let takes_rows = (PG_PROC, 5, None, PG_CLASS, 1);
        for (edges, part) in [
            (
                vec![takes_rows, (PG_CLASS, 1, Some("check ok"), PG_PROC, 5)],
                ((PG_CLASS, 1), "check ok"),
            ),
            (
                vec![takes_rows, (PG_CLASS, 1, Some("default n"), PG_PROC, 5)],
                ((PG_CLASS, 1), "default n"),
            ),
            (
                vec![(PG_PROC, 5, None, PG_CLASS, 3), (PG_CLASS, 3, Some("query"), PG_PROC, 5)],
                ((PG_CLASS, 3), "query"),
            ),
            (
                vec![(PG_PROC, 6, Some("body"), PG_CLASS, 1), (PG_CLASS, 1, None, PG_PROC, 6)],
                ((PG_PROC, 6), "body"),
            ),
            // Those that ask themselves.
            (vec![(PG_PROC, 6, Some("body"), PG_PROC, 6)], ((PG_PROC, 6), "body")),
            (vec![(PG_CLASS, 3, Some("query"), PG_CLASS, 3)], ((PG_CLASS, 3), "query")),
        ] {
            let schema = schema(&edges);
            let order = order(&schema);
            assert!(order.is_later(part.0, part.1), "{part:?} {:?}", order.later);
            assert_eq!(order.later.len(), 1);
        }
    }

    #[test]
    fn a_function_without_its_body_still_comes_after_its_types() {
        let edges = [
            (PG_PROC, 6, None, PG_CLASS, 1),
            (PG_PROC, 6, Some("body"), PG_CLASS, 3),
            (PG_CLASS, 3, None, PG_PROC, 6),
        ];
        let schema = schema(&edges);
        let order = order(&schema);
        assert!(order.is_later((PG_PROC, 6), "body"));
        let place = |address| order.nodes.iter().position(|n| n.address() == address);
        assert!(place((PG_CLASS, 1)) < place((PG_PROC, 6)));
        assert!(place((PG_PROC, 6)) < place((PG_CLASS, 3)));
    }

    #[test]
    fn a_cast_is_there_before_whatever_may_use_it() {
        let cast = Cast {
            oid: 9,
            identity: "(a AS b)".into(),
            context: "i".into(),
            method: "f".into(),
            function: None,
            arguments: None,
        };
        let mut schema = schema(&[(PG_PROC, 5, None, PG_CLASS, 3), (PG_CAST, 9, None, PG_PROC, 6)]);
        schema.objects.casts = vec![cast];
        let order = order(&schema);
        let place = |address| order.nodes.iter().position(|n| n.address() == address);
        assert!(place((PG_PROC, 6)) < place((PG_CAST, 9)));
        assert!(place((PG_CAST, 9)) < place((PG_CLASS, 3)));
    }
}
