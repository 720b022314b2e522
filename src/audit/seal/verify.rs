//! Is what the log holds what it held when it was sealed? Each event's hash is computed anew, then each tree, then
//! the chain. The log is read as it stands, block after block completing on the way.

use super::chain::{self, Block, Position, EVENTS};
use super::check;
use super::findings::{Findings, Problem, What};
use super::known::{self, Contexts, KnownLayout};
use super::leaves::{self, Leaf};
use super::places::Places;
use super::ranges::Ranges;
use super::{commits, store, tree};
use crate::audit::format::{content_hash, Digest, Head, Reader};
use crate::audit::log::COLUMNS;
use crate::audit::months;
use crate::error::Result;
use crate::pg::own_scan::{self, Row};
use crate::pg::query;
use std::collections::HashMap;

/// Leaves in memory, of blocks that are not complete yet.
const MOST: u64 = 4 << 20;

pub struct Verified {
    pub problems: Vec<Problem>,
    pub events: u64,
    pub unsealed: u64,
    pub purged: i64,
}

#[derive(Default)]
struct Open {
    trees: HashMap<Option<[u8; 16]>, Vec<Leaf>>,
    count: u64,
    touched: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its events are being gathered.
    Awaited,
    Clean,
    /// To be looked at in another reading of the log: something does not fit, or the memory was needed.
    Deferred,
    Done,
}

struct Sealed {
    block: Block,
    state: State,
    /// So many of its events were purged.
    purged: i64,
}

struct Verifier {
    layouts: HashMap<i32, KnownLayout>,
    contexts: Contexts,
    ranges: Ranges,
    /// In the order of the chain.
    blocks: Vec<Sealed>,
    places: Places,
    open: HashMap<usize, Open>,
    leaves: u64,
    findings: Findings,
    from_block: i64,
    last_number: i64,
    /// The first reading, in which contents are looked at too.
    first: bool,
    clock: u64,
    last: Option<(i64, usize)>,
    unsealed: u64,
    events: u64,
}

/// Verifies the blocks from one on, and what is not sealed yet.
pub fn verify(digest: Option<&[u8]>, from_block: i64) -> Result<Verified> {
    let _read = query::catalog_read(query::PINNED);
    let mut findings = Findings::default();
    let chain = chain::all()?;
    check::chain(&chain, digest, &mut findings);
    let layouts = known::layouts()?;
    for (id, layout) in &layouts {
        if !layout.known.intact {
            findings.add(Problem::of(What::Layout, None, format!("layout {id} was altered")));
        }
    }
    let purged: HashMap<i64, i64> = query::rows(
        "SELECT t.block, pg_catalog.sum(t.events)::bigint FROM tenant_guard.audit_tree t
         WHERE t.purged_in <= (SELECT pg_catalog.max(b.number) FROM tenant_guard.audit_block b) GROUP BY 1",
        &[],
        |row| Ok((row.get::<i64>(1)?.unwrap_or_default(), row.get::<i64>(2)?.unwrap_or_default())),
    )?
    .into_iter()
    .collect();
    check::purges(&chain, from_block, &mut findings)?;
    let last_number = chain.last().map_or(0, |block| block.number);
    let mut verifier = Verifier {
        layouts,
        contexts: Contexts::default(),
        ranges: Ranges::read()?,
        blocks: Vec::new(),
        places: Places::default(),
        open: HashMap::new(),
        leaves: 0,
        findings,
        from_block,
        last_number,
        first: true,
        clock: 0,
        last: None,
        unsealed: 0,
        events: 0,
    };
    let chain: Vec<Block> = chain.into_iter().filter(|block| block.kind == EVENTS).collect();
    verifier.places = Places::of(&chain);
    for block in chain {
        let purged = purged.get(&block.number).copied().unwrap_or_default();
        let state = if block.number < from_block { State::Done } else { State::Awaited };
        verifier.blocks.push(Sealed { block, state, purged });
    }
    verifier.run()?;
    let purged = purged.values().sum();
    let (events, unsealed) = (verifier.events, verifier.unsealed);
    Ok(Verified { problems: verifier.findings.into_sorted(), events, unsealed, purged })
}

impl Verifier {
    fn run(&mut self) -> Result<()> {
        loop {
            self.read()?;
            let awaited: Vec<usize> = self.indexes(State::Awaited);
            for index in awaited {
                let gathered = self.take(index);
                self.finish(index, gathered, true)?;
            }
            self.first = false;
            let deferred = self.indexes(State::Deferred);
            if deferred.is_empty() {
                return Ok(());
            }
            // As many as fit are gathered whole in the next reading.
            let mut room = MOST as i64;
            for index in deferred {
                let sealed = &mut self.blocks[index];
                if room > 0 {
                    room -= sealed.block.events;
                    sealed.state = State::Awaited;
                }
            }
        }
    }

    fn indexes(&self, state: State) -> Vec<usize> {
        (0..self.blocks.len()).filter(|i| self.blocks[*i].state == state).collect()
    }

    fn read(&mut self) -> Result<()> {
        let range = self.months();
        for month in months::read()? {
            if range.is_some_and(|(first, last)| month.first_day < first || month.first_day > last)
            {
                continue;
            }
            own_scan::each(month.table, COLUMNS, |row| self.event(row))?;
        }
        Ok(())
    }

    /// The partitions that blocks from one on have events in; None for all, where the whole log is asked for.
    fn months(&self) -> Option<(i32, i32)> {
        if self.from_block <= 1 {
            return None;
        }
        let first = |sealed: &Sealed| sealed.block.months.map(|m| m.0);
        let wanted = self.blocks.iter().filter(|s| s.block.number >= self.from_block);
        // What is not sealed is in the latest.
        Some((wanted.filter_map(first).min().unwrap_or(i32::MIN), i32::MAX))
    }

    fn event(&mut self, row: &Row) -> Result<()> {
        let (id, at) = (row.long(0).unwrap_or_default(), row.long(1).unwrap_or_default());
        let transaction = row.long(2).unwrap_or_default();
        let number = row.int(5).unwrap_or_default();
        let Some(layout) = self.layouts.get(&number) else {
            if self.first {
                let detail =
                    format!("layout {number} is missing: whose event it is cannot be told");
                self.findings.event(What::Layout, None, id, None, &detail);
            }
            return Ok(());
        };
        let organization = row.uuid(7);
        let place = self.place(layout.origin, (transaction, id));
        let block = place.map(|index| self.blocks[index].block.number);
        if block.is_some_and(|number| number < self.from_block) {
            return Ok(());
        }
        let mut hash: Digest = [0; 32];
        let whole = row.with_bytes(10, |bytes| {
            let fits = bytes.len() == hash.len();
            if fits {
                hash.copy_from_slice(bytes);
            }
            fits
        });
        if self.first {
            self.events += 1;
            let bulk = organization.filter(|_| row.flag(9));
            if bulk.is_some_and(|of| !self.ranges.tell(transaction, of, id)) {
                let detail = "its organization does not find it: audit_bulk, which says where it is, or the row was altered";
                self.findings.event(What::Hidden, block, id, organization, detail);
            }
            let context_id = row.long(4).unwrap_or_default();
            let context = self.contexts.find(context_id)?;
            let detail = match context {
                None => Some(format!("context {context_id} is missing")),
                Some(known) if !known.intact => Some(format!("context {context_id} was altered")),
                Some(_) => None,
            };
            if let Some(detail) = detail {
                self.findings.context(context_id, block, id, organization, &detail);
            }
            if let Some(context) = context {
                let layout = &self.layouts[&number];
                let head = Head {
                    id,
                    occurred_at: at,
                    transaction: transaction as u64,
                    operation: row.char(8).unwrap_or_default(),
                    row_key: row.long(3),
                    organization,
                    layout: &layout.known.hash,
                    context: &context.hash,
                };
                let computed = row.with_bytes(11, |image| hash_of(&head, image, layout));
                if computed != Some(hash) || whole != Some(true) {
                    let detail = "its hash is not that of what it says: the row, its layout or its context was altered";
                    self.findings.event(What::Altered, block, id, organization, detail);
                }
            }
        }
        let Some(index) = place else {
            if self.first {
                self.unsealed += 1;
            }
            return Ok(());
        };
        self.gather(index, organization, Leaf { id, hash })
    }

    /// The block that covers an event; None for what is not sealed yet.
    fn place(&mut self, origin: i64, at: Position) -> Option<usize> {
        if let Some((same, index)) = self.last {
            let block = &self.blocks[index].block;
            if same == origin && block.from <= at && at < block.to {
                return Some(index);
            }
        }
        let index = self.places.last_from(origin, at)?;
        self.blocks[index].block.covers(at).then(|| {
            self.last = Some((origin, index));
            index
        })
    }

    fn gather(&mut self, index: usize, organization: Option<[u8; 16]>, leaf: Leaf) -> Result<()> {
        let sealed = &mut self.blocks[index];
        match sealed.state {
            State::Awaited => {}
            // It was complete, and here is one more.
            State::Clean if self.first => {
                sealed.state = State::Deferred;
                return Ok(());
            }
            _ => return Ok(()),
        }
        let expected = (sealed.block.events - sealed.purged).max(0) as u64;
        self.clock += 1;
        let open = self.open.entry(index).or_default();
        open.trees.entry(organization).or_default().push(leaf);
        open.count += 1;
        open.touched = self.clock;
        self.leaves += 1;
        if self.first && open.count == expected {
            let gathered = self.take(index);
            return self.finish(index, gathered, false);
        }
        if self.first && self.leaves > MOST {
            self.make_room(index);
        }
        Ok(())
    }

    /// Puts off the block that nothing came for the longest.
    fn make_room(&mut self, but: usize) {
        let oldest = self.open.iter().filter(|(i, _)| **i != but).min_by_key(|(_, o)| o.touched);
        if let Some(index) = oldest.map(|(index, _)| *index) {
            self.take(index);
            self.blocks[index].state = State::Deferred;
        }
    }

    fn take(&mut self, index: usize) -> Open {
        let open = self.open.remove(&index).unwrap_or_default();
        self.leaves -= open.count;
        open
    }

    /// Compares what was gathered with what was sealed. Before the log's end only what fits is believed.
    fn finish(&mut self, index: usize, mut gathered: Open, at_end: bool) -> Result<()> {
        let block = &self.blocks[index].block;
        let number = block.number;
        let mut found = Findings::default();
        let (mut whole, mut events) = (tree::Tree::default(), 0);
        let trees = store::trees(number)?;
        let is_purged =
            |kept: &store::Kept| kept.purged_in().is_some_and(|by| by <= self.last_number);
        // With the last of its events its moments may go as well.
        let gone = !trees.is_empty() && trees.iter().all(is_purged);
        for kept in trees {
            let mut there = gathered.trees.remove(&kept.organization).unwrap_or_default();
            there.sort_unstable_by_key(|leaf| leaf.id);
            let purged = is_purged(&kept);
            compare(number, &kept, &there, purged, &mut found);
            whole.push(kept.leaf());
            events += kept.events();
        }
        for (organization, there) in gathered.trees {
            if let Some(first) = there.iter().map(|leaf| leaf.id).min() {
                let detail = "the block has no tree of the organization";
                found.event(What::Inserted, Some(number), first, organization, detail);
            }
        }
        block.commits.leaf().into_iter().for_each(|leaf| whole.push(leaf));
        if !gone && commits::of(block)? != block.commits {
            let detail = format!("when transactions of block {number} committed is not what it was sealed with: a row of audit_commit was altered, removed or added");
            found.add(Problem::of(What::Commit, Some(number), detail));
        }
        if whole.root() != block.root || events != block.events {
            let detail = format!("the trees of block {number} are not those that it was sealed with: one was altered, removed or added");
            found.add(Problem::of(What::Tree, Some(number), detail));
        }
        let clean = found.is_empty();
        self.blocks[index].state = match (clean, at_end) {
            (true, false) => State::Clean,
            (false, false) => State::Deferred,
            _ => State::Done,
        };
        if at_end {
            self.findings.append(found);
        }
        Ok(())
    }
}

/// The hash of an event as its image stands, or as its salted values are committed to.
fn hash_of(head: &Head, image: &[u8], layout: &KnownLayout) -> Digest {
    // A renaming's image is no row.
    let committed = match layout.salted && head.operation != b'K' {
        true => Reader::committed(image, layout.columns),
        false => None,
    };
    content_hash(head, committed.as_deref().unwrap_or(image))
}

fn compare(number: i64, kept: &store::Kept, there: &[Leaf], purged: bool, found: &mut Findings) {
    let (block, organization) = (Some(number), kept.organization);
    if purged {
        if let Some(extra) = there.first() {
            let detail =
                "the events of the organization in this block were purged, and here is one";
            found.event(What::Inserted, block, extra.id, organization, detail);
        }
        return;
    }
    let sealed = kept.parts.iter().flat_map(|part| leaves::decode(&part.leaves));
    let differences = leaves::compare(there, sealed);
    if let Some(id) = differences.altered {
        let detail = "it has another hash than when it was sealed";
        found.event(What::Altered, block, id, organization, detail);
    }
    if let Some(id) = differences.missing {
        found.event(What::Missing, block, id, organization, "it was sealed and is not there");
    }
    if let Some(id) = differences.inserted {
        let detail = "it was not there when the block was sealed";
        found.event(What::Inserted, block, id, organization, detail);
    }
    if differences.none() {
        let mut rest = there;
        for part in &kept.parts {
            let (these, others) = rest.split_at(rest.len().min(store::PART));
            rest = others;
            let root = tree::root(these.iter().map(|leaf| tree::leaf(&leaf.hash)));
            if root != part.root || these.len() as i64 != part.events {
                let what = Problem::of(
                    What::Tree,
                    block,
                    "a tree was altered: its root is not that of its events".into(),
                );
                found.add(Problem { organization, ..what });
            }
        }
    }
}
