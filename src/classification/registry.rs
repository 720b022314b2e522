//! The classes of columns, as registered: what writes them, and what reads them.

use super::class::Class;
use crate::catalog::Table;
use crate::error::Result;
use crate::pg::depending::{self, Kept};
use crate::pg::{invalidation, query, relation, snapshot, user};
use pgrx::pg_sys::Oid;
use serde::Deserialize;
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// The class that is registered for the column of the table itself.
pub fn registered(table: &Table, column: &str) -> Result<Option<Class>> {
    let word = user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        query::value_here::<String>(
            "SELECT h.class FROM tenant_guard.column_class_here h
             WHERE h.relation = $1 AND h.column_name = $2
             ORDER BY pg_catalog.array_position('{secret,pii,internal,public}', h.class)",
            &[Oid::from(table.oid).into(), column.into()],
        )
    })?;
    word.as_deref().map(Class::parse).transpose()
}

/// Registers the class of a column, or with None that it has none.
pub fn write(table: &Table, column: &str, class: Option<Class>) -> Result<()> {
    let by = user::current();
    let number = i16::try_from(relation::column_number(table.oid, column)).unwrap_or_default();
    let oid = Oid::from(table.oid);
    let (schema, name) = (table.schema.as_str(), table.name.as_str());
    user::as_extension_owner(|| {
        query::run(
            include_str!("unregister.sql"),
            &[schema.into(), name.into(), oid.into(), number.into(), column.into()],
        )?;
        let Some(class) = class else { return Ok(()) };
        query::run(
            "INSERT INTO tenant_guard.column_class (table_schema, table_name, column_name, class, table_oid, attribute, table_owner, origin, classified_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                schema.into(),
                name.into(),
                column.into(),
                class.word().into(),
                oid.into(),
                number.into(),
                table.owner.as_str().into(),
                relation::origin().into(),
                by.into(),
            ],
        )
    })?;
    // What the tables below have of it has changed too.
    relation::descendants(table.oid).into_iter().for_each(invalidation::announce);
    Ok(())
}

/// The classes of a table's columns, and the relations that they depend on.
#[derive(Debug, Deserialize)]
pub struct Classes {
    pub relations: Vec<u32>,
    classes: Vec<(i16, Class)>,
}

impl Classes {
    /// The classes, where they say the same twice the stricter one.
    fn by_column(mut self) -> Vec<(i16, Class)> {
        self.classes.sort_unstable_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        self.classes.dedup_by_key(|(attribute, _)| *attribute);
        self.classes
    }
}

type Known = (Vec<(i16, Class)>, Vec<u32>);

thread_local! {
    static KNOWN: ManuallyDrop<Kept<u32, Rc<Known>>> = const { ManuallyDrop::new(Kept::new()) };
}

/// The number and the class of every classified column of a table, those included that are so in a table
/// above it. Kept until one of these tables changes. Needs no privilege, and gives the transaction no id.
pub fn of_table(oid: u32) -> Result<Vec<(i16, Class)>> {
    depending::listen();
    Ok(known(oid)?.0.clone())
}

/// The relations whose change may change what `of_table` gives.
pub fn relations_of(oid: u32) -> Result<Vec<u32>> {
    Ok(known(oid)?.1.clone())
}

/// The same, with the relations that it depends on.
pub fn known(oid: u32) -> Result<Rc<Known>> {
    KNOWN.with(|known| {
        known.get_or_read(oid, || {
            let classes = read(oid)?;
            let relations = classes.relations.clone();
            Ok((Rc::new((classes.by_column(), relations.clone())), relations))
        })
    })
}

fn read(oid: u32) -> Result<Classes> {
    let classes = user::as_extension_owner(|| {
        let args = [Oid::from(oid).into()];
        if snapshot::in_parallel_mode() {
            // No new snapshot can be taken there.
            return query::model(include_str!("of_table.sql"), &args);
        }
        let _read = query::catalog_read(query::PINNED);
        query::model_here(include_str!("of_table.sql"), &args)
    })?;
    Ok(classes.unwrap_or(Classes { relations: vec![oid], classes: vec![] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_tables_above_the_stricter_counts() {
        let classes = Classes {
            relations: vec![],
            classes: vec![
                (2, Class::Public),
                (1, Class::Internal),
                (2, Class::Secret),
                (1, Class::Public),
                (3, Class::Pii),
            ],
        };
        let expected = vec![(1, Class::Internal), (2, Class::Secret), (3, Class::Pii)];
        assert_eq!(classes.by_column(), expected);
    }
}
