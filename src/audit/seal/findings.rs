//! What verify_audit found: of each block and kind the first. Pure.

use std::collections::{BTreeMap, HashSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Digest,
    Block,
    Tree,
    Layout,
    Context,
    Altered,
    Missing,
    Inserted,
    Hidden,
    Commit,
}

impl What {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            What::Digest => "digest",
            What::Block => "block",
            What::Tree => "tree",
            What::Layout => "layout",
            What::Context => "context",
            What::Altered => "altered",
            What::Missing => "missing",
            What::Inserted => "inserted",
            What::Hidden => "hidden",
            What::Commit => "commit",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub what: What,
    pub block: Option<i64>,
    pub event: Option<i64>,
    pub organization: Option<[u8; 16]>,
    pub detail: String,
}

impl Problem {
    #[must_use]
    pub fn of(what: What, block: Option<i64>, detail: String) -> Self {
        Problem { what, block, event: None, organization: None, detail }
    }
}

#[derive(Default)]
pub struct Findings {
    others: Vec<Problem>,
    /// The first event of each block and kind.
    events: BTreeMap<(Option<i64>, What), Problem>,
    contexts: HashSet<i64>,
}

/// An altered context may have millions of neighbours.
const MOST_CONTEXTS: usize = 1_000;

impl Findings {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.others.is_empty() && self.events.is_empty()
    }

    pub fn add(&mut self, problem: Problem) {
        self.others.push(problem);
    }

    pub fn event(
        &mut self,
        what: What,
        block: Option<i64>,
        id: i64,
        organization: Option<[u8; 16]>,
        detail: &str,
    ) {
        let first = self.events.get(&(block, what)).and_then(|problem| problem.event);
        if first.is_none_or(|first| id < first) {
            let detail = detail.to_string();
            let problem = Problem { what, block, event: Some(id), organization, detail };
            self.events.insert((block, what), problem);
        }
    }

    /// Each context once, with an event that names it.
    pub fn context(
        &mut self,
        context: i64,
        block: Option<i64>,
        id: i64,
        organization: Option<[u8; 16]>,
        detail: &str,
    ) {
        if self.contexts.len() < MOST_CONTEXTS && self.contexts.insert(context) {
            let (what, detail) = (What::Context, detail.to_string());
            self.others.push(Problem { what, block, event: Some(id), organization, detail });
        }
    }

    pub fn append(&mut self, other: Findings) {
        self.others.extend(other.others);
        for problem in other.events.into_values() {
            if let Some(id) = problem.event {
                let (what, block) = (problem.what, problem.block);
                self.event(what, block, id, problem.organization, &problem.detail);
            }
        }
    }

    #[must_use]
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut all = self.others;
        all.extend(self.events.into_values());
        all.sort_by_key(|problem| (problem.block, problem.what, problem.event));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_block_and_kind_the_first_is_told() {
        let mut findings = Findings::default();
        for (block, id) in [(2, 7), (2, 5), (2, 9), (1, 30)] {
            findings.event(What::Altered, Some(block), id, None, "x");
        }
        findings.event(What::Missing, Some(2), 6, None, "y");
        findings.context(3, Some(1), 1, None, "context 3 was altered");
        findings.context(3, Some(1), 2, None, "context 3 was altered");
        let told: Vec<_> =
            findings.into_sorted().iter().map(|p| (p.block, p.what.word(), p.event)).collect();
        assert_eq!(
            told,
            [
                (Some(1), "context", Some(1)),
                (Some(1), "altered", Some(30)),
                (Some(2), "altered", Some(5)),
                (Some(2), "missing", Some(6)),
            ]
        );
    }
}
