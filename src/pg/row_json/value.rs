//! A value as jsonb, as `to_jsonb` has it. But rows go by the rules wherever they are, and no cast to json that the owner
//! of a type made is asked: it would run with the rights of whoever looks at the row.

use super::plan::{write_row, Trust};
use super::reference::Found;
use super::writer::{Open, Writer};
use super::{bytes, whole, Call};
use crate::error::Result;
use crate::pg::json;
use pgrx::{pg_sys, PgMemoryContexts};
use std::cell::UnsafeCell;
use std::ffi::CStr;

pub(super) enum Convert {
    Bool,
    Int2,
    Int4,
    Int8,
    Float(Output),
    Numeric,
    Text,
    Uuid,
    /// A date or a timestamp, of that type.
    Moment(pg_sys::Oid),
    Jsonb,
    /// As its type writes it.
    Written(Output),
    /// As to_jsonb has it: for types that know about JSON themselves.
    Generic(pg_sys::Oid),
    Row(Trust),
    Array(Box<Elements>),
    Masked(Output),
    Hidden,
    Replaced(Box<Found>),
}

/// A type's output function.
pub(super) struct Output(Box<UnsafeCell<pg_sys::FmgrInfo>>);

impl Output {
    unsafe fn of(kind: pg_sys::Oid) -> Self {
        let (mut function, mut varlena) = (pg_sys::InvalidOid, false);
        pg_sys::getTypeOutputInfo(kind, &mut function, &mut varlena);
        let info = Box::new(UnsafeCell::new(pg_sys::FmgrInfo::default()));
        PgMemoryContexts::TopMemoryContext
            .switch_to(|top| pg_sys::fmgr_info_cxt(function, info.get(), top.value()));
        Output(info)
    }

    unsafe fn text<'a>(&self, value: pg_sys::Datum) -> &'a CStr {
        CStr::from_ptr(pg_sys::OutputFunctionCall(self.0.get(), value))
    }
}

pub(super) struct Elements {
    convert: Convert,
    kind: pg_sys::Oid,
    length: i16,
    by_value: bool,
    align: std::ffi::c_char,
}

impl Elements {
    unsafe fn of(kind: pg_sys::Oid, convert: Convert) -> Box<Self> {
        let (mut length, mut by_value, mut align) = (0, false, 0);
        pg_sys::get_typlenbyvalalign(kind, &mut length, &mut by_value, &mut align);
        Box::new(Elements { convert, kind, length, by_value, align })
    }
}

unsafe fn is_row(kind: pg_sys::Oid) -> bool {
    kind == pg_sys::RECORDOID || pg_sys::get_typtype(kind) as u8 == pg_sys::TYPTYPE_COMPOSITE
}

impl Convert {
    /// For a row, or an array of rows, that stands by itself; None for any other type. The type is none of domains.
    pub(super) unsafe fn of_rows(kind: pg_sys::Oid) -> Option<Self> {
        if is_row(kind) {
            return Some(Convert::Row(Trust::None));
        }
        let element = pg_sys::get_element_type(kind);
        let rows = element != pg_sys::InvalidOid && is_row(pg_sys::getBaseType(element));
        rows.then(|| Convert::Array(Elements::of(element, Convert::Row(Trust::None))))
    }

    /// For the value of a column that is given.
    pub(super) unsafe fn given(kind: pg_sys::Oid) -> Self {
        let kind = pg_sys::getBaseType(kind);
        match kind {
            pg_sys::BOOLOID => return Convert::Bool,
            pg_sys::INT2OID => return Convert::Int2,
            pg_sys::INT4OID => return Convert::Int4,
            pg_sys::INT8OID => return Convert::Int8,
            pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => return Convert::Float(Output::of(kind)),
            pg_sys::NUMERICOID => return Convert::Numeric,
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => return Convert::Text,
            pg_sys::UUIDOID => return Convert::Uuid,
            pg_sys::DATEOID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
                return Convert::Moment(kind)
            }
            pg_sys::JSONBOID => return Convert::Jsonb,
            pg_sys::JSONOID => return Convert::Generic(kind),
            _ => {}
        }
        if is_row(kind) {
            return Convert::Row(Trust::Given);
        }
        let element = pg_sys::get_element_type(kind);
        if element != pg_sys::InvalidOid {
            return Convert::Array(Elements::of(element, Convert::given(element)));
        }
        let base = pg_sys::get_typtype(kind) as u8 == pg_sys::TYPTYPE_BASE;
        // Only a superuser makes a type of one's own with no other under it.
        if base && kind.to_u32() >= pg_sys::FirstNormalObjectId {
            return Convert::Generic(kind);
        }
        Convert::Written(Output::of(kind))
    }

    /// For the value of a column that is masked.
    pub(super) unsafe fn masked(kind: pg_sys::Oid) -> Self {
        let kind = pg_sys::getBaseType(kind);
        let (mut category, mut preferred) = (0, false);
        pg_sys::get_type_category_preferred(kind, &mut category, &mut preferred);
        // Of what is no text every part could be the value: a day of birth, an amount.
        match category as u8 {
            pg_sys::TYPCATEGORY_STRING => Convert::Masked(Output::of(kind)),
            _ => Convert::Hidden,
        }
    }

    /// Writes a whole document.
    ///
    /// # Safety
    /// A non-NULL value of the type; the conversion is of rows.
    pub(super) unsafe fn write_root(
        &self,
        call: &Call,
        value: pg_sys::Datum,
        writer: &mut Writer,
    ) -> Result<()> {
        match self {
            Convert::Array(elements) => elements.write(call, value, writer).map(drop),
            _ => write_row(call, value, Trust::None, writer).map(drop),
        }
    }

    /// Writes a value of an object or an array.
    ///
    /// # Safety
    /// A non-NULL value of the type.
    pub(super) unsafe fn write(
        &self,
        call: &Call,
        value: pg_sys::Datum,
        writer: &mut Writer,
        open: &mut Open,
    ) -> Result<()> {
        match self {
            Convert::Bool => writer.boolean(open, value.value() as u8 != 0),
            Convert::Int2 => writer.integer(open, i64::from(value.value() as i16)),
            Convert::Int4 => writer.integer(open, i64::from(value.value() as i32)),
            Convert::Int8 => writer.integer(open, value.value() as i64),
            Convert::Float(output) => float(output.text(value), writer, open),
            Convert::Numeric => numeric(bytes(value), writer, open),
            Convert::Text => writer.string(open, bytes(value)),
            Convert::Uuid => {
                let id = &*value.cast_mut_ptr::<[u8; 16]>();
                writer.string(open, &uuid_text(id));
            }
            Convert::Moment(kind) => {
                // MAXDATELEN and the NUL.
                let mut text = [0; 129];
                pg_sys::JsonEncodeDateTime(text.as_mut_ptr(), value, *kind, std::ptr::null());
                writer.string(open, CStr::from_ptr(text.as_ptr()).to_bytes());
            }
            Convert::Jsonb => writer.document(open, bytes(value)),
            Convert::Generic(kind) => writer.document(open, bytes(json::to_jsonb(value, *kind))),
            Convert::Written(output) => writer.string(open, output.text(value).to_bytes()),
            Convert::Row(trust) => {
                let row = write_row(call, value, *trust, writer)?;
                writer.close(open, &row);
            }
            Convert::Array(elements) => {
                let array = elements.write(call, value, writer)?;
                writer.close(open, &array);
            }
            Convert::Masked(output) => {
                let masked = (call.rules.mask)(&output.text(value).to_string_lossy());
                writer.string(open, masked.as_bytes());
            }
            Convert::Hidden | Convert::Replaced(_) => writer.string(open, b"***"),
        }
        Ok(())
    }
}

impl Elements {
    unsafe fn write(&self, call: &Call, value: pg_sys::Datum, writer: &mut Writer) -> Result<Open> {
        let array: *mut pg_sys::ArrayType = whole(value);
        let dimensions = std::slice::from_raw_parts(
            array.add(1).cast::<i32>(),
            usize::try_from((*array).ndim).unwrap_or_default(),
        );
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        pg_sys::deconstruct_array(
            array,
            self.kind,
            i32::from(self.length),
            self.by_value,
            self.align,
            &mut values,
            &mut nulls,
            &mut count,
        );
        let mut element = 0;
        let mut next = |writer: &mut Writer, open: &mut Open| {
            let at = element;
            element += 1;
            if *nulls.add(at) {
                writer.null(open);
                return Ok(());
            }
            self.convert.write(call, *values.add(at), writer, open)
        };
        write_dimension(dimensions, writer, &mut next)
    }
}

fn write_dimension(
    dimensions: &[i32],
    writer: &mut Writer,
    next: &mut impl FnMut(&mut Writer, &mut Open) -> Result<()>,
) -> Result<Open> {
    let Some((count, within)) = dimensions.split_first() else {
        return Ok(writer.array(0));
    };
    let count = usize::try_from(*count).unwrap_or_default();
    let mut array = writer.array(count);
    for _ in 0..count {
        if within.is_empty() {
            next(writer, &mut array)?;
        } else {
            let inner = write_dimension(within, writer, next)?;
            writer.close(&mut array, &inner);
        }
    }
    Ok(array)
}

/// What is not finite has no number in JSON.
unsafe fn float(text: &CStr, writer: &mut Writer, open: &mut Open) {
    if text.to_bytes().iter().any(|b| b"nN".contains(b)) {
        return writer.string(open, text.to_bytes());
    }
    let number = pg_sys::OidInputFunctionCall(
        pg_sys::Oid::from(pg_sys::F_NUMERIC_IN),
        text.as_ptr().cast_mut(),
        pg_sys::InvalidOid,
        -1,
    );
    writer.number(open, bytes(number));
}

fn numeric(image: &[u8], writer: &mut Writer, open: &mut Open) {
    let head = image.get(..2).map_or(0, |b| u16::from_ne_bytes([b[0], b[1]]));
    match head & 0xf000 {
        0xc000 => writer.string(open, b"NaN"),
        0xd000 => writer.string(open, b"Infinity"),
        0xf000 => writer.string(open, b"-Infinity"),
        _ => writer.number(open, image),
    }
}

/// The canonical spelling.
pub(super) fn uuid_text(id: &[u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    uuid::Uuid::from_bytes(*id).as_hyphenated().encode_lower(&mut text);
    text
}
