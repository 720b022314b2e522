//! The template's rows and the state of its sequences, copied set-wise. Pure.

use super::clone::{Clone, Data};
use crate::catalog::{Cast, Column, Table};
use crate::pg::ident::{literal, qualified, quote};
use crate::plan::{Kind, Object, Step};

impl Clone<'_> {
    /// Before keys, indexes, foreign keys and triggers: what is built at once is built faster, and in no
    /// order of rows does a key miss its row.
    pub(super) fn data(&mut self, tables: &[&Table]) {
        let chosen: Vec<&Table> = tables
            .iter()
            .copied()
            .filter(|t| t.kind == "r" && (self.target.data.has(&t.name) || self.above(t)))
            .collect();
        if let Some((last, others)) = chosen.split_last() {
            let names: Vec<String> = chosen
                .iter()
                .map(|t| format!("ONLY {}", qualified(&self.template.name, &t.name)))
                .collect();
            let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
            let object = Object::schema(Kind::Data, self.slug());
            let why = "nobody alters or empties them now; whoever writes to them goes on";
            self.part(object, "hold the template's tables".into(), why, sql);
            let action = match others.len() {
                0 => format!("copy the rows of table {}", last.name),
                n => format!("copy the rows of {} tables", n + 1),
            };
            self.plan.push(Step::irreversible(
                Object::schema(Kind::Data, self.slug()),
                action,
                "with_data asked for them; one statement sees the rows of one moment",
                copy_all(others, last, &self.template.name, self.slug(), self.through()),
            ));
        }
        if self.target.data == Data::None {
            return;
        }
        for sequence in &self.template.sequences {
            let wanted = match (&self.target.data, &sequence.owned_by) {
                (Data::All, _) => true,
                (data, Some(owner)) => data.has(&owner.table),
                (_, None) => false,
            };
            if !wanted {
                continue;
            }
            let own = literal(&qualified(self.slug(), &sequence.name));
            let sql = format!(
                "SELECT pg_catalog.setval({own}, s.last_value, s.is_called) FROM {} s",
                qualified(&self.template.name, &sequence.name)
            );
            let object = Object::table(Kind::Data, self.slug(), &sequence.name);
            let why = "the next value is one that no copied row has";
            self.part(object, format!("advance sequence {}", sequence.name), why, sql);
        }
    }

    fn through(&self) -> Through {
        let texts =
            |c: &Cast| c.identity.ends_with(" AS text)") || c.identity.starts_with("(text AS ");
        match self.template.objects.casts.iter().any(|c| c.function.is_some() && texts(c)) {
            true => Through::Output,
            false => Through::Text,
        }
    }

    /// Whether a partitioned table above it was asked for.
    fn above(&self, table: &Table) -> bool {
        let tables = &self.template.tables;
        table.is_partition
            && table.parents.iter().any(|p| {
                self.target.data.has(&p.name)
                    || tables.iter().any(|t| t.name == p.name && self.above(t))
            })
    }

    pub(super) fn refresh(&mut self) {
        for node in &self.order.nodes {
            let super::order::Node::View(view) = node else { continue };
            if view.kind != "m" || !view.populated {
                continue;
            }
            let sql = format!("REFRESH MATERIALIZED VIEW {}", self.name(view));
            let object = Object::table(Kind::View, self.slug(), &view.name);
            self.part(
                object,
                format!("fill materialized view {}", view.name),
                "the template's is filled",
                sql,
            );
        }
    }
}

/// How a value of an own type goes over.
#[derive(Clone, Copy)]
enum Through {
    Text,
    /// A cast of the schema's to or from text would make something else of it: format() writes what the type
    /// writes, and varchar is read by it.
    Output,
}

/// All in one statement: the next one would see what somebody else committed meanwhile.
fn copy_all(
    others: &[&Table],
    last: &Table,
    template: &str,
    slug: &str,
    through: Through,
) -> String {
    let copies: Vec<String> = others
        .iter()
        .enumerate()
        .map(|(i, table)| format!("copy_{} AS ({})", i + 1, copy(table, template, slug, through)))
        .collect();
    let last = copy(last, template, slug, through);
    match copies.is_empty() {
        true => last,
        false => format!("WITH {}\n{last}", copies.join(",\n")),
    }
}

/// A type of the template's is not that of the new schema, however alike: such values go as text.
fn copy(table: &Table, template: &str, slug: &str, through: Through) -> String {
    let columns: Vec<&Column> = table.columns.iter().filter(|c| c.generated.is_empty()).collect();
    let names: Vec<String> = columns.iter().map(|c| quote(&c.name)).collect();
    let values: Vec<String> = columns
        .iter()
        .map(|c| match (quote(&c.name), through) {
            (name, _) if !c.own_type => name,
            (name, Through::Text) => format!("({name}::pg_catalog.text)::{}", c.r#type),
            (name, Through::Output) => format!(
                "CASE WHEN pg_catalog.num_nulls({name}) = 0 THEN (pg_catalog.format('%s', {name})::pg_catalog.varchar)::{} END",
                c.r#type
            ),
        })
        .collect();
    let target = qualified(slug, &table.name);
    let source = qualified(template, &table.name);
    if columns.is_empty() {
        return format!("INSERT INTO {target} SELECT FROM ONLY {source}");
    }
    let overriding = match columns.iter().any(|c| c.identity == "a") {
        true => " OVERRIDING SYSTEM VALUE",
        false => "",
    };
    format!(
        "INSERT INTO {target} ({}){overriding} SELECT {} FROM ONLY {source}",
        names.join(", "),
        values.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_without_what_is_computed_and_own_types_as_text() {
        let column = |name: &str, generated: &str, identity: &str, own_type: bool| Column {
            name: name.into(),
            r#type: "state".into(),
            generated: generated.into(),
            identity: identity.into(),
            own_type,
            ..Column::default()
        };
        let columns = vec![
            column("id", "", "a", false),
            column("A b", "", "", true),
            column("twice", "s", "", false),
        ];
        let table = Table { name: "t".into(), columns, ..Table::default() };
        assert_eq!(
            copy(&table, "tpl", "acme", Through::Text),
            "INSERT INTO acme.t (id, \"A b\") OVERRIDING SYSTEM VALUE SELECT id, (\"A b\"::pg_catalog.text)::state FROM ONLY tpl.t"
        );
        assert!(copy(&table, "tpl", "acme", Through::Output).contains(
            "CASE WHEN pg_catalog.num_nulls(\"A b\") = 0 THEN (pg_catalog.format('%s', \"A b\")::pg_catalog.varchar)::state END"
        ));
    }

    #[test]
    fn the_rows_of_all_tables_are_copied_by_one_statement() {
        let table = |name: &str| Table { name: name.into(), ..Table::default() };
        let (a, b) = (table("a"), table("b"));
        let copied = |t: &str| format!("INSERT INTO acme.{t} SELECT FROM ONLY tpl.{t}");
        assert_eq!(copy_all(&[], &b, "tpl", "acme", Through::Text), copied("b"));
        assert_eq!(
            copy_all(&[&a], &b, "tpl", "acme", Through::Text),
            format!("WITH copy_1 AS ({})\n{}", copied("a"), copied("b"))
        );
    }
}
