//! From a value to its bytes.

use super::Codec;
use crate::pg::backend;
use pgrx::{pg_sys, PgBox};
use std::ffi::CStr;

/// A codec with what the server knows of the type.
#[derive(Debug, Clone)]
pub struct Writer {
    codec: Codec,
    length: i16,
    by_value: bool,
    align: u8,
    type_oid: pg_sys::Oid,
    output: pg_sys::Oid,
    parts: Vec<Writer>,
}

impl Writer {
    #[must_use]
    pub fn of(type_oid: pg_sys::Oid) -> Writer {
        let codec = Codec::of(type_oid);
        // SAFETY: syscache look-ups for a type that a column has.
        unsafe {
            let base = pg_sys::getBaseType(type_oid);
            let (mut length, mut by_value, mut align) = (0, false, 0);
            pg_sys::get_typlenbyvalalign(base, &mut length, &mut by_value, &mut align);
            let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
            pg_sys::getTypeOutputInfo(base, &mut output, &mut varlena);
            let parts = match &codec {
                Codec::Array(_) => vec![Writer::of(pg_sys::get_element_type(base))],
                Codec::Row(_) => {
                    let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(base, -1);
                    (1..=(*descriptor).natts as usize)
                        .map(|i| backend::attribute(descriptor, i))
                        .filter(|attribute| !attribute.attisdropped)
                        .map(|attribute| Writer::of(attribute.atttypid))
                        .collect()
                }
                _ => Vec::new(),
            };
            Writer { codec, length, by_value, align: align as u8, type_oid: base, output, parts }
        }
    }

    #[must_use]
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// The relations that stand behind row types in it: with their columns the bytes change.
    pub fn relations(&self, out: &mut Vec<u32>) {
        if let Codec::Row(_) = self.codec {
            // SAFETY: a syscache look-up.
            out.push(unsafe { pg_sys::get_typ_typrelid(self.type_oid) }.to_u32());
        }
        self.parts.iter().for_each(|part| part.relations(out));
    }

    pub(in crate::pg) fn has_length_word(&self) -> bool {
        self.length == -1
    }

    /// # Safety
    /// Two non-NULL values of the type.
    pub(in crate::pg) unsafe fn same(&self, a: pg_sys::Datum, b: pg_sys::Datum) -> bool {
        backend::same_datum(a, b, self.by_value, self.length)
    }

    /// Hands the bytes of a value to `f`.
    ///
    /// # Safety
    /// A non-NULL value of the type.
    pub(in crate::pg) unsafe fn with_bytes<R>(
        &self,
        value: pg_sys::Datum,
        f: impl FnOnce(&[u8]) -> R,
    ) -> R {
        match &self.codec {
            Codec::Raw(_) if self.by_value => {
                let bytes = (value.value() as u64).to_le_bytes();
                f(&bytes[..self.length as usize])
            }
            Codec::Raw(_) if self.length > 0 => {
                f(std::slice::from_raw_parts(value.cast_mut_ptr(), self.length as usize))
            }
            Codec::Raw(_) => {
                let plain = Detoasted::of(value);
                f(plain.bytes())
            }
            Codec::Text => {
                let text = pg_sys::OidOutputFunctionCall(self.output, value);
                let answer = f(CStr::from_ptr(text).to_bytes());
                pg_sys::pfree(text.cast());
                answer
            }
            Codec::Enum | Codec::Array(_) | Codec::Row(_) => {
                let mut bytes = Vec::new();
                self.write(value, &mut bytes);
                f(&bytes)
            }
        }
    }

    unsafe fn write(&self, value: pg_sys::Datum, out: &mut Vec<u8>) {
        match &self.codec {
            Codec::Enum => {
                let text = pg_sys::OidOutputFunctionCall(self.output, value);
                out.extend_from_slice(CStr::from_ptr(text).to_bytes());
                pg_sys::pfree(text.cast());
            }
            Codec::Array(_) => self.write_array(value, out),
            Codec::Row(_) => self.write_row(value, out),
            Codec::Raw(_) | Codec::Text => {
                self.with_bytes(value, |bytes| out.extend_from_slice(bytes));
            }
        }
    }

    /// A part of a value: its length plus one, or 0 for NULL; and its bytes.
    unsafe fn write_part(&self, value: pg_sys::Datum, null: bool, out: &mut Vec<u8>) {
        if null {
            out.extend_from_slice(&0u32.to_be_bytes());
            return;
        }
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        self.write(value, out);
        let length = (out.len() - at - 4 + 1) as u32;
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }

    unsafe fn write_array(&self, value: pg_sys::Datum, out: &mut Vec<u8>) {
        let plain = pg_sys::pg_detoast_datum(value.cast_mut_ptr());
        let array: *mut pg_sys::ArrayType = plain.cast();
        let dimensions = (*array).ndim as usize;
        out.push(dimensions as u8);
        let sizes = array.cast::<u8>().add(std::mem::size_of::<pg_sys::ArrayType>()).cast::<i32>();
        for i in 0..dimensions * 2 {
            out.extend_from_slice(&(*sizes.add(i)).to_be_bytes());
        }
        let element = &self.parts[0];
        let (mut elements, mut nulls, mut count) =
            (std::ptr::null_mut(), std::ptr::null_mut(), 0i32);
        pg_sys::deconstruct_array(
            array,
            (*array).elemtype,
            element.length.into(),
            element.by_value,
            element.align as _,
            &mut elements,
            &mut nulls,
            &mut count,
        );
        for i in 0..count as usize {
            element.write_part(*elements.add(i), *nulls.add(i), out);
        }
        if count > 0 {
            pg_sys::pfree(elements.cast());
            pg_sys::pfree(nulls.cast());
        }
        if !std::ptr::eq(plain, value.cast_mut_ptr()) {
            pg_sys::pfree(plain.cast());
        }
    }

    unsafe fn write_row(&self, value: pg_sys::Datum, out: &mut Vec<u8>) {
        let header: pg_sys::HeapTupleHeader = pg_sys::pg_detoast_datum(value.cast_mut_ptr()).cast();
        let descriptor = pg_sys::lookup_rowtype_tupdesc_copy(self.type_oid, -1);
        let mut tuple = PgBox::<pg_sys::HeapTupleData>::alloc0();
        tuple.t_len = pgrx::varsize_any(header.cast()) as u32;
        tuple.t_data = header;
        let mut parts = self.parts.iter();
        for i in 1..=(*descriptor).natts {
            if backend::attribute(descriptor, i as usize).attisdropped {
                continue;
            }
            let mut null = false;
            let field = pg_sys::heap_getattr(tuple.as_ptr(), i, descriptor, &mut null);
            match parts.next() {
                Some(part) => part.write_part(field, null, out),
                None => out.extend_from_slice(&0u32.to_be_bytes()),
            }
        }
        // A field that the type got or lost since the writer was made: the layout is made anew with it.
        parts.for_each(|_| out.extend_from_slice(&0u32.to_be_bytes()));
        // Of a statement's rows each would stay to its end.
        pg_sys::FreeTupleDesc(descriptor);
        if !std::ptr::eq(header, value.cast_mut_ptr()) {
            pg_sys::pfree(header.cast());
        }
    }
}

/// A value of variable length, with its bytes at hand.
pub(in crate::pg) struct Detoasted {
    plain: *mut pg_sys::varlena,
    copied: bool,
}

impl Detoasted {
    /// # Safety
    /// A non-NULL value of a type of variable length.
    pub unsafe fn of(value: pg_sys::Datum) -> Self {
        let given: *mut pg_sys::varlena = value.cast_mut_ptr();
        let plain = match is_plain(given) {
            true => given,
            false => pg_sys::pg_detoast_datum_packed(given),
        };
        Detoasted { plain, copied: !std::ptr::eq(plain, given) }
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: a plain value with a length word of one byte or four.
        unsafe {
            std::slice::from_raw_parts(
                pgrx::vardata_any(self.plain).cast(),
                pgrx::varsize_any_exhdr(self.plain),
            )
        }
    }
}

impl Drop for Detoasted {
    fn drop(&mut self) {
        if self.copied && !std::thread::panicking() {
            // SAFETY: the copy that `of` was given.
            unsafe { pg_sys::pfree(self.plain.cast()) }
        }
    }
}

/// Neither compressed nor elsewhere.
unsafe fn is_plain(value: *mut pg_sys::varlena) -> bool {
    let first = *value.cast::<u8>();
    // A length word of one byte, or an uncompressed one of four.
    (first & 1 == 1 && first != 1) || first & 3 == 0
}

/// Whether the value is in the TOAST table.
///
/// # Safety
/// A non-NULL value of a type of variable length.
pub(in crate::pg) unsafe fn is_elsewhere(value: pg_sys::Datum) -> bool {
    *value.cast_mut_ptr::<u8>() == 1
}
