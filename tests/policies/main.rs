//! Protected tables of every shape, and two organizations that try to reach each other's rows in them.

mod case;
mod denormalize;
mod drift;
mod guard_rails;
mod guard_rails_survive;
mod later_partitions;
mod members_of_two;
mod odd_rows;
mod refusals;
mod registrations;
mod schemas;
mod stage;
mod who_may;
mod zoo;
