//! When the transactions of a block committed, which decides what the table was at a moment: sealed with the block.

use super::chain::Block;
use super::tree;
use crate::audit::format::Digest;
use crate::error::Result;
use crate::pg::cursor;

/// How many moments, and the root of the tree over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commits {
    pub count: i64,
    pub root: Digest,
}

pub const NONE: Commits = Commits { count: 0, root: [0; 32] };

impl Commits {
    /// Behind the trees of the organizations in the tree of the block.
    #[must_use]
    pub fn leaf(&self) -> Option<Digest> {
        if self.count == 0 {
            return None;
        }
        let mut bytes = vec![2];
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.root);
        Some(tree::leaf(&bytes))
    }
}

/// Those of the transactions from one on and before another, as they are there.
pub fn between(origin: i64, from: i64, to: i64) -> Result<Commits> {
    let sql = "SELECT t.transaction_id, t.committed_at FROM tenant_guard.audit_commit t
               WHERE t.transaction_id >= $1 AND t.transaction_id < $2 AND t.origin = $3
               ORDER BY t.transaction_id, t.committed_at";
    let (mut whole, mut count) = (tree::Tree::default(), 0);
    cursor::each(sql, &[from.into(), to.into(), origin.into()], |row| {
        let mut bytes = row.long(0).unwrap_or_default().to_be_bytes().to_vec();
        bytes.extend_from_slice(&row.long(1).unwrap_or_default().to_be_bytes());
        whole.push(tree::leaf(&bytes));
        count += 1;
        Ok(true)
    })?;
    Ok(if count == 0 { NONE } else { Commits { count, root: whole.root() } })
}

/// Those that a block is to say. A transaction that is cut in two is in the second block.
pub fn of(block: &Block) -> Result<Commits> {
    between(block.origin, block.from.0, block.to.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_and_root_are_of_the_leaf_and_where_there_are_none_there_is_none() {
        assert_eq!(NONE.leaf(), None);
        let one = Commits { count: 1, root: [7; 32] };
        assert_ne!(one.leaf(), Commits { count: 2, ..one }.leaf());
        assert_ne!(one.leaf(), Commits { root: [8; 32], ..one }.leaf());
    }
}
