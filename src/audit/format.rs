//! The bytes of a logged row, and what is hashed of an event. Pure; docs/audit-format.md describes both for
//! programs outside.
//!
//! An image holds one value for each column of its layout, in order. A value is a head, a number in the
//! LEB128 encoding, and what the head says follows.

use aws_lc_rs::digest::{digest, Context, SHA256};

pub use super::key::{row_key, KeyPart};

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
pub(super) fn number(bytes: &mut Vec<u8>, mut n: u64) {
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
