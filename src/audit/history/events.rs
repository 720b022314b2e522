//! Events for the functions that read history: found by a kept plan over the log itself, and shown to whom the
//! view audit_log would show them.

use crate::audit::view;
use crate::error::Result;
use crate::pg::{kept, query, user};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::Uuid;
use std::collections::HashSet;

/// An event as the log holds it.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: i64,
    pub occurred_at: TimestampWithTimeZone,
    pub transaction: i64,
    pub row_key: Option<i64>,
    pub layout: i32,
    pub operation: u8,
    pub organization: Option<[u8; 16]>,
    pub context: i64,
    pub image: Vec<u8>,
    /// Where it differs from when the event occurred.
    pub committed_at: Option<TimestampWithTimeZone>,
}

impl Event {
    #[must_use]
    pub fn is_within(&self, reach: &Reach) -> bool {
        reach.includes(self.layout, self.organization.as_ref())
    }

    /// Whether it emptied a table without telling its rows.
    #[must_use]
    pub fn hides_rows(&self) -> bool {
        self.operation == b'T' && self.image.is_empty()
    }

    /// When it came to be seen.
    #[must_use]
    pub fn seen_at(&self) -> TimestampWithTimeZone {
        self.committed_at.unwrap_or(self.occurred_at)
    }
}

const COLUMNS: &str = "e.id, e.occurred_at, e.transaction_id, e.row_key, e.layout, e.operation, \
     e.organization, e.context, e.image, t.committed_at";
const FROM: &str = "FROM tenant_guard.audit_event e \
     JOIN tenant_guard.audit_layout l ON l.id = e.layout \
     LEFT JOIN tenant_guard.audit_commit t ON t.transaction_id = e.transaction_id AND t.origin = l.origin";

fn read(row: &mut pgrx::spi::SpiTupleTable) -> Result<Event> {
    let epoch = || TimestampWithTimeZone::negative_infinity();
    Ok(Event {
        id: row.get::<i64>(1)?.unwrap_or_default(),
        occurred_at: row.get::<TimestampWithTimeZone>(2)?.unwrap_or_else(epoch),
        transaction: row.get::<i64>(3)?.unwrap_or_default(),
        row_key: row.get::<i64>(4)?,
        layout: row.get::<i32>(5)?.unwrap_or_default(),
        operation: row.get::<i8>(6)?.unwrap_or_default() as u8,
        organization: row.get::<Uuid>(7)?.map(|uuid| *uuid.as_bytes()),
        context: row.get::<i64>(8)?.unwrap_or_default(),
        image: row.get::<Vec<u8>>(9)?.unwrap_or_default(),
        committed_at: row.get::<TimestampWithTimeZone>(10)?,
    })
}

/// The events under a row's number in the log, in their order.
pub fn of_row(table_key: i64, row_key: i64) -> Result<Vec<Event>> {
    user::as_extension_owner(|| {
        kept::rows(
            &format!(
                "SELECT {COLUMNS} {FROM} WHERE e.row_key = $1 AND l.table_key = $2 ORDER BY e.id"
            ),
            &[row_key.into(), table_key.into()],
            read,
        )
    })
}

/// Whether a TRUNCATE emptied the table since, without telling its rows.
pub fn emptied_since(table_key: i64, at: TimestampWithTimeZone) -> Result<bool> {
    let found = user::as_extension_owner(|| {
        kept::rows(
            &format!(
                "SELECT true {FROM} WHERE e.row_key IS NULL AND e.operation = 'T' AND length(e.image) = 0
                 AND l.table_key = $1 AND coalesce(t.committed_at, e.occurred_at) > $2 LIMIT 1"
            ),
            &[table_key.into(), at.into()],
            |row| Ok(row.get::<bool>(1)?),
        )
    })?;
    Ok(!found.is_empty())
}

/// The events of a transaction that the log has, the last first.
pub fn of_transaction(transaction: i64) -> Result<Vec<Event>> {
    user::as_extension_owner(|| {
        query::rows(
            &format!("SELECT {COLUMNS} {FROM} WHERE e.transaction_id = $1 ORDER BY e.id DESC"),
            &[transaction.into()],
            read,
        )
    })
}

/// The events of a request, the last first.
pub fn of_request(request: &str) -> Result<Vec<Event>> {
    user::as_extension_owner(|| {
        query::rows(
            &format!(
                "SELECT {COLUMNS} {FROM} WHERE e.context = ANY (ARRAY(SELECT c.id FROM tenant_guard.audit_context c WHERE c.request_id = $1)) ORDER BY e.id DESC"
            ),
            &[request.into()],
            read,
        )
    })
}

const AT_ONCE: i64 = 5_000;

/// Hands the events of a table that came to be seen after a moment to `f`, the last first.
pub fn of_table(
    table_key: i64,
    after: TimestampWithTimeZone,
    mut f: impl FnMut(Event) -> Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE l.table_key = $1 AND coalesce(t.committed_at, e.occurred_at) > $2
         ORDER BY e.id DESC"
    );
    let mut cursor = Some(user::as_extension_owner(|| {
        let _path = query::pin();
        query::cursor(&sql, &[table_key.into(), after.into()])
    })?);
    while let Some(name) = cursor.take() {
        let (events, rest) = user::as_extension_owner(|| query::fetch(name, AT_ONCE, read))?;
        cursor = rest;
        events.into_iter().try_for_each(&mut f)?;
    }
    Ok(())
}

/// What the caller may read, as the view has it.
pub struct Reach {
    all: bool,
    owned: HashSet<i32>,
    readable: HashSet<i32>,
    organization: Option<[u8; 16]>,
}

impl Reach {
    /// The caller's.
    pub fn here() -> Result<Self> {
        let organization = view::active()?;
        let found = kept::rows(
            "SELECT tenant_guard.audit_reads_all(), tenant_guard.audit_owned(), tenant_guard.audit_readable()",
            &[],
            |row| {
                Ok((
                    row.get::<bool>(1)?.unwrap_or_default(),
                    row.get::<Vec<i32>>(2)?.unwrap_or_default(),
                    row.get::<Vec<i32>>(3)?.unwrap_or_default(),
                ))
            },
        )?;
        let (all, owned, readable) = found.into_iter().next().unwrap_or_default();
        let (owned, readable) = (owned.into_iter().collect(), readable.into_iter().collect());
        Ok(Reach { all, owned, readable, organization })
    }

    #[must_use]
    pub fn includes(&self, layout: i32, organization: Option<&[u8; 16]>) -> bool {
        self.all
            || self.owned.contains(&layout)
            || (organization.is_some()
                && organization == self.organization.as_ref()
                && self.readable.contains(&layout))
    }
}
