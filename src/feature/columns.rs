//! The columns of each feature, and the steps that give a table those that it lacks. Pure.

use super::options::{ActorType, Feature};
use super::surroundings::{EnumType, Surroundings};
use crate::catalog::{Column, IdType, Table};
use crate::error::{Error, Result};
use crate::pg::ident::{literal, quote};
use crate::plan::{Kind, Object, Plan, Step};

/// A column as a feature wants it.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub name: String,
    pub r#type: String,
    pub not_null: bool,
    pub default: Option<String>,
    /// An expression for rows that are there already; the default is set afterwards.
    pub backfill: Option<String>,
    /// A number that the table gives itself, and its primary key.
    pub identity: bool,
    pub unique: bool,
    pub why: &'static str,
}

impl Wanted {
    fn new(name: &str, r#type: &str, why: &'static str) -> Self {
        Wanted { name: name.into(), r#type: r#type.into(), why, ..Wanted::default() }
    }

    fn required(self, default: &str) -> Self {
        Wanted { not_null: true, default: Some(default.into()), ..self }
    }

    /// The column as CREATE TABLE has it.
    #[must_use]
    pub fn definition(&self) -> String {
        let default = self.backfill.as_ref().or(self.default.as_ref());
        format!(
            "{} {}{}{}{}{}",
            quote(&self.name),
            self.r#type,
            if self.identity { " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } else { "" },
            if self.not_null && !self.identity { " NOT NULL" } else { "" },
            if self.unique { " UNIQUE" } else { "" },
            default.map(|d| format!(" DEFAULT {d}")).unwrap_or_default(),
        )
    }
}

/// The columns that hold a user.
const ACTORS: &[&str] =
    &["created_by", "updated_by", "deleted_by", "version_updated_by", "status_changed_by"];

/// The columns that a feature wants: the same for a new table and one that is there.
pub fn of(feature: &Feature, table: &Table, around: &Surroundings) -> Result<Vec<Wanted>> {
    let now = "pg_catalog.now()";
    let stamp = |name, why| Wanted::new(name, "timestamp with time zone", why);
    // Where nothing is said, a column that is there stays as it is, and a new one is like the others.
    let text = ACTORS.iter().any(|name| table.column(name).is_some_and(|c| c.r#type == "text"));
    let usual = around.actor.unwrap_or(if text { ActorType::Text } else { ActorType::Uuid }).sql();
    let actor = |name: &str, given: Option<ActorType>, why| {
        let there = match table.column(name).map(|c| c.r#type.as_str()) {
            Some("uuid") => ActorType::Uuid.sql(),
            Some("text") => ActorType::Text.sql(),
            _ => usual,
        };
        Wanted::new(name, given.map_or(there, ActorType::sql), why)
    };
    Ok(match feature {
        Feature::Timestamps => vec![
            stamp("created_at", "when the row was made").required(now),
            stamp("updated_at", "when the row last changed").required(now),
        ],
        Feature::Actors(options) => vec![
            actor("created_by", options.r#type, "who made the row"),
            actor("updated_by", options.r#type, "who last changed the row"),
        ],
        Feature::SoftDelete(options) => vec![
            Wanted::new("is_deleted", "boolean", "a deleted row is marked and kept")
                .required("false"),
            stamp("deleted_at", "when the row was deleted"),
            actor("deleted_by", options.r#type, "who deleted the row"),
            Wanted::new("deletion_reason", "text", "why the row was deleted"),
        ],
        Feature::Version(options) => vec![
            Wanted::new("version", "integer", "a change made for an older version is refused")
                .required("1"),
            stamp("version_updated_at", "when the row got its version").required(now),
            actor("version_updated_by", options.r#type, "who gave the row its version"),
        ],
        Feature::Status(options) => {
            let Some(status) = &around.status else { return Ok(vec![]) };
            let first = literal(status.labels.first().map_or("", String::as_str));
            vec![
                Wanted::new("status", &status.sql(), "one of the table's statuses")
                    .required(&first),
                stamp("status_changed_at", "when the status last changed").required(now),
                actor("status_changed_by", options.actor, "who last changed the status"),
            ]
        }
        Feature::Access => vec![
            stamp("last_accessed", "when the row was last looked at"),
            Wanted::new("access_count", "bigint", "how often the row was looked at").required("0"),
        ],
        Feature::Tenant(_) | Feature::Project(_) => {
            super::references::columns(feature, table, around)?
        }
        Feature::DualId => super::keys::columns(table)?,
        Feature::Audit(_) => vec![],
    })
}

/// The helper that gives the active organization as a value of the type.
pub fn organization_default(id: IdType) -> &'static str {
    match id {
        IdType::Uuid => "tenant_guard.org_id()",
        IdType::Text | IdType::Varchar => "tenant_guard.org_id_text()",
        IdType::Integer => "tenant_guard.org_id_bigint()",
    }
}

/// Plans the columns that the table lacks, and what those that are there lack.
pub fn plan(plan: &mut Plan, table: &Table, feature: &'static str, all: &[Wanted]) -> Result<()> {
    for wanted in all {
        match table.column(&wanted.name) {
            Some(there) => complete(plan, table, feature, there, wanted)?,
            None => add(plan, table, wanted),
        }
    }
    Ok(())
}

fn object(table: &Table, column: &str) -> Object {
    Object::in_table(Kind::Column, &table.schema, &table.name, column)
}

fn add(plan: &mut Plan, table: &Table, wanted: &Wanted) {
    // A unique constraint is a step of its own: tables that inherit need one each.
    let definition = Wanted { unique: false, ..wanted.clone() }.definition();
    plan.push(Step::new(
        object(table, &wanted.name),
        format!("add column {}", quote(&wanted.name)),
        wanted.why,
        format!("ALTER TABLE {} ADD COLUMN {definition}", table.qualified()),
        format!("ALTER TABLE {} DROP COLUMN {}", table.qualified(), quote(&wanted.name)),
    ));
    if let (Some(backfill), Some(default)) = (&wanted.backfill, &wanted.default) {
        set_default(plan, table, &wanted.name, default, Some(backfill));
    }
}

fn set_default(plan: &mut Plan, table: &Table, column: &str, to: &str, from: Option<&str>) {
    let alter = format!("ALTER TABLE {} ALTER COLUMN {}", table.qualified(), quote(column));
    plan.push(Step::new(
        object(table, column),
        format!("set the default of column {}", quote(column)),
        "what a new row has where nothing is said",
        format!("{alter} SET DEFAULT {to}"),
        match from {
            Some(from) => format!("{alter} SET DEFAULT {from}"),
            None => format!("{alter} DROP DEFAULT"),
        },
    ));
}

fn complete(
    plan: &mut Plan,
    table: &Table,
    feature: &'static str,
    there: &Column,
    wanted: &Wanted,
) -> Result<()> {
    if there.r#type != wanted.r#type && !(wanted.identity && there.base_type == "integer") {
        return Err(Error::FeatureUnfit {
            feature,
            table: table.qualified(),
            why: format!(
                "It has a column {} of type {}; the feature's is of type {}.",
                there.quoted, there.r#type, wanted.r#type
            ),
            hint: format!(
                "Change the type first, as with ALTER TABLE {} ALTER COLUMN {} TYPE {}, or rename the column.",
                table.qualified(), there.quoted, wanted.r#type
            ),
        });
    }
    if !there.generated.is_empty() {
        return Err(Error::FeatureUnfit {
            feature,
            table: table.qualified(),
            why: format!(
                "Its column {} is generated, and nothing else can write it.",
                there.quoted
            ),
            hint: "Rename the column, or drop its expression.".into(),
        });
    }
    if wanted.not_null && !there.not_null {
        let alter = format!("ALTER TABLE {} ALTER COLUMN {}", table.qualified(), there.quoted);
        plan.push(Step::new(
            object(table, &there.name),
            format!("set column {} not null", there.quoted),
            wanted.why,
            format!("{alter} SET NOT NULL"),
            format!("{alter} DROP NOT NULL"),
        ));
    }
    if let (Some(default), None, "") = (&wanted.default, &there.default, there.identity.as_str()) {
        set_default(plan, table, &there.name, default, None);
    }
    Ok(())
}

impl EnumType {
    /// As format_type spells it under the pinned path.
    #[must_use]
    pub fn sql(&self) -> String {
        crate::pg::ident::qualified(&self.schema, &self.name)
    }
}
