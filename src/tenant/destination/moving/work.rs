//! The steps of a move, each of which may be done again.

use super::super::planner::{self, Assignment, Destination};
use super::super::store;
use super::begin::{self, There};
use super::job::{self, Job, Step};
use super::layout;
use super::remote::{self, Remote};
use super::rows;
use crate::catalog::{Schema, Table};
use crate::error::{Error, Result};
use crate::pg::attempt::{self, Told};
use crate::pg::ident::{literal, qualified, quote};
use crate::pg::{query, relation};
use crate::plan;
use crate::tenant::life::{archive, ledger};
use crate::tenant::registry::Entry;

pub fn step(slug: &str) -> Result<bool> {
    let dblink = remote::dblink("moving a tenant")?;
    relation::lock_name("tenant_move", slug); // another session that goes on with it waits
    let _as_of_now = query::catalog_read(query::PINNED);
    let job = job::find(slug)?;
    if job.state != "moving" {
        return Ok(false);
    }
    let entry = begin::own(slug)?;
    let Some(step) = job::next(slug)? else {
        job::set_state(slug, "moved", None)?;
        return Ok(false);
    };
    let at = begin::place(&job.destination)?;
    let work = Work { job: &job, step: &step, entry: &entry, at: &at };
    let outcome = match begin::connection(slug, &at) {
        Ok(connection) => remote::with(&dblink, &connection, |remote| work.run(remote))?,
        Err(error) => attempt::told(|| Err(error)),
    };
    match outcome {
        Ok(rows) => {
            job::done(slug, &step, rows)?;
            Ok(true)
        }
        Err(told) => {
            work.failed(&told)?;
            Ok(false)
        }
    }
}

/// What is asked on both sides.
pub fn privileges(slug: &str) -> String {
    include_str!("privileges.sql").replace(":slug", &literal(slug))
}

struct Work<'a> {
    job: &'a Job,
    step: &'a Step,
    entry: &'a Entry,
    at: &'a Destination,
}

impl Work<'_> {
    fn run(&self, remote: &Remote) -> Result<Option<i64>> {
        let (slug, sql) = (self.job.slug.as_str(), self.step.sql.as_deref().unwrap_or_default());
        match self.step.kind.as_str() {
            "structure" => self.structure(remote, sql).map(|()| None),
            "copy" => {
                let schema = begin::read(slug)?;
                rows::copy(remote, slug, self.table(&schema)?).map(Some)
            }
            "close" => self.close().map(|()| None),
            "catch_up" => self.catch_up(remote).map(Some),
            "keys" => self.keys(remote, sql).map(|()| None),
            "cut_over" => self.cut_over(remote).map(|()| None),
            _ => remote.run(sql).map(|()| None),
        }
    }

    /// What an attempt before this one made is made anew; what is not of a move is left alone.
    fn structure(&self, remote: &Remote, sql: &str) -> Result<()> {
        let slug = self.job.slug.as_str();
        let there = begin::there(remote, slug)?;
        if there == There::Others {
            return Err(Error::SchemaExists { schema: slug.into() });
        }
        remote.whole(|| {
            if there != There::Nothing {
                remote.run(&format!("DROP SCHEMA {} CASCADE", quote(slug)))?;
            }
            remote.run(sql)
        })
    }

    /// The session may have ended after they were made there and before that was noted here.
    fn keys(&self, remote: &Remote, sql: &str) -> Result<()> {
        let slug = self.job.slug.as_str();
        if begin::there(remote, slug)? == (There::Ours { complete: true }) {
            return Ok(());
        }
        let mut script = String::new();
        for (name, last, called) in sequences(&begin::read(slug)?)? {
            let name = literal(&qualified(slug, &name));
            script += &format!("SELECT pg_catalog.setval({name}, {last}, {called});\n");
        }
        remote.whole(|| remote.run(&(script + sql)))
    }

    /// From here on nobody but its owner writes to the schema here.
    fn close(&self) -> Result<()> {
        let slug = self.job.slug.as_str();
        let schema = begin::read(slug)?;
        let now = query::value::<String>(&privileges(slug), &[])?;
        if Some(ledger::fingerprint(&schema)) != self.job.fingerprint || now != self.job.privileges
        {
            return Err(
                self.differs(vec!["the schema here is not what it was when the move began".into()])
            );
        }
        if self.entry.state == "active" {
            archive::archive(slug, false)?;
            job::set_closed(slug, true)?;
        }
        Ok(())
    }

    fn catch_up(&self, remote: &Remote) -> Result<i64> {
        let slug = self.job.slug.as_str();
        let schema = begin::read(slug)?;
        let table = self.table(&schema)?;
        lock(&format!("LOCK TABLE ONLY {} IN SHARE MODE", qualified(slug, &table.name)))?;
        let _as_of_now = query::catalog_read(query::PINNED);
        let here = rows::here(slug, table)?;
        if rows::there(remote, slug, table)? == here {
            return Ok(here.rows);
        }
        rows::copy(remote, slug, table)
    }

    /// Nobody writes on either side while all of it is compared, and until the tenant is assigned there.
    fn cut_over(&self, remote: &Remote) -> Result<()> {
        let slug = self.job.slug.as_str();
        let schema = begin::read(slug)?;
        let tables = layout::with_rows(&schema);
        let names: Vec<String> =
            tables.iter().map(|t| format!("ONLY {}", qualified(slug, &t.name))).collect();
        if !names.is_empty() {
            lock(&format!("LOCK TABLE {} IN SHARE MODE", names.join(", ")))?;
        }
        let _as_of_now = query::catalog_read(query::PINNED);
        remote.run("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        if !names.is_empty() {
            remote.run(&format!("LOCK TABLE {} IN SHARE MODE", names.join(", ")))?;
        }
        let mut differing = Vec::new();
        for table in tables {
            let (here, there) = (rows::here(slug, table)?, rows::there(remote, slug, table)?);
            if here.rows != there.rows {
                differing.push(format!(
                    "table {}, {} rows here and {} there",
                    quote(&table.name),
                    here.rows,
                    there.rows
                ));
            } else if here != there {
                differing.push(format!("the rows of table {}", quote(&table.name)));
            }
        }
        for (name, last, called) in sequences(&schema)? {
            let there = remote.text(&format!(
                "SELECT pg_catalog.format('%s %s', s.last_value, s.is_called) FROM {} s",
                qualified(slug, &name)
            ))?;
            if there != Some(format!("{last} {}", if called { "t" } else { "f" })) {
                differing.push(format!("sequence {}", quote(&name)));
            }
        }
        if Some(ledger::fingerprint(&schema)) != self.job.fingerprint {
            differing.push("the schema here, from what it was".into());
        }
        // The mark is no part of the structure; all of this is rolled back with the connection.
        remote.run(&layout::comment(&schema))?;
        let own = literal(slug);
        let structure = remote.text(&format!("SELECT tenant_guard.template_fingerprint({own})"))?;
        if structure != self.job.fingerprint {
            differing.push("the structure".into());
        }
        if remote.text(&privileges(slug))? != self.job.privileges {
            differing.push("owners or privileges".into());
        }
        if !differing.is_empty() {
            return Err(self.differs(differing));
        }
        self.assign()
    }

    fn assign(&self) -> Result<()> {
        relation::lock_name("destination", &self.at.name);
        let slug = self.job.slug.as_str();
        let wanted = Assignment::new(slug, self.at, None)?;
        let there = store::assignment(slug)?;
        if there.as_ref().is_none_or(|t| t.destination != self.at.name) {
            self.at.has_room(store::tenants(&self.at.name)?)?;
        }
        plan::run(planner::assign(slug, Some(&wanted), there.as_ref()), false)?;
        // Routers that ask for the organization are told where its only schema is.
        if let Some(organization) = &self.entry.organization {
            let there = store::assignment(organization)?;
            if there.is_some() && store::schemas(organization)? == 1 {
                let database = wanted.database.clone();
                let wanted = Assignment::new(organization, self.at, database)?;
                plan::run(planner::assign(organization, Some(&wanted), there.as_ref()), false)?;
            }
        }
        job::set_switched(slug)
    }

    fn differs(&self, objects: Vec<String>) -> Error {
        Error::MoveDiffers { slug: self.job.slug.clone(), objects }
    }

    fn table<'s>(&self, schema: &'s Schema) -> Result<&'s Table> {
        let name = self.step.table.as_deref().unwrap_or_default();
        let found = schema.tables.iter().find(|t| t.name == name);
        found.ok_or_else(|| Error::NoTableNamed { table: qualified(&self.job.slug, name) })
    }

    /// Notes it, and opens the schema here: until the tenant is assigned there, it is the one that is true.
    fn failed(&self, told: &Told) -> Result<()> {
        let slug = self.job.slug.as_str();
        let table =
            self.step.table.as_ref().map_or(String::new(), |t| format!(" of table {}", quote(t)));
        let mut error = format!("{}{table}: {}: {}", self.step.kind, told.code, told.message);
        if let Some(detail) = &told.detail {
            error += &format!(" ({detail})");
        }
        if !self.job.switched {
            if let Err(told) = attempt::told(|| begin::open(self.job)) {
                error += &format!("; and the schema here could not be opened: {}", told.message);
            }
            match self.step.kind.as_str() {
                "structure" | "copy" => {}
                "catch_up" => job::again_from(slug, "close")?,
                // Keys and triggers may be there: rows go in before these.
                _ => job::again_from(slug, "structure")?,
            }
        }
        job::set_state(slug, "failed", Some(&error))
    }
}

fn lock(sql: &str) -> Result<()> {
    query::run(sql, &[])
}

/// The name of each sequence, and where it is.
fn sequences(schema: &Schema) -> Result<Vec<(String, i64, bool)>> {
    let state = |name: &str| {
        let sql =
            format!("SELECT s.last_value, s.is_called FROM {} s", qualified(&schema.name, name));
        query::rows(&sql, &[], |row| {
            Ok((
                name.to_string(),
                row.get::<i64>(1)?.unwrap_or_default(),
                row.get::<bool>(2)?.unwrap_or_default(),
            ))
        })
    };
    let all: Result<Vec<_>> = schema.sequences.iter().map(|s| state(&s.name)).collect();
    Ok(all?.into_iter().flatten().collect())
}
