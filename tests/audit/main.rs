//! The audit log, sealed: whatever somebody does to it later is named.

mod erasure_leaves_the_seal;
mod old_events_go_in_order;
mod proofs_hold_outside;
mod sealing_goes_beside_writers;
mod stage;
mod tampering_is_named;
mod the_seal_survives_a_restore;
