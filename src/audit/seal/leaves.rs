//! What a block keeps of an organization's events: their ids, and of each hash the beginning, so that the one event
//! that was altered can be named. Pure.

use crate::audit::format::Digest;

/// Enough to tell an altered event; that none was forged to fit, the tree's root says.
const KEPT: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    pub id: i64,
    pub hash: Digest,
}

/// Of events whose ids grow: for each the difference to the id before in LEB128, and the beginning of its hash.
#[must_use]
pub fn encode(leaves: &[Leaf]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(leaves.len() * (KEPT + 2) + 8);
    let mut before = 0;
    for leaf in leaves {
        let mut step = leaf.id.wrapping_sub(before) as u64;
        before = leaf.id;
        while step >= 0x80 {
            bytes.push(step as u8 | 0x80);
            step >>= 7;
        }
        bytes.push(step as u8);
        bytes.extend_from_slice(&leaf.hash[..KEPT]);
    }
    bytes
}

/// Id and beginning of the hash of each; what is cut short or malformed ends with None.
pub struct Decoder<'a> {
    rest: &'a [u8],
    id: i64,
    pub broken: bool,
}

#[must_use]
pub fn decode(bytes: &[u8]) -> Decoder<'_> {
    Decoder { rest: bytes, id: 0, broken: false }
}

impl<'a> Iterator for Decoder<'a> {
    type Item = (i64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut step, mut shift) = (0u64, 0);
        loop {
            let Some((byte, rest)) = self.rest.split_first().filter(|_| shift < 64) else {
                self.broken = true;
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            step |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if self.rest.len() < KEPT {
            self.broken = true;
            self.rest = &[];
            return None;
        }
        let (hash, rest) = self.rest.split_at(KEPT);
        self.rest = rest;
        self.id = self.id.wrapping_add(step as i64);
        Some((self.id, hash))
    }
}

/// How what is there differs from what was sealed: the first of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    pub altered: Option<i64>,
    pub missing: Option<i64>,
    pub inserted: Option<i64>,
    /// The kept leaves cannot be read.
    pub broken: bool,
}

impl Differences {
    #[must_use]
    pub fn none(&self) -> bool {
        *self == Differences::default()
    }
}

/// Compares events in the order of their ids with what was sealed.
#[must_use]
pub fn compare<'a>(there: &[Leaf], sealed: impl Iterator<Item = (i64, &'a [u8])>) -> Differences {
    let mut found = Differences::default();
    let mut there = there.iter().peekable();
    for (id, hash) in sealed {
        while let Some(extra) = there.next_if(|leaf| leaf.id < id) {
            found.inserted.get_or_insert(extra.id);
        }
        match there.next_if(|leaf| leaf.id == id) {
            None => {
                found.missing.get_or_insert(id);
            }
            Some(leaf) if leaf.hash[..KEPT] != *hash => {
                found.altered.get_or_insert(id);
            }
            Some(_) => {}
        }
    }
    if let Some(extra) = there.next() {
        found.inserted.get_or_insert(extra.id);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(ids: &[i64]) -> Vec<Leaf> {
        ids.iter().map(|id| Leaf { id: *id, hash: [*id as u8; 32] }).collect()
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let some = leaves(&[3, 4, 200, 1_000_000_007, i64::MAX]);
        let bytes = encode(&some);
        let read: Vec<_> = decode(&bytes).map(|(id, hash)| (id, hash.to_vec())).collect();
        let expected: Vec<_> = some.iter().map(|l| (l.id, l.hash[..8].to_vec())).collect();
        assert_eq!(read, expected);
        for end in 0..bytes.len() {
            let mut decoder = decode(&bytes[..end]);
            while decoder.next().is_some() {}
        }
        let mut cut = decode(&bytes[..bytes.len() - 1]);
        while cut.next().is_some() {}
        assert!(cut.broken);
    }

    #[test]
    fn the_first_difference_of_each_kind_is_named() {
        let sealed = encode(&leaves(&[1, 5, 9, 12]));
        let with = |there: &[Leaf]| compare(there, decode(&sealed));
        assert!(with(&leaves(&[1, 5, 9, 12])).none());
        assert_eq!(with(&leaves(&[1, 9])).missing, Some(5));
        assert_eq!(with(&leaves(&[1, 5, 7, 9, 12, 13])).inserted, Some(7));
        assert_eq!(with(&leaves(&[1, 5, 9, 12, 13])).inserted, Some(13));
        let mut altered = leaves(&[1, 5, 9, 12]);
        altered[2].hash = [0; 32];
        assert_eq!(with(&altered), Differences { altered: Some(9), ..Differences::default() });
        assert_eq!(with(&[]).missing, Some(1));
        // Twice the same event.
        assert_eq!(with(&leaves(&[1, 5, 5, 9, 12])).inserted, Some(5));
    }
}
