//! One table of the zoo: how it is made, filled and written, told as data.

use tenant_guard_tests::cluster::OWNER;
use tenant_guard_tests::fixtures::{ALICE, BOB, ORG_A, ORG_B};

/// In the templates: {n} is a number of the row's own, {t} the tenant's id as a literal, {p} 1 for A and
/// 2 for B, {u} the user's id as a literal, {o} the other tenant's id as a literal.
#[derive(Clone, Copy)]
pub struct Case {
    /// Makes the tables, as their owner.
    pub ddl: &'static str,
    /// What only a superuser may do.
    pub admin: &'static str,
    /// Protected before it, by its owner.
    pub first: &'static str,
    /// More rows of each organization, beside {n}.
    pub also: &'static str,
    pub table: &'static str,
    /// The tenant column, quoted; empty where the tenant is reached along a foreign key.
    pub tenant: &'static str,
    /// Whether a row may name its tenant; a generated column's may not.
    pub generated: bool,
    /// The ids of A and B.
    pub ids: [&'static str; 2],
    /// The rest of the protect_table call, with its comma.
    pub options: &'static str,
    /// Columns and values of a row, the tenant's left out.
    pub columns: &'static str,
    pub values: &'static str,
    /// The condition of row {n}.
    pub row: &'static str,
    /// The condition of the rows that one organization reaches, where it is not the tenant column.
    pub whose: &'static str,
    /// Rows that all may read beside.
    pub shared: &'static str,
    /// A harmless change.
    pub set: &'static str,
    /// A change that would give the row to the other organization, where it is not the tenant column's.
    pub hand_over: &'static str,
    /// What ON CONFLICT can name; empty where there is none.
    pub conflict: &'static str,
    /// Which of s, i, u, d the organization's users may do.
    pub may: &'static str,
    pub claims: [&'static str; 2],
    /// Who protects it.
    pub protector: &'static str,
    /// What the caller's session is set to.
    pub session: &'static str,
    pub merge: bool,
    /// Tried as A, before what is common to all; whether accepted or not, nothing of B's may change.
    pub attacks: &'static [&'static str],
    /// Queries that must return no row, or be refused.
    pub blind: &'static [&'static str],
    /// What protect_table has to warn of.
    pub warns: &'static [&'static str],
}

pub const UUIDS: [&str; 2] = [ORG_A, ORG_B];
pub const TEXTS: [&str; 2] = ["acme", "Bolt & Co"];
pub const NUMBERS: [&str; 2] = ["1", "2"];

pub const PLAIN: Case = Case {
    ddl: "",
    admin: "",
    first: "",
    also: "",
    table: "zoo.t",
    tenant: "organization_id",
    generated: false,
    ids: UUIDS,
    options: "",
    columns: "id, body",
    values: "{n}, 'row {n}'",
    row: "id = {n}",
    whose: "",
    shared: "",
    set: "body = 'changed'",
    hand_over: "",
    conflict: "(id)",
    may: "siud",
    claims: ["", ""],
    protector: OWNER,
    session: "",
    merge: true,
    attacks: &[],
    blind: &[],
    warns: &[],
};

/// One of the two organizations, as the templates see it.
#[derive(Clone, Copy)]
pub struct Side {
    pub index: usize,
}

pub const A: Side = Side { index: 0 };
pub const B: Side = Side { index: 1 };

impl Side {
    /// The numbers of the rows that it has from the start.
    pub fn rows(self) -> [u32; 3] {
        let first = 1 + 100 * self.index as u32;
        [first, first + 1, first + 2]
    }

    /// A row that it does not have yet.
    pub fn next(self) -> u32 {
        50 + 100 * self.index as u32
    }

    pub fn user(self) -> &'static str {
        [ALICE, BOB][self.index]
    }

    pub fn other(self) -> Side {
        Side { index: 1 - self.index }
    }
}

impl Case {
    pub fn fill(&self, template: &str, side: Side, n: u32) -> String {
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        template
            .replace("{n}", &n.to_string())
            .replace("{t}", &literal(self.ids[side.index]))
            .replace("{o}", &literal(self.ids[side.other().index]))
            .replace("{p}", &(side.index + 1).to_string())
            .replace("{u}", &literal(side.user()))
    }

    pub fn whose(&self, side: Side) -> String {
        match self.whose {
            "" => self.fill(&format!("{} = {{t}}", self.tenant), side, 0),
            whose => self.fill(whose, side, 0),
        }
    }

    /// What the organization's users see.
    pub fn visible(&self, side: Side) -> String {
        match self.shared {
            "" => self.whose(side),
            shared => format!("({}) OR ({shared})", self.whose(side)),
        }
    }

    pub fn row(&self, n: u32) -> String {
        self.fill(self.row, A, n)
    }

    pub fn claims(&self, side: Side) -> String {
        format!(
            r#"{{"sub": "{}", "org_id": {:?}{}}}"#,
            side.user(),
            self.ids[side.index],
            self.claims[side.index]
        )
    }

    /// A row that says whose it is.
    pub fn insert(&self, side: Side, n: u32) -> String {
        if self.tenant.is_empty() || self.generated {
            return self.insert_unnamed(side, n);
        }
        self.fill(
            &format!(
                "INSERT INTO {} ({}, {}) VALUES ({{t}}, {})",
                self.table, self.tenant, self.columns, self.values
            ),
            side,
            n,
        )
    }

    /// What each organization has from the start, by number.
    pub fn rows_of(&self, side: Side, n: u32) -> String {
        format!("{}; {}", self.insert(side, n), self.fill(self.also, side, n))
    }

    /// A row that leaves its tenant to the default.
    pub fn insert_unnamed(&self, side: Side, n: u32) -> String {
        let insert =
            format!("INSERT INTO {} ({}) VALUES ({})", self.table, self.columns, self.values);
        self.fill(&insert, side, n)
    }

    /// What would give rows to the other organization.
    pub fn hand_over(&self, to: Side) -> String {
        match self.hand_over {
            "" => self.fill(&format!("{} = {{t}}", self.tenant), to, 0),
            set => self.fill(set, to, 0),
        }
    }

    pub fn has_default(&self) -> bool {
        !self.tenant.is_empty() && !self.generated
    }

    pub fn may(&self, letter: char) -> bool {
        self.may.contains(letter)
    }

    pub fn call(&self) -> String {
        format!("protect_table('{}'{}", self.table.replace('\'', "''"), self.options)
    }
}
