//! A table's rows as they were: what is there now, less what was done since. Pure.
//!
//! Events of one transaction may stand in another order than they happened in: those of a statement that a trigger
//! ran come before those of the statement that fired it. So rows are counted: an event takes away what it left and
//! brings what it found, and what is taken away before it was brought is owed.

use crate::audit::format::Value;
use std::collections::HashMap;

/// What is known of a column's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cell {
    Null,
    Known(Vec<u8>),
    /// Not in the log as it was: left out, masked, hashed, erased or too large; or of a column that the row of then
    /// did not have.
    Unknown,
}

impl Cell {
    /// `plain`: whether the log has the column's values as they are.
    #[must_use]
    pub fn of(value: &Value, plain: bool) -> Cell {
        match value {
            Value::Null => Cell::Null,
            Value::Plain(bytes) if plain => Cell::Known(bytes.to_vec()),
            _ => Cell::Unknown,
        }
    }

    fn fits(&self, other: &Cell) -> bool {
        self == other || *self == Cell::Unknown || *other == Cell::Unknown
    }
}

pub type Row = Vec<Cell>;

fn fit(a: &Row, b: &Row) -> bool {
    a.iter().zip(b).all(|(a, b)| a.fits(b))
}

/// The rows of one key, and those that are owed.
#[derive(Default)]
struct Group {
    rows: Vec<Row>,
    owed: Vec<Row>,
}

/// The rows of a table, to be taken back in time event by event.
pub struct Rows {
    /// The positions of the key's columns; none where rows are told apart by all they hold.
    key: Vec<usize>,
    groups: HashMap<Vec<Cell>, Group>,
}

impl Rows {
    #[must_use]
    pub fn new(key: Vec<usize>) -> Self {
        Rows { key, groups: HashMap::new() }
    }

    fn key_of(&self, row: &Row) -> Vec<Cell> {
        match self.key.as_slice() {
            // What is not known of one row may be known of its equal: such rows are looked for among all.
            [] if row.contains(&Cell::Unknown) => Vec::new(),
            [] => row.clone(),
            key => key.iter().map(|position| row[*position].clone()).collect(),
        }
    }

    pub fn add(&mut self, row: Row) {
        let key = self.key_of(&row);
        let group = self.groups.entry(key).or_default();
        match group.owed.iter().position(|owed| fit(owed, &row)) {
            Some(position) => drop(group.owed.swap_remove(position)),
            None => group.rows.push(row),
        }
    }

    /// Takes away a row that fits; what is known of it, where there is one.
    fn remove(&mut self, row: Row) -> Option<Row> {
        let key = self.key_of(&row);
        if self.key.is_empty() {
            if let Some(found) = self.take_equal(&key, &row) {
                return Some(found);
            }
            let fitting = |group: &&mut Group| group.rows.iter().any(|other| fit(other, &row));
            if let Some(group) = self.groups.values_mut().find(fitting) {
                let position = group.rows.iter().position(|other| fit(other, &row))?;
                return Some(group.rows.swap_remove(position));
            }
        } else if let Some(found) = self.take_equal(&key, &row) {
            return Some(found);
        }
        self.groups.entry(key).or_default().owed.push(row);
        None
    }

    fn take_equal(&mut self, key: &[Cell], row: &Row) -> Option<Row> {
        let group = self.groups.get_mut(key)?;
        let position = group.rows.iter().position(|other| fit(other, row))?;
        Some(group.rows.swap_remove(position))
    }

    /// Takes back one event: what it left goes, what it found comes back. What the log does not tell of it, for
    /// it did not change, is as it is in the row that goes.
    pub fn take_back(&mut self, found: Option<Row>, left: Option<Row>, untold: &[usize]) {
        let gone = left.and_then(|left| self.remove(left));
        if let Some(mut row) = found {
            if let Some(gone) = gone {
                for position in untold {
                    // Of a column that the table does not have any more its row of now says nothing.
                    if let (Some(cell), Some(known)) = (row.get_mut(*position), gone.get(*position))
                    {
                        cell.clone_from(known);
                    }
                }
            }
            self.add(row);
        }
    }

    /// Of a key there is one row at most: the one that came last, where one is left over what is owed.
    #[must_use]
    pub fn into_rows(self) -> Vec<Row> {
        let keyed = !self.key.is_empty();
        let mut all = Vec::new();
        for mut group in self.groups.into_values() {
            if !keyed {
                all.append(&mut group.rows);
            } else if group.rows.len() > group.owed.len() {
                all.extend(group.rows.pop());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[i8]) -> Row {
        values
            .iter()
            .map(|v| match v {
                0 => Cell::Null,
                -1 => Cell::Unknown,
                v => Cell::Known(vec![*v as u8]),
            })
            .collect()
    }

    fn rows(rows: Rows) -> Vec<Row> {
        let mut all = rows.into_rows();
        all.sort_by_key(|row| format!("{row:?}"));
        all
    }

    #[test]
    fn events_are_taken_back() {
        let mut table = Rows::new(vec![0]);
        table.add(row(&[1, 5]));
        table.add(row(&[2, 5]));
        table.take_back(Some(row(&[1, 4])), Some(row(&[1, 5])), &[]);
        table.take_back(None, Some(row(&[2, 5])), &[]);
        table.take_back(Some(row(&[3, 0])), None, &[]);
        assert_eq!(rows(table), [row(&[1, 4]), row(&[3, 0])]);
    }

    #[test]
    fn what_a_trigger_did_may_be_logged_before_what_fired_it() {
        // The row went from 1 to 2 by the statement and on to 3 by its trigger, whose event came first.
        let mut table = Rows::new(vec![0]);
        table.add(row(&[9, 3]));
        table.take_back(Some(row(&[9, 1])), Some(row(&[9, 2])), &[]);
        table.take_back(Some(row(&[9, 2])), Some(row(&[9, 3])), &[]);
        assert_eq!(rows(table), [row(&[9, 1])]);
        // And one that was inserted and deleted at once.
        let mut table = Rows::new(vec![0]);
        table.take_back(None, Some(row(&[9, 1])), &[]);
        table.take_back(Some(row(&[9, 1])), None, &[]);
        assert!(rows(table).is_empty());
    }

    #[test]
    fn what_an_event_does_not_tell_is_as_it_is() {
        let mut table = Rows::new(vec![0]);
        table.add(row(&[1, 5, 7]));
        table.take_back(Some(row(&[1, 4, -1])), Some(row(&[1, 5, -1])), &[2]);
        assert_eq!(rows(table), [row(&[1, 4, 7])]);
    }

    #[test]
    fn what_an_event_does_not_tell_of_a_column_that_is_gone_stays_unknown() {
        let mut table = Rows::new(vec![0]);
        table.add(row(&[1, 5]));
        table.take_back(Some(row(&[1, 4, -1])), Some(row(&[1, 5, -1])), &[2]);
        assert_eq!(rows(table), [row(&[1, 4, -1])]);
    }

    #[test]
    fn a_changed_key_is_followed() {
        let mut table = Rows::new(vec![0]);
        table.add(row(&[9, 5]));
        table.take_back(Some(row(&[1, 5])), Some(row(&[9, 5])), &[]);
        assert_eq!(rows(table), [row(&[1, 5])]);
    }

    #[test]
    fn rows_without_a_key_are_counted() {
        let mut table = Rows::new(vec![]);
        for _ in 0..3 {
            table.add(row(&[5]));
        }
        table.take_back(None, Some(row(&[5])), &[]);
        table.take_back(Some(row(&[6])), None, &[]);
        assert_eq!(rows(table), [row(&[5]), row(&[5]), row(&[6])]);
    }
}
