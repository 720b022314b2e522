//! A stand-in until classification has one.

#[must_use]
pub fn mask(text: &str) -> String {
    text.chars().take(1).chain("***".chars()).collect()
}
