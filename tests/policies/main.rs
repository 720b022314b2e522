//! Protected tables of every shape, and two organizations that try to reach each other's rows in them.

mod case;
mod stage;
mod zoo;
