//! Which columns hold personal values, beside those that enable_audit was told.

/// Whether a column is classified as personal; then its values are logged behind a salt. Nothing classifies columns yet.
#[must_use]
pub fn is_personal(_table: u32, _column: i16) -> bool {
    false
}
