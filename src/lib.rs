//! tenant_guard: safe multi-tenancy inside PostgreSQL.

use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

#[pg_extern(stable, parallel_safe)]
fn claims() -> Option<pgrx::JsonB> {
    None
}

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;
    #[pg_test]
    fn claims_are_null_without_claims() {
        assert!(crate::claims().is_none());
    }
    #[test]
    fn pure() {
        assert_eq!(1, 1);
    }
}

/// `cargo pgrx test` looks for this module at the root of the crate.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
