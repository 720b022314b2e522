//! The trees of a block, as they are kept.

use super::chain;
use super::leaves::{encode, Leaf};
use super::tree;
use crate::audit::format::Digest;
use crate::error::Result;
use crate::pg::row::OwnRow;
use crate::pg::{cursor, query};
use pgrx::Uuid;

/// So many leaves are kept in one row: a power of two, so that a part's tree is one within the whole.
pub const PART: usize = 1 << 16;

/// A part of an organization's tree in a block.
pub struct Part {
    pub organization: Option<[u8; 16]>,
    pub number: i32,
    pub events: i64,
    pub first_id: i64,
    pub last_id: i64,
    pub root: Digest,
    pub leaves: Vec<u8>,
    pub purged_in: Option<i64>,
}

/// An organization's tree: its parts in order.
pub struct Kept {
    pub organization: Option<[u8; 16]>,
    pub parts: Vec<Part>,
}

impl Kept {
    #[must_use]
    pub fn events(&self) -> i64 {
        self.parts.iter().map(|part| part.events).sum()
    }

    #[must_use]
    pub fn root(&self) -> Digest {
        tree::root(self.parts.iter().map(|part| part.root))
    }

    /// The block that says that its events were purged.
    #[must_use]
    pub fn purged_in(&self) -> Option<i64> {
        self.parts.first()?.purged_in
    }

    #[must_use]
    pub fn leaf(&self) -> Digest {
        chain::tree_leaf(self.organization.as_ref(), self.events(), &self.root())
    }
}

#[must_use]
pub fn uuid(organization: Option<&[u8; 16]>) -> Option<Uuid> {
    organization.map(|id| Uuid::from_bytes(*id))
}

/// Keeps the tree over events in the order of their ids; returns its leaf in the block's tree.
pub fn keep(
    block: i64,
    organization: Option<&[u8; 16]>,
    leaves: &[Leaf],
    last_at: i64,
) -> Result<Digest> {
    let mut roots = Vec::new();
    for (number, part) in leaves.chunks(PART).enumerate() {
        let root = tree::root(part.iter().map(|leaf| tree::leaf(&leaf.hash)));
        roots.push(root);
        let mut row = OwnRow::new("audit_tree")?;
        row.push(Some(block))?;
        row.push(uuid(organization))?;
        row.push(Some(number as i32))?;
        row.push(Some(part.len() as i64))?;
        row.push(part.first().map(|leaf| leaf.id))?;
        row.push(part.last().map(|leaf| leaf.id))?;
        row.push(chain::timestamp(last_at))?;
        row.push(Some(root.to_vec()))?;
        row.push(Some(encode(part)))?;
        row.push(None::<i64>)?;
        row.insert()?;
    }
    Ok(chain::tree_leaf(organization, leaves.len() as i64, &tree::root(roots)))
}

const COLUMNS: &str =
    "SELECT t.organization, t.part, t.events, t.first_id, t.last_id, t.root, t.leaves, t.purged_in
    FROM tenant_guard.audit_tree t WHERE t.block = $1";

/// The trees of a block, in the order of the block's tree: events of nobody first.
pub fn trees(block: i64) -> Result<Vec<Kept>> {
    let sql = format!("{COLUMNS} ORDER BY t.organization NULLS FIRST, t.part");
    let mut trees: Vec<Kept> = Vec::new();
    cursor::each(&sql, &[block.into()], |row| {
        let part = Part {
            organization: row.uuid(0),
            number: row.int(1).unwrap_or_default(),
            events: row.long(2).unwrap_or_default(),
            first_id: row.long(3).unwrap_or_default(),
            last_id: row.long(4).unwrap_or_default(),
            root: row.with_bytes(5, |root| root.try_into().ok()).flatten().unwrap_or_default(),
            leaves: row.with_bytes(6, <[u8]>::to_vec).unwrap_or_default(),
            purged_in: row.long(7),
        };
        match trees.last_mut().filter(|tree| tree.organization == part.organization) {
            Some(tree) => tree.parts.push(part),
            None => trees.push(Kept { organization: part.organization, parts: vec![part] }),
        }
        Ok(true)
    })?;
    Ok(trees)
}

/// Over the trees that a block says were purged, in the order of their blocks: the root, and how many events.
pub fn purged_root(purge: i64) -> Result<(Digest, i64)> {
    let sql = "SELECT t.block, t.organization, t.events, t.root FROM tenant_guard.audit_tree t
               WHERE t.purged_in = $1 ORDER BY t.block, t.organization NULLS FIRST, t.part";
    let (mut whole, mut events) = (tree::Tree::default(), 0);
    let parts = query::rows(sql, &[purge.into()], |row| {
        let organization = row.get::<Uuid>(2)?.map(|id| *id.as_bytes());
        let (block, count) = (row.get::<i64>(1)?, row.get::<i64>(3)?.unwrap_or_default());
        let root = chain::digest(row, 4)?;
        let leaf =
            chain::purged_leaf(block.unwrap_or_default(), organization.as_ref(), count, &root);
        Ok((leaf, count))
    })?;
    for (leaf, count) in parts {
        whole.push(leaf);
        events += count;
    }
    Ok((whole.root(), events))
}
