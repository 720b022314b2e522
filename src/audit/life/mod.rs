//! The life of the audit log: how long what is kept, and what is erased of it before.

pub mod permission;
pub mod permit;
