//! The layouts that the log knows: found or written once a session for each table, read once for each layout.

use super::layout::{Description, Layout};
use crate::error::{Error, Result};
use crate::pg::shape::Shape;
use crate::pg::{query, relation, user};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    /// By their ids: a layout never changes. Those of a transaction that is rolled back are written again under
    /// another id.
    static READ: RefCell<HashMap<i32, Rc<Layout>>> = RefCell::default();
}

/// More than a database has tables and changes of them in a while.
const MOST: usize = 4096;

/// The layout of a table that is described so; written, where the log does not have it.
pub fn layout_of(shape: &Shape, description: Description) -> Result<Layout> {
    let text = description.text();
    user::as_extension_owner(|| {
        let table_key = table_key(shape)?;
        let hash = Layout::hash_of(table_key, &shape.schema, &shape.name, &shape.owner, &text);
        let known = query::value::<i32>(
            include_str!("find_layout.sql"),
            &[relation::origin().into(), Oid::from(shape.oid).into(), hash.to_vec().into()],
        )?;
        let id = match known {
            Some(id) => id,
            None => query::returning::<i32>(
                include_str!("add_layout.sql"),
                &[
                    table_key.into(),
                    relation::origin().into(),
                    Oid::from(shape.oid).into(),
                    shape.schema.as_str().into(),
                    shape.name.as_str().into(),
                    shape.owner.as_str().into(),
                    text.as_str().into(),
                    hash.to_vec().into(),
                ],
            )?
            .ok_or_else(|| Error::Internal { what: "a layout of the log was not kept".into() })?,
        };
        Ok(Layout {
            id,
            table_key,
            schema: shape.schema.clone(),
            name: shape.name.clone(),
            owner: shape.owner.clone(),
            description,
            hash,
        })
    })
}

/// The table's number in the log: that of its former layouts; of a table that was of this name and owner and is
/// gone, or was so before a restore; else its own. Two sessions find the same without waiting for each other.
fn table_key(shape: &Shape) -> Result<i64> {
    Ok(known(shape)?.unwrap_or_else(|| {
        relation::origin().rotate_left(20)
            ^ i64::from(shape.oid).wrapping_mul(0x09E3_779B_97F4_A7C1)
    }))
}

/// The number that the log knows the table by; None where it was never logged.
pub fn known(shape: &Shape) -> Result<Option<i64>> {
    query::value::<i64>(
        include_str!("find_table.sql"),
        &[
            relation::origin().into(),
            Oid::from(shape.oid).into(),
            shape.schema.as_str().into(),
            shape.name.as_str().into(),
            shape.owner.as_str().into(),
        ],
    )
}

/// Whether a layout is of this table, and not of one that was there before it.
pub fn is_of(layout: i32, table: u32) -> Result<bool> {
    let found = query::value::<bool>(
        "SELECT true FROM tenant_guard.audit_layout l WHERE l.id = $1 AND l.origin = $2 AND l.table_oid = $3",
        &[layout.into(), relation::origin().into(), Oid::from(table).into()],
    )?;
    Ok(found.is_some())
}

/// When each layout was written.
pub fn written() -> Result<Vec<(i32, Option<TimestampWithTimeZone>)>> {
    query::rows("SELECT l.id, l.made_at FROM tenant_guard.audit_layout l", &[], |row| {
        Ok((row.get::<i32>(1)?.unwrap_or_default(), row.get(2)?))
    })
}

/// A layout by its id; None where the log has none.
pub fn layout(id: i32) -> Result<Option<Rc<Layout>>> {
    if let Some(layout) = READ.with_borrow(|read| read.get(&id).cloned()) {
        return Ok(Some(layout));
    }
    let rows = query::rows(
        "SELECT l.table_key, l.table_schema, l.table_name, l.table_owner, l.description, l.hash
         FROM tenant_guard.audit_layout l WHERE l.id = $1",
        &[id.into()],
        |row| {
            let text = |i: usize| Ok::<_, Error>(row.get::<String>(i)?.unwrap_or_default());
            let description = text(5)?;
            Ok(Layout {
                id,
                table_key: row.get::<i64>(1)?.unwrap_or_default(),
                schema: text(2)?,
                name: text(3)?,
                owner: text(4)?,
                description: serde_json::from_str(&description)?,
                hash: row.get::<Vec<u8>>(6)?.unwrap_or_default().try_into().unwrap_or_default(),
            })
        },
    )?;
    let Some(layout) = rows.into_iter().next().map(Rc::new) else {
        return Ok(None);
    };
    READ.with_borrow_mut(|read| {
        if read.len() >= MOST {
            read.clear();
        }
        read.insert(id, layout.clone());
    });
    Ok(Some(layout))
}
