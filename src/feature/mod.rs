//! Conventions of tables, and what is built on them.

mod cursor;
mod order;
mod page;
#[cfg(test)]
mod page_tests;
mod scanner;
mod uuid_v7;
