//! The database as the planners see it: plain data, read once per call.

mod classes;
mod id_type;
mod lexer;
mod model;
mod objects;
mod parts;
pub mod policy_sql;
mod read;
mod schema;
mod structure;
mod table;
mod tables;
pub mod trigger_sql;

pub use classes::*;
pub use id_type::{IdType, ID_TYPES};
pub use lexer::{path_elements, Names};
pub use model::*;
pub use objects::*;
pub use parts::{parts, Part, PartKind};
pub use read::*;
pub use schema::*;
pub use structure::{differences, fingerprint};
pub use table::Table;
