//! What a row's events are found by. Pure.

use super::format::{number, sha256};

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
