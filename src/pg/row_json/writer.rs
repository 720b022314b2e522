//! jsonb as the server stores it, written from front to back. For a kind of row that is rendered again and again the keys
//! are laid out once. Pure.

use std::cmp::Ordering;

// As in the server's utils/jsonb.h.
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;
const NUMBER: u32 = 0x1000_0000;
const FALSE: u32 = 0x2000_0000;
const TRUE: u32 = 0x3000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;
const HAS_OFFSET: u32 = 0x8000_0000;
/// Every so many entries one tells where it ends, and not how long it is.
const STRIDE: usize = 32;
/// The longest document, in bytes.
const MOST: usize = 0x0fff_ffff;

/// The server's order of keys.
#[must_use]
pub fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

/// The keys of an object, laid out.
pub struct Keys {
    /// The head of the object, an entry for each key, room for as many of the values, and the keys.
    head: Vec<u8>,
    count: usize,
    length: usize,
}

impl Keys {
    /// Keys that differ, in their order.
    #[must_use]
    pub fn of<'a>(names: impl ExactSizeIterator<Item = &'a str> + Clone) -> Self {
        let count = names.len();
        let mut head = Vec::with_capacity(4 + 8 * count);
        head.extend_from_slice(&(count as u32 | OBJECT).to_ne_bytes());
        let mut length = 0;
        for (index, name) in names.clone().enumerate() {
            length += name.len();
            head.extend_from_slice(&entry(index, name.len(), length, 0).to_ne_bytes());
        }
        head.resize(4 + 8 * count, 0);
        names.for_each(|name| head.extend_from_slice(name.as_bytes()));
        Keys { head, count, length }
    }
}

fn entry(index: usize, length: usize, end: usize, kind: u32) -> u32 {
    // What is too long for an entry is refused when the document is finished.
    match index % STRIDE {
        0 => (end & MOST) as u32 | kind | HAS_OFFSET,
        _ => (length & MOST) as u32 | kind,
    }
}

/// An object or an array that is being written.
pub struct Open {
    /// Where it starts, with what fills up to its alignment.
    start: usize,
    /// Where its entries are.
    entries: usize,
    /// Which entry is next.
    index: usize,
    /// How much its entries stand for so far.
    length: usize,
}

/// A document, after the four bytes that the server keeps its length in.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts a document in memory that was used before.
    #[must_use]
    pub fn begin(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.resize(4, 0);
        Writer { bytes }
    }

    /// The document; None where it is longer than one can be.
    pub fn finish(self) -> Result<Vec<u8>, Vec<u8>> {
        if self.bytes.len() > MOST {
            Err(self.bytes)
        } else {
            Ok(self.bytes)
        }
    }

    pub fn object(&mut self, keys: &Keys) -> Open {
        let start = self.bytes.len();
        self.align();
        let entries = self.bytes.len() + 4;
        self.bytes.extend_from_slice(&keys.head);
        Open { start, entries, index: keys.count, length: keys.length }
    }

    pub fn array(&mut self, count: usize) -> Open {
        let start = self.bytes.len();
        self.align();
        let entries = self.bytes.len() + 4;
        self.bytes.extend_from_slice(&(count as u32 | ARRAY).to_ne_bytes());
        self.bytes.resize(entries + 4 * count, 0);
        Open { start, entries, index: 0, length: 0 }
    }

    /// An object or array within another.
    pub fn close(&mut self, within: &mut Open, done: &Open) {
        self.end(within, done.start, CONTAINER);
    }

    pub fn null(&mut self, open: &mut Open) {
        self.end(open, self.bytes.len(), NULL);
    }

    pub fn boolean(&mut self, open: &mut Open, value: bool) {
        self.end(open, self.bytes.len(), if value { TRUE } else { FALSE });
    }

    pub fn string(&mut self, open: &mut Open, value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.end(open, start, 0);
    }

    /// A number, as the server stores numeric behind its length.
    pub fn number(&mut self, open: &mut Open, image: &[u8]) {
        let start = self.bytes.len();
        self.align();
        self.bytes.extend_from_slice(&stored_length(image.len() + 4).to_ne_bytes());
        self.bytes.extend_from_slice(image);
        self.end(open, start, NUMBER);
    }

    pub fn integer(&mut self, open: &mut Open, value: i64) {
        let mut image = [0; 12];
        let length = integer_image(value, &mut image);
        self.number(open, &image[..length]);
    }

    /// Another document, as it is stored behind its length.
    pub fn document(&mut self, open: &mut Open, root: &[u8]) {
        let word = |at: usize| {
            root.get(at..at + 4).map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
        };
        const SCALAR: u32 = 0x1000_0000;
        let start = self.bytes.len();
        if word(0) & SCALAR == 0 {
            self.align();
            self.bytes.extend_from_slice(root);
            return self.end(open, start, CONTAINER);
        }
        // A value by itself is stored as an array of one.
        let kind = word(4) & 0x7000_0000;
        if kind == NUMBER {
            self.align();
        }
        self.bytes.extend_from_slice(root.get(8..).unwrap_or_default());
        self.end(open, start, kind);
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn end(&mut self, open: &mut Open, start: usize, kind: u32) {
        let length = self.bytes.len() - start;
        open.length += length;
        let at = open.entries + 4 * open.index;
        let entry = entry(open.index, length, open.length, kind);
        self.bytes[at..at + 4].copy_from_slice(&entry.to_ne_bytes());
        open.index += 1;
    }
}

/// A length as the server's four-byte header has it.
fn stored_length(length: usize) -> u32 {
    if cfg!(target_endian = "little") {
        (length as u32) << 2
    } else {
        length as u32
    }
}

/// A whole number as numeric: a short head and digits of base 10,000. Returns how many bytes.
fn integer_image(value: i64, image: &mut [u8; 12]) -> usize {
    let mut digits = [0u16; 5];
    let (mut rest, mut first) = (value.unsigned_abs(), digits.len());
    while rest > 0 {
        first -= 1;
        digits[first] = (rest % 10_000) as u16;
        rest /= 10_000;
    }
    let digits = &digits[first..];
    let weight = digits.len().saturating_sub(1) as u16;
    let sign = if value < 0 { 0x2000 } else { 0 };
    image[..2].copy_from_slice(&(0x8000u16 | sign | weight).to_ne_bytes());
    let significant = digits.iter().rposition(|d| *d != 0).map_or(0, |last| last + 1);
    for (place, digit) in digits[..significant].iter().enumerate() {
        image[2 + 2 * place..4 + 2 * place].copy_from_slice(&digit.to_ne_bytes());
    }
    2 + 2 * significant
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: &[u8]) -> Vec<u32> {
        bytes.chunks(4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    #[test]
    fn keys_are_in_the_order_of_their_length() {
        let mut names = ["name", "id", "b", "zz", "a"];
        names.sort_by(|a, b| key_order(a, b));
        assert_eq!(names, ["a", "b", "id", "zz", "name"]);
    }

    #[test]
    fn an_object_is_its_head_its_entries_its_keys_and_its_values() {
        let mut writer = Writer::begin(vec![7; 100]);
        let mut object = writer.object(&Keys::of(["a", "bcd"].into_iter()));
        writer.boolean(&mut object, true);
        writer.string(&mut object, b"wxyz");
        let bytes = writer.finish().unwrap();
        let entries = [0, OBJECT | 2, HAS_OFFSET | 1, 3, TRUE, 4];
        assert_eq!(words(&bytes[..24]), entries);
        assert_eq!(&bytes[24..], b"abcdwxyz");
    }

    #[test]
    fn the_first_entry_and_every_32nd_after_it_tell_where_they_end() {
        let mut writer = Writer::begin(vec![]);
        let mut array = writer.array(65);
        (0..65).for_each(|_| writer.string(&mut array, b"xx"));
        let entries = words(&writer.finish().unwrap()[8..8 + 4 * 65]);
        for (index, entry) in entries.iter().enumerate() {
            let expected = if index % 32 == 0 { HAS_OFFSET | (2 * index as u32 + 2) } else { 2 };
            assert_eq!(*entry, expected, "{index}");
        }
    }

    #[test]
    fn numbers_and_containers_start_at_a_multiple_of_four_and_count_what_they_skip() {
        let mut writer = Writer::begin(vec![]);
        let mut outer = writer.array(3);
        writer.string(&mut outer, b"x");
        writer.integer(&mut outer, 10_000);
        let inner = writer.array(0);
        writer.close(&mut outer, &inner);
        let bytes = writer.finish().unwrap();
        // The number: three bytes skipped, its length, its head, one digit.
        let entries = [HAS_OFFSET | 1, NUMBER | (3 + 4 + 2 + 2), CONTAINER | 4];
        assert_eq!(words(&bytes[8..20]), entries);
        assert_eq!(bytes.len(), 36);
    }

    #[test]
    fn whole_numbers_are_digits_of_base_10000_without_zeros_at_their_end() {
        for (value, head, digits) in [
            (0, 0x8000, vec![]),
            (1, 0x8000, vec![1]),
            (-9_999, 0xa000, vec![9_999]),
            (10_000, 0x8001, vec![1]),
            (10_001, 0x8001, vec![1, 1]),
            (120_000_000, 0x8002, vec![1, 2_000]),
            (i64::MAX, 0x8004, vec![922, 3372, 368, 5477, 5807]),
            (i64::MIN, 0xa004, vec![922, 3372, 368, 5477, 5808]),
        ] {
            let mut image = [0; 12];
            let length = integer_image(value, &mut image);
            let halves: Vec<u16> =
                image[..length].chunks(2).map(|b| u16::from_ne_bytes([b[0], b[1]])).collect();
            assert_eq!((halves[0], &halves[1..]), (head, digits.as_slice()), "{value}");
        }
    }
}
