//! Text with its value taken out and its shape left in: enough to tell one customer's report from another's, too little to
//! write to either. Pure.

/// What is left of text that has no shape known here.
const HIDDEN: &str = "***";

/// Longer than any address or name; shapes are looked for in no text beyond it.
const LONGEST: usize = 320;

const MOST_WORDS: usize = 5;

/// The text masked: of an e-mail address the first letter and the top-level domain stay, of a phone number the two last
/// digits, of a name the first letter of each word; of anything else nothing.
#[must_use]
pub fn mask(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    if text.len() > LONGEST {
        return HIDDEN.into();
    }
    email(text).or_else(|| phone(text)).or_else(|| name(text)).unwrap_or_else(|| HIDDEN.into())
}

/// `a***@***.uk`
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let (host, top) = domain.rsplit_once('.')?;
    let whole = !local.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace);
    let is_top = (2..=24).contains(&top.len()) && top.bytes().all(|b| b.is_ascii_alphabetic());
    if !whole || !is_top || text.contains(char::is_control) {
        return None;
    }
    let mut masked = word(local);
    for part in ["@", HIDDEN, ".", top] {
        masked.push_str(part);
    }
    let top = masked.len() - top.len();
    masked[top..].make_ascii_lowercase();
    Some(masked)
}

/// `+** *** *****67`; of a date nothing but its shape.
fn phone(text: &str) -> Option<String> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let starts = text.starts_with(|c: char| c == '+' || c == '(' || c.is_ascii_digit());
    let allowed = |b: u8| b.is_ascii_digit() || b"+ ()-./".contains(&b);
    if !(7..=15).contains(&digits) || !starts || !text.bytes().all(allowed) {
        return None;
    }
    let shown = if is_date(text) { 0 } else { 2 };
    let mut left = digits;
    let masked = text.chars().map(|c| {
        if !c.is_ascii_digit() {
            return c;
        }
        left -= 1;
        if left < shown {
            c
        } else {
            '*'
        }
    });
    Some(masked.collect())
}

/// Four, two and two digits, in either order.
fn is_date(text: &str) -> bool {
    let groups: Vec<usize> = text.split(['-', '.', '/']).map(str::len).collect();
    matches!(groups.as_slice(), [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
}

/// `A*** L***`
fn name(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(' ').filter(|w| !w.is_empty()).collect();
    let allowed = |c: char| c.is_alphabetic() || "'’-.".contains(c);
    let are_words = words.iter().all(|w| w.chars().all(allowed));
    if words.is_empty() || words.len() > MOST_WORDS || !are_words {
        return None;
    }
    Some(words.into_iter().map(word).collect::<Vec<_>>().join(" "))
}

/// The first letter, where that does not give the word away: not of a single letter, nor of a script in which one
/// sign can be a whole name.
fn word(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first)
            if (first.is_lowercase() || first.is_uppercase())
                && letters.filter(|c| c.is_alphanumeric()).count() > 0 =>
        {
            let mut word = String::with_capacity(16);
            word.push(first);
            word.push_str(HIDDEN);
            word
        }
        _ => HIDDEN.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shape_stays_and_the_value_goes() {
        for (text, masked) in [
            ("ada.lovelace@example.com", "a***@***.com"),
            ("ADA@Mail.Example.CO.UK", "A***@***.uk"),
            ("a@example.com", "***@***.com"),
            ("1@example.com", "***@***.com"),
            ("\"a@b\"@example.org", "***@***.org"),
            ("ada@localhost", "***"),
            ("ada@10.0.0.1", "***"),
            ("@example.com", "***"),
            ("ada@.com", "***"),
            ("mail ada@example.com now", "***"),
            ("+49 170 1234567", "+** *** *****67"),
            ("(555) 010-9999", "(***) ***-**99"),
            ("0301234567", "********67"),
            ("1980-05-17", "****-**-**"),
            ("17.5.1980", "**.*.****"),
            ("10115", "***"),
            ("4111 1111 1111 1111", "***"),
            ("Ada", "A***"),
            ("Ada Lovelace", "A*** L***"),
            ("ada  lovelace", "a*** l***"),
            ("Ærøskøbing", "Æ***"),
            ("Mary-Jane O'Neill", "M*** O***"),
            ("J. R. R. Tolkien", "*** *** *** T***"),
            ("李明", "***"),
            ("one two three four five six", "***"),
            ("12 Main Street", "***"),
            ("sk_live_51Hx", "***"),
            ("Ada\nLovelace", "***"),
            ("-", "***"),
            (" ", "***"),
            ("***", "***"),
            ("", ""),
        ] {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn long_text_has_no_shape() {
        assert_eq!(mask(&"a".repeat(LONGEST + 1)), HIDDEN);
        assert_eq!(mask(&"a".repeat(LONGEST)), "a***");
    }

    proptest! {
        #[test]
        fn fuzz_a_mask_shows_two_characters_of_a_word_at_most(text in "\\PC{0,40}") {
            let masked = mask(&text);
            let shown = |m: &str| m.chars().filter(|c| c.is_alphanumeric()).count();
            let (person, top) = match masked.rsplit_once('@') {
                Some((person, domain)) => (person, domain.trim_start_matches("***.")),
                None => (masked.as_str(), ""),
            };
            prop_assert!(person.split(' ').all(|w| shown(w) <= 2), "{masked}");
            prop_assert!(top.len() <= 24 && !top.contains('.'), "{masked}");
        }

        #[test]
        fn fuzz_a_mask_of_a_mask_of_a_name_gives_no_more(text in "[A-Za-z]{2,10} [A-Za-z]{2,10}") {
            prop_assert_eq!(mask(&mask(&text)), HIDDEN);
        }
    }
}
