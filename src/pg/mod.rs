//! The only room with hand-written `unsafe`: PostgreSQL's C API behind safe functions.
//! Everybody else calls these.
#![allow(unsafe_code)]

pub mod append;
pub mod at_end;
pub mod attempt;
mod backend;
mod bytes;
pub mod changes;
pub mod client;
pub mod codec;
pub mod command;
pub mod convention;
pub mod cursor;
pub mod depending;
pub mod event;
pub mod exit;
pub mod expression;
pub mod fetch;
pub mod fragment;
pub mod guc;
pub mod ident;
pub mod invalidation;
pub mod json;
pub mod kept;
pub mod log;
pub mod mailbox;
mod moved;
pub mod own_scan;
pub mod peer;
pub mod policies;
pub mod query;
pub mod record;
pub mod relation;
pub mod row;
pub mod row_json;
pub mod row_trigger;
pub mod rows;
pub mod scan;
pub mod shape;
pub mod snapshot;
pub mod soft_delete;
pub mod statement;
pub mod transaction;
pub mod trigger;
pub mod types;
pub mod user;
pub mod uuid;
