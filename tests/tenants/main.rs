//! Tenant schemas: cloned with nothing lost, kept like their template, renamed, archived, restored; and each out of the
//! others' reach.

mod clones_dump_alike;
mod clones_serve_their_tenant;
mod no_way_to_another_tenant;
mod nothing_is_lost_on_the_way;
mod sync_loses_nothing;
mod sync_makes_a_fresh_clone;
mod ten_sessions_at_once;
mod the_registration_follows;
mod what_a_tenants_role_may_do;
