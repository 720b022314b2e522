//! How a kind of row is rendered.

use super::reference::Found;
use super::value::Convert;
use super::writer::{key_order, Keys, Open, Writer};
use super::{whole, Call, Descriptor, How, Rules};
use crate::error::Result;
use crate::pg::backend;
use crate::pg::depending::Kept;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::rc::Rc;

/// What is given of a row that is no table's: a type that somebody made, a view's row, a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trust {
    /// It stands by itself: nothing in it is known to be fit to be shown, except for rows of tables.
    None,
    /// It is the value of a column that is given.
    Given,
}

pub(super) struct Plan {
    descriptor: Descriptor,
    keys: Keys,
    /// In the order of the keys.
    fields: Vec<(usize, Convert)>,
}

type Key = (&'static str, u32, i32, Trust);

thread_local! {
    static PLANS: ManuallyDrop<Kept<Key, Rc<Plan>>> = const { ManuallyDrop::new(Kept::new()) };
}

/// Most tables have no more columns.
const FEW: usize = 64;

impl Plan {
    /// For rows of that type, kept until it changes.
    fn of(rules: &Rules, kind: pg_sys::Oid, modifier: i32, trust: Trust) -> Result<Rc<Self>> {
        let key = (rules.function, kind.to_u32(), modifier, trust);
        PLANS.with(|plans| plans.get_or_read(key, || Self::make(rules, kind, modifier, trust)))
    }

    fn make(
        rules: &Rules,
        kind: pg_sys::Oid,
        modifier: i32,
        trust: Trust,
    ) -> Result<(Rc<Self>, Vec<u32>)> {
        // SAFETY: a composite type's OID, from a row of it; descriptors of it and names in them are read.
        unsafe {
            let relation = match kind {
                pg_sys::RECORDOID => pg_sys::InvalidOid,
                _ => pg_sys::get_typ_typrelid(kind),
            };
            let of_table = relation != pg_sys::InvalidOid
                && matches!(pg_sys::get_rel_relkind(relation) as u8, b'r' | b'p' | b'f');
            let (mut fields, relations) = if of_table {
                let shape = (rules.shape)(relation.to_u32())?;
                let descriptor = Descriptor::of(kind, modifier);
                let convert = |field: super::Field| {
                    let number = usize::try_from(field.attribute).unwrap_or_default();
                    let attribute = descriptor.attribute(number);
                    let convert = match field.how {
                        How::Given => Convert::given(attribute.atttypid),
                        How::Masked => Convert::masked(attribute.atttypid),
                        How::Replaced(reference) => {
                            Convert::Replaced(Box::new(Found::of(reference, &descriptor)))
                        }
                    };
                    (field.key, number - 1, convert)
                };
                (shape.fields.into_iter().map(convert).collect::<Vec<_>>(), shape.relations)
            } else {
                let relations = match relation {
                    pg_sys::InvalidOid => vec![],
                    known => vec![known.to_u32()],
                };
                (other_fields(&Descriptor::of(kind, modifier), trust), relations)
            };
            // Of a name that a record has twice the last one counts, as everywhere in jsonb.
            fields.reverse();
            fields.sort_by(|a, b| key_order(&a.0, &b.0));
            fields.dedup_by(|a, b| a.0 == b.0);
            let keys = Keys::of(fields.iter().map(|f| f.0.as_str()));
            let plan = Plan {
                descriptor: Descriptor::of(kind, modifier),
                keys,
                fields: fields.into_iter().map(|(_, at, convert)| (at, convert)).collect(),
            };
            Ok((Rc::new(plan), relations))
        }
    }
}

unsafe fn other_fields(descriptor: &Descriptor, trust: Trust) -> Vec<(String, usize, Convert)> {
    (1..=descriptor.len())
        .map(|number| (number, descriptor.attribute(number)))
        .filter(|(_, attribute)| !attribute.attisdropped)
        .filter_map(|(number, attribute)| {
            let convert = match trust {
                Trust::Given => Convert::given(attribute.atttypid),
                Trust::None => Convert::of_rows(pg_sys::getBaseType(attribute.atttypid))?,
            };
            let name = CStr::from_ptr(attribute.attname.data.as_ptr()).to_string_lossy();
            Some((name.into_owned(), number - 1, convert))
        })
        .collect()
}

/// Writes a row; it is to be closed within what it is a part of.
///
/// # Safety
/// A non-NULL composite datum.
pub(super) unsafe fn write_row(
    call: &Call,
    row: pg_sys::Datum,
    trust: Trust,
    writer: &mut Writer,
) -> Result<Open> {
    pg_sys::check_stack_depth();
    let header: pg_sys::HeapTupleHeader = whole(row);
    let about = (*header).t_choice.t_datum;
    let plan = Plan::of(call.rules, about.datum_typeid, about.datum_typmod, trust)?;
    let mut tuple = pg_sys::HeapTupleData {
        t_len: pgrx::varsize_4b(header.cast()) as u32,
        t_self: pg_sys::ItemPointerData::default(),
        t_tableOid: pg_sys::InvalidOid,
        t_data: header,
    };
    let count = plan.descriptor.len();
    let (mut few, mut many);
    let room: &mut [MaybeUninit<(pg_sys::Datum, bool)>] = if count <= FEW {
        few = [const { MaybeUninit::<(pg_sys::Datum, bool)>::uninit() }; FEW];
        &mut few
    } else {
        many = vec![MaybeUninit::<(pg_sys::Datum, bool)>::uninit(); count];
        &mut many
    };
    // The values first, then whether each is NULL: a pair has room for both.
    let values: *mut pg_sys::Datum = room.as_mut_ptr().cast();
    let nulls: *mut bool = values.add(count).cast();
    backend::unguarded_deform(&mut tuple, plan.descriptor.0, values, nulls);
    let row = Deformed {
        values: std::slice::from_raw_parts(values, count),
        nulls: std::slice::from_raw_parts(nulls, count),
    };
    let mut object = writer.object(&plan.keys);
    for (at, convert) in &plan.fields {
        match convert {
            Convert::Replaced(found) => match found.public_id(call, &row)? {
                Some(id) => writer.string(&mut object, &id),
                None => writer.null(&mut object),
            },
            _ if row.nulls[*at] => writer.null(&mut object),
            convert => convert.write(call, row.values[*at], writer, &mut object)?,
        }
    }
    Ok(object)
}

/// The values of a row, by column.
pub(super) struct Deformed<'a> {
    pub values: &'a [pg_sys::Datum],
    pub nulls: &'a [bool],
}
