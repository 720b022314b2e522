//! What mends sequences, and what keeps their place. Pure.

use super::diff::{Both, Fix, Pair, Phase};
use super::making::closed;
use super::privileges;
use crate::catalog::{Column, Sequence, Table};
use crate::pg::ident::{literal, quote};
use crate::plan::{Kind, Object, Step};
use crate::tenant::create::{create_sequence, sequence_options};

/// What a sequence is called while another one takes its name.
const FORMER: &str = "tenant_guard_former_sequence";

pub fn of_sequence(pair: &Pair, both: Both) -> Fix {
    let find =
        |sequences: &[Sequence], name: &str| sequences.iter().find(|s| s.name == name).cloned();
    let wanted = both.expected.and_then(|part| find(&pair.template.sequences, &part.name));
    let had = both.actual.and_then(|part| find(&pair.tenant.sequences, &part.name));
    // One that goes with another table is not the one that is meant.
    let goes = |s: &Sequence| pair.taken.iter().any(|t| t.word == "sequence" && t.name == s.name);
    let had = had.filter(|s| wanted.is_none() || !goes(s));
    match (wanted, had) {
        // Its column makes it, and takes it away.
        (Some(s), None) if is_identity(&s) => {
            let mut fix = Fix::default();
            advanced(pair, &s, &mut fix);
            granted(pair, &s, &mut fix);
            fix
        }
        (None, Some(s)) if is_identity(&s) => Fix::default(),
        (Some(wanted), None) => {
            let name = pair.name(&wanted.name);
            let made = Step::new(
                sequence(pair, &wanted),
                format!("create sequence {}", wanted.name),
                "as in the template, from its start",
                create_sequence(&wanted, pair.slug()),
                format!("DROP SEQUENCE IF EXISTS {name}"),
            );
            let mut fix = Fix::step(Phase::Sequences, made);
            let table = wanted.owned_by.as_ref().map(|owner| &owner.table);
            if let Some(sql) = table.and_then(|table| same_owner(pair, &wanted.name, table)) {
                let action = format!("give sequence {} to its table's owner", wanted.name);
                let why = "it cannot be its column's otherwise";
                let step = Step::part_of_table(sequence(pair, &wanted), action, why, sql);
                fix.push(Phase::Sequences, step);
            }
            owned(pair, &wanted, &mut fix);
            advanced(pair, &wanted, &mut fix);
            for step in closed(pair.tenant, "SEQUENCE", &pair.name(&wanted.name)) {
                fix.push(Phase::Settings, step);
            }
            granted(pair, &wanted, &mut fix);
            fix
        }
        (None, Some(had)) if goes(&had) && had.owned_by.is_some() => Fix::default().dropping(),
        (None, Some(had)) => {
            // With the column that owns it, it is gone already.
            let gone = pair.gone("sequence", &had.name);
            let sql = format!("DROP SEQUENCE IF EXISTS {}", pair.name(gone));
            let dropped = Step::irreversible(
                sequence(pair, &had),
                format!("drop sequence {}", had.name),
                "the template has none of that name",
                sql,
            );
            let mut fix = Fix::step(Phase::Drop, dropped);
            if gone != had.name {
                let sql = format!("ALTER SEQUENCE {} RENAME TO {gone}", pair.name(&had.name));
                let action = format!("rename sequence {} until it goes", had.name);
                let why = "the template has its name for something else";
                fix.push(
                    Phase::Release,
                    Step::irreversible(sequence(pair, &had), action, why, sql),
                );
            }
            fix.dropping()
        }
        // Its column makes it anew, at its place.
        (Some(wanted), Some(_)) if is_identity(&wanted) && !was_identity(pair, &wanted) => {
            Fix::default()
        }
        (Some(wanted), Some(had)) => altered(pair, &wanted, &had),
        (None, None) => Fix::default(),
    }
}

fn sequence(pair: &Pair, sequence: &Sequence) -> Object {
    Object::in_schema(Kind::Sequence, pair.slug(), &sequence.name)
}

fn altered(pair: &Pair, wanted: &Sequence, had: &Sequence) -> Fix {
    if wanted.persistence != had.persistence && cfg!(feature = "pg15") {
        return Fix::by_hand("Whether a sequence is logged is its table's.");
    }
    let name = pair.name(&wanted.name);
    let mut fix = Fix::default();
    let options = |s: &Sequence| format!("AS {} {}", s.r#type, sequence_options(s));
    if options(wanted) != options(had) {
        let alter = |s: &Sequence| {
            let cycle = if s.cycle { "" } else { " NO CYCLE" };
            format!("ALTER SEQUENCE {name} {}{cycle}", options(s))
        };
        fix.push(
            Phase::Sequences,
            Step::new(
                sequence(pair, wanted),
                format!("alter sequence {}", wanted.name),
                "as in the template; where it stands is kept",
                alter(wanted),
                alter(had),
            ),
        );
    }
    let owner =
        |s: &Sequence| s.owned_by.as_ref().map(|o| (o.table.clone(), o.column.clone(), o.identity));
    if owner(wanted) != owner(had) {
        owned(pair, wanted, &mut fix);
        let mut back = Fix::default();
        owned(pair, had, &mut back);
        if let (Some((_, step)), Some((_, back))) = (fix.steps.last_mut(), back.steps.last()) {
            step.undo = Some(back.sql.clone());
        }
    }
    fix
}

/// A sequence and the table of its column have to have one owner, whoever makes the one for the other.
fn same_owner(pair: &Pair, sequence: &str, table: &str) -> Option<String> {
    let owner = &pair.had(table).filter(|t| t.owner != pair.caller)?.owner;
    Some(format!("ALTER SEQUENCE {} OWNER TO {}", pair.name(sequence), quote(owner)))
}

fn owned(pair: &Pair, wanted: &Sequence, fix: &mut Fix) {
    let (to, why) = match &wanted.owned_by {
        Some(owner) if !owner.identity => (
            format!("{}.{}", pair.name(&owner.table), quote(&owner.column)),
            "it goes when the column goes",
        ),
        Some(_) => return,
        None => ("NONE".into(), "as in the template"),
    };
    let sql = format!("ALTER SEQUENCE {} OWNED BY {to}", pair.name(&wanted.name));
    let action = format!("give sequence {} to its column", wanted.name);
    fix.push(Phase::Settings, Step::part_of_table(sequence(pair, wanted), action, why, sql));
}

/// One that is made new; those that are there have theirs.
fn granted(pair: &Pair, wanted: &Sequence, fix: &mut Fix) {
    let Some(role) = pair.role.filter(|role| *role != pair.tenant.owner) else { return };
    let (name, role) = (pair.name(&wanted.name), quote(role));
    let step = Step::part_of_table(
        Object::table(Kind::TableGrants, pair.slug(), &wanted.name),
        format!("grant sequence {} to the tenant's role", wanted.name),
        "column defaults draw from it",
        format!("GRANT USAGE, SELECT ON SEQUENCE {name} TO {role}"),
    );
    fix.push(Phase::Grants, step);
}

fn is_identity(sequence: &Sequence) -> bool {
    sequence.owned_by.as_ref().is_some_and(|owner| owner.identity)
}

fn was_identity(pair: &Pair, sequence: &Sequence) -> bool {
    pair.tenant.sequences.iter().any(|s| s.name == sequence.name && is_identity(s))
}

/// One that is made for a column that has values already goes on after them.
fn advanced(pair: &Pair, wanted: &Sequence, fix: &mut Fix) {
    let Some(owner) = &wanted.owned_by else { return };
    let (Some(table), Some(had)) = (pair.wanted(&owner.table), pair.had(&owner.table)) else {
        return;
    };
    if had.column(&owner.column).is_none() {
        return;
    }
    let name = pair.name(&owner.table);
    let (last, first, bound) = match wanted.increment < 0 {
        true => (
            "min",
            format!("int8le(found.last, {})", wanted.start),
            format!("int8ge(found.last, {})", wanted.min),
        ),
        false => (
            "max",
            format!("int8ge(found.last, {})", wanted.start),
            format!("int8le(found.last, {})", wanted.max),
        ),
    };
    let mut push = |sql: String| {
        let action = format!("advance sequence {}", wanted.name);
        let why = "its column has values already, and none is to come twice";
        fix.push(Phase::Settings, Step::part_of_table(sequence(pair, wanted), action, why, sql));
    };
    // The owner too sees only what policies show, where they are forced.
    let forced = |word: &str| format!("ALTER TABLE ONLY {name} {word} ROW LEVEL SECURITY");
    if table.force_row_security {
        push(forced("NO FORCE"));
    }
    push(format!(
        "SELECT pg_catalog.setval({}, found.last) FROM (SELECT pg_catalog.{last}({})::pg_catalog.int8 AS last FROM {name}) found WHERE pg_catalog.{first} AND pg_catalog.{bound}",
        literal(&pair.name(&wanted.name)),
        quote(&owner.column),
    ));
    if table.force_row_security {
        push(forced("FORCE"));
    }
}

/// The statements around `ADD GENERATED` and `DROP IDENTITY` where a sequence of the same name is and stays, though
/// not the same one: a serial column becomes an identity column, or the other way round. It goes on where it was.
pub struct Handed<'a> {
    sequence: &'a Sequence,
    to_identity: bool,
}

impl<'a> Handed<'a> {
    #[must_use]
    pub fn new(pair: &Pair<'a>, table: &Table, column: &Column) -> Option<Self> {
        let of_column = |s: &&Sequence| {
            s.owned_by
                .as_ref()
                .is_some_and(|o| o.identity && o.table == table.name && o.column == column.name)
        };
        let (template, tenant) = (&pair.template.sequences, &pair.tenant.sequences);
        let to_identity = !column.identity.is_empty();
        let (from, to) = if to_identity { (template, tenant) } else { (tenant, template) };
        let identity = from.iter().find(of_column)?;
        let other = to.iter().find(|s| s.name == identity.name && !is_identity(s))?;
        Some(Handed { sequence: if to_identity { identity } else { other }, to_identity })
    }

    fn keep(&self, pair: &Pair, to: &str, from: &str) -> String {
        format!(
            "SELECT pg_catalog.setval({}, s.last_value, s.is_called) FROM {} s",
            literal(&pair.name(to)),
            pair.name(from)
        )
    }

    fn rename(&self, pair: &Pair, from: &str, to: &str) -> String {
        format!("ALTER SEQUENCE {} RENAME TO {}", pair.name(from), quote(to))
    }

    #[must_use]
    pub fn before(&self, pair: &Pair) -> Vec<String> {
        let name = &self.sequence.name;
        if self.to_identity {
            return vec![self.rename(pair, name, FORMER)];
        }
        let new = Sequence { name: FORMER.into(), ..self.sequence.clone() };
        let mut all = vec![create_sequence(&new, pair.slug()), self.keep(pair, FORMER, name)];
        all.extend(
            self.sequence.owned_by.as_ref().and_then(|o| same_owner(pair, FORMER, &o.table)),
        );
        all
    }

    #[must_use]
    pub fn after(&self, pair: &Pair) -> Vec<String> {
        let name = &self.sequence.name;
        if self.to_identity {
            return vec![
                self.keep(pair, name, FORMER),
                format!("DROP SEQUENCE {}", pair.name(FORMER)),
            ];
        }
        vec![self.rename(pair, FORMER, name)]
    }

    /// What hung on the one that is gone.
    pub fn hang(&self, pair: &Pair, fix: &mut Fix) {
        let quoted = quote(&self.sequence.name);
        let objects = &pair.tenant.objects;
        for step in closed(pair.tenant, "SEQUENCE", &pair.name(&self.sequence.name)) {
            fix.push(Phase::Settings, step);
        }
        let on = |p: &&crate::catalog::ItsPrivilege| p.on == "SEQUENCE" && p.object == quoted;
        for privilege in objects.privileges.iter().filter(on).filter(|p| !p.to_owner) {
            for step in privileges::statements(pair, privilege) {
                fix.push(Phase::Settings, step);
            }
        }
        let comment = |all: &[Sequence]| {
            all.iter().find(|s| s.name == self.sequence.name).and_then(|s| s.comment.clone())
        };
        let (wanted, had) = (comment(&pair.template.sequences), comment(&pair.tenant.sequences));
        // Another one is a difference of its own.
        if let Some(comment) = wanted.clone().filter(|_| wanted == had) {
            let name = pair.name(&self.sequence.name);
            let sql = format!("COMMENT ON SEQUENCE {name} IS {}", literal(&comment));
            let object = sequence(pair, self.sequence);
            let step = Step::part_of_table(object, "comment on the sequence", "as it was", sql);
            fix.push(Phase::Settings, step);
        }
    }
}
