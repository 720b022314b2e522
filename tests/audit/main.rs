//! The audit log against references of the tests' own: what it tells is what happened, all of it, and to nobody else;
//! and sealed: whatever somebody does to it later is named.

mod a_killed_server_keeps_log_and_table_together;
mod attacks;
mod dice;
mod erasure_leaves_the_seal;
mod forgeries;
mod large_and_wide;
mod memory_stays_flat;
mod old_events_go_in_order;
mod other_peoples_code;
mod proofs_hold_outside;
mod replay;
mod sealing_goes_beside_writers;
mod shared_numbers;
mod stage;
mod tables;
mod tampering_is_named;
mod the_log_replays_the_table;
mod the_seal_survives_a_restore;
mod triggers_of_ones_own;
mod values;
mod values_come_back;
mod what_stands_beside_events;
mod workload;
