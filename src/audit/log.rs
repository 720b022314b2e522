//! The log's table, open for a statement's events: ids, the month's partition, and the moment of commit.

use super::format::{Digest, Head};
use super::months;
use super::who::Context;
use crate::error::{Error, Result};
use crate::pg::append::{Appender, Field};
use crate::pg::row::{self, Xid8};
use crate::pg::transaction;
use crate::pg::{at_end, relation};
use pgrx::pg_sys;
use std::cell::Cell;
use std::collections::HashMap;

/// The types of the columns, as sql/audit.sql has them.
pub const COLUMNS: &[pg_sys::Oid] = &[
    pg_sys::INT8OID,
    pg_sys::TIMESTAMPTZOID,
    pg_sys::INT8OID,
    pg_sys::INT8OID,
    pg_sys::INT8OID,
    pg_sys::INT4OID,
    pg_sys::DATEOID,
    pg_sys::UUIDOID,
    pg_sys::CHAROID,
    pg_sys::BOOLOID,
    pg_sys::BYTEAOID,
    pg_sys::BYTEAOID,
];

/// A number of the sequence stands for so many ids.
const IDS: i64 = 1000;

pub struct Log {
    rows: Appender,
    context: Context,
    month: i32,
    transaction: u64,
    now: i64,
    ids: i64,
    used: i64,
    bulk: Option<Bulk>,
}

pub struct Event<'a> {
    pub head: &'a Head<'a>,
    pub layout: i32,
    pub hash: &'a Digest,
    pub image: &'a [u8],
}

thread_local! {
    /// When the first event of the transaction was written; 0 where there is none.
    static FIRST: Cell<i64> = const { Cell::new(0) };
}

impl Log {
    /// For a statement that changed so many rows.
    pub fn open(context: Context, rows: i64) -> Result<Self> {
        let many = rows >= MANY;
        let now = row::clock();
        let month = months::partition(now)?;
        let missing = || Error::Internal { what: "the audit log has no partition".into() };
        let rows = Appender::open(month.table).ok_or_else(missing)?;
        if !rows.checked(COLUMNS) {
            return Err(Error::Internal { what: "the audit log has other columns".into() });
        }
        if FIRST.get() == 0 {
            FIRST.set(now);
        }
        let transaction = Xid8::current().number();
        let (month, bulk) = (month.first_day, many.then(Bulk::default));
        Ok(Log { rows, context, month, transaction, now, ids: 0, used: IDS, bulk })
    }

    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    #[must_use]
    pub fn transaction(&self) -> u64 {
        self.transaction
    }

    /// Ids grow with time for each row: whoever writes the next event of it waits for its lock before.
    pub fn next_id(&mut self) -> Result<i64> {
        if self.used >= IDS {
            self.ids = row::next_value("audit_event_id_seq")? * IDS;
            self.used = 0;
        }
        self.used += 1;
        Ok(self.last_id())
    }

    #[must_use]
    pub fn last_id(&self) -> i64 {
        self.ids + self.used - 1
    }

    pub fn append(&mut self, event: &Event) -> Result<()> {
        let head = event.head;
        let bulk = match &mut self.bulk {
            Some(bulk) => bulk.note(head.id, head.organization.as_ref()),
            None => false,
        };
        self.rows.push(&[
            Field::Long(head.id),
            Field::Long(head.occurred_at),
            Field::Long(head.transaction as i64),
            head.row_key.map_or(Field::Null, Field::Long),
            Field::Long(self.context.id),
            Field::Int(event.layout),
            Field::Int(self.month),
            head.organization.as_ref().map_or(Field::Null, Field::Uuid),
            Field::Char(head.operation),
            Field::Bool(bulk),
            Field::Bytes(event.hash),
            Field::Bytes(event.image),
        ])
    }

    pub fn finish(self) -> Result<()> {
        self.rows.finish();
        match self.bulk {
            Some(bulk) => bulk.store(self.transaction as i64),
            None => Ok(()),
        }
    }
}

/// A statement that changes so many rows has no entry for each in the index by organization.
const MANY: i64 = 1_000;

/// Organizations that a statement's rows are of, of which it is worth to note where they are.
const MOST_ORGANIZATIONS: usize = 1_000;

/// Between which ids the events of a large statement are, for each organization: a row of audit_bulk says so, and
/// costs as much as an entry of the index.
#[derive(Default)]
struct Bulk {
    ranges: HashMap<[u8; 16], (i64, i64, i64)>,
}

impl Bulk {
    /// Whether the event is noted so, and needs no entry.
    fn note(&mut self, id: i64, organization: Option<&[u8; 16]>) -> bool {
        let Some(organization) = organization else { return true };
        if self.ranges.len() >= MOST_ORGANIZATIONS && !self.ranges.contains_key(organization) {
            return false;
        }
        let range = self.ranges.entry(*organization).or_insert((id, id, 0));
        range.1 = id;
        range.2 += 1;
        true
    }

    fn store(self, transaction: i64) -> Result<()> {
        if self.ranges.is_empty() {
            return Ok(());
        }
        let missing = || Error::Internal { what: "its table audit_bulk is missing".into() };
        let table = relation::own("audit_bulk").ok_or_else(missing)?;
        let mut rows = Appender::open(table.to_u32()).ok_or_else(missing)?;
        for (organization, (first, last, events)) in &self.ranges {
            rows.push(&[
                Field::Uuid(organization),
                Field::Long(transaction),
                Field::Long(*first),
                Field::Long(*last),
                Field::Long(*events),
            ])?;
        }
        rows.finish();
        Ok(())
    }
}

/// What is done at the end of transactions, for all of the room.
pub fn listen() {
    at_end::listen(at_end::Listener { committing, ended });
}

/// So soon after its first event a statement's own transaction commits, so that nobody can tell the two apart.
const AT_ONCE: i64 = 1_000;

/// Says when the transaction's changes came to be seen, where that is not when they were made.
fn committing() {
    let first = FIRST.get();
    if first == 0 {
        return;
    }
    let now = row::clock();
    if !transaction::in_block() && now - first < AT_ONCE {
        return;
    }
    if let Err(error) = append_commit(now) {
        pg_sys::panic::ErrorReport::from(error).report(pgrx::PgLogLevel::ERROR);
    }
}

fn append_commit(now: i64) -> Result<()> {
    // The extension was dropped in this transaction, and its tables with it.
    let Some(table) = relation::own("audit_commit") else { return Ok(()) };
    let Some(mut rows) = Appender::open(table.to_u32()) else { return Ok(()) };
    let transaction = Xid8::current().number() as i64;
    rows.push(&[Field::Long(transaction), Field::Long(relation::origin()), Field::Long(now)])?;
    rows.finish();
    Ok(())
}

fn ended(committed: bool) {
    FIRST.set(0);
    if !committed {
        super::secret::rolled_back();
    }
    super::recorder::ended();
    super::who::ended(committed);
    super::source::ended(committed);
}
