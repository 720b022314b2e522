//! Reading the model: tables by tables/, the rest by the queries in the .sql files beside this one.

use super::model::{ForeignKey, Named};
use super::schema::Schema;
use super::table::Table;
use super::tables;
use crate::error::{Error, Result};
use crate::pg::relation::{lock, Lock};
use crate::pg::types::RegClass;
use crate::pg::{ident, planned, query, user};
use pgrx::pg_sys::Oid;
use std::sync::LazyLock;

/// A table and all that inherits from it (parents first), for a function that changes tables:
/// refuses what is no table, is not the user's to change, or is not the caller's own. Unless it is
/// for a dry run, the tables stay locked, so that what is planned is still so when it is applied.
pub fn table_family(table: RegClass, dry_run: bool) -> Result<Vec<Table>> {
    check(&read_one(table.0)?)?;
    let oids = family_oids(table.0)?;
    if !dry_run {
        // Ownership is checked before the lock: nobody locks what is not theirs.
        read(&oids)?.iter().try_for_each(check)?;
        for oid in &oids {
            lock(oid.to_u32(), Lock::Exclusive)?;
        }
    }
    let family = read(&family_oids(table.0)?)?;
    if family.is_empty() {
        return Err(Error::NoSuchTable { oid: table.0 });
    }
    family.iter().try_for_each(check)?;
    Ok(family)
}

/// A table and all that inherits from it, whoever's they are: for what an event trigger does.
pub fn family_of_anybody(oid: u32) -> Result<Vec<Table>> {
    let family = read(&family_oids(oid)?)?;
    match family.is_empty() {
        true => Err(Error::NoSuchTable { oid }),
        false => Ok(family),
    }
}

/// `table_family` of several tables, each of them once, read together.
pub fn table_families(tables: &[RegClass], dry_run: bool) -> Result<Vec<Vec<Table>>> {
    let mut members: Vec<Vec<Oid>> =
        tables.iter().map(|t| family_oids(t.0)).collect::<Result<_>>()?;
    let mut seen = std::collections::HashSet::new();
    for family in &mut members {
        family.retain(|oid| seen.insert(*oid));
    }
    let all: Vec<Oid> = members.iter().flatten().copied().collect();
    let mut read_now = read(&all)?;
    read_now.iter().try_for_each(check)?;
    if !dry_run {
        for oid in &all {
            lock(oid.to_u32(), Lock::Exclusive)?;
        }
        // Nothing can be attached to a table that is locked: what was while the locks were waited for is here.
        seen.clear();
        members = tables.iter().map(|t| family_oids(t.0)).collect::<Result<_>>()?;
        members.iter_mut().for_each(|family| family.retain(|oid| seen.insert(*oid)));
        let all: Vec<Oid> = members.iter().flatten().copied().collect();
        for oid in &all {
            lock(oid.to_u32(), Lock::Exclusive)?;
        }
        read_now = read(&all)?;
        read_now.iter().try_for_each(check)?;
    }
    let mut by_oid: std::collections::HashMap<u32, Table> =
        read_now.into_iter().map(|t| (t.oid, t)).collect();
    let families = members
        .into_iter()
        .map(|family| family.iter().filter_map(|oid| by_oid.remove(&oid.to_u32())).collect());
    Ok(families.filter(|family: &Vec<Table>| !family.is_empty()).collect())
}

/// Each of several tables with all that inherits from it, to be looked at: whatever is under two of them is in
/// both families.
pub fn whole_families(tables: &[RegClass]) -> Result<Vec<Vec<Table>>> {
    let members: Vec<Vec<Oid>> = tables.iter().map(|t| family_oids(t.0)).collect::<Result<_>>()?;
    let all: Vec<Oid> = members.iter().flatten().copied().collect();
    let found = read(&all)?;
    found.iter().try_for_each(check)?;
    let by_oid: std::collections::HashMap<u32, Table> =
        found.into_iter().map(|t| (t.oid, t)).collect();
    let of = |family: Vec<Oid>| {
        family.iter().filter_map(|oid| by_oid.get(&oid.to_u32()).cloned()).collect()
    };
    Ok(members.into_iter().map(of).filter(|family: &Vec<Table>| !family.is_empty()).collect())
}

/// One table of the caller's.
pub fn table(table: RegClass) -> Result<Table> {
    let table = read_one(table.0)?;
    check(&table)?;
    Ok(table)
}

/// A relation, whosever it is; None where it is gone.
pub fn any_table(oid: u32) -> Result<Option<Table>> {
    Ok(read(&[Oid::from(oid)])?.into_iter().next())
}

/// One table, whoever's it is: for what refers to it.
pub fn look(table: RegClass) -> Result<Table> {
    let table = read_one(table.0)?;
    match check(&table) {
        Err(Error::NotOwner { .. }) | Ok(()) => Ok(table),
        Err(error) => Err(error),
    }
}

fn read_one(oid: u32) -> Result<Table> {
    read(&[Oid::from(oid)])?.into_iter().next().ok_or(Error::NoSuchTable { oid })
}

fn family_oids(oid: u32) -> Result<Vec<Oid>> {
    let args = [Oid::from(oid).into()];
    let oids = planned::rows(query::PINNED, include_str!("descendants.sql"), &args, |row| {
        Ok(row.get::<Oid>(1)?)
    })?;
    Ok(oids.into_iter().flatten().collect())
}

/// What of a statement a schema needs that holds relations alone: all but what is marked.
fn of_relations(sql: &str) -> String {
    let parts = sql.split("-- [beside tables\n");
    parts.map(|p| p.split_once("-- beside tables]\n").map_or(p, |(_, kept)| kept)).collect()
}

/// The queries of a schema, for one of relations alone or for any.
struct Queries {
    schema: String,
    objects: String,
    edges: String,
}

fn queries(only_relations: bool) -> &'static Queries {
    static OF: LazyLock<[Queries; 2]> = LazyLock::new(|| {
        [str::to_string, of_relations].map(|text| Queries {
            schema: text(include_str!("schema.sql")),
            objects: text(include_str!("objects.sql")),
            edges: text(include_str!("edges.sql")),
        })
    });
    &OF[usize::from(only_relations)]
}

/// Deparsed text comes fully qualified, whatever the caller's path.
fn read(oids: &[Oid]) -> Result<Vec<Table>> {
    tables::read(query::PINNED, oids, true)
}

fn check(table: &Table) -> Result<()> {
    let (kind, hint) = match table.kind.as_str() {
        "r" | "p" => {
            return if table.system {
                Err(Error::SystemTable { table: table.qualified() })
            } else if table.owned {
                Ok(())
            } else {
                Err(Error::NotOwner {
                    object: format!("table {}", table.qualified()),
                    owner: table.owner.clone(),
                    caller: user::current(),
                })
            }
        }
        "v" => ("a view", "Name the table under the view, and give the view security_invoker so that the table's policies hold through it."),
        "m" => ("a materialized view", "A materialized view holds rows of all tenants and knows no policies: use a table, or a plain view with security_invoker."),
        "f" => ("a foreign table", "Row-level security does not reach foreign servers: do this on the server that holds the rows."),
        "S" => ("a sequence", "Name a table."),
        "i" | "I" => ("an index", "Name the index's table."),
        "c" => ("a composite type", "Name a table."),
        _ => ("not a table", "Name a table."),
    };
    Err(Error::WrongRelationKind {
        relation: table.qualified(),
        kind,
        wanted: "an ordinary or partitioned table",
        hint: hint.into(),
    })
}

/// The foreign keys among which the way from a table to a tenant column is searched.
pub fn foreign_keys_from(table: u32, tenant_column: &str) -> Result<Vec<ForeignKey>> {
    let args = [Oid::from(table).into(), tenant_column.into()];
    let keys = planned::model(query::PINNED, include_str!("foreign_keys.sql"), &args)?;
    Ok(keys.unwrap_or_default())
}

/// Those of the roles that row-level security does not bind.
pub fn unbound_roles(roles: &[String]) -> Result<Vec<String>> {
    let unbound = query::rows(
        "SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r
         WHERE r.rolname = ANY ($1) AND (r.rolsuper OR r.rolbypassrls) ORDER BY 1",
        &[roles.to_vec().into()],
        |row| Ok(row.get::<String>(1)?),
    )?;
    Ok(unbound.into_iter().flatten().collect())
}

/// The relations in some schemas whose names start with `prefix`, so that a new one can avoid them.
pub fn names_in_use(schemas: Vec<String>, prefix: &str) -> Result<Vec<Named>> {
    query::rows(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY ($1) AND pg_catalog.starts_with(c.relname::pg_catalog.text, $2)",
        &[schemas.into(), prefix.into()],
        |row| {
            Ok(Named {
                schema: row.get::<String>(1)?.unwrap_or_default(),
                name: row.get::<String>(2)?.unwrap_or_default(),
            })
        },
    )
}

/// The table of that name, which exists.
pub fn table_named(schema: &str, name: &str) -> Result<RegClass> {
    let oid = query::value::<Oid>(
        "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2",
        &[schema.into(), name.into()],
    )?;
    match oid {
        Some(oid) => Ok(RegClass(oid.to_u32())),
        None => Err(Error::NoTableNamed { table: ident::qualified(schema, name) }),
    }
}

pub fn role_exists(role: &str) -> Result<bool> {
    let _read = query::catalog_read(query::PINNED); // as it is after what was waited for
    let found = query::value::<bool>(
        "SELECT true FROM pg_catalog.pg_roles r WHERE r.rolname = $1",
        &[role.into()],
    )?;
    Ok(found.is_some())
}

pub fn may_create_schemas() -> Result<bool> {
    let may = planned::rows(
        query::PINNED,
        "SELECT pg_catalog.has_database_privilege(d.oid, 'CREATE')
         FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()",
        &[],
        |row| Ok(row.get::<bool>(1)?),
    )?;
    Ok(may == [Some(true)])
}

pub fn may_create_roles() -> Result<bool> {
    let may = query::value::<bool>(
        "SELECT r.rolsuper OR r.rolcreaterole FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
        &[],
    )?;
    Ok(may == Some(true))
}

/// A schema with all that is in it, deparsed under a path that begins with it: names inside it come
/// out bare, names outside it qualified. What a name of the schema's hides in pg_catalog comes out
/// qualified too. None when there is no such schema.
pub fn schema(name: &str) -> Result<Option<Schema>> {
    with_edges(structure_under(name, &own_path(name))?)
}

fn own_path(name: &str) -> String {
    format!("{}, pg_catalog, pg_temp", ident::quote(name))
}

/// A schema as its template is read, to be compared with it: where extensions' objects lie in the template,
/// they come out bare in both.
pub fn clone_of(name: &str, template: &str) -> Result<Option<Schema>> {
    with_edges(structure_of(name, template)?)
}

/// `clone_of` without what depends on what: for a fingerprint.
pub fn structure_of(name: &str, template: &str) -> Result<Option<Schema>> {
    let sql = include_str!("has_extension.sql");
    let shared =
        planned::rows(query::PINNED, sql, &[template.into()], |row| Ok(row.get::<bool>(1)?))?;
    if shared != [Some(true)] {
        return structure_under(name, &own_path(name));
    }
    let (own, beside) = (ident::quote(name), ident::quote(template));
    structure_under(name, &format!("{own}, {beside}, pg_catalog, pg_temp"))
}

fn with_edges(schema: Option<Schema>) -> Result<Option<Schema>> {
    let Some(mut schema) = schema else { return Ok(None) };
    if schema.usable {
        let (edges, args) = (&queries(schema.only_relations).edges, [schema.name.as_str().into()]);
        schema.edges = planned::model(query::PINNED, edges, &args)?.unwrap_or_default();
    }
    Ok(Some(schema))
}

fn structure_under(name: &str, path: &str) -> Result<Option<Schema>> {
    let args = || [name.into()];
    // The locks come first: whoever is altering the schema is waited for, and all that follows is read as they left it.
    let oids = planned::rows(query::PINNED, include_str!("relations.sql"), &args(), |row| {
        Ok(row.get::<Oid>(1)?)
    })?;
    let oids: Vec<Oid> = oids.into_iter().flatten().collect();
    for oid in &oids {
        lock(oid.to_u32(), Lock::Share)?;
    }
    let only_relations =
        planned::rows(query::PINNED, include_str!("only_relations.sql"), &args(), |row| {
            Ok(row.get::<bool>(1)?)
        })?;
    let only_relations = only_relations == [Some(true)];
    let queries = queries(only_relations);
    let Some(mut schema) = planned::model::<Schema>(path, &queries.schema, &args())? else {
        return Ok(None);
    };
    schema.only_relations = only_relations;
    if schema.usable {
        (schema.tables, schema.views) =
            tables::read(path, &oids, false)?.into_iter().partition(|t| t.definition.is_none());
        schema.objects = planned::model(path, &queries.objects, &args())?
            .ok_or_else(|| Error::NoSuchSchema { schema: name.into() })?;
        if schema.has_classes {
            schema.classes =
                planned::model(path, include_str!("classes.sql"), &args())?.unwrap_or_default();
        }
    }
    Ok(Some(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_left_out_for_relations_alone() {
        let texts = |q: &'static Queries| [&q.schema, &q.objects, &q.edges];
        for (cut, whole) in texts(queries(true)).into_iter().zip(texts(queries(false))) {
            assert!(whole.contains("pg_operator") && !cut.contains("pg_operator"));
            assert!(whole.contains("beside tables") && !cut.contains("beside tables"));
            assert_eq!(cut.matches('(').count(), cut.matches(')').count());
        }
    }
}
