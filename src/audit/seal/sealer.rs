//! Sealing: what is final of the log goes into blocks. Events below the horizon are final: whatever transaction they
//! are of has ended. Writers are not waited for, and do not wait.

use super::chain::{self, Block, Position, EVENTS};
use super::leaves::Leaf;
use super::{commits, store, tree};
use crate::audit::months;
use crate::error::{Error, Result};
use crate::pg::guc::Scope;
use crate::pg::{cursor, query, relation, row, user};

pub const LOCK: &str = "seal";

/// A block holds no more events than this; with twice as many in memory the range is split.
const MOST: usize = 1 << 19;

/// Into so many steps a range is split to find where.
const STEPS: i64 = 4096;

struct Event {
    organization: Option<[u8; 16]>,
    leaf: Leaf,
    transaction: i64,
    occurred_at: i64,
    month: i32,
}

impl Event {
    fn position(&self) -> Position {
        (self.transaction, self.leaf.id)
    }
}

/// What is read for one origin.
struct Source {
    origin: i64,
    layouts: Vec<i32>,
    /// Its events have no smaller ids.
    first_id: i64,
}

/// Seals what is final; the new blocks. None where somebody else is at it.
pub fn seal() -> Result<Option<Vec<Block>>> {
    if !relation::lock_name_if_free("audit_block", LOCK) {
        return Ok(None);
    }
    months::prepare(row::clock())?;
    user::as_extension_owner(|| {
        let _read = query::catalog_read(query::PINNED);
        let scope = Scope::new();
        // The summaries of pages tell where a block's events are; a plan made before anybody analyzed the log reads all.
        scope.set(c"enable_seqscan", "off");
        let horizon = query::value::<i64>(
            "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::bigint",
            &[],
        )?
        .unwrap_or_default();
        let mut blocks = Vec::new();
        for source in sources()? {
            let own = source.origin == relation::origin();
            // What was written elsewhere is final, all of it.
            let end = if own { horizon } else { i64::MAX };
            let from = chain::sealed_to(source.origin)?.unwrap_or((0, 0));
            if from.0 >= end {
                continue;
            }
            let before = blocks.len();
            let reached = source.between(from, from, end, &mut blocks)?;
            if !own {
                // Says that no more comes, so that nobody looks again.
                let rest = Vec::new();
                blocks.push(source.block(reached, (i64::MAX, 0), rest)?);
            }
            summarize(&blocks[before..])?;
        }
        Ok(Some(blocks))
    })
}

/// Of each layout the moment of its first event that is not in a block. What is not sealed is read for it.
pub fn unsealed() -> Result<Vec<(i32, i64)>> {
    let scope = Scope::new();
    scope.set(c"enable_seqscan", "off");
    let mut found = Vec::new();
    for source in sources()? {
        let from = chain::sealed_to(source.origin)?.unwrap_or((0, 0));
        if from.0 == i64::MAX {
            continue;
        }
        let args = [from.0.into(), from.1.into(), source.first_id.into(), source.layouts.into()];
        cursor::each(include_str!("unsealed.sql"), &args, |row| {
            found.extend(row.int(0).zip(row.long(1)));
            Ok(true)
        })?;
    }
    Ok(found)
}

/// Former origins first, in the order that they came to be known.
fn sources() -> Result<Vec<Source>> {
    query::rows(include_str!("sources.sql"), &[relation::origin().into()], |row| {
        Ok(Source {
            origin: row.get::<i64>(1)?.unwrap_or_default(),
            layouts: row.get::<Vec<i32>>(2)?.unwrap_or_default(),
            first_id: row.get::<i64>(3)?.unwrap_or(i64::MIN),
        })
    })
}

impl Source {
    /// Seals the events from a position on, of which none is before `low`; returns how far.
    fn between(
        &self,
        from: Position,
        low: Position,
        end: i64,
        blocks: &mut Vec<Block>,
    ) -> Result<Position> {
        let divisible = end.saturating_sub(low.0) > 1;
        if let Some(events) = self.collect(low, end, divisible)? {
            if events.is_empty() {
                return Ok(from);
            }
            // A single transaction may be too large for a block, and is cut by ids.
            let whole = events.len() <= MOST || divisible;
            let to = match (whole, end) {
                (false, _) => cut(&events),
                (true, i64::MAX) => after_last(&events),
                (true, end) => (end, 0),
            };
            let of_block = events.into_iter().filter(|event| event.position() < to).collect();
            blocks.push(self.block(from, to, of_block)?);
            return if whole { Ok(to) } else { self.between(to, to, end, blocks) };
        }
        let (mut reached, mut low) = (from, low);
        for end in self.cuts(low, end)? {
            reached = self.between(reached, low, end, blocks)?;
            low = (end, 0);
        }
        Ok(reached)
    }

    /// The events between; None for too many, where the range can be split. Of a single transaction those with the
    /// smallest ids.
    fn collect(&self, from: Position, end: i64, divisible: bool) -> Result<Option<Vec<Event>>> {
        let mut events: Vec<Event> = Vec::new();
        let mut too_many = false;
        let args = [
            from.0.into(),
            end.into(),
            self.first_id.into(),
            self.layouts.clone().into(),
            from.1.into(),
        ];
        cursor::each(include_str!("collect.sql"), &args, |row| {
            let missing = || Error::Internal { what: "an event of the log has no hash".into() };
            let hash = row.with_bytes(2, |hash| hash.try_into().ok()).flatten();
            events.push(Event {
                organization: row.uuid(0),
                leaf: Leaf { id: row.long(1).unwrap_or_default(), hash: hash.ok_or_else(missing)? },
                transaction: row.long(3).unwrap_or_default(),
                occurred_at: row.long(4).unwrap_or_default(),
                month: row.int(5).unwrap_or_default(),
            });
            if events.len() >= 2 * MOST {
                too_many = divisible;
                if !divisible {
                    events.select_nth_unstable_by_key(MOST, Event::position);
                    events.truncate(MOST + 1);
                }
            }
            Ok(!too_many)
        })?;
        Ok((!too_many).then_some(events))
    }

    /// Where to split a range of many transactions.
    fn cuts(&self, from: Position, end: i64) -> Result<Vec<i64>> {
        let last = "SELECT max(e.transaction_id) FROM tenant_guard.audit_event e WHERE e.layout = ANY ($1)";
        let last = match end {
            i64::MAX => query::value::<i64>(last, &[self.layouts.clone().into()])?,
            end => Some(end - 1),
        };
        let last = last.unwrap_or(from.0);
        let width = (last - from.0) / STEPS + 1;
        let steps = query::rows(
            include_str!("steps.sql"),
            &[
                from.0.into(),
                end.into(),
                self.first_id.into(),
                self.layouts.clone().into(),
                width.into(),
            ],
            |row| Ok((row.get::<i64>(1)?.unwrap_or(0), row.get::<i64>(2)?.unwrap_or(0))),
        )?;
        Ok(cuts(from.0, width, end, &steps))
    }

    /// Keeps the block and its trees.
    fn block(&self, from: Position, to: Position, mut events: Vec<Event>) -> Result<Block> {
        events.sort_unstable_by_key(|event| (event.organization, event.leaf.id));
        let number = chain::last()?.map_or(1, |block| block.number + 1);
        let mut whole = tree::Tree::default();
        for of_one in events.chunk_by(|a, b| a.organization == b.organization) {
            let leaves: Vec<Leaf> = of_one.iter().map(|event| event.leaf).collect();
            let last_at = of_one.iter().map(|event| event.occurred_at).max().unwrap_or_default();
            let organization = of_one.first().and_then(|event| event.organization.as_ref());
            whole.push(store::keep(number, organization, &leaves, last_at)?);
        }
        let commits = commits::between(self.origin, from.0, to.0)?;
        commits.leaf().into_iter().for_each(|leaf| whole.push(leaf));
        let months = events.iter().map(|event| event.month);
        chain::append(Block {
            number,
            kind: EVENTS,
            origin: self.origin,
            from,
            to,
            sealed_at: row::clock(),
            events: events.len() as i64,
            root: whole.root(),
            previous: [0; 32],
            digest: [0; 32],
            commits,
            last_id: events.iter().map(|event| event.leaf.id).max().unwrap_or_default(),
            months: months.clone().min().zip(months.max()),
        })
    }
}

/// The ends of ranges, each of a block's worth of events at most, or of one step, which may hold more. Steps are of one
/// width and counted from `from`; those without events are left out.
fn cuts(from: i64, width: i64, end: i64, steps: &[(i64, i64)]) -> Vec<i64> {
    let mut cuts = Vec::new();
    let mut events = 0;
    for (step, count) in steps {
        let start = from + step * width;
        if events + count > MOST as i64 {
            if start > from {
                cuts.push(start);
            }
            events = 0;
        }
        events += count;
        if events > MOST as i64 {
            cuts.push((start + width).min(end));
            events = 0;
        }
    }
    cuts.push(end);
    cuts.dedup();
    cuts
}

/// The first position that no longer fits.
fn cut(events: &[Event]) -> Position {
    let mut positions: Vec<Position> = events.iter().map(Event::position).collect();
    *positions.select_nth_unstable(MOST).1
}

fn after_last(events: &[Event]) -> Position {
    events.iter().map(|event| (event.transaction + 1, 0)).max().unwrap_or_default()
}

/// Has the indexes summarize the pages that blocks are on, so that the next one is found as fast.
fn summarize(blocks: &[Block]) -> Result<()> {
    let Some(first) = blocks.iter().filter_map(|b| b.months).map(|m| m.0).min() else {
        return Ok(());
    };
    query::run(include_str!("summarize.sql"), &[first.into()])
}

#[cfg(test)]
mod tests {
    use super::cuts;

    const FULL: i64 = super::MOST as i64;

    #[test]
    fn ranges_hold_a_block_or_one_step() {
        assert_eq!(cuts(0, 10, 100, &[(0, 5), (9, 5)]), [100]);
        assert_eq!(cuts(0, 10, 100, &[(0, FULL), (3, 1), (9, 5)]), [30, 100]);
        // A step that is too large stands alone, whatever is before it.
        assert_eq!(cuts(0, 10, 100, &[(4, FULL + 1)]), [40, 50, 100]);
        assert_eq!(cuts(7, 1, 8, &[(0, FULL + 1)]), [8]);
        assert_eq!(cuts(0, 10, 95, &[(0, 1), (9, FULL + 1)]), [90, 95]);
        assert_eq!(cuts(5, 10, i64::MAX, &[(0, 3), (1, FULL), (2, FULL)]), [15, 25, i64::MAX]);
    }
}
