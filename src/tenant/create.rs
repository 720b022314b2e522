//! Types, tables and sequences of the model as CREATE statements in the target schema. Pure.

use crate::catalog::{Attribute, Column, Constraint, NotNull, Sequence, Table, Type};
use crate::pg::ident::{literal, qualified, quote};

/// CREATE TABLE with columns, CHECK constraints, the keys named, partitioning, inheritance and storage. Partitions
/// are made as tables of their own and attached later, as pg_dump does it.
#[must_use]
pub fn create_table(
    table: &Table,
    slug: &str,
    sequences: &[Sequence],
    keys: &[&Constraint],
    later: impl Fn(&str) -> bool,
) -> String {
    let mut elements: Vec<String> = table
        .columns
        .iter()
        .filter(|c| c.is_local || table.is_partition)
        .map(|c| column_definition(table, c, slug, sequences, &later))
        .collect();
    // What an inherited column was forbidden here and not by the parent.
    elements.extend(
        table.columns.iter().filter(|c| !c.is_local && !table.is_partition).filter_map(|c| {
            let constraint = c.not_null_constraint.as_ref().filter(|k| k.is_local)?;
            Some(format!(
                "CONSTRAINT {} NOT NULL {}{}",
                quote(&constraint.name),
                quote(&c.name),
                no_inherit(constraint)
            ))
        }),
    );
    elements.extend(
        table
            .constraints
            .iter()
            .filter(|k| {
                k.kind == "c"
                    && (k.is_local || table.is_partition)
                    && !k.definition.ends_with(" NOT VALID")
                    && !later(&format!("check {}", k.name))
            })
            .chain(keys.iter().copied())
            .map(|k| format!("CONSTRAINT {} {}", quote(&k.name), k.definition)),
    );
    let unlogged = if table.persistence == "u" { "UNLOGGED " } else { "" };
    let mut sql = format!(
        "CREATE {unlogged}TABLE {} ({})",
        qualified(slug, &table.name),
        elements.iter().map(|e| format!("\n  {e}")).collect::<Vec<_>>().join(",")
    );
    if !table.is_partition && !table.parents.is_empty() && !inherits_later(table) {
        sql += &format!("\nINHERITS ({})", parents(table, slug).join(", "));
    }
    if let Some(key) = &table.partition_key {
        sql += &format!("\nPARTITION BY {key}");
    }
    if let Some(method) = &table.access_method {
        sql += &format!("\nUSING {}", quote(method));
    }
    if !table.options.is_empty() {
        sql += &format!("\nWITH ({})", table.options.join(", "));
    }
    if let Some(tablespace) = &table.tablespace {
        sql += &format!("\nTABLESPACE {}", quote(tablespace));
    }
    sql
}

fn parents(table: &Table, slug: &str) -> Vec<String> {
    let name = |p: &crate::catalog::Named| {
        let schema = if p.schema == table.schema { slug } else { &p.schema };
        qualified(schema, &p.name)
    };
    table.parents.iter().map(name).collect()
}

/// Whether all that it inherits is its own too: it is made without its parents then, since CREATE TABLE would
/// put their columns before the others.
fn inherits_later(table: &Table) -> bool {
    let own = |c: &Column| c.is_local && c.not_null_constraint.as_ref().is_none_or(|k| k.is_local);
    !table.is_partition
        && !table.columns.is_empty()
        && table.columns.iter().all(own)
        && table.constraints.iter().all(|k| k.kind != "c" || k.is_local)
}

/// What makes a table inherit that was made without its parents.
#[must_use]
pub fn inherit(table: &Table, slug: &str) -> Vec<String> {
    if !inherits_later(table) {
        return Vec::new();
    }
    let name = qualified(slug, &table.name);
    parents(table, slug).iter().map(|p| format!("ALTER TABLE {name} INHERIT {p}")).collect()
}

/// Whether a new table has the columns in another order: those that it only inherits come first there.
#[must_use]
pub fn reorders(table: &Table, tables: &[Table]) -> bool {
    if table.is_partition || table.parents.is_empty() || inherits_later(table) {
        return false;
    }
    let above = table.parents.iter().flat_map(|p| {
        tables.iter().filter(|t| t.schema == p.schema && t.name == p.name).flat_map(|t| &t.columns)
    });
    let mut new: Vec<&str> = Vec::new();
    for column in above.chain(&table.columns) {
        if table.column(&column.name).is_some() && !new.contains(&column.name.as_str()) {
            new.push(&column.name);
        }
    }
    !new.iter().copied().eq(table.columns.iter().map(|c| c.name.as_str()))
}

/// A column as CREATE TABLE and ADD COLUMN say it.
#[must_use]
pub fn column_definition(
    table: &Table,
    column: &Column,
    slug: &str,
    sequences: &[Sequence],
    later: &impl Fn(&str) -> bool,
) -> String {
    let mut sql = format!("{} {}", quote(&column.name), column.r#type);
    if let Some(compression) = &column.compression {
        sql += &format!(" COMPRESSION {compression}");
    }
    if let Some(collation) = &column.collation {
        sql += &format!(" COLLATE {collation}");
    }
    // Where only what is above forbids it (18 on), it comes from there, with the name that it has there.
    let from_above = |k: &NotNull| !k.is_local && !table.is_partition && !table.parents.is_empty();
    if let (true, Some(constraint)) = (column.not_null, &column.not_null_constraint) {
        if !from_above(constraint) {
            let name = quote(&constraint.name);
            sql += &format!(" CONSTRAINT {name} NOT NULL{}", no_inherit(constraint));
        }
    } else if column.not_null {
        sql += " NOT NULL";
    }
    // A partition gets its parent's identity when it is attached, and may not bring one (17 on).
    let identity_kind = if table.is_partition { "" } else { column.identity.as_str() };
    match (column.generated.as_str(), identity_kind, &column.default) {
        ("s", _, Some(expression)) => sql += &format!(" GENERATED ALWAYS AS ({expression}) STORED"),
        ("v", _, Some(expression)) => sql += &format!(" GENERATED ALWAYS AS ({expression})"),
        (_, "a", _) => sql += &identity(table, column, "ALWAYS", slug, sequences),
        (_, "d", _) => sql += &identity(table, column, "BY DEFAULT", slug, sequences),
        (_, _, Some(default)) if !later(&format!("default {}", column.name)) => {
            sql += &format!(" DEFAULT {default}")
        }
        _ => {}
    }
    sql
}

fn no_inherit(constraint: &NotNull) -> &'static str {
    if constraint.no_inherit {
        " NO INHERIT"
    } else {
        ""
    }
}

fn identity(
    table: &Table,
    column: &Column,
    how: &str,
    slug: &str,
    sequences: &[Sequence],
) -> String {
    let sequence = sequences.iter().find(|s| {
        s.owned_by
            .as_ref()
            .is_some_and(|o| o.identity && o.table == table.name && o.column == column.name)
    });
    let options = sequence
        .map(|s| format!(" (SEQUENCE NAME {} {})", qualified(slug, &s.name), sequence_options(s)))
        .unwrap_or_default();
    format!(" GENERATED {how} AS IDENTITY{options}")
}

/// CREATE TYPE or CREATE DOMAIN.
#[must_use]
pub fn create_type(ty: &Type, slug: &str, later: impl Fn(&str) -> bool) -> String {
    let name = qualified(slug, &ty.name);
    let collate = |collation: &Option<String>| {
        collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default()
    };
    match (ty.kind.as_str(), &ty.base) {
        ("d", Some(base)) => {
            let mut sql = format!("CREATE DOMAIN {name} AS {base}{}", collate(&ty.collation));
            if let Some(default) = &ty.default {
                sql += &format!(" DEFAULT {default}");
            }
            if ty.not_null {
                sql += " NOT NULL";
            }
            let now = ty
                .constraints
                .iter()
                .filter(|c| !later(&c.name) && !c.definition.ends_with(" NOT VALID"));
            for constraint in now {
                sql += &format!(
                    "\n  CONSTRAINT {} {}",
                    quote(&constraint.name),
                    constraint.definition
                );
            }
            sql
        }
        ("c", _) => {
            let attribute = |a: &Attribute| {
                format!("\n  {} {}{}", quote(&a.name), a.r#type, collate(&a.collation))
            };
            let attributes: Vec<String> = ty.attributes.iter().map(attribute).collect();
            format!("CREATE TYPE {name} AS ({})", attributes.join(","))
        }
        _ => {
            let labels: Vec<String> = ty.labels.iter().map(|l| literal(l)).collect();
            format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
        }
    }
}

/// CREATE SEQUENCE for a sequence that no identity column makes.
#[must_use]
pub fn create_sequence(sequence: &Sequence, slug: &str) -> String {
    let unlogged = if sequence.persistence == "u" { "UNLOGGED " } else { "" };
    format!(
        "CREATE {unlogged}SEQUENCE {} AS {} {}",
        qualified(slug, &sequence.name),
        sequence.r#type,
        sequence_options(sequence)
    )
}

#[must_use]
pub fn sequence_options(s: &Sequence) -> String {
    format!(
        "START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {}{}",
        s.start,
        s.increment,
        s.min,
        s.max,
        s.cache,
        if s.cycle { " CYCLE" } else { "" }
    )
}

/// ALTER TABLE actions for what CREATE TABLE cannot say.
#[must_use]
pub fn column_settings(table: &Table, slug: &str) -> Vec<String> {
    let name = qualified(slug, &table.name);
    let alter = |c: &Column, action: String| {
        format!("ALTER TABLE ONLY {name} ALTER COLUMN {} {action}", quote(&c.name))
    };
    table
        .columns
        .iter()
        .flat_map(|c| {
            let storage = c.storage.as_ref().map(|s| alter(c, format!("SET STORAGE {s}")));
            let statistics = c.statistics.map(|n| alter(c, format!("SET STATISTICS {n}")));
            let options = (!c.options.is_empty())
                .then(|| alter(c, format!("SET ({})", c.options.join(", "))));
            let comment = c.comment.as_ref().map(|text| {
                format!("COMMENT ON COLUMN {name}.{} IS {}", quote(&c.name), literal(text))
            });
            let is_view = table.definition.is_some();
            let own = (!c.is_local
                && !table.is_partition
                && c.generated.is_empty()
                && c.identity.is_empty()
                || is_view && c.default.is_some())
            .then(|| match &c.default {
                Some(default) => alter(c, format!("SET DEFAULT {default}")),
                None => alter(c, "DROP DEFAULT".into()),
            });
            let inherited = !c.is_local && !table.is_partition;
            // From version 18 on CREATE TABLE has said it.
            let not_null = (inherited && c.not_null && c.not_null_constraint.is_none())
                .then(|| alter(c, "SET NOT NULL".into()));
            let compression = c.compression.as_ref().filter(|_| is_view);
            let compression = compression.map(|m| alter(c, format!("SET COMPRESSION {m}")));
            [own, not_null, storage, compression, statistics, options, comment]
        })
        .flatten()
        .collect()
}
