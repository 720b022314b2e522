//! What a tenant's schema lacks, has too much, or has otherwise than its template, and the steps that mend
//! each. Pure.

use super::names::{taken, Taken};
use super::objects::Objects;
use super::{
    again, columns, hanging, keys, privileges, protection, role, sequences, tables, types,
};
use crate::catalog::{parts, split_names, Part, PartKind, Schema, Table};
use crate::pg::ident::{qualified, quote};
use crate::plan::Step;
use std::collections::{BTreeMap, BTreeSet};

/// When a step runs among those of all differences: what hangs on something goes before it and comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Triggers, policies and foreign keys that go, for good or to come again.
    Release,
    /// Other constraints and indexes that go.
    Unkey,
    /// Views, functions and the like that go and come again, in this order.
    Unmake(usize),
    Types,
    Sequences,
    Tables,
    Columns,
    /// One of those, at its place among what the template has.
    Make(usize),
    Keys,
    Indexes,
    /// A partition brings its keys and indexes, or it would get others, with other names.
    Attach,
    AttachIndexes,
    ForeignKeys,
    RowSecurity,
    Policies,
    Triggers,
    Settings,
    Grants,
    Owners,
    Registrations,
    /// What the template has not: last made, first dropped.
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    Missing,
    Extra,
    Different,
}

impl Difference {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Difference::Missing => "missing",
            Difference::Extra => "extra",
            Difference::Different => "different",
        }
    }
}

/// One object of the tenant's that is not as in the template.
#[derive(Debug, Clone)]
pub struct Change {
    pub kind: &'static str,
    /// As a person names it, without the schema.
    pub object: String,
    pub difference: Difference,
    pub expected: Option<String>,
    pub actual: Option<String>,
    pub fix: Fix,
    /// Of a view, a function and the like: its key. Its steps depend on what else is done.
    pub remake: Option<String>,
}

/// What mends a difference. No step and no reason: another difference's steps do it.
#[derive(Debug, Clone, Default)]
pub struct Fix {
    pub steps: Vec<(Phase, Step)>,
    /// Whether it drops something, or may lose a part of a value.
    pub destructive: bool,
    /// Why it cannot be mended by a plan.
    pub not_by_plan: Option<&'static str>,
}

impl Fix {
    #[must_use]
    pub fn step(phase: Phase, step: Step) -> Self {
        Fix { steps: vec![(phase, step)], ..Fix::default() }
    }

    #[must_use]
    pub fn by_hand(why: &'static str) -> Self {
        Fix { not_by_plan: Some(why), ..Fix::default() }
    }

    #[must_use]
    pub fn dropping(self) -> Self {
        Fix { destructive: true, ..self }
    }

    /// What a partition has of a partitioned table's can be dropped with that alone.
    pub fn goes_with_its_parent(&mut self, made: Phase) {
        for (_, step) in self.steps.iter_mut().filter(|(phase, _)| *phase == made) {
            step.undo = Some(String::new());
        }
    }

    pub fn push(&mut self, phase: Phase, step: Step) {
        self.steps.push((phase, step));
    }
}

/// The two schemas, and what the differences of one object say about another.
pub struct Pair<'a> {
    pub template: &'a Schema,
    pub tenant: &'a Schema,
    /// The tenant's.
    pub role: Option<&'a str>,
    /// Who will make what is made.
    pub caller: &'a str,
    /// Columns of the tenant's whose type changes.
    pub retyped: BTreeSet<(String, String)>,
    /// Unique keys of the tenant's that are made anew, by table.
    pub rekeyed: BTreeSet<String>,
    /// Functions of the tenant's that are dropped and made again.
    pub remade: BTreeSet<String>,
    /// What has to make way for something of its name.
    pub taken: Vec<Taken>,
}

/// A part, of the template and of the tenant.
#[derive(Clone, Copy)]
pub struct Both<'p> {
    pub expected: Option<&'p Part>,
    pub actual: Option<&'p Part>,
}

impl<'a> Pair<'a> {
    #[must_use]
    pub fn slug(&self) -> &'a str {
        &self.tenant.name
    }

    #[must_use]
    pub fn name(&self, object: &str) -> String {
        qualified(self.slug(), object)
    }

    #[must_use]
    pub fn wanted(&self, table: &str) -> Option<&'a Table> {
        self.template.tables.iter().find(|t| t.name == table)
    }

    #[must_use]
    pub fn had(&self, table: &str) -> Option<&'a Table> {
        self.tenant.tables.iter().find(|t| t.name == table)
    }

    /// A table or a view.
    #[must_use]
    pub fn wanted_any(&self, name: &str) -> Option<&'a Table> {
        self.wanted(name).or_else(|| self.template.views.iter().find(|t| t.name == name))
    }

    #[must_use]
    pub fn had_any(&self, name: &str) -> Option<&'a Table> {
        self.had(name).or_else(|| self.tenant.views.iter().find(|t| t.name == name))
    }

    /// What the object is called by the time when it goes.
    #[must_use]
    pub fn gone<'s>(&'s self, word: &str, name: &'s str) -> &'s str {
        let taken = self.taken.iter().find(|t| t.word == word && t.name == name);
        taken.map_or(name, |t| &t.gone)
    }

    fn fix(&self, both: Both) -> Fix {
        match both.expected.or(both.actual).map(|part| part.kind) {
            Some(PartKind::Type) => types::of_type(self, both),
            Some(PartKind::Sequence) => sequences::of_sequence(self, both),
            Some(PartKind::Table) => tables::of_table(self, both),
            Some(PartKind::RowSecurity) => protection::of_row_security(self, both),
            Some(PartKind::Policy) => protection::of_policy(self, both),
            Some(PartKind::Trigger) => protection::of_trigger(self, both),
            Some(PartKind::Constraint) => keys::of_constraint(self, both),
            Some(PartKind::Index) => keys::of_index(self, both),
            Some(PartKind::Column) => columns::of_column(self, both),
            Some(PartKind::Rule) => hanging::of_rule(self, both),
            Some(PartKind::Statistics) => hanging::of_statistics(self, both),
            Some(PartKind::Comment) => hanging::of_comment(self, both),
            None => Fix::default(),
        }
    }
}

/// Whose schemas they are.
#[derive(Clone, Copy)]
pub struct Roles<'a> {
    pub tenants: Option<&'a str>,
    pub templates: Option<&'a str>,
    pub archived: bool,
}

/// Every difference, what protects rows first.
#[must_use]
pub fn differences<'a>(
    template: &'a Schema,
    tenant: &'a Schema,
    roles: Roles<'a>,
    objects: &'a Objects,
) -> Vec<Change> {
    let (wanted, had) = (parts(template), parts(tenant));
    let mut by_name: BTreeMap<(PartKind, &str, &str), Both> = BTreeMap::new();
    for part in &wanted {
        let key = (part.kind, part.table.as_str(), part.name.as_str());
        by_name.insert(key, Both { expected: Some(part), actual: None });
    }
    for part in &had {
        let key = (part.kind, part.table.as_str(), part.name.as_str());
        let both = by_name.entry(key).or_insert(Both { expected: None, actual: None });
        both.actual = Some(part);
    }
    by_name.retain(|_, both| {
        both.expected.map(|part| &part.definition) != both.actual.map(|part| &part.definition)
    });
    let remade = objects.changes();
    let mut pair = Pair {
        template,
        tenant,
        role: roles.tenants,
        caller: objects.caller(),
        retyped: BTreeSet::new(),
        rekeyed: BTreeSet::new(),
        remade: objects.remade_names(&remade),
        taken: taken(template, tenant),
    };
    pair.retyped = columns::retyped(&pair);
    pair.rekeyed = again::rekeyed(&pair, &by_name.values().copied().collect::<Vec<_>>());
    let mut changes: Vec<Change> = by_name
        .values()
        .filter(|both| is_told(&pair, both))
        .map(|both| change(&pair, *both))
        .collect();
    changes.extend(remade);
    changes.extend(role::on_tables(&pair));
    if roles.templates.is_none() {
        changes.extend(role::on_views(&pair));
    }
    changes.extend(role::on_the_rest(&pair, roles.templates, roles.archived));
    changes.extend(privileges::changes(&pair, roles.templates, roles.archived));
    again::again(&pair, &by_name, &mut changes);
    changes
}

/// What goes with its table is not told by itself.
fn is_told(pair: &Pair, both: &Both) -> bool {
    match (both.expected, both.actual) {
        (None, Some(part)) if !part.table.is_empty() => {
            // A view without its column is another view.
            let column = part.name.strip_prefix("COLUMN ").and_then(split_names);
            let goes = |view: &Table| {
                column.is_some_and(|(_, c)| !view.columns.iter().any(|v| quote(&v.name) == c))
            };
            match pair.wanted_any(&part.table) {
                Some(wanted) if wanted.definition.is_some() => !goes(wanted),
                wanted => wanted.is_some(),
            }
        }
        (None, Some(part)) if part.kind == PartKind::Comment => {
            let here = |schema: &Schema| {
                let owners = &schema.objects.owners;
                owners.iter().any(|o| format!("{} {}", o.on, o.object) == part.name)
            };
            here(pair.template) || !here(pair.tenant)
        }
        _ => true,
    }
}

fn change(pair: &Pair, both: Both) -> Change {
    let (part, difference) = match (both.expected, both.actual) {
        (Some(part), None) => (part, Difference::Missing),
        (None, Some(part)) => (part, Difference::Extra),
        (Some(part), Some(_)) => (part, Difference::Different),
        (None, None) => unreachable!("a part is of one of the two"),
    };
    Change {
        kind: part.kind.word(),
        object: part.object(),
        difference,
        expected: both.expected.map(|part| part.definition.clone()),
        actual: both.actual.map(|part| part.definition.clone()),
        fix: pair.fix(both),
        remake: None,
    }
}
