//! Real drivers and tools: psql, pg_dump, pg_restore, prepared statements.

mod a_dropped_extension_fails_closed;
mod a_dump_restores_the_guard;
mod a_pasted_dry_run_equals_the_run;
mod features_go_there_and_back;
mod prepared_statements_follow_the_identity;
mod the_readme_tells_the_truth;
