//! What this room does inside a server.

#[pgrx::pg_schema]
mod tests {}
