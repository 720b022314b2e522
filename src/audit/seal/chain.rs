//! The chain of blocks: what a block says, and its digest.

use super::commits::Commits;
use super::tree;
use crate::audit::format::{sha256, Digest};
use crate::error::{Error, Result};
use crate::pg::query;
use crate::pg::row::OwnRow;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::spi::SpiTupleTable;

/// Where an event stands: its transaction and its id.
pub type Position = (i64, i64);

pub const EVENTS: u8 = b'E';
pub const PURGE: u8 = b'P';

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub number: i64,
    pub kind: u8,
    pub origin: i64,
    pub from: Position,
    pub to: Position,
    /// Microseconds since 2000-01-01 UTC.
    pub sealed_at: i64,
    pub events: i64,
    pub root: Digest,
    pub previous: Digest,
    pub digest: Digest,
    pub commits: Commits,
    pub last_id: i64,
    /// Days since 2000-01-01.
    pub months: Option<(i32, i32)>,
}

const BLOCK: &[u8] = b"tenant_guard audit block 1\0";

impl Block {
    /// All that is hashed of it.
    #[must_use]
    pub fn digest_of(&self) -> Digest {
        let mut bytes = BLOCK.to_vec();
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.push(self.kind);
        let numbers = [
            self.origin,
            self.from.0,
            self.from.1,
            self.to.0,
            self.to.1,
            self.sealed_at,
            self.events,
        ];
        numbers.iter().for_each(|n| bytes.extend_from_slice(&n.to_be_bytes()));
        bytes.extend_from_slice(&self.previous);
        bytes.extend_from_slice(&self.root);
        sha256(&[&bytes])
    }

    #[must_use]
    pub fn covers(&self, at: Position) -> bool {
        self.kind == EVENTS && self.from <= at && at < self.to
    }
}

/// The leaf of an organization's tree in the tree of the block.
#[must_use]
pub fn tree_leaf(organization: Option<&[u8; 16]>, events: i64, root: &Digest) -> Digest {
    tree::leaf(&organization_bytes(organization, events, root))
}

fn organization_bytes(organization: Option<&[u8; 16]>, events: i64, root: &Digest) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(57);
    match organization {
        None => bytes.push(0),
        Some(organization) => {
            bytes.push(1);
            bytes.extend_from_slice(organization);
        }
    }
    bytes.extend_from_slice(&events.to_be_bytes());
    bytes.extend_from_slice(root);
    bytes
}

/// The leaf of a tree whose events were purged, in the tree of the block that says so.
#[must_use]
pub fn purged_leaf(
    block: i64,
    organization: Option<&[u8; 16]>,
    events: i64,
    root: &Digest,
) -> Digest {
    let mut bytes = block.to_be_bytes().to_vec();
    bytes.extend_from_slice(&organization_bytes(organization, events, root));
    tree::leaf(&bytes)
}

const COLUMNS: &str = "SELECT b.number, b.kind, b.origin, b.xid_from, b.id_from, b.xid_to, b.id_to, b.sealed_at, b.events, b.root,
    b.previous, b.digest, b.last_id, b.first_month, b.last_month, b.commits, b.commits_root
    FROM tenant_guard.audit_block b ";

fn block(row: &mut SpiTupleTable) -> Result<Block> {
    let long =
        |row: &SpiTupleTable, i: usize| Ok::<_, Error>(row.get::<i64>(i)?.unwrap_or_default());
    let first = row.get::<i32>(14)?;
    Ok(Block {
        number: long(row, 1)?,
        kind: row.get::<i8>(2)?.unwrap_or_default() as u8,
        origin: long(row, 3)?,
        from: (long(row, 4)?, long(row, 5)?),
        to: (long(row, 6)?, long(row, 7)?),
        sealed_at: row.get::<TimestampWithTimeZone>(8)?.map_or(0, i64::from),
        events: long(row, 9)?,
        root: digest(row, 10)?,
        previous: digest(row, 11)?,
        digest: digest(row, 12)?,
        commits: Commits { count: long(row, 16)?, root: digest(row, 17)? },
        last_id: long(row, 13)?,
        months: first.zip(row.get::<i32>(15)?),
    })
}

/// Of a column; what is no digest is none that fits.
pub fn digest(row: &SpiTupleTable, column: usize) -> Result<Digest> {
    Ok(row.get::<Vec<u8>>(column)?.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default())
}

/// The whole chain in order.
pub fn all() -> Result<Vec<Block>> {
    query::rows(&format!("{COLUMNS} ORDER BY b.number"), &[], block)
}

/// The blocks after one, in order.
pub fn after(number: i64) -> Result<Vec<Block>> {
    let sql = format!("{COLUMNS} WHERE b.number > $1 ORDER BY b.number");
    query::rows(&sql, &[number.into()], block)
}

pub fn last() -> Result<Option<Block>> {
    let sql = format!("{COLUMNS} ORDER BY b.number DESC LIMIT 1");
    Ok(query::rows(&sql, &[], block)?.into_iter().next())
}

/// The block that covers an event of the origin.
pub fn covering(origin: i64, at: Position) -> Result<Option<Block>> {
    let sql = format!(
        "{COLUMNS} WHERE b.kind = 'E' AND b.origin = $1 AND (b.xid_from, b.id_from) <= ($2, $3)
         ORDER BY b.xid_from DESC, b.id_from DESC LIMIT 1"
    );
    let found = query::rows(&sql, &[origin.into(), at.0.into(), at.1.into()], block)?;
    Ok(found.into_iter().next().filter(|block| block.covers(at)))
}

/// How far the origin's events are sealed.
pub fn sealed_to(origin: i64) -> Result<Option<Position>> {
    let sql = "SELECT b.xid_to, b.id_to FROM tenant_guard.audit_block b
               WHERE b.kind = 'E' AND b.origin = $1 ORDER BY b.xid_to DESC, b.id_to DESC LIMIT 1";
    let found = query::rows(sql, &[origin.into()], |row| {
        Ok((row.get::<i64>(1)?.unwrap_or_default(), row.get::<i64>(2)?.unwrap_or_default()))
    })?;
    Ok(found.into_iter().next())
}

/// Appends a block to the chain: its number, what it follows and its digest are found here.
pub fn append(mut block: Block) -> Result<Block> {
    let before = last()?;
    block.number = before.as_ref().map_or(1, |b| b.number + 1);
    block.previous = before.map_or([0; 32], |b| b.digest);
    block.digest = block.digest_of();
    let mut row = OwnRow::new("audit_block")?;
    row.push(Some(block.number))?;
    row.push(Some(block.kind as i8))?;
    row.push(Some(block.origin))?;
    row.push(Some(block.from.0))?;
    row.push(Some(block.from.1))?;
    row.push(Some(block.to.0))?;
    row.push(Some(block.to.1))?;
    row.push(timestamp(block.sealed_at))?;
    row.push(Some(block.events))?;
    row.push(Some(block.root.to_vec()))?;
    row.push(Some(block.previous.to_vec()))?;
    row.push(Some(block.digest.to_vec()))?;
    row.push(Some(block.last_id))?;
    row.push(block.months.map(|m| m.0))?;
    row.push(block.months.map(|m| m.1))?;
    row.push(Some(block.commits.count))?;
    row.push(Some(block.commits.root.to_vec()))?;
    row.insert()?;
    Ok(block)
}

#[must_use]
pub fn timestamp(micros: i64) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_block_counts() {
        let block = Block {
            number: 1,
            kind: EVENTS,
            origin: 2,
            from: (3, 4),
            to: (5, 6),
            sealed_at: 7,
            events: 8,
            root: [9; 32],
            previous: [10; 32],
            digest: [0; 32],
            commits: crate::audit::seal::commits::NONE,
            last_id: 0,
            months: None,
        };
        let other = |change: fn(&mut Block)| {
            let mut block = block.clone();
            change(&mut block);
            block.digest_of()
        };
        let mut digests = vec![
            block.digest_of(),
            other(|b| b.number = 99),
            other(|b| b.kind = PURGE),
            other(|b| b.origin = 99),
            other(|b| b.from.0 = 99),
            other(|b| b.from.1 = 99),
            other(|b| b.to.0 = 99),
            other(|b| b.to.1 = 99),
            other(|b| b.sealed_at = 99),
            other(|b| b.events = 99),
            other(|b| b.root = [99; 32]),
            other(|b| b.previous = [99; 32]),
        ];
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
        // What only says where to look is not hashed.
        assert_eq!(other(|b| b.last_id = 99), block.digest_of());
    }

    #[test]
    fn trees_of_nobody_and_of_the_zero_organization_differ() {
        let root = [1; 32];
        assert_ne!(tree_leaf(None, 1, &root), tree_leaf(Some(&[0; 16]), 1, &root));
        assert_ne!(tree_leaf(None, 1, &root), tree_leaf(None, 2, &root));
        assert_ne!(purged_leaf(1, None, 1, &root), purged_leaf(2, None, 1, &root));
    }
}
