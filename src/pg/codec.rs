//! A column's value as bytes that mean the same for ever: across a dump and its restore, and in later
//! versions of the server. What a type's bytes are is found out once, and told in the form of a `Codec`.

use super::backend;
use pgrx::{pg_sys, PgBox};
use serde::{Deserialize, Serialize};
use std::ffi::{CStr, CString};

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

    pub(super) fn has_length_word(&self) -> bool {
        self.length == -1
    }

    /// # Safety
    /// Two non-NULL values of the type.
    pub(super) unsafe fn same(&self, a: pg_sys::Datum, b: pg_sys::Datum) -> bool {
        backend::same_datum(a, b, self.by_value, self.length)
    }

    /// Hands the bytes of a value to `f`.
    ///
    /// # Safety
    /// A non-NULL value of the type.
    pub(super) unsafe fn with_bytes<R>(
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
pub(super) struct Detoasted {
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
pub(super) unsafe fn is_elsewhere(value: pg_sys::Datum) -> bool {
    *value.cast_mut_ptr::<u8>() == 1
}

/// A value as PostgreSQL made it again: it can be shown, or written back.
pub struct Restored {
    pub(super) datum: pg_sys::Datum,
    pub(super) type_oid: pg_sys::Oid,
}

/// The value of a raw type; None where the bytes cannot be one.
fn restore(type_oid: u32, bytes: &[u8]) -> Option<Restored> {
    let type_oid = pg_sys::Oid::from(type_oid);
    // SAFETY: the OID is of a type that every server has, or the look-up finds nothing; the copy has room for it.
    unsafe {
        if pg_sys::get_typisdefined(type_oid) {
            let (mut length, mut by_value, mut align) = (0, false, 0);
            pg_sys::get_typlenbyvalalign(type_oid, &mut length, &mut by_value, &mut align);
            let datum = if by_value {
                let mut word = [0; 8];
                word.get_mut(..bytes.len())?.copy_from_slice(bytes);
                (bytes.len() == length as usize).then_some(())?;
                // As the server widens it: booleans and characters without a sign, numbers with theirs.
                let word = u64::from_le_bytes(word);
                let value = match length {
                    2 => word as u16 as i16 as i64 as u64,
                    4 => word as u32 as i32 as i64 as u64,
                    _ => word,
                };
                pg_sys::Datum::from(value as usize)
            } else if length > 0 {
                (bytes.len() == length as usize).then_some(())?;
                let copy = pg_sys::palloc(bytes.len());
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.cast(), bytes.len());
                pg_sys::Datum::from(copy)
            } else {
                let copy = pg_sys::palloc(bytes.len() + pg_sys::VARHDRSZ).cast::<pg_sys::varlena>();
                pgrx::set_varsize_4b(copy, (bytes.len() + pg_sys::VARHDRSZ) as i32);
                let data = copy.cast::<u8>().add(pg_sys::VARHDRSZ);
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
                pg_sys::Datum::from(copy)
            };
            return Some(Restored { datum, type_oid });
        }
    }
    None
}

impl Codec {
    /// The value as its type writes it, to be read by its input function.
    #[must_use]
    pub fn text(&self, bytes: &[u8]) -> Option<String> {
        Some(match self {
            Codec::Raw(_) if self.is_text() => String::from_utf8_lossy(bytes).into_owned(),
            Codec::Raw(oid) => restore(*oid, bytes)?.text(),
            Codec::Enum | Codec::Text => String::from_utf8(bytes.to_vec()).ok()?,
            Codec::Array(element) => array_text(element, bytes)?,
            Codec::Row(fields) => {
                let mut parts = Parts(bytes);
                let mut out = String::from("(");
                for (i, (_, codec)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    if let Some(part) = parts.next()? {
                        quote_field(&mut out, &codec.text(part)?);
                    }
                }
                out.push(')');
                out
            }
        })
    }

    /// The value as to_jsonb gives it.
    #[must_use]
    pub fn json(&self, bytes: &[u8]) -> Option<Restored> {
        Some(match self {
            Codec::Raw(oid) => restore(*oid, bytes)?,
            Codec::Enum | Codec::Text => Restored::of_text(std::str::from_utf8(bytes).ok()?),
            Codec::Array(_) | Codec::Row(_) => {
                let mut out = String::new();
                self.json_text(bytes, &mut out)?;
                Restored::of_json(&out)?
            }
        })
    }

    fn json_text(&self, bytes: &[u8], out: &mut String) -> Option<()> {
        match self {
            Codec::Raw(oid) => out.push_str(&restore(*oid, bytes)?.json_text()?),
            Codec::Enum | Codec::Text => {
                out.push_str(&serde_json::to_string(std::str::from_utf8(bytes).ok()?).ok()?);
            }
            Codec::Array(element) => {
                let (sizes, mut parts) = array_head(bytes)?;
                let lengths: Vec<i32> = sizes.iter().map(|(length, _)| *length).collect();
                nested(&lengths, out, ['[', ']'], &mut |out| {
                    match parts.next()? {
                        Some(part) => element.json_text(part, out)?,
                        None => out.push_str("null"),
                    }
                    Some(())
                })?;
            }
            Codec::Row(fields) => {
                let mut parts = Parts(bytes);
                out.push('{');
                for (i, (name, codec)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    out.push_str(&serde_json::to_string(name).ok()?);
                    out.push(':');
                    match parts.next()? {
                        Some(part) => codec.json_text(part, out)?,
                        None => out.push_str("null"),
                    }
                }
                out.push('}');
            }
        }
        Some(())
    }
}

/// The parts of an array or a row.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    /// None at the end; Some(None) for NULL.
    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*head) as usize;
        if length == 0 {
            self.0 = rest;
            return Some(None);
        }
        if rest.len() < length - 1 {
            return None;
        }
        let (part, rest) = rest.split_at(length - 1);
        self.0 = rest;
        Some(Some(part))
    }
}

/// Each dimension's length and lowest subscript.
type Sizes = Vec<(i32, i32)>;

fn array_head(bytes: &[u8]) -> Option<(Sizes, Parts<'_>)> {
    let (dimensions, mut rest) = bytes.split_first()?;
    let mut numbers = Vec::new();
    for _ in 0..usize::from(*dimensions) * 2 {
        let (number, after) = rest.split_first_chunk::<4>()?;
        numbers.push(i32::from_be_bytes(*number));
        rest = after;
    }
    let (lengths, lows) = numbers.split_at(usize::from(*dimensions));
    let sizes = lengths.iter().copied().zip(lows.iter().copied()).collect();
    Some((sizes, Parts(rest)))
}

/// The elements of an array in the brackets of its dimensions.
fn nested(
    lengths: &[i32],
    out: &mut String,
    brackets: [char; 2],
    element: &mut dyn FnMut(&mut String) -> Option<()>,
) -> Option<()> {
    out.push(brackets[0]);
    if let Some((length, inner)) = lengths.split_first() {
        for i in 0..*length {
            if i > 0 {
                out.push(',');
            }
            match inner {
                [] => element(out)?,
                inner => nested(inner, out, brackets, element)?,
            }
        }
    }
    out.push(brackets[1]);
    Some(())
}

fn array_text(element: &Codec, bytes: &[u8]) -> Option<String> {
    let (sizes, mut parts) = array_head(bytes)?;
    let mut out = String::new();
    if sizes.iter().any(|(_, low)| *low != 1) {
        for (length, low) in &sizes {
            let high = i64::from(*low) + i64::from(*length) - 1;
            out.push_str(&format!("[{low}:{high}]"));
        }
        out.push('=');
    }
    let lengths: Vec<i32> = sizes.iter().map(|(length, _)| *length).collect();
    nested(&lengths, &mut out, ['{', '}'], &mut |out| {
        match parts.next()? {
            Some(part) => quote_element(out, &element.text(part)?),
            None => out.push_str("NULL"),
        }
        Some(())
    })?;
    Some(out)
}

fn quote_element(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

fn quote_field(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
}

impl Restored {
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        use pgrx::IntoDatum;
        let datum = text.into_datum().unwrap_or(pg_sys::Datum::null());
        Restored { datum, type_oid: pg_sys::TEXTOID }
    }

    /// None for what is no JSON.
    #[must_use]
    pub fn of_json(text: &str) -> Option<Self> {
        let text = CString::new(text).ok()?;
        // SAFETY: the text is JSON that was put together here.
        unsafe {
            let datum = pgrx::direct_function_call_as_datum(
                pg_sys::jsonb_in,
                &[Some(pg_sys::Datum::from(text.as_ptr()))],
            )?;
            Some(Restored { datum, type_oid: pg_sys::JSONBOID })
        }
    }

    fn json_text(&self) -> Option<String> {
        // SAFETY: a value of its type; the palloc'd text is copied at once.
        unsafe {
            let json = super::json::to_jsonb(self.datum, self.type_oid);
            let text = pgrx::direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(json)])?;
            Some(CStr::from_ptr(text.cast_mut_ptr()).to_string_lossy().into_owned())
        }
    }

    fn text(&self) -> String {
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        // SAFETY: as above.
        unsafe {
            pg_sys::getTypeOutputInfo(self.type_oid, &mut output, &mut varlena);
            let text = pg_sys::OidOutputFunctionCall(output, self.datum);
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}
