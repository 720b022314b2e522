//! From its bytes to the value, as text, as JSON, or to be written back.

use super::Codec;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// A value as PostgreSQL made it again: it can be shown, or written back.
pub struct Restored {
    pub(in crate::pg) datum: pg_sys::Datum,
    pub(in crate::pg) type_oid: pg_sys::Oid,
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
            let json = crate::pg::json::to_jsonb(self.datum, self.type_oid);
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
