//! A column's value as bytes that mean the same for ever: across a dump and its restore, and in later
//! versions of the server. What a type's bytes are is found out once, and told in the form of a `Codec`.

mod restore;
mod write;

pub use restore::Restored;
pub use write::Writer;
pub(super) use write::{is_elsewhere, Detoasted};

use super::backend;
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::ffi::CStr;

/// How a type's values are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// The bytes that the server itself stores, of a type that every server has under this OID: a fixed length, or
    /// what stands behind the length word. Their meaning is part of the format that pg_upgrade keeps.
    Raw(u32),
    /// The label.
    Enum,
    /// The number of dimensions, for each its length and its lowest subscript, and each element.
    Array(Box<Codec>),
    /// Each field by its name.
    Row(Vec<(String, Codec)>),
    /// As its type writes it, dates and numbers in the ISO styles and at full length.
    Text,
}

/// OIDs below are given by hand and never change.
const FIRST_GENERATED: u32 = 10_000;

/// Of the types that every server has, those whose bytes hold OIDs.
fn names_objects(oid: pg_sys::Oid) -> bool {
    matches!(
        oid,
        pg_sys::REGPROCOID
            | pg_sys::REGPROCEDUREOID
            | pg_sys::REGOPEROID
            | pg_sys::REGOPERATOROID
            | pg_sys::REGCLASSOID
            | pg_sys::REGTYPEOID
            | pg_sys::REGCONFIGOID
            | pg_sys::REGDICTIONARYOID
            | pg_sys::REGNAMESPACEOID
            | pg_sys::REGROLEOID
            | pg_sys::REGCOLLATIONOID
            | pg_sys::ACLITEMOID
    )
}

impl Codec {
    /// Of a type; what is under a domain counts.
    #[must_use]
    pub fn of(type_oid: pg_sys::Oid) -> Codec {
        // SAFETY: syscache look-ups for a type that a column has.
        unsafe {
            let base = pg_sys::getBaseType(type_oid);
            let kind = pg_sys::get_typtype(base) as u8;
            let element = pg_sys::get_element_type(base);
            if element != pg_sys::InvalidOid {
                return match Codec::of(element) {
                    Codec::Raw(of) if base.to_u32() < FIRST_GENERATED && of == element.to_u32() => {
                        Codec::Raw(base.to_u32())
                    }
                    Codec::Text if base.to_u32() < FIRST_GENERATED => Codec::Text,
                    codec => Codec::Array(Box::new(codec)),
                };
            }
            match kind {
                b'e' => Codec::Enum,
                b'c' => Codec::Row(fields(base)),
                b'b' | b'r' | b'm' if base.to_u32() < FIRST_GENERATED && !names_objects(base) => {
                    Codec::Raw(base.to_u32())
                }
                _ => Codec::Text,
            }
        }
    }

    /// Whether the bytes of a value are its text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        let Codec::Raw(oid) = self else { return false };
        let oid = pg_sys::Oid::from(*oid);
        matches!(oid, pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID)
    }

    /// Whether writing a value depends on settings of the session.
    #[must_use]
    pub fn is_styled(&self) -> bool {
        match self {
            Codec::Raw(_) | Codec::Enum => false,
            Codec::Text => true,
            Codec::Array(element) => element.is_styled(),
            Codec::Row(fields) => fields.iter().any(|(_, codec)| codec.is_styled()),
        }
    }
}

unsafe fn fields(row_type: pg_sys::Oid) -> Vec<(String, Codec)> {
    let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(row_type, -1);
    (1..=(*descriptor).natts as usize)
        .filter_map(|i| {
            let attribute = backend::attribute(descriptor, i);
            let name = CStr::from_ptr(attribute.attname.data.as_ptr()).to_string_lossy();
            (!attribute.attisdropped).then(|| (name.into_owned(), Codec::of(attribute.atttypid)))
        })
        .collect()
}
