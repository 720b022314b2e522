//! The chain of blocks by itself, without the events that it seals.

use super::chain::{Block, Position, EVENTS, PURGE};
use super::findings::{Findings, Problem, What};
use super::store;
use crate::audit::format::Digest;
use crate::error::Result;
use crate::pg::query;
use std::collections::HashMap;

/// That each block is what its digest says, and follows the one before; that a digest kept elsewhere is among them.
pub fn chain(chain: &[Block], kept: Option<&[u8]>, findings: &mut Findings) {
    let mut previous: Digest = [0; 32];
    let mut ends: HashMap<i64, Position> = HashMap::new();
    for (number, block) in (1..).zip(chain) {
        let mut bad = |detail: String| {
            findings.add(Problem::of(What::Block, Some(block.number), detail));
        };
        if block.number != number {
            bad(format!("block {number} is missing"));
            return;
        }
        if block.digest_of() != block.digest {
            bad(format!("block {number} was altered: its digest is not that of what it says"));
        }
        if block.previous != previous {
            bad(format!("block {number} does not follow the block before"));
        }
        if block.kind == EVENTS {
            let end = ends.entry(block.origin).or_insert((0, 0));
            if block.from != *end {
                bad(format!("block {number} does not begin where the one before ended"));
            }
            *end = block.to;
        }
        previous = block.digest;
    }
    if let Some(kept) = kept {
        if !chain.iter().any(|block| block.digest == kept) {
            let detail = "no block of the chain has the digest that was kept: the chain was cut or written anew";
            findings.add(Problem::of(What::Digest, None, detail.into()));
        }
    }
}

/// That a block of purges says which trees were purged.
pub fn purges(chain: &[Block], from_block: i64, findings: &mut Findings) -> Result<()> {
    for block in chain.iter().filter(|b| b.kind == PURGE && b.number >= from_block) {
        let (root, events) = store::purged_root(block.number)?;
        if root != block.root || events != block.events {
            let detail = format!(
                "the trees that block {} says were purged are not those marked so",
                block.number
            );
            findings.add(Problem::of(What::Tree, Some(block.number), detail));
        }
    }
    let stray = "SELECT min(t.block) FROM tenant_guard.audit_tree t
                 LEFT JOIN tenant_guard.audit_block b ON b.number = t.purged_in AND b.kind = 'P'
                 WHERE t.purged_in IS NOT NULL AND b.number IS NULL";
    if let Some(block) = query::value::<i64>(stray, &[])? {
        let detail = format!("a tree of block {block} is marked as purged, and no block says so");
        findings.add(Problem::of(What::Tree, Some(block), detail));
    }
    Ok(())
}
