//! Where the events of large statements are said to be: an organization finds them by that, and by nothing else.

use crate::error::Result;
use crate::pg::cursor;
use std::collections::HashMap;

/// A transaction and an organization.
type Of = (i64, [u8; 16]);

#[derive(Default)]
pub struct Ranges {
    /// First and last ids.
    all: HashMap<Of, Vec<(i64, i64)>>,
    last: Option<(Of, (i64, i64))>,
}

impl Ranges {
    pub fn read() -> Result<Self> {
        let mut ranges = Ranges::default();
        let sql = "SELECT b.organization, b.transaction_id, b.first_id, b.last_id FROM tenant_guard.audit_bulk b";
        cursor::each(sql, &[], |row| {
            if let (Some(organization), Some(transaction), Some(first), Some(last)) =
                (row.uuid(0), row.long(1), row.long(2), row.long(3))
            {
                ranges.all.entry((transaction, organization)).or_default().push((first, last));
            }
            Ok(true)
        })?;
        Ok(ranges)
    }

    /// Whether the organization finds the event.
    pub fn tell(&mut self, transaction: i64, organization: [u8; 16], id: i64) -> bool {
        let of = (transaction, organization);
        let within = |(first, last): &(i64, i64)| (*first..=*last).contains(&id);
        if self.last.is_some_and(|(same, range)| same == of && within(&range)) {
            return true;
        }
        let found = self.all.get(&of).and_then(|ranges| ranges.iter().find(|r| within(r)).copied());
        self.last = found.map(|range| (of, range)).or(self.last);
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_within_the_ranges_of_its_transaction_and_organization() {
        let (a, b) = ([1; 16], [2; 16]);
        let all = HashMap::from([((7, a), vec![(10, 20), (40, 50)])]);
        let mut ranges = Ranges { all, last: None };
        for (transaction, organization, id, found) in [
            (7, a, 10, true),
            (7, a, 20, true),
            (7, a, 21, false),
            (7, a, 45, true),
            (7, a, 15, true),
            (7, b, 15, false),
            (8, a, 15, false),
        ] {
            assert_eq!(ranges.tell(transaction, organization, id), found, "{transaction} {id}");
        }
    }
}
