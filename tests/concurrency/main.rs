//! What one session cannot show: two sessions, other roles, parallel workers, a killed server.

mod aim;

mod a_hostile_owner_gains_nothing;
mod a_killed_server_keeps_all_or_nothing;
mod a_shadowed_name_changes_nothing;
mod classes_reach_every_session;
mod code_of_one_role_never_runs_as_another;
mod deleted_rows_wait_their_turn;
mod ordinary_roles_call_nothing_on_others_tables;
mod ordinary_roles_forge_no_context;
mod ordinary_roles_write_nothing;
mod parallel_workers_see_the_caller;
mod racing_changes_leave_one_winner;
mod refused_attempts_stay;
mod runs_keep_to_their_tenant;
mod runs_over_tenants;
mod summaries_and_accesses_take_turns;
mod tenant_databases;
mod tenants_move;
mod the_context_ends_with_its_transaction;
mod the_journal_belongs_to_owners;
