//! The audit log against references of the tests' own: what it tells is what happened, all of it, and to nobody else.

mod attacks;
mod dice;
mod replay;
mod tables;
mod the_log_replays_the_table;
mod values;
mod values_come_back;
mod workload;
