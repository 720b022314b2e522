//! What events refer to, looked up for one after the other: layouts and contexts, each with its hash computed anew.

use crate::audit::format::{sha256_of_texts, Digest};
use crate::audit::layout::{Description, Layout};
use crate::error::{Error, Result};
use crate::pg::{cursor, query};
use std::collections::HashMap;

#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// As the log has it.
    pub hash: Digest,
    /// Whether the hash is that of what it says.
    pub intact: bool,
}

pub struct KnownLayout {
    pub origin: i64,
    pub columns: usize,
    /// Whether some values of its events stand behind a salt.
    pub salted: bool,
    pub known: Known,
}

/// All layouts: there are as many as tables have had shapes.
pub fn layouts() -> Result<HashMap<i32, KnownLayout>> {
    let sql = "SELECT l.id, l.origin, l.table_key, l.table_schema, l.table_name, l.table_owner, l.description, l.hash
               FROM tenant_guard.audit_layout l";
    let rows = query::rows(sql, &[], |row| {
        let text = |i: usize| Ok::<_, Error>(row.get::<String>(i)?.unwrap_or_default());
        let (key, description) = (row.get::<i64>(3)?.unwrap_or_default(), text(7)?);
        let hash = Layout::hash_of(key, &text(4)?, &text(5)?, &text(6)?, &description);
        let stored = super::chain::digest(row, 8)?;
        let columns = serde_json::from_str::<Description>(&description).map(|d| d.columns);
        let columns = columns.unwrap_or_default();
        let known = Known { hash: stored, intact: hash == stored };
        let origin = row.get::<i64>(2)?.unwrap_or_default();
        let salted = columns.iter().any(|column| column.salted);
        let layout = KnownLayout { origin, columns: columns.len(), salted, known };
        Ok((row.get::<i32>(1)?.unwrap_or_default(), layout))
    })?;
    Ok(rows.into_iter().collect())
}

/// Where the events of each layout were written.
pub fn origins() -> Result<HashMap<i32, i64>> {
    let sql = "SELECT l.id, l.origin FROM tenant_guard.audit_layout l";
    let rows = query::rows(sql, &[], |row| {
        Ok((row.get::<i32>(1)?.unwrap_or_default(), row.get::<i64>(2)?.unwrap_or_default()))
    })?;
    Ok(rows.into_iter().collect())
}

/// Contexts come in the order that events do, so they are read in runs of neighbours.
const RUN: i64 = 4096;
const MOST_RUNS: usize = 64;

#[derive(Default)]
pub struct Contexts {
    runs: HashMap<i64, HashMap<i64, Known>>,
    order: Vec<i64>,
    last: Option<(i64, Option<Known>)>,
}

impl Contexts {
    /// None for one that is not there.
    pub fn find(&mut self, id: i64) -> Result<Option<Known>> {
        if let Some((_, known)) = self.last.filter(|(last, _)| *last == id) {
            return Ok(known);
        }
        let run = id.div_euclid(RUN);
        if !self.runs.contains_key(&run) {
            if self.order.len() >= MOST_RUNS {
                self.runs.remove(&self.order.remove(0));
            }
            self.runs.insert(run, read(run * RUN, run * RUN + RUN - 1)?);
            self.order.push(run);
        }
        let known = self.runs.get(&run).and_then(|run| run.get(&id)).copied();
        self.last = Some((id, known));
        Ok(known)
    }
}

/// Id, hash, and what is hashed of contexts, in the order of `who.rs`.
const CONTEXT: &str = "SELECT c.id, c.hash, c.id::text, c.user_id, c.organization_id, c.project_id,
         pg_catalog.array_to_string(c.roles, e'\\n'), c.session_id, c.request_id, c.db_role, c.session_role, c.application_name,
         c.client_address, c.statement, c.reason
       FROM tenant_guard.audit_context c WHERE c.id BETWEEN $1 AND $2";
const TEXTS: std::ops::Range<usize> = 2..15;

fn read(first: i64, last: i64) -> Result<HashMap<i64, Known>> {
    let mut run = HashMap::new();
    contexts(first, last, |id, hash, texts| {
        let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        let intact = sha256_of_texts("tenant_guard audit context 1", &texts) == hash;
        run.insert(id, Known { hash, intact });
    })?;
    Ok(run)
}

/// The contexts between two ids.
pub fn contexts(
    first: i64,
    last: i64,
    mut f: impl FnMut(i64, Digest, Vec<Option<String>>),
) -> Result<()> {
    cursor::each(CONTEXT, &[first.into(), last.into()], |row| {
        let hash = row.with_bytes(1, |hash| hash.try_into().ok()).flatten();
        let texts = TEXTS.map(|column| row.text(column)).collect();
        f(row.long(0).unwrap_or_default(), hash.unwrap_or_default(), texts);
        Ok(true)
    })
}
