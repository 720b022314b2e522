//! Which block covers an event.

use super::chain::{Block, Position, EVENTS};
use std::collections::HashMap;

/// Of each origin its blocks by where they begin, as indexes into the chain.
#[derive(Default)]
pub struct Places(HashMap<i64, Vec<(Position, usize)>>);

impl Places {
    #[must_use]
    pub fn of<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        let mut places: HashMap<i64, Vec<(Position, usize)>> = HashMap::new();
        for (index, block) in blocks.into_iter().enumerate().filter(|(_, b)| b.kind == EVENTS) {
            places.entry(block.origin).or_default().push((block.from, index));
        }
        places.values_mut().for_each(|of_origin| of_origin.sort_unstable());
        Places(places)
    }

    /// The last block that begins there or before; whether it reaches so far is the caller's to ask.
    #[must_use]
    pub fn last_from(&self, origin: i64, at: Position) -> Option<usize> {
        let places = self.0.get(&origin)?;
        let after = places.partition_point(|(from, _)| *from <= at);
        places.get(after.checked_sub(1)?).map(|(_, index)| *index)
    }

    #[must_use]
    pub fn find(&self, blocks: &[Block], origin: i64, at: Position) -> Option<usize> {
        self.last_from(origin, at).filter(|index| blocks[*index].covers(at))
    }
}
