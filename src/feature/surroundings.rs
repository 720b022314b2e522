//! What a plan has to know beside the table itself: the tables referred to, the status's type, names in use.

use super::options::{ActorType, Feature, Reference, Status};
use crate::catalog::{self, IdType, Named, Table};
use crate::error::{Error, Result};
use crate::pg::types::RegClass;
use crate::pg::{ident, query, relation, user};
use pgrx::pg_sys::Oid;
use serde::Deserialize;

#[derive(Debug, Default)]
pub struct Surroundings {
    pub organizations: Option<Target>,
    pub projects: Option<Target>,
    pub status: Option<EnumType>,
    /// What holds a user's id, where a feature of the call says so.
    pub actor: Option<ActorType>,
    /// The relations whose names a new index could meet.
    pub taken: Vec<Named>,
}

/// A table that a column refers to.
#[derive(Debug, Clone)]
pub struct Target {
    pub table: Table,
    pub key: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct EnumType {
    pub schema: String,
    pub name: String,
    pub labels: Vec<String>,
    /// Whether it is there already.
    #[serde(default)]
    pub there: bool,
}

impl Target {
    /// The key's type as it is written, and what kind of id it holds.
    pub fn key_type(&self) -> Result<(String, IdType)> {
        let (column, id) = self.table.require_id_column(&self.key)?;
        Ok((column.r#type.clone(), id))
    }
}

/// The registered tables, where there are any.
#[derive(Debug, Default, Deserialize)]
struct Registered {
    organization_schema: Option<String>,
    organization_table: Option<String>,
    organization_column: Option<String>,
    project_schema: Option<String>,
    project_table: Option<String>,
    project_column: Option<String>,
}

/// Reads what the features need to know.
pub fn read(table: &Table, family: &[Table], features: &[Feature]) -> Result<Surroundings> {
    let mut around = Surroundings::default();
    let schemas = family.iter().map(|t| t.schema.clone()).collect();
    around.taken = catalog::names_in_use(schemas, "")?;
    around.actor = features.iter().find_map(Feature::actor);
    for feature in features {
        match feature {
            Feature::Tenant(reference) => {
                let known = registered()?;
                let known = (
                    known.organization_schema,
                    known.organization_table,
                    known.organization_column,
                );
                around.organizations = target("tenant", table, reference, known, "organizations")?;
            }
            Feature::Project(reference) => {
                let known = registered()?;
                let known = (known.project_schema, known.project_table, known.project_column);
                around.projects = target("project", table, reference, known, "projects")?;
            }
            Feature::Status(status) => around.status = Some(status_type(table, status)?),
            _ => {}
        }
    }
    Ok(around)
}

fn registered() -> Result<Registered> {
    let registered = user::as_extension_owner(|| {
        query::model::<Registered>(
            "SELECT pg_catalog.to_jsonb(m)::pg_catalog.text FROM tenant_guard.membership m",
            &[],
        )
    })?;
    Ok(registered.unwrap_or_default())
}

type Known = (Option<String>, Option<String>, Option<String>);

fn target(
    feature: &'static str,
    table: &Table,
    reference: &Reference,
    known: Known,
    usual: &str,
) -> Result<Option<Target>> {
    if let Some(name) = &reference.references {
        let found = query::value_here::<Oid>(
            "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
            &[name.as_str().into()],
        );
        let Some(oid) = found? else {
            return Err(Error::NoTableNamed { table: name.clone() });
        };
        return with_key(feature, table, oid.to_u32(), None).map(Some);
    }
    if let (Some(schema), Some(name), column) = known {
        let oid = catalog::table_named(&schema, &name)?.0;
        return with_key(feature, table, oid, column).map(Some);
    }
    match relation::named(&table.schema, usual) {
        Some(oid) => with_key(feature, table, oid, None).map(Some),
        None => Ok(None),
    }
}

fn with_key(
    feature: &'static str,
    table: &Table,
    oid: u32,
    column: Option<String>,
) -> Result<Target> {
    let found = catalog::look(RegClass(oid))?;
    let primary = found.constraints.iter().find(|k| k.kind == "p").map(|k| k.columns.as_slice());
    let key = match (column, primary) {
        (Some(column), _) => column,
        (None, Some([column])) => column.clone(),
        _ => {
            return Err(Error::FeatureUnfit {
                feature,
                table: table.qualified(),
                why: format!("It would refer to {}, which has no primary key of one column.", found.qualified()),
                hint: "Give that table such a key, or name another table: {\"references\": \"schema.table\"}.".into(),
            })
        }
    };
    Ok(Target { table: found, key })
}

/// The type of the status: that of the column, that of the option, or the one of the usual name,
/// which is there or is to be made.
fn status_type(table: &Table, status: &Status) -> Result<EnumType> {
    let usual = format!("{}_status", ident::truncate(&table.name, ident::MAX_IDENTIFIER - 7));
    let unfit = |why: String, hint: &str| Error::FeatureUnfit {
        feature: "status",
        table: table.qualified(),
        why,
        hint: hint.into(),
    };
    let usual_sql = ident::qualified(&table.schema, &usual);
    let named = match (table.column("status"), &status.r#type) {
        (Some(column), _) => Some(column.r#type.clone()),
        (None, Some(name)) => Some(name.clone()),
        (None, None) => None,
    };
    let found = enum_named(named.as_deref().unwrap_or(&usual_sql))?;
    let found = match (found, &status.values, named) {
        (Some(found), _, _) => found,
        (None, _, Some(name)) => {
            return Err(unfit(
                format!("Type {name} is no enum."),
                "Name an enum, give the values, or turn the column into an enum first.",
            ))
        }
        (None, Some(values), None) => EnumType {
            schema: table.schema.clone(),
            name: usual,
            labels: values.clone(),
            there: false,
        },
        (None, None, None) => {
            return Err(unfit(
                "Nothing says which statuses there are.".into(),
                "Write status:draft,active,archived, or status:{\"type\": \"schema.enum\"}.",
            ))
        }
    };
    if let Some(values) = status.values.as_ref().filter(|values| **values != found.labels) {
        return Err(unfit(
            format!(
                "The enum {} has the values {}, and {} were asked for.",
                found.sql(),
                found.labels.join(", "),
                values.join(", ")
            ),
            "Change the enum with ALTER TYPE first, or leave the values out.",
        ));
    }
    let transitions = status.transitions.iter().flatten();
    let named = transitions.flat_map(|(from, to)| std::iter::once(from).chain(to));
    if let Some(label) = named.into_iter().find(|label| !found.labels.contains(label)) {
        return Err(unfit(
            format!("Its transitions name \"{label}\", which is no status."),
            "Name statuses that there are.",
        ));
    }
    Ok(found)
}

fn enum_named(name: &str) -> Result<Option<EnumType>> {
    // The name means what it means to the caller; the rest is read under the pinned path.
    let found = query::value_here::<Oid>(
        "SELECT pg_catalog.to_regtype($1)::pg_catalog.oid",
        &[name.into()],
    )?;
    match found {
        Some(oid) => query::model(include_str!("enum.sql"), &[oid.into()]),
        None => Ok(None),
    }
}
