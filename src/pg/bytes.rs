//! A row version read in place, column by column as its bytes stand: for what runs once a row and looks
//! at most columns only to see whether they changed.

use super::backend;
use pgrx::pg_sys;

/// Reads a tuple's columns in order, as heap_deform_tuple does.
pub(super) struct Cursor {
    descriptor: pg_sys::TupleDesc,
    start: *const u8,
    nulls: Option<*const u8>,
    /// How many columns the tuple has; one that was added later to the table may be missing.
    count: usize,
    next: usize,
    offset: usize,
}

/// Where a column's value stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// From the start of the tuple's data.
    offset: usize,
    start: *const u8,
    length: usize,
}

impl Place {
    fn bytes(&self) -> &[u8] {
        // SAFETY: made by `Cursor::column` of a tuple that outlives it.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// The value, of a column of eight bytes.
    pub fn read(&self) -> i64 {
        // SAFETY: as above; the caller asks for columns of that width only.
        unsafe { self.start.cast::<i64>().read_unaligned() }
    }
}

impl Cursor {
    /// # Safety
    /// The tuple is of the descriptor, and both outlive the cursor.
    pub unsafe fn new(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Self {
        let header = &*(*tuple).t_data;
        let has_nulls = u32::from(header.t_infomask) & pg_sys::HEAP_HASNULL != 0;
        Cursor {
            descriptor,
            start: (*tuple).t_data.cast::<u8>().add(usize::from(header.t_hoff)),
            nulls: has_nulls.then(|| header.t_bits.as_ptr().cast()),
            count: (u32::from(header.t_infomask2) & pg_sys::HEAP_NATTS_MASK) as usize,
            next: 0,
            offset: 0,
        }
    }

    /// The next column, None for NULL; or None where the tuple does not have the column at all.
    #[inline]
    pub fn column(&mut self) -> Option<Option<Place>> {
        let i = self.next;
        if i >= self.count {
            return None;
        }
        self.next += 1;
        // SAFETY: the column is one of the tuple's; its bytes are found as the server finds them.
        unsafe {
            if self.nulls.is_some_and(|bits| *bits.add(i >> 3) & (1 << (i & 7)) == 0) {
                return Some(None);
            }
            let attribute = backend::attribute(self.descriptor, i + 1);
            // A length word of one byte is not aligned, and never zero as padding is.
            if attribute.attlen != -1 || *self.start.add(self.offset) == 0 {
                let alignment = match attribute.attalign as u8 {
                    b'c' => 1,
                    b's' => 2,
                    b'i' => 4,
                    _ => 8,
                };
                self.offset = (self.offset + alignment - 1) & !(alignment - 1);
            }
            let start = self.start.add(self.offset);
            let length = match attribute.attlen {
                -1 => pgrx::varsize_any(start.cast()),
                -2 => std::ffi::CStr::from_ptr(start.cast()).to_bytes_with_nul().len(),
                fixed => fixed as usize,
            };
            self.offset += length;
            Some(Some(Place { offset: self.offset - length, start, length }))
        }
    }

    /// Whether the column that both have come to last has one value in both.
    pub fn same(&self, here: Option<Place>, there: Option<Place>) -> bool {
        match (here, there) {
            (Some(a), Some(b)) => {
                // SAFETY: both are values of the column that was read last.
                let attribute = unsafe { backend::attribute(self.descriptor, self.next) };
                let datum = |place: Place| pg_sys::Datum::from(place.start.cast_mut());
                a.bytes() == b.bytes()
                    || (attribute.attlen == -1
                        // SAFETY: as above; a value of this length is passed by its address.
                        && unsafe { backend::same_image(datum(a), datum(b), attribute) })
            }
            (None, None) => true,
            _ => false,
        }
    }
}

/// A copy of the tuple with columns of eight bytes set.
///
/// # Safety
/// Each place is that of such a column of this very tuple.
pub(super) unsafe fn with_values(
    tuple: pg_sys::HeapTuple,
    values: &[(Place, i64)],
) -> pg_sys::HeapTuple {
    let copy = pg_sys::heap_copytuple(tuple);
    let data = (*copy).t_data.cast::<u8>().add(usize::from((*(*copy).t_data).t_hoff));
    for (place, value) in values {
        data.add(place.offset).cast::<i64>().write_unaligned(*value);
    }
    copy
}
