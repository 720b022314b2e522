//! The bytes of a logged row, and what is hashed of an event. Pure; docs/audit-format.md describes both for
//! programs outside.
//!
//! An image holds one value for each column of its layout, in order. A value is a head, a number in the
//! LEB128 encoding, and what the head says follows.

use aws_lc_rs::digest::{digest, Context, SHA256};

pub type Digest = [u8; 32];

const NULL: u64 = 0;
/// Not told: as it was in the event before, or of a column that is left out.
const UNTOLD: u64 = 1;
/// Too large: its length and its hash.
const LARGE: u64 = 2;
/// Behind a salt, so that it can be erased and its hash stay.
const SALTED: u64 = 3;
/// Erased: the hash of salt and value.
const ERASED: u64 = 4;
/// A value of n bytes has the head n + PLAIN.
const PLAIN: u64 = 5;

const SALT: usize = 16;

/// One column's value in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Untold,
    Large { length: u64, hash: &'a [u8] },
    Erased { hash: &'a [u8] },
    Plain(&'a [u8]),
}

impl Value<'_> {
    /// Bytes that tell it from others, and are read as an image is; a salt is not among them.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Value::Null => number(&mut bytes, NULL),
            Value::Untold => number(&mut bytes, UNTOLD),
            Value::Large { length, hash } => {
                number(&mut bytes, LARGE);
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(hash);
            }
            Value::Erased { hash } => {
                number(&mut bytes, ERASED);
                bytes.extend_from_slice(hash);
            }
            Value::Plain(value) => {
                number(&mut bytes, value.len() as u64 + PLAIN);
                bytes.extend_from_slice(value);
            }
        }
        bytes
    }
}

/// An image in the making.
#[derive(Default)]
pub struct Image {
    bytes: Vec<u8>,
    /// The same with salted values as if they were erased; None while there are none.
    committed: Option<Vec<u8>>,
}

impl Image {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.committed = None;
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is hashed.
    #[must_use]
    pub fn committed(&self) -> &[u8] {
        self.committed.as_deref().unwrap_or(&self.bytes)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Of a changed column, before its value.
    pub fn position(&mut self, position: usize) {
        self.both(|bytes| number(bytes, position as u64));
    }

    pub fn null(&mut self) {
        self.both(|bytes| number(bytes, NULL));
    }

    pub fn untold(&mut self) {
        self.both(|bytes| number(bytes, UNTOLD));
    }

    pub fn plain(&mut self, value: &[u8]) {
        self.both(|bytes| {
            number(bytes, value.len() as u64 + PLAIN);
            bytes.extend_from_slice(value);
        });
    }

    pub fn large(&mut self, value: &[u8]) {
        let hash = sha256(&[value]);
        self.both(|bytes| {
            number(bytes, LARGE);
            bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
            bytes.extend_from_slice(&hash);
        });
    }

    pub fn salted(&mut self, salt: &[u8; SALT], value: &[u8]) {
        let committed = self.committed.get_or_insert_with(|| self.bytes.clone());
        number(committed, ERASED);
        committed.extend_from_slice(&sha256(&[salt, value]));
        number(&mut self.bytes, SALTED);
        number(&mut self.bytes, value.len() as u64);
        self.bytes.extend_from_slice(salt);
        self.bytes.extend_from_slice(value);
    }

    fn both(&mut self, write: impl Fn(&mut Vec<u8>)) {
        write(&mut self.bytes);
        if let Some(committed) = &mut self.committed {
            write(committed);
        }
    }
}

/// LEB128, seven bits a byte, the lowest first.
fn number(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

/// Reads an image; whatever is not one ends the reading with None.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[must_use]
    pub fn new(image: &'a [u8]) -> Self {
        Reader { rest: image }
    }

    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok().filter(|l| *l <= self.rest.len())?;
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(taken)
    }

    pub fn position(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub fn value(&mut self) -> Option<Value<'a>> {
        Some(match self.number()? {
            NULL => Value::Null,
            UNTOLD => Value::Untold,
            LARGE => {
                let length = u64::from_be_bytes(self.take(8)?.try_into().ok()?);
                Value::Large { length, hash: self.take(32)? }
            }
            SALTED => {
                let length = self.number()?;
                self.take(SALT as u64)?;
                Value::Plain(self.take(length)?)
            }
            ERASED => Value::Erased { hash: self.take(32)? },
            head => Value::Plain(self.take(head - PLAIN)?),
        })
    }

    /// The values of the next `count` columns.
    pub fn row(&mut self, count: usize) -> Option<Vec<Value<'a>>> {
        (0..count).map(|_| self.value()).collect()
    }

    /// The changed columns of an UPDATE, which stand behind the row as it was.
    pub fn changes(&mut self) -> Option<Vec<(usize, Value<'a>)>> {
        let mut changes = Vec::new();
        while !self.is_at_end() {
            changes.push((self.position()?, self.value()?));
        }
        Some(changes)
    }

    /// What is hashed of an image: each salted value as if it were erased. `erase` says which values are to
    /// be erased for good, by the number of the value in the image; None where nothing is salted.
    #[must_use]
    pub fn committed(image: &'a [u8], count: usize) -> Option<Vec<u8>> {
        Self::erased(image, count, |_| true).filter(|_| image_has_salt(image, count))
    }

    /// The image with the salted values of these columns erased; None for what is no image.
    #[must_use]
    pub fn erased(image: &'a [u8], count: usize, erase: impl Fn(usize) -> bool) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(image.len());
        let mut reader = Reader::new(image);
        let mut i = 0;
        while !reader.is_at_end() {
            let column = if i < count {
                i
            } else {
                let position = reader.position()?;
                number(&mut out, position as u64);
                position
            };
            let before = reader.rest;
            let value = reader.value()?;
            let taken = &before[..before.len() - reader.rest.len()];
            match value {
                Value::Plain(bytes) if taken[0] == SALTED as u8 && erase(column) => {
                    let salt = &taken[taken.len() - bytes.len() - SALT..taken.len() - bytes.len()];
                    number(&mut out, ERASED);
                    out.extend_from_slice(&sha256(&[salt, bytes]));
                }
                _ => out.extend_from_slice(taken),
            }
            i += 1;
        }
        Some(out)
    }
}

fn image_has_salt(image: &[u8], count: usize) -> bool {
    let mut reader = Reader::new(image);
    let mut i = 0;
    while !reader.is_at_end() {
        if i >= count && reader.position().is_none() {
            return false;
        }
        if reader.rest.first() == Some(&(SALTED as u8)) {
            return true;
        }
        if reader.value().is_none() {
            return false;
        }
        i += 1;
    }
    false
}

#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut out = [0; 32];
    if let [one] = parts {
        out.copy_from_slice(digest(&SHA256, one).as_ref());
        return out;
    }
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// What a text or a list of texts is hashed as: no two lists look alike.
#[must_use]
pub fn sha256_of_texts(domain: &str, texts: &[Option<&str>]) -> Digest {
    let mut bytes = Vec::new();
    plain_text(&mut bytes, Some(domain));
    texts.iter().for_each(|text| plain_text(&mut bytes, *text));
    sha256(&[&bytes])
}

fn plain_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => number(bytes, NULL),
        Some(text) => {
            number(bytes, text.len() as u64 + PLAIN);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}

/// An event but for its image.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub id: i64,
    /// Microseconds since 2000-01-01 UTC.
    pub occurred_at: i64,
    pub transaction: u64,
    /// I, U, D, T, t or K.
    pub operation: u8,
    pub row_key: Option<i64>,
    pub organization: Option<[u8; 16]>,
    pub layout: &'a Digest,
    pub context: &'a Digest,
}

const EVENT: &[u8] = b"tenant_guard audit event 1\0";

/// The content hash of an event.
#[must_use]
pub fn content_hash(head: &Head, committed: &[u8]) -> Digest {
    let mut bytes = [0u8; 256];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        bytes[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    };
    put(EVENT);
    put(&head.id.to_be_bytes());
    put(&head.occurred_at.to_be_bytes());
    put(&head.transaction.to_be_bytes());
    put(&[head.operation]);
    match head.row_key {
        Some(key) => {
            put(&[1]);
            put(&key.to_be_bytes());
        }
        None => put(&[0]),
    }
    match &head.organization {
        Some(organization) => {
            put(&[1]);
            put(organization);
        }
        None => put(&[0]),
    }
    put(head.layout);
    put(head.context);
    let head = &bytes[..at];
    // One call where it fits: the digest of a short message is mostly the calls.
    if committed.len() <= 1024 {
        let mut whole = [0u8; 256 + 1024];
        whole[..at].copy_from_slice(head);
        whole[at..at + committed.len()].copy_from_slice(committed);
        return sha256(&[&whole[..at + committed.len()]]);
    }
    sha256(&[head, committed])
}

/// A part of a row's key, in a form that two equal keys share whatever the column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart<'a> {
    Int(i64),
    Uuid(&'a [u8]),
    Bytes(&'a [u8]),
}

impl KeyPart<'_> {
    /// Bytes that two parts share only where they are equal.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        self.encode(&mut bytes);
        bytes
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            KeyPart::Int(n) => {
                bytes.push(1);
                bytes.extend_from_slice(&n.to_be_bytes());
            }
            KeyPart::Uuid(part) | KeyPart::Bytes(part) => {
                bytes.push(2);
                number(bytes, part.len() as u64);
                bytes.extend_from_slice(part);
            }
        }
    }
}

const LOW: u64 = (1 << 48) - 1;

/// The number that a row's events are found by: 16 bits of the table, 48 of the key. Rows whose keys are near
/// each other have near numbers, where the key is a whole number or a UUID of version 7, so that an index grows
/// at few places. Two rows may share a number: whoever looks compares the keys.
#[must_use]
pub fn row_key(table: i64, parts: &[KeyPart]) -> i64 {
    let low = match parts {
        [KeyPart::Int(n)] => *n as u64,
        [KeyPart::Uuid(id)] if id.len() == 16 => {
            // Of the time the lower half, which changes, and of chance enough to part the rows of a millisecond.
            u64::from_be_bytes([0, 0, id[2], id[3], id[4], id[5], id[14], id[15]])
        }
        parts => {
            let mut bytes = Vec::with_capacity(64);
            parts.iter().for_each(|part| part.encode(&mut bytes));
            let hash = sha256(&[&bytes]);
            u64::from_be_bytes([0, 0, hash[0], hash[1], hash[2], hash[3], hash[4], hash[5]])
        }
    };
    let table = (table as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) & !LOW;
    (table | (low & LOW)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut image = Image::default();
        image.null();
        image.plain(b"");
        image.plain(&[7; 300]);
        image.untold();
        image.large(&[1; 10]);
        image.salted(&[9; 16], b"ada@example.com");
        image.position(2);
        image.plain(b"new");
        let hash = sha256(&[&[1; 10]]);
        let mut reader = Reader::new(image.bytes());
        assert_eq!(
            reader.row(6).unwrap(),
            [
                Value::Null,
                Value::Plain(b""),
                Value::Plain(&[7; 300]),
                Value::Untold,
                Value::Large { length: 10, hash: &hash },
                Value::Plain(b"ada@example.com"),
            ]
        );
        assert_eq!(reader.changes().unwrap(), [(2, Value::Plain(&b"new"[..]))]);
    }

    #[test]
    fn erasing_leaves_the_committed_form() {
        let mut image = Image::default();
        image.plain(b"x");
        image.salted(&[9; 16], b"ada");
        image.position(1);
        image.salted(&[8; 16], b"eve");
        let committed = image.committed().to_vec();
        assert_ne!(committed, image.bytes());
        let erased = Reader::erased(image.bytes(), 2, |column| column == 1).unwrap();
        assert_eq!(erased, committed);
        assert_eq!(Reader::committed(image.bytes(), 2).unwrap(), committed);
        // Once erased there is nothing salted left, and the bytes are what is hashed.
        assert_eq!(Reader::committed(&erased, 2), None);
        assert_eq!(Reader::erased(&erased, 2, |_| true).unwrap(), committed);
        // Another column is left as it is.
        assert_eq!(Reader::erased(image.bytes(), 2, |column| column == 0).unwrap(), image.bytes());
    }

    #[test]
    fn what_is_cut_short_is_no_image() {
        let mut image = Image::default();
        image.plain(&[1; 20]);
        image.large(&[2; 5]);
        image.salted(&[3; 16], b"abc");
        let bytes = image.bytes();
        for end in 1..bytes.len() {
            assert!(Reader::new(&bytes[..end]).row(3).is_none(), "cut at {end}");
            let _ = Reader::erased(&bytes[..end], 3, |_| true);
            let _ = Reader::committed(&bytes[..end], 3);
        }
        assert!(Reader::new(&[0xff; 12]).value().is_none());
    }

    #[test]
    fn near_keys_have_near_numbers_and_tables_part() {
        let int = |table, n| row_key(table, &[KeyPart::Int(n)]);
        assert_eq!(int(5, 8) - int(5, 7), 1);
        assert_ne!(int(5, 7), int(6, 7));
        assert_ne!(
            row_key(5, &[KeyPart::Bytes(b"a"), KeyPart::Bytes(b"b")]),
            row_key(5, &[KeyPart::Bytes(b"ab")])
        );
        assert_eq!(
            row_key(5, &[KeyPart::Int(1), KeyPart::Bytes(b"x")]),
            row_key(5, &[KeyPart::Int(1), KeyPart::Bytes(b"x")])
        );
    }

    #[test]
    fn every_part_of_an_event_counts() {
        let (layout, context) = ([1; 32], [2; 32]);
        let head = Head {
            id: 1,
            occurred_at: 2,
            transaction: 3,
            operation: b'U',
            row_key: Some(4),
            organization: Some([5; 16]),
            layout: &layout,
            context: &context,
        };
        let other = [3; 32];
        let variants = [
            head,
            Head { id: 9, ..head },
            Head { occurred_at: 9, ..head },
            Head { transaction: 9, ..head },
            Head { operation: b'D', ..head },
            Head { row_key: None, ..head },
            Head { row_key: Some(9), ..head },
            Head { organization: None, ..head },
            Head { layout: &other, ..head },
            Head { context: &other, ..head },
        ];
        let mut hashes: Vec<Digest> = variants.iter().map(|h| content_hash(h, b"image")).collect();
        hashes.push(content_hash(&head, b"imagE"));
        hashes.push(content_hash(&head, &[0; 2000]));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
