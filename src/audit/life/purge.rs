//! Removing what is old: whole trees of sealed blocks, the oldest of an organization first, and nothing that is held or was
//! promised to be kept. What is left of a tree is its root, so that the seal still verifies.

use crate::audit::log::COLUMNS;
use crate::audit::months;
use crate::audit::seal::{self, Block, Places};
use crate::error::{Error, Result};
use crate::pg::ident::qualified;
use crate::pg::{own_scan, query, relation, row};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::Uuid;
use std::collections::{BTreeMap, HashMap};

type Organization = Option<[u8; 16]>;

struct Old {
    block: i64,
    organization: Organization,
    events: i64,
    first_id: i64,
    last_id: i64,
}

/// What was done, or would be.
pub struct Done {
    pub action: String,
    pub organization: Organization,
    pub events: i64,
}

pub struct Purged {
    pub done: Vec<Done>,
    /// Organizations of which old events stay, for they are held or kept longer.
    pub held: i64,
}

/// Everything that is old enough goes, in one transaction.
pub fn purge(
    before: TimestampWithTimeZone,
    organization: Option<Uuid>,
    dry_run: bool,
) -> Result<Purged> {
    if !dry_run {
        // Two at a time would both write the next block.
        relation::lock_name("audit_block", seal::LOCK);
    }
    let _read = query::catalog_read(query::PINNED);
    let args = [before.into(), organization.into()];
    let old = query::rows(include_str!("purge.sql"), &args, |row| {
        let long = |i: usize| Ok::<_, Error>(row.get::<i64>(i)?.unwrap_or_default());
        Ok(Old {
            block: long(1)?,
            organization: row.get::<Uuid>(2)?.map(|id| *id.as_bytes()),
            events: long(3)?,
            first_id: long(4)?,
            last_id: long(5)?,
        })
    })?;
    let held = query::value::<i64>(include_str!("held.sql"), &args)?.unwrap_or_default();
    let mut sums: BTreeMap<Organization, i64> = BTreeMap::new();
    old.iter().for_each(|tree| *sums.entry(tree.organization).or_default() += tree.events);
    let mut done: Vec<Done> = sums
        .into_iter()
        .map(|(organization, events)| Done { action: "purge".into(), organization, events })
        .collect();
    if old.is_empty() {
        return Ok(Purged { done, held });
    }
    let blocks = seal::all()?;
    let mut left: HashMap<(i64, Organization), i64> =
        old.iter().map(|tree| ((tree.block, tree.organization), tree.events)).collect();
    let dropped = whole_months(&blocks, &mut left)?;
    done.extend(dropped.iter().map(|month| Done {
        action: format!("drop {}", month.name),
        organization: None,
        events: month.events,
    }));
    if dry_run {
        return Ok(Purged { done, held });
    }
    let blocks: HashMap<i64, &Block> = blocks.iter().map(|block| (block.number, block)).collect();
    for tree in &old {
        let expected = left.get(&(tree.block, tree.organization)).copied().unwrap_or_default();
        let altered = || Error::LogAltered { block: tree.block };
        let block = blocks.get(&tree.block).ok_or_else(altered)?;
        // Whatever is not as it was sealed is evidence, and stays.
        if expected < 0 || (expected > 0 && delete(tree, block)? != expected) {
            return Err(altered());
        }
    }
    mark(&old, blocks.keys().max().copied().unwrap_or_default() + 1)?;
    for month in &dropped {
        query::run(&format!("DROP TABLE {}", month.name), &[])?;
    }
    for rest in include_str!("rest.sql").split(";\n").filter(|one| !one.trim().is_empty()) {
        query::run(rest, &[])?;
    }
    Ok(Purged { done, held })
}

fn delete(tree: &Old, block: &Block) -> Result<i64> {
    let deleted = query::changed_here(
        include_str!("delete.sql"),
        &[
            tree.first_id.into(),
            tree.last_id.into(),
            seal::uuid(tree.organization.as_ref()).into(),
            block.from.0.into(),
            block.from.1.into(),
            block.to.0.into(),
            block.to.1.into(),
            block.origin.into(),
        ],
        |row| Ok(row.get::<i64>(1)?.unwrap_or_default()),
    )?;
    Ok(deleted.first().copied().unwrap_or_default())
}

/// The trees say by which block they were purged; the block says which trees.
fn mark(old: &[Old], number: i64) -> Result<()> {
    for tree in old {
        query::run(
            "UPDATE tenant_guard.audit_tree t SET purged_in = $1, leaves = ''
             WHERE t.block = $2 AND t.organization IS NOT DISTINCT FROM $3",
            &[number.into(), tree.block.into(), seal::uuid(tree.organization.as_ref()).into()],
        )?;
    }
    let (root, events) = seal::purged_root(number)?;
    let block = seal::append(Block {
        number,
        kind: seal::PURGE,
        origin: relation::origin(),
        from: (0, 0),
        to: (0, 0),
        sealed_at: row::clock(),
        events,
        root,
        previous: [0; 32],
        digest: [0; 32],
        commits: seal::commits::NONE,
        last_id: 0,
        months: None,
    })?;
    if block.number == number {
        return Ok(());
    }
    Err(Error::Internal { what: "the chain of the audit log grew in the middle of a purge".into() })
}

struct Month {
    name: String,
    events: i64,
}

/// The partitions of which nothing is left after the purge: they are dropped, and their events need not be deleted
/// one by one.
fn whole_months(
    blocks: &[Block],
    left: &mut HashMap<(i64, Organization), i64>,
) -> Result<Vec<Month>> {
    let now = months::first_day_at(row::clock());
    let places = Places::of(blocks);
    let origins = seal::origins()?;
    let mut dropped = Vec::new();
    for month in months::read()?.into_iter().filter(|month| month.first_day < now) {
        let all_old = |block: &&Block| {
            block.months.is_some_and(|(first, last)| (first..=last).contains(&month.first_day))
        };
        // A look at the trees first: to read a month to its end only to keep it is in vain.
        if !blocks
            .iter()
            .filter(all_old)
            .all(|b| left.keys().any(|(number, _)| *number == b.number))
        {
            continue;
        }
        let mut counts: HashMap<(i64, Organization), i64> = HashMap::new();
        let mut whole = true;
        let read = own_scan::each(month.table, COLUMNS, |row| {
            let at = (row.long(2).unwrap_or_default(), row.long(0).unwrap_or_default());
            let origin = row.int(5).and_then(|layout| origins.get(&layout).copied());
            let place = origin.and_then(|origin| places.find(blocks, origin, at));
            let key = place.map(|index| (blocks[index].number, row.uuid(7)));
            match key.filter(|key| left.contains_key(key)) {
                Some(key) => *counts.entry(key).or_default() += 1,
                None => whole = false,
            }
            Ok(())
        })?;
        let Some(table) = relation::describe(month.table).filter(|_| read && whole) else {
            continue;
        };
        let events = counts.values().sum();
        for (key, count) in counts {
            *left.entry(key).or_default() -= count;
        }
        dropped.push(Month { name: qualified(&table.schema, &table.name), events });
    }
    Ok(dropped)
}
