//! A proof that an event was logged, for a program outside that has nothing but a digest.

use super::chain::{self, Block, Position};
use super::leaves;
use super::store::{self, Kept};
use super::{known, tree};
use crate::audit::format::Digest;
use crate::audit::render::hex;
use crate::error::{Error, Result};
use crate::pg::query;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::Uuid;
use serde_json::{json, Value};

struct Event {
    occurred_at: i64,
    transaction: i64,
    row_key: Option<i64>,
    context: i64,
    layout: i32,
    organization: Option<[u8; 16]>,
    operation: u8,
    hash: Digest,
    image: Vec<u8>,
}

pub fn proof(id: i64, kept: Option<&[u8]>) -> Result<Value> {
    let missing = || Error::NoSuchEvent { id };
    let event = event(id)?.ok_or_else(missing)?;
    let (origin, layout) = layout(event.layout)?;
    let at: Position = (event.transaction, id);
    let block = chain::covering(origin, at)?.ok_or(Error::NotSealed { id })?;
    let trees = store::trees(block.number)?;
    let place = trees.iter().position(|tree| tree.organization == event.organization);
    let altered = || Error::LogAltered { block: block.number };
    let place = place.ok_or_else(altered)?;
    let (index, path) = path_in(&trees[place], &block, id, &event.hash)?.ok_or_else(altered)?;
    let roots: Vec<Digest> = trees.iter().map(Kept::leaf).chain(block.commits.leaf()).collect();
    Ok(json!({
        "format": "tenant_guard audit proof 1",
        "event": {
            "id": id,
            "occurred_at": event.occurred_at,
            "transaction_id": event.transaction,
            "operation": char::from(event.operation).to_string(),
            "row_key": event.row_key,
            "organization": event.organization.map(|id| hex(&id)),
            "image": hex(&event.image),
            "hash": hex(&event.hash),
        },
        "layout": layout,
        "context": context(event.context)?,
        "organization_tree": {
            "events": trees[place].events(),
            "index": index,
            "path": hexes(&path),
            "root": hex(&trees[place].root()),
        },
        "block_tree": {
            "trees": roots.len(),
            "index": place,
            "path": hexes(&tree::path(&roots, place)),
        },
        "blocks": blocks(block, kept)?,
    }))
}

/// The event's block, and those after it up to the one of the digest.
fn blocks(block: Block, kept: Option<&[u8]>) -> Result<Vec<Value>> {
    let mut blocks = vec![header(&block)];
    let Some(kept) = kept.filter(|kept| block.digest != *kept) else { return Ok(blocks) };
    for later in chain::after(block.number)? {
        blocks.push(header(&later));
        if later.digest == kept {
            return Ok(blocks);
        }
    }
    Err(Error::WrongOption {
        option: "digest",
        why: "No block from the event's on has that digest.".into(),
        hint: "Give one that seal_audit returned after the event was logged, or none.".into(),
    })
}

fn header(block: &Block) -> Value {
    json!({
        "number": block.number,
        "kind": char::from(block.kind).to_string(),
        "origin": block.origin,
        "xid_from": block.from.0,
        "id_from": block.from.1,
        "xid_to": block.to.0,
        "id_to": block.to.1,
        "sealed_at": block.sealed_at,
        "events": block.events,
        "root": hex(&block.root),
        "previous": hex(&block.previous),
        "digest": hex(&block.digest),
    })
}

fn hexes(path: &[Digest]) -> Vec<String> {
    path.iter().map(|hash| hex(hash)).collect()
}

fn event(id: i64) -> Result<Option<Event>> {
    let sql = "SELECT e.occurred_at, e.transaction_id, e.row_key, e.context, e.layout, e.organization, e.operation, e.hash, e.image
               FROM tenant_guard.audit_event e WHERE e.id = $1";
    let found = query::rows(sql, &[id.into()], |row| {
        Ok(Event {
            occurred_at: row.get::<TimestampWithTimeZone>(1)?.map_or(0, i64::from),
            transaction: row.get::<i64>(2)?.unwrap_or_default(),
            row_key: row.get::<i64>(3)?,
            context: row.get::<i64>(4)?.unwrap_or_default(),
            layout: row.get::<i32>(5)?.unwrap_or_default(),
            organization: row.get::<Uuid>(6)?.map(|id| *id.as_bytes()),
            operation: row.get::<i8>(7)?.unwrap_or_default() as u8,
            hash: chain::digest(row, 8)?,
            image: row.get::<Vec<u8>>(9)?.unwrap_or_default(),
        })
    })?;
    Ok(found.into_iter().next())
}

/// The origin, and what is hashed of the layout.
fn layout(id: i32) -> Result<(i64, Value)> {
    let sql = "SELECT l.origin, l.table_key, l.table_schema, l.table_name, l.table_owner, l.description, l.hash
               FROM tenant_guard.audit_layout l WHERE l.id = $1";
    let found = query::rows(sql, &[id.into()], |row| {
        let text = |i: usize| row.get::<String>(i);
        let value = json!({
            "table_key": row.get::<i64>(2)?.map(|key| key.to_string()),
            "table_schema": text(3)?,
            "table_name": text(4)?,
            "table_owner": text(5)?,
            "description": text(6)?,
            "hash": hex(&chain::digest(row, 7)?),
        });
        Ok((row.get::<i64>(1)?.unwrap_or_default(), value))
    })?;
    let missing = || Error::Internal { what: format!("layout {id} of the log is missing") };
    found.into_iter().next().ok_or_else(missing)
}

/// The names of a context's texts, in the order that they are hashed in.
const TEXTS: [&str; 13] = [
    "id",
    "user_id",
    "organization_id",
    "project_id",
    "roles",
    "session_id",
    "request_id",
    "db_role",
    "session_role",
    "application_name",
    "client_address",
    "statement",
    "reason",
];

fn context(id: i64) -> Result<Value> {
    let mut found = None;
    known::contexts(id, id, |_, hash, texts| found = Some((hash, texts)))?;
    let missing = || Error::Internal { what: format!("context {id} of the log is missing") };
    let (hash, texts) = found.ok_or_else(missing)?;
    let mut value: serde_json::Map<String, Value> =
        TEXTS.iter().zip(texts).map(|(name, text)| (name.to_string(), json!(text))).collect();
    value.insert("hash".into(), hex(&hash).into());
    Ok(Value::Object(value))
}

/// The event's number among those of its organization in the block, and what its leaf is hashed with; None where
/// the log is not what was sealed.
fn path_in(
    kept: &Kept,
    block: &Block,
    id: i64,
    hash: &Digest,
) -> Result<Option<(usize, Vec<Digest>)>> {
    let Some(part) = kept.parts.iter().find(|p| (p.first_id..=p.last_id).contains(&id)) else {
        return Ok(None);
    };
    let Some(index) = leaves::decode(&part.leaves).position(|(there, _)| there == id) else {
        return Ok(None);
    };
    let hashes = query::rows(
        include_str!("part.sql"),
        &[
            part.first_id.into(),
            part.last_id.into(),
            store::uuid(kept.organization.as_ref()).into(),
            block.from.0.into(),
            block.from.1.into(),
            block.to.0.into(),
            block.to.1.into(),
            block.origin.into(),
        ],
        |row| chain::digest(row, 1),
    )?;
    let hashed: Vec<Digest> = hashes.iter().map(|hash| tree::leaf(hash)).collect();
    if hashes.get(index) != Some(hash) || tree::root(hashed.iter().copied()) != part.root {
        return Ok(None);
    }
    let mut path = tree::path(&hashed, index);
    let roots: Vec<Digest> = kept.parts.iter().map(|part| part.root).collect();
    path.extend(tree::path(&roots, part.number as usize));
    Ok(Some((part.number as usize * store::PART + index, path)))
}
