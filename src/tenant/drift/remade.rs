//! What is dropped where it is there, and made where it is wanted. Pure.

use super::diff::{Fix, Pair, Phase};
use crate::plan::{Kind, Object, Step};

pub const AS_IN_TEMPLATE: &str = "as in the template";
pub const NONE_THERE: &str = "the template has none of that name";

#[must_use]
pub fn in_table(pair: &Pair, kind: Kind, table: &str, name: &str) -> Object {
    Object::in_table(kind, pair.slug(), table, name)
}

/// Dropped where it is there, made where it is wanted.
pub struct Remade<'s> {
    pub object: Object,
    pub what: String,
    pub why: &'s str,
    pub drop: String,
    /// As it is now, and as it is to be.
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Remade<'_> {
    #[must_use]
    pub fn fix(self, down: Phase, up: Phase) -> Fix {
        let mut fix = Fix { destructive: self.new.is_none(), ..Fix::default() };
        if let Some(old) = self.old {
            let action = format!("drop {}", self.what);
            let why = if self.new.is_some() { self.why } else { NONE_THERE };
            fix.push(down, Step::new(self.object.clone(), action, why, self.drop.clone(), old));
        }
        if let Some(new) = self.new {
            let action = format!("create {}", self.what);
            fix.push(up, Step::new(self.object, action, AS_IN_TEMPLATE, new, self.drop));
        }
        fix
    }
}
