//! What grants ask of the floor.

use super::model::FLOORS;
use crate::pg::policies;
use crate::pg::types::RegClass;
use pgrx::prelude::*;

/// Whether the table has the floor of protect_table: the restrictive policies for PUBLIC that keep every command
/// to the tenant's rows, each of which asks the extension for the context. The grants of protect_table hold while it
/// has. The answer is the planner's, who asks again, for a table that a query reads, whenever a policy of it has
/// changed; hence it counts as immutable. Raises nothing.
///
/// Example: `SELECT tenant_guard.has_floor('crm.contacts');`
#[pg_extern(immutable, parallel_safe, strict)]
fn has_floor(table: RegClass) -> bool {
    policies::kept(table.0, || stands(table.0))
}

fn stands(table: u32) -> bool {
    let restrictive = policies::restrictive_of(table);
    let is_there = |name: &str, command: char| {
        restrictive.iter().any(|policy| policy.name == name && policy.command == command)
    };
    // One for all commands has the name of the first of those by command.
    let (whole, _) = FLOORS[0];
    is_there(whole, '*') || FLOORS.iter().all(|(name, command)| is_there(name, letter(command)))
}

/// pg_policy.polcmd.
fn letter(command: &str) -> char {
    match command {
        "SELECT" => 'r',
        "INSERT" => 'a',
        "UPDATE" => 'w',
        "DELETE" => 'd',
        _ => '*',
    }
}
