//! Attacks on the identity: each is tried as an ordinary role, beside the legitimate way that works.

mod verdict;

mod a_clients_settings_change_nothing;
mod hostile_tokens;
mod interrupted_sessions_stay_whole;
mod keys_come_and_go;
mod memberships_change_meanwhile;
mod memberships_decide;
mod odd_arguments_raise_clear_errors;
mod one_look_up_a_transaction;
mod other_issuers;
mod plain_databases_work_too;
mod pooled_clients_stay_apart;
mod requests_bring_their_token;
mod roles_stay_in_their_organization;
mod sealed_claims_stay_sealed;
mod sessions_bend_nothing;
mod settings_cannot_be_forged;
mod the_extensions_tables_are_closed;
mod the_right_to_set_is_the_superusers;
mod the_verified_identity_ends_when_it_should;
mod the_verified_identity_is_the_callers;
mod tokens_expire_while_in_use;
