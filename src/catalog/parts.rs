//! A schema taken apart: every object in it as a line that can be compared with the same object of another
//! schema. Pure. The model was read under a path of exactly its schema, so a name inside is bare, and what
//! differs by the schema's name only is equal.

use super::model::{Column, Constraint, Index, Policy, Trigger};
use super::schema::{Schema, Sequence, Type};
use super::table::Table;
use crate::pg::ident::{literal, qualified, quote};

/// In the order in which differences are shown: what protects rows comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    RowSecurity,
    Policy,
    Trigger,
    Rule,
    Type,
    Sequence,
    Table,
    Column,
    Constraint,
    Index,
    Statistics,
    Comment,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub kind: PartKind,
    /// The table that it is a part of; empty for what is none's.
    pub table: String,
    pub name: String,
    pub definition: String,
}

impl PartKind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PartKind::RowSecurity => "row security",
            PartKind::Policy => "policy",
            PartKind::Trigger => "trigger",
            PartKind::Rule => "rule",
            PartKind::Type => "type",
            PartKind::Sequence => "sequence",
            PartKind::Table => "table",
            PartKind::Column => "column",
            PartKind::Constraint => "constraint",
            PartKind::Index => "index",
            PartKind::Statistics => "statistics",
            PartKind::Comment => "comment",
        }
    }
}

impl Part {
    fn new(kind: PartKind, table: &str, name: &str, definition: String) -> Self {
        Part { kind, table: table.into(), name: name.into(), definition }
    }

    /// The object as a person names it, without its schema.
    #[must_use]
    pub fn object(&self) -> String {
        match self.kind {
            // Its name says what it is on.
            PartKind::Comment => self.name.clone(),
            PartKind::RowSecurity => quote(&self.table),
            _ if self.table.is_empty() => quote(&self.name),
            PartKind::Index | PartKind::Statistics => quote(&self.name),
            _ => qualified(&self.table, &self.name),
        }
    }
}

/// Everything in the schema, in a fixed order.
#[must_use]
pub fn parts(schema: &Schema) -> Vec<Part> {
    let mut parts = Vec::new();
    comment(&mut parts, "", "SCHEMA".into(), &schema.comment);
    for ty in &schema.types {
        // A range goes with the functions that it is made of.
        if ty.range.is_none() {
            parts.push(Part::new(PartKind::Type, "", &ty.name, type_line(ty)));
        }
        let word = if ty.kind == "d" { "DOMAIN" } else { "TYPE" };
        comment(&mut parts, "", format!("{word} {}", quote(&ty.name)), &ty.comment);
    }
    for sequence in &schema.sequences {
        parts.push(Part::new(PartKind::Sequence, "", &sequence.name, sequence_line(sequence)));
        comment(&mut parts, "", format!("SEQUENCE {}", quote(&sequence.name)), &sequence.comment);
    }
    for table in &schema.tables {
        table_parts(&mut parts, table);
    }
    for view in &schema.views {
        view_parts(&mut parts, view);
    }
    for told in &schema.objects.comments {
        let target = format!("{} {}", told.on, told.object);
        comment(&mut parts, "", target, &Some(told.text.clone()));
    }
    parts.sort();
    parts
}

fn table_parts(parts: &mut Vec<Part>, table: &Table) {
    let name = &table.name;
    let on = quote(name);
    parts.push(Part::new(PartKind::Table, "", name, table_line(table)));
    comment(parts, name, format!("TABLE {on}"), &table.comment);
    parts.push(Part::new(PartKind::RowSecurity, name, "", row_security_line(table)));
    for column in &table.columns {
        let line = column_line(table, column);
        parts.push(Part::new(PartKind::Column, name, &column.name, line));
        comment(parts, name, format!("COLUMN {on}.{}", quote(&column.name)), &column.comment);
    }
    for constraint in &table.constraints {
        let line = constraint_line(constraint);
        parts.push(Part::new(PartKind::Constraint, name, &constraint.name, line));
        if !constraint.inherited {
            let target = format!("CONSTRAINT {} ON {on}", quote(&constraint.name));
            comment(parts, name, target, &constraint.comment);
        }
    }
    hanging_parts(parts, table);
    for policy in &table.policies {
        parts.push(Part::new(PartKind::Policy, name, &policy.name, policy_line(policy)));
        comment(parts, name, format!("POLICY {} ON {on}", quote(&policy.name)), &policy.comment);
    }
}

/// What a view has beside its query.
fn view_parts(parts: &mut Vec<Part>, view: &Table) {
    let (name, on) = (&view.name, quote(&view.name));
    let word = if view.kind == "m" { "MATERIALIZED VIEW" } else { "VIEW" };
    comment(parts, name, format!("{word} {on}"), &view.comment);
    for column in &view.columns {
        comment(parts, name, format!("COLUMN {on}.{}", quote(&column.name)), &column.comment);
    }
    hanging_parts(parts, view);
}

fn hanging_parts(parts: &mut Vec<Part>, table: &Table) {
    let (name, on) = (&table.name, quote(&table.name));
    for index in table.indexes.iter().filter(|i| i.is_sound()) {
        if index.constraint.is_none() || index.parent.is_some() || has_settings(index) {
            parts.push(Part::new(PartKind::Index, name, &index.name, index_line(index)));
        }
        comment(parts, name, format!("INDEX {}", quote(&index.name)), &index.comment);
    }
    for trigger in table.triggers.iter().filter(|t| !t.inherited) {
        parts.push(Part::new(PartKind::Trigger, name, &trigger.name, trigger_line(trigger)));
        comment(parts, name, format!("TRIGGER {} ON {on}", quote(&trigger.name)), &trigger.comment);
    }
    for rule in &table.rules {
        let line = format!("{}{}", rule.definition, state(&rule.enabled));
        parts.push(Part::new(PartKind::Rule, name, &rule.name, line));
    }
    for statistics in table.extended_statistics.iter().filter(|s| s.schema == table.schema) {
        // In whatever order the table has them.
        let mut columns = listed(&statistics.columns);
        columns.sort_unstable();
        let mut line = format!("({}) ON {}", statistics.kinds.join(", "), columns.join(", "));
        line += &statistics.target.map(|n| format!(" STATISTICS {n}")).unwrap_or_default();
        parts.push(Part::new(PartKind::Statistics, name, &statistics.name, line));
    }
}

/// What commas part, outside of parentheses and quotes.
fn listed(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts
}

/// `on` is empty for what is no table's.
fn comment(parts: &mut Vec<Part>, on: &str, target: String, text: &Option<String>) {
    if let Some(text) = text {
        parts.push(Part::new(PartKind::Comment, on, &target, text.clone()));
    }
}

fn row_security_line(table: &Table) -> String {
    let enabled = if table.row_security { "enabled" } else { "disabled" };
    let forced = if table.force_row_security { ", forced" } else { "" };
    format!("{enabled}{forced}")
}

fn has_settings(index: &Index) -> bool {
    index.clustered || index.replica_identity
}

fn type_line(ty: &Type) -> String {
    match ty.kind.as_str() {
        "d" => {
            let mut line = format!("domain over {}", ty.base.as_deref().unwrap_or_default());
            line += &with(" COLLATE ", &ty.collation);
            line += &with(" DEFAULT ", &ty.default);
            if ty.not_null {
                line += " NOT NULL";
            }
            for constraint in &ty.constraints {
                line +=
                    &format!(" CONSTRAINT {} {}", quote(&constraint.name), constraint.definition);
            }
            line
        }
        "c" => {
            let attributes: Vec<String> = ty
                .attributes
                .iter()
                .map(|a| {
                    format!("{} {}{}", quote(&a.name), a.r#type, with(" COLLATE ", &a.collation))
                })
                .collect();
            format!("({})", attributes.join(", "))
        }
        "r" => format!(
            "range over {}",
            ty.range.as_ref().map(|r| r.subtype.as_str()).unwrap_or_default()
        ),
        _ => {
            let labels: Vec<String> = ty.labels.iter().map(|l| literal(l)).collect();
            format!("enum ({})", labels.join(", "))
        }
    }
}

fn sequence_line(s: &Sequence) -> String {
    let owner = s.owned_by.as_ref().map_or("nobody".into(), |o| {
        let how = if o.identity { "identity of " } else { "" };
        format!("{how}{}", qualified(&o.table, &o.column))
    });
    format!(
        "{} start {} by {} from {} to {} cache {}{}{}, owned by {owner}",
        s.r#type,
        s.start,
        s.increment,
        s.min,
        s.max,
        s.cache,
        if s.cycle { " cycle" } else { "" },
        if s.persistence == "u" { " unlogged" } else { "" },
    )
}

fn table_line(table: &Table) -> String {
    let own = |schema: &str, name: &str| {
        if schema == table.schema {
            quote(name)
        } else {
            qualified(schema, name)
        }
    };
    let parents: Vec<String> = table.parents.iter().map(|p| own(&p.schema, &p.name)).collect();
    let mut line = String::from(if table.persistence == "u" { "unlogged table" } else { "table" });
    line += &with(" PARTITION BY ", &table.partition_key);
    match &table.partition_bound {
        Some(bound) => line += &format!(" PARTITION OF {} {bound}", parents.join(", ")),
        None if parents.is_empty() => {}
        None => line += &format!(" INHERITS ({})", parents.join(", ")),
    }
    line += &with(" USING ", &table.access_method);
    line += &list(" WITH ", &table.options);
    line += &list(" TOAST ", &table.toast_options);
    line += &with(" TABLESPACE ", &table.tablespace);
    match table.replica_identity.as_str() {
        "n" => line += " REPLICA IDENTITY NOTHING",
        "f" => line += " REPLICA IDENTITY FULL",
        _ => {}
    }
    line
}

fn column_line(table: &Table, column: &Column) -> String {
    let mut line = column.r#type.clone();
    line += &with(" COLLATE ", &column.collation);
    if column.not_null {
        let constraint = column.not_null_constraint.as_ref();
        if let Some(constraint) = constraint {
            line += &format!(" CONSTRAINT {}", quote(&constraint.name));
        }
        line += " NOT NULL";
        if constraint.is_some_and(|k| k.no_inherit) {
            line += " NO INHERIT";
        }
    }
    match (column.generated.as_str(), column.identity.as_str(), &column.default) {
        ("s", _, Some(expression)) => {
            line += &format!(" GENERATED ALWAYS AS ({expression}) STORED")
        }
        ("v", _, Some(expression)) => line += &format!(" GENERATED ALWAYS AS ({expression})"),
        // From version 17 on a partition has its parent's.
        (_, "a" | "d", _) if table.is_partition => {}
        (_, "a", _) => line += " GENERATED ALWAYS AS IDENTITY",
        (_, "d", _) => line += " GENERATED BY DEFAULT AS IDENTITY",
        (_, _, Some(default)) => line += &format!(" DEFAULT {default}"),
        _ => {}
    }
    line += &with(" STORAGE ", &column.storage);
    line += &with(" COMPRESSION ", &column.compression);
    line += &column.statistics.map(|n| format!(" STATISTICS {n}")).unwrap_or_default();
    line + &list(" ", &column.options)
}

fn constraint_line(constraint: &Constraint) -> String {
    constraint.definition.clone()
}

fn index_line(index: &Index) -> String {
    let mut line = index.definition.clone();
    if let Some(parent) = &index.parent {
        line += &format!(", part of {}", quote(&parent.name));
    }
    if index.clustered {
        line += ", clustered";
    }
    if index.replica_identity {
        line += ", replica identity";
    }
    line
}

fn policy_line(policy: &Policy) -> String {
    let roles: Vec<String> = policy.roles.iter().map(|r| quote(r)).collect();
    let roles = if roles.is_empty() { "PUBLIC".into() } else { roles.join(", ") };
    format!(
        "{} FOR {} TO {roles}{}{}",
        if policy.permissive { "PERMISSIVE" } else { "RESTRICTIVE" },
        policy.command,
        with(" USING ", &policy.using),
        with(" WITH CHECK ", &policy.check)
    )
}

fn trigger_line(trigger: &Trigger) -> String {
    format!("{}{}", trigger.definition, state(&trigger.enabled))
}

fn state(enabled: &str) -> &'static str {
    match enabled {
        "D" => ", disabled",
        "A" => ", always",
        "R" => ", on replicas",
        _ => "",
    }
}

fn with(word: &str, value: &Option<String>) -> String {
    value.as_ref().map(|v| format!("{word}{v}")).unwrap_or_default()
}

fn list(word: &str, values: &[String]) -> String {
    if values.is_empty() {
        return String::new();
    }
    format!("{word}({})", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_comma_in_quotes_or_parentheses_parts_nothing() {
        assert_eq!(listed("b, \"a, (\", (f(a, ',)'))"), ["b", "\"a, (\"", "(f(a, ',)'))"]);
        assert_eq!(listed("a"), ["a"]);
    }
}
