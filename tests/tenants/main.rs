//! Tenant schemas: what a clone has of its template, and whom it serves.

mod clones_dump_alike;
mod clones_serve_their_tenant;
