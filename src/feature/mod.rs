//! Conventions of tables, and what is built on them.

mod access;
mod cursor;
mod order;
mod page;
#[cfg(test)]
mod page_tests;
mod scanner;
mod summary;
mod summary_planner;
mod summary_refresh;
mod summary_registry;
mod uuid_v7;
