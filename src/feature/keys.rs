//! The feature `dual_id`: a key that stays inside, and an id for outside. Pure.

use super::columns::Wanted;
use super::names;
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::pg::ident::quote;
use crate::plan::{Kind, Object, Plan, Step};

const INNER: &str = "id";
const PUBLIC: &str = "public_id";

/// A table with another key keeps it, and gets the public id alone. One whose key is a uuid needs none.
pub fn columns(table: &Table) -> Result<Vec<Wanted>> {
    let unfit = |why: &str, hint: &str| Error::FeatureUnfit {
        feature: "dual_id",
        table: table.qualified(),
        why: why.into(),
        hint: hint.into(),
    };
    let public = Wanted {
        name: PUBLIC.into(),
        r#type: "uuid".into(),
        not_null: true,
        default: Some("tenant_guard.uuid_v7()".into()),
        unique: true,
        why: "what the outside knows the row by; rows that are there get one each",
        ..Wanted::default()
    };
    let primary = table.constraints.iter().find(|k| k.kind == "p");
    let inner = match (primary, table.column(INNER)) {
        (Some(key), _) => {
            let uuid = |name: &String| table.column(name).is_some_and(|c| c.base_type == "uuid");
            if key.columns.len() == 1 && key.columns.iter().all(uuid) {
                return Err(unfit(
                    "Its primary key is a uuid already, which the outside may know the row by.",
                    "Leave the feature out: a uuid for a key is the other supported style.",
                ));
            }
            None
        }
        (None, Some(_)) => {
            return Err(unfit(
                "It has a column id, which is no primary key.",
                "Make it the primary key, or rename it.",
            ))
        }
        (None, None) => Some(Wanted {
            name: INNER.into(),
            r#type: "bigint".into(),
            identity: true,
            not_null: true,
            why: "the key that other tables refer to; it never leaves the database",
            ..Wanted::default()
        }),
    };
    if table.kind == "p" {
        return Err(unfit(
            "A key of a partitioned table has to have the partition key in it, so an id alone cannot be unique.",
            "Give the table a key of its own; uuid_v7() serves as a default of a column of it.",
        ));
    }
    Ok(inner.into_iter().chain([public]).collect())
}

/// The identity cannot be handed down to tables that inherit.
pub fn check_family(family: &[Table], wanted: &[Wanted]) -> Result<()> {
    let missing = wanted.iter().any(|w| w.identity && family[0].column(&w.name).is_none());
    if missing && family.len() > 1 {
        return Err(Error::FeatureUnfit {
            feature: "dual_id",
            table: family[0].qualified(),
            why: "Tables inherit from it, and PostgreSQL hands no identity column down to them."
                .into(),
            hint: "Give it a primary key first; the feature then adds the public id.".into(),
        });
    }
    Ok(())
}

/// The public id is unique in each table that inherits.
pub fn plan_unique(plan: &mut Plan, table: &Table) {
    let there = table.constraints.iter().any(|k| k.kind == "u" && k.columns == [PUBLIC]);
    if there {
        return;
    }
    let name = names::free_constraint(table, &names::constraint(table, &[PUBLIC.into()], "key"));
    plan.push(Step::new(
        Object::in_table(Kind::Constraint, &table.schema, &table.name, &name),
        format!("add constraint {}", quote(&name)),
        "an id that the outside knows means one row",
        format!(
            "ALTER TABLE {} ADD CONSTRAINT {} UNIQUE ({PUBLIC})",
            table.qualified(),
            quote(&name)
        ),
        format!("ALTER TABLE {} DROP CONSTRAINT {}", table.qualified(), quote(&name)),
    ));
}
