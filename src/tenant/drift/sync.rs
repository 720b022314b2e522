//! The plan that makes a tenant's schema as its template is.

use super::diff::{Change, Difference, Phase};
use super::names::{self, Taken};
use super::objects::Objects;
use super::{found, read, Read};
use crate::catalog::Schema;
use crate::error::{Error, Result};
use crate::pg::ident::{literal, qualified, quote};
use crate::pg::{guc, relation, user};
use crate::plan::{self, Check, Finding, Kind, Object, Plan, Rows, Severity, Step};
use crate::tenant::life::{amendment, ledger};
use crate::tenant::order::{self, Node, Order};
use crate::tenant::registry::Entry;
use crate::tenant::session;

pub fn sync(slug: &str, allow_destructive: bool, trusted: bool, dry_run: bool) -> Result<Rows> {
    if !dry_run {
        relation::lock_name("tenant_schema", slug);
    }
    let entry = found(slug)?;
    let read = read(&entry)?;
    if !trusted {
        read.refuse_foreign()?;
    }
    let _known = ledger::known(&read.template.name, ledger::fingerprint(&read.template));
    let plan = plan(&read, &entry, allow_destructive, &guc::setting(c"search_path"))?;
    plan::run(plan, dry_run)
}

/// What is to be done, and what is left.
fn plan(read: &Read, entry: &Entry, allow_destructive: bool, callers_path: &str) -> Result<Plan> {
    let objects = read.objects();
    let taken = names::taken(&read.template, &read.tenant);
    if !allow_destructive && !taken.is_empty() {
        let objects = taken.iter().map(Taken::describe).collect();
        return Err(Error::NamesTaken { slug: entry.slug.clone(), objects });
    }
    let mut changes = read.changes(entry, &objects)?;
    let (mut by_hand, mut destructive, mut later) = (Vec::new(), Vec::new(), Vec::new());
    changes.retain(|change| {
        if change.fix.not_by_plan.is_some() {
            by_hand.push(change.clone());
        } else if change.fix.destructive && !allow_destructive {
            destructive.push(change.clone());
        } else {
            return true;
        }
        false
    });
    let left: Vec<Change> = by_hand.iter().chain(&destructive).cloned().collect();
    let waiting = objects.on_what_is_left(&left);
    changes.retain(|change| {
        let waits = change.difference != Difference::Extra
            && change.remake.as_ref().is_some_and(|key| waiting.contains(key));
        if waits {
            let mut change = change.clone();
            change.fix.not_by_plan = Some("It stands on what is left as it is.");
            by_hand.push(change);
        }
        !waits
    });
    let labels = new_labels(&changes);
    if changes.iter().any(|c| c.kind != "type" && uses(c, &labels)) {
        changes.retain(|change| {
            let now = change.kind == "type" && !uses(change, &labels);
            if !now {
                later.push(change.clone());
            }
            now
        });
    }
    let mut plan = Plan::new("sync_tenant_schema", &entry.slug);
    tell(&mut plan, entry, &by_hand, &destructive, &later);
    let mut steps: Vec<(Phase, Step)> = changes.iter().flat_map(|c| c.fix.steps.clone()).collect();
    steps.extend(objects.steps(&changes));
    owners(&mut steps, &changes, read);
    order(&mut steps, read);
    if !steps.is_empty() {
        let own_path = own_path(&entry.slug, &read.template);
        let (ours, callers) = session::set(&session::in_the_way());
        plan.push(path(&entry.slug, (&own_path, &ours), (callers_path, &callers)));
        plan.steps.extend(steps.into_iter().map(|(_, step)| step));
        plan.push(path(&entry.slug, (callers_path, &callers), (&own_path, &ours)));
    }
    let left: Vec<String> = by_hand
        .iter()
        .chain(&destructive)
        .chain(&later)
        .map(|c| format!("{} {}", c.kind, c.object))
        .collect();
    if left.is_empty() {
        let version = ledger::current(&read.template)?;
        if entry.template_version != Some(version) {
            plan.push(amendment::step(
                entry,
                "register the template's version",
                "tenant_schemas shows which version a tenant has",
                &[("version", serde_json::json!(version))],
            ));
        }
    }
    if !plan.steps.is_empty() {
        plan.checks.push(Check {
            sql: include_str!("still_drifts.sql"),
            args: vec![entry.slug.clone(), serde_json::to_string(&left)?],
            refuse: |args, objects| Error::StillDrifts { slug: args[0].clone(), objects },
        });
    }
    Ok(plan)
}

/// What is made new belongs to whoever the schema belongs to, whoever makes it.
fn owners(steps: &mut Vec<(Phase, Step)>, changes: &[Change], read: &Read) {
    let owner = &read.tenant.owner;
    if *owner == user::current() {
        return;
    }
    for change in changes.iter().filter(|c| c.difference == Difference::Missing) {
        let Some((_, made)) = change.fix.steps.first() else { continue };
        let object = &made.object;
        let name = if object.table.is_empty() { &object.name } else { &object.table };
        let word = match (change.kind, object.kind) {
            ("table", _) => "TABLE",
            ("type", _) => "TYPE",
            // One that a column owns is its table's owner's.
            ("sequence", _)
                if !read
                    .template
                    .sequences
                    .iter()
                    .any(|s| s.name == *name && s.owned_by.is_some()) =>
            {
                "SEQUENCE"
            }
            _ => continue,
        };
        let sql = format!(
            "ALTER {word} {} OWNER TO {}",
            qualified(&read.tenant.name, name),
            quote(owner)
        );
        let action = format!("give {} {name} to {owner}", word.to_lowercase());
        let why = "everything in the schema is its owner's";
        steps.push((Phase::Owners, Step::part_of_table(object.clone(), action, why, sql)));
    }
}

/// The path under which a tenant's text was read: an extension's objects that lie in the template are shared.
fn own_path(slug: &str, template: &Schema) -> String {
    let shared = match template.objects.has_extension {
        true => format!(", {}", quote(&template.name)),
        false => String::new(),
    };
    format!("{}{shared}, pg_catalog, pg_temp", quote(slug))
}

fn path(slug: &str, path: (&str, &str), back: (&str, &str)) -> Step {
    let set = |(path, others): (&str, &str)| {
        format!("SELECT pg_catalog.set_config('search_path', {}, false){others}", literal(path))
    };
    let why = "bare names mean the tenant's own objects in between";
    Step::new(Object::schema(Kind::Path, slug), "set the search path", why, set(path), set(back))
}

/// Phase by phase. What is made and altered comes in the order of the template's parts, columns in the order
/// of their table's; what is dropped goes in the opposite order of the tenant's.
fn order(steps: &mut [(Phase, Step)], read: &Read) {
    let (wanted, had) = (order::order(&read.template), order::order(&read.tenant));
    let key = |(phase, step): &(Phase, Step)| {
        let made = (7, Phase::Types); // all of them are one phase
        let place = place(&wanted, step);
        match *phase {
            Phase::Make(at) => (made, at, 1, None),
            Phase::Keys if is_early(&wanted, step) => (made, place, 1, None),
            Phase::Types | Phase::Sequences | Phase::Tables | Phase::Columns => {
                (made, place, 0, column(&read.template, step))
            }
            Phase::Keys | Phase::Attach => ((9, *phase), place, 0, None),
            Phase::Drop => ((9, *phase), usize::MAX - self::place(&had, step), 0, None),
            Phase::Release | Phase::Unkey | Phase::Unmake(_) => ((5, *phase), 0, 0, None),
            _ => ((9, *phase), 0, 0, None),
        }
    };
    steps.sort_by_key(key);
}

/// At which place in the order a step's object is.
fn place(order: &Order, step: &Step) -> usize {
    let object = &step.object;
    let relation = if object.table.is_empty() { &object.name } else { &object.table };
    let is_it = |node: &Node| match (object.kind, node) {
        (Kind::Type, Node::Type(t)) => t.name == object.name,
        (Kind::Routine, Node::Routine(r)) => r.name == object.name,
        (Kind::Sequence, Node::Sequence(s)) => s.name == object.name,
        (Kind::SchemaObject, Node::Operator(o)) => o.identity == object.name,
        (Kind::SchemaObject, Node::Cast(o)) => o.identity == object.name,
        (Kind::SchemaObject, Node::Collation(o)) => quote(&o.name) == object.name,
        (Kind::SchemaObject, Node::Dictionary(o)) => quote(&o.name) == object.name,
        (Kind::SchemaObject, Node::Configuration(o)) => quote(&o.name) == object.name,
        (_, Node::Table(t) | Node::View(t)) => t.name == *relation && !object.table.is_empty(),
        _ => false,
    };
    let nodes = &order.nodes;
    let early = nodes.iter().position(|node| is_key(node, step));
    early.or_else(|| nodes.iter().position(is_it)).unwrap_or(nodes.len())
}

/// A key that something else needs.
fn is_early(order: &Order, step: &Step) -> bool {
    order.nodes.iter().any(|node| is_key(node, step))
}

fn is_key(node: &Node, step: &Step) -> bool {
    let object = &step.object;
    object.kind == Kind::Constraint
        && matches!(node, Node::Key(t, k) if t.name == object.table && k.name == object.name)
}

fn column(template: &Schema, step: &Step) -> Option<usize> {
    let table = template.tables.iter().find(|t| t.name == step.object.table)?;
    table.columns.iter().position(|column| column.name == step.object.name)
}

fn new_labels(changes: &[Change]) -> Vec<String> {
    let steps = changes.iter().flat_map(|c| &c.fix.steps);
    let added = steps.filter_map(|(_, step)| step.sql.split_once(" ADD VALUE "));
    added
        .filter_map(|(_, rest)| rest.split_once(" AFTER ").or(rest.split_once(" BEFORE ")))
        .map(|(label, _)| label.to_string())
        .collect()
}

fn uses(change: &Change, labels: &[String]) -> bool {
    let adds = |sql: &str| sql.contains(" ADD VALUE ");
    let text = change.expected.as_ref().filter(|_| change.remake.is_some());
    if text.is_some_and(|text| labels.iter().any(|l| text.contains(l.as_str()))) {
        return true;
    }
    change
        .fix
        .steps
        .iter()
        .any(|(_, step)| !adds(&step.sql) && labels.iter().any(|l| step.sql.contains(l.as_str())))
}

fn tell(
    plan: &mut Plan,
    entry: &Entry,
    by_hand: &[Change],
    destructive: &[Change],
    later: &[Change],
) {
    let named = |changes: &[Change], with: fn(&Change) -> String| {
        changes
            .iter()
            .map(|c| format!("{} {}{}", c.kind, c.object, with(c)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut warn = |message: String, detail: String, hint: String| {
        plan.findings.push(Finding {
            severity: Severity::Warning,
            message,
            detail,
            hint,
            fix: None,
        });
    };
    if !destructive.is_empty() {
        warn(
            format!("tenant schema {} keeps what it has beside its template", entry.slug),
            format!(
                "Left as it is: {}.",
                named(destructive, |c| format!(" ({})", c.difference.word()))
            ),
            format!(
                "Where its rows may go: sync_tenant_schema('{}', allow_destructive => true).",
                entry.slug
            ),
        );
    }
    if !by_hand.is_empty() {
        let why = |c: &Change| c.fix.not_by_plan.map(|why| format!(": {why}")).unwrap_or_default();
        warn(
            format!("not all of tenant schema {} can be made as in its template", entry.slug),
            named(by_hand, why),
            "Change it by hand, then sync again.".into(),
        );
    }
    if !later.is_empty() {
        warn(
            format!("new labels come first in tenant schema {}", entry.slug),
            format!("A label can be used when it is committed; these use one, or come with what does: {}.", named(later, |_| String::new())),
            format!("Commit, then call sync_tenant_schema('{}') again.", entry.slug),
        );
    }
}

/// The statements of one difference, as they can be pasted. None where there are none.
#[must_use]
pub fn script(slug: &str, template: &Schema, change: &Change, objects: &Objects) -> Option<String> {
    let mut steps = change.fix.steps.clone();
    if change.fix.not_by_plan.is_none() {
        steps.extend(objects.steps(std::slice::from_ref(change)));
    }
    if steps.is_empty() {
        return None;
    }
    steps.sort_by_key(|(phase, _)| *phase);
    let statements: Vec<String> = steps.iter().map(|(_, step)| format!("{};", step.sql)).collect();
    let path = literal(&own_path(slug, template));
    Some(format!(
        "SELECT pg_catalog.set_config('search_path', {path}, true);\n{}",
        statements.join("\n")
    ))
}
