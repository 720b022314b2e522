//! The audit log against references of the tests' own: what it tells is what happened, all of it, and to nobody else.

mod a_killed_server_keeps_log_and_table_together;
mod attacks;
mod dice;
mod forgeries;
mod large_and_wide;
mod memory_stays_flat;
mod replay;
mod tables;
mod the_log_replays_the_table;
mod values;
mod values_come_back;
mod workload;
