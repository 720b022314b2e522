//! From the rows that a trigger was fired for to events of the log.

use super::format::{content_hash, row_key, sha256, Head, Image, KeyPart};
use super::log::{Event, Log};
use super::options::Policy;
use super::source::{key_part, source, Source, SourceColumn};
use super::{secret, who};
use crate::classification::mask::mask;
use crate::error::Result;
use crate::pg::changes::{Changes, Version};
use crate::pg::query;
use crate::pg::trigger::{self, Operation};
use crate::settings;
use pgrx::pg_sys::FunctionCallInfo;
use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    /// The image in the making, whose memory is used again.
    static IMAGE: RefCell<Image> = RefCell::default();
    /// The tables that triggers' statements changed in this transaction.
    static NESTED: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
}

/// An image takes no more; values that would make it larger are kept as hash and length.
const LARGEST_IMAGE: usize = 512 << 20;

/// Appends an event for each row that the trigger was fired for. A change that cannot be logged does not happen.
pub fn record(call: FunctionCallInfo, function: &'static str) -> Result<()> {
    let changes = Changes::of(call).ok_or(crate::error::Error::NotAfterTrigger { function })?;
    let source = source(changes.table())?;
    let _style = source.styled.then(query::plainly);
    let mut recorder = Recorder::new(source, changes.count());
    if changes.operation == Operation::Truncate {
        recorder.truncate(&changes)?;
    } else {
        changes.each(|old, new| recorder.row(old.as_ref(), new.as_ref()))?;
    }
    recorder.finish()
}

struct Recorder {
    source: Rc<Source>,
    image: Image,
    largest: usize,
    /// How many the statement changed.
    rows: i64,
    nested: bool,
    /// Opened for the first event: a statement that changes no row costs little.
    log: Option<Log>,
}

/// Whether, in this transaction, a statement within a trigger has changed the table: then the order of its events may
/// not be that of the changes.
fn nested(table_key: i64) -> bool {
    NESTED.with_borrow_mut(|nested| {
        if trigger::depth() > 1 && !nested.contains(&table_key) {
            nested.push(table_key);
        }
        nested.contains(&table_key)
    })
}

/// A transaction has ended.
pub fn ended() {
    NESTED.with_borrow_mut(Vec::clear);
}

/// What a row is found by.
struct Place {
    key: Option<i64>,
    organization: Option<[u8; 16]>,
}

impl Recorder {
    fn new(source: Rc<Source>, rows: i64) -> Self {
        let (image, largest) = (IMAGE.take(), settings::audit_max_value());
        let nested = nested(source.layout.table_key);
        Recorder { source, image, largest, rows, nested, log: None }
    }

    fn finish(self) -> Result<()> {
        IMAGE.replace(self.image);
        self.log.map_or(Ok(()), Log::finish)
    }

    fn truncate(&mut self, changes: &Changes) -> Result<()> {
        let mut rows = 0u64;
        let told = self.source.truncated_rows;
        if told {
            changes.each_there(|row| {
                rows += 1;
                self.one(b't', &row)
            })?;
        }
        self.image.clear();
        // How many rows were told: an event without it tells none of them.
        if told {
            self.image.plain(&rows.to_be_bytes());
        }
        self.append(b'T', &Place { key: None, organization: None })
    }

    fn row(&mut self, old: Option<&Version>, new: Option<&Version>) -> Result<()> {
        match (old, new) {
            (Some(old), Some(new)) => self.update(old, new),
            (Some(row), None) => self.one(b'D', row),
            (None, Some(row)) => self.one(b'I', row),
            (None, None) => Ok(()),
        }
    }

    fn one(&mut self, operation: u8, row: &Version) -> Result<()> {
        let source = self.source.clone();
        self.image.clear();
        for column in &source.columns {
            self.value(column, row)?;
        }
        let place = Place { key: key(&source, row), organization: organization(&source, row) };
        self.append(operation, &place)
    }

    fn update(&mut self, old: &Version, new: &Version) -> Result<()> {
        let source = self.source.clone();
        // A row that goes to another organization is gone for the one and new to the other: neither reads of it what
        // is the other's.
        let tenant = source.layout.description.tenant.map(|position| &source.columns[position]);
        if tenant.is_some_and(|column| !column.reader.same(old, new)) {
            self.one(b'D', old)?;
            return self.one(b'I', new);
        }
        self.image.clear();
        // Without a key nothing else tells which row it was, so all of it is told; so it is where a trigger's
        // statement is logged before the one that fired it, and nothing tells what came first.
        let elides = !source.layout.description.key.is_empty() && !self.nested;
        let mut changed = Changed::default();
        for (position, column) in source.columns.iter().enumerate() {
            let same = column.reader.same(old, new);
            if !same {
                changed.add(position, column.in_key);
            }
            // What was fetched for the event before is not fetched and copied again.
            if same && elides && column.reader.is_elsewhere(old) {
                self.image.untold();
            } else {
                self.value(column, old)?;
            }
        }
        if changed.is_empty() && source.skip_unchanged {
            return Ok(());
        }
        for position in changed.positions() {
            self.image.position(position);
            self.value(&source.columns[position], new)?;
        }
        let organization = organization(&source, new);
        let key_was = key(&source, old);
        self.append(b'U', &Place { key: key_was, organization })?;
        if changed.key {
            self.renamed(key_was, key(&source, new), organization)?;
        }
        Ok(())
    }

    /// The row is found by another key from now on: an event of its own says by which it was found before.
    fn renamed(
        &mut self,
        was: Option<i64>,
        is: Option<i64>,
        organization: Option<[u8; 16]>,
    ) -> Result<()> {
        let (Some(was), Some(is)) = (was, is) else { return Ok(()) };
        if was == is {
            return Ok(());
        }
        self.image.clear();
        let id = self.log.as_ref().map_or(0, Log::last_id);
        self.image.plain(&[was.to_be_bytes(), id.to_be_bytes()].concat());
        self.append(b'K', &Place { key: Some(is), organization })
    }

    fn value(&mut self, column: &SourceColumn, row: &Version) -> Result<()> {
        let (image, largest) = (&mut self.image, self.largest);
        let room = LARGEST_IMAGE.saturating_sub(image.len());
        let mut failed = Ok(());
        let put = |image: &mut Image, bytes: &[u8]| {
            if bytes.len() > largest || bytes.len() > room {
                image.large(bytes);
            } else if column.salted {
                image.salted(&secret::salt(), bytes);
            } else {
                image.plain(bytes);
            }
        };
        let told = match column.policy {
            Policy::Omit => {
                image.untold();
                return Ok(());
            }
            Policy::Include => column.reader.with_bytes(row, |bytes| put(image, bytes)),
            Policy::Mask => column.reader.with_bytes(row, |bytes| {
                let text = column.codec.text(bytes).unwrap_or_default();
                image.plain(mask(&text).as_bytes());
            }),
            Policy::Hash => {
                column.reader.with_bytes(row, |bytes| match secret::keyed_hash(bytes) {
                    Ok(hash) => image.plain(&hash),
                    Err(error) => failed = Err(error),
                })
            }
        };
        if told.is_none() {
            image.null();
        }
        failed
    }

    fn append(&mut self, operation: u8, place: &Place) -> Result<()> {
        let log = match &mut self.log {
            Some(log) => log,
            None => self.log.insert(Log::open(who::context()?, self.rows)?),
        };
        let (layout, context) = (&self.source.layout, log.context());
        let head = Head {
            id: log.next_id()?,
            occurred_at: log.now(),
            transaction: log.transaction(),
            operation,
            row_key: place.key,
            organization: place.organization,
            layout: &layout.hash,
            context: &context.hash,
        };
        let hash = content_hash(&head, self.image.committed());
        log.append(&Event {
            head: &head,
            layout: layout.id,
            hash: &hash,
            image: self.image.bytes(),
        })
    }
}

/// The positions of the columns that an UPDATE changed.
#[derive(Default)]
struct Changed {
    first: u128,
    rest: Vec<usize>,
    key: bool,
}

impl Changed {
    fn add(&mut self, position: usize, in_key: bool) {
        self.key |= in_key;
        match position {
            0..128 => self.first |= 1 << position,
            _ => self.rest.push(position),
        }
    }

    fn is_empty(&self) -> bool {
        self.first == 0 && self.rest.is_empty()
    }

    fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        (0..128).filter(|i| self.first & (1 << i) != 0).chain(self.rest.iter().copied())
    }
}

fn key(source: &Source, row: &Version) -> Option<i64> {
    let layout = &source.layout;
    let column = |position: &usize| &source.columns[*position];
    match layout.description.key.as_slice() {
        [] => None,
        [one] => column(one).reader.with_bytes(row, |bytes| {
            let mut room = Vec::new();
            row_key(layout.table_key, &[key_part(&column(one).codec, bytes, &mut room)])
        }),
        several => {
            let mut bytes = Vec::with_capacity(several.len());
            for position in several {
                bytes.push(column(position).reader.with_bytes(row, <[u8]>::to_vec)?);
            }
            Some(key_of(source.layout.table_key, several.iter().map(|p| &column(p).codec), &bytes))
        }
    }
}

/// The number of a key of several columns, by the bytes of each.
pub fn key_of<'a>(
    table_key: i64,
    codecs: impl Iterator<Item = &'a crate::pg::codec::Codec>,
    bytes: &[Vec<u8>],
) -> i64 {
    let mut rooms = vec![Vec::new(); bytes.len()];
    let parts: Vec<KeyPart> = codecs
        .zip(bytes)
        .zip(&mut rooms)
        .map(|((codec, bytes), room)| key_part(codec, bytes, room))
        .collect();
    row_key(table_key, &parts)
}

/// Whose trail it is: the row's own tenant column says so, whoever changed it. A table without one, and a
/// TRUNCATE, which empties every organization's rows, belong to no single organization.
fn organization(source: &Source, row: &Version) -> Option<[u8; 16]> {
    let column = &source.columns[source.layout.description.tenant?];
    column.reader.with_bytes(row, |bytes| {
        if let (crate::pg::codec::Codec::Raw(oid), Ok(uuid)) = (&column.codec, bytes.try_into()) {
            if pgrx::pg_sys::Oid::from(*oid) == pgrx::pg_sys::UUIDOID {
                return uuid;
            }
        }
        organization_id(&column.codec.text(bytes).unwrap_or_default())
    })
}

/// An organization's id as the log has it: a UUID as it is, another id as the beginning of its hash.
#[must_use]
pub fn organization_id(text: &str) -> [u8; 16] {
    match crate::id::parse_uuid(text) {
        Some(uuid) => *uuid.as_bytes(),
        None => {
            let hash = sha256(&[b"tenant_guard organization\0", text.as_bytes()]);
            let mut id = [0; 16];
            id.copy_from_slice(&hash[..16]);
            // RFC 9562: version 8, whose meaning is its maker's.
            id[6] = id[6] & 0x0f | 0x80;
            id[8] = id[8] & 0x3f | 0x80;
            id
        }
    }
}
