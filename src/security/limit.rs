//! How many events a session may make in one second. What is more is counted, and told of in one event.

use crate::pg::{exit, transaction::Moment};
use std::cell::Cell;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let it pass. So many before it were suppressed and are told of now.
    Pass {
        suppressed: u64,
    },
    Suppress,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    second: i64,
    passed: u32,
    suppressed: u64,
}

impl Count {
    fn ask(&mut self, second: i64, most: u32) -> Verdict {
        if self.second != second {
            (self.second, self.passed) = (second, 0);
        }
        if self.passed >= most {
            self.suppressed += 1;
            return Verdict::Suppress;
        }
        self.passed += 1;
        Verdict::Pass { suppressed: std::mem::take(&mut self.suppressed) }
    }
}

pub struct Allowance(Cell<Count>);

impl Allowance {
    #[must_use]
    pub const fn new() -> Self {
        Allowance(Cell::new(Count { second: 0, passed: 0, suppressed: 0 }))
    }

    pub fn ask(&self, most: u32) -> Verdict {
        let mut count = self.0.get();
        let verdict = count.ask(Moment::Now.unix_micros() / 1_000_000, most);
        self.0.set(count);
        if verdict == Verdict::Suppress {
            exit::once(super::at_exit);
        }
        verdict
    }

    pub fn suppressed(&self) -> u64 {
        self.0.get().suppressed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_a_second_may_have_is_counted_and_told_of_with_the_next() {
        let mut count = Count::default();
        let mut ask = |second| count.ask(second, 2);
        let pass = |suppressed| Verdict::Pass { suppressed };
        assert_eq!(
            [ask(7), ask(7), ask(7), ask(7)],
            [pass(0), pass(0), Verdict::Suppress, Verdict::Suppress]
        );
        assert_eq!(
            [ask(8), ask(8), ask(8), ask(9)],
            [pass(2), pass(0), Verdict::Suppress, pass(1)]
        );
        // A clock that is set back ends the second too.
        assert_eq!(ask(5), pass(0));
    }

    #[test]
    fn none_is_allowed_where_the_limit_is_none() {
        let mut count = Count::default();
        assert_eq!(count.ask(1, 0), Verdict::Suppress);
        assert_eq!(count.suppressed, 1);
    }
}
