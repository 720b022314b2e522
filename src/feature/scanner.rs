//! Names as people write them in SQL, in the few texts that this room takes apart itself. Pure.

use crate::pg::ident::MAX_IDENTIFIER;

/// What is left of a text; white space is skipped before each part.
pub struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Scanner { rest: text.trim_matches(is_space) }
    }

    #[must_use]
    pub fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes the character, if it is the next one.
    pub fn take(&mut self, character: char) -> bool {
        let found = self.rest.strip_prefix(character);
        self.rest = found.map_or(self.rest, |rest| rest.trim_start_matches(is_space));
        found.is_some()
    }

    /// Takes the word, whatever its case, if it is the next one and stands without quotes.
    pub fn word(&mut self, word: &str) -> bool {
        let length = self.bare_length();
        let found = self.rest[..length].eq_ignore_ascii_case(word);
        if found {
            self.skip(length);
        }
        found
    }

    /// Takes a name: quoted, or bare and then in lower case, as PostgreSQL reads it.
    pub fn name(&mut self) -> Result<String, &'static str> {
        let name = match self.rest.strip_prefix('"') {
            Some(quoted) => self.quoted(quoted)?,
            None => {
                let length = self.bare_length();
                let name = self.rest[..length].to_ascii_lowercase();
                self.skip(length);
                name
            }
        };
        match name.len() {
            0 => Err("a name is missing"),
            length if length > MAX_IDENTIFIER => Err("a name is longer than 63 bytes"),
            _ => Ok(name),
        }
    }

    fn quoted(&mut self, text: &'a str) -> Result<String, &'static str> {
        let mut name = String::new();
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character == '"' && characters.next_if(|(_, next)| *next == '"').is_none() {
                self.rest = text[at + 1..].trim_start_matches(is_space);
                return Ok(name);
            }
            name.push(character);
        }
        Err("a quoted name does not end")
    }

    fn bare_length(&self) -> usize {
        let first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        if !self.rest.starts_with(first) {
            return 0;
        }
        let other = |c: char| !(first(c) || c.is_ascii_digit() || c == '$');
        self.rest.find(other).unwrap_or(self.rest.len())
    }

    fn skip(&mut self, length: usize) {
        self.rest = self.rest[length..].trim_start_matches(is_space);
    }
}

/// What PostgreSQL takes for white space; other blanks of Unicode are parts of names to it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// `schema.name`, nothing before and nothing behind.
pub fn qualified(text: &str) -> Result<(String, String), &'static str> {
    let mut scanner = Scanner::new(text);
    let schema = scanner.name()?;
    if !scanner.take('.') {
        return Err("it names no schema");
    }
    let name = scanner.name()?;
    if scanner.at_end() {
        Ok((schema, name))
    } else {
        Err("something follows the name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_postgresql_reads_them() {
        for (text, names) in [
            ("crm.Totals", Ok(("crm", "totals"))),
            (" \"Acme Co\" . \"by \"\"org\"\"\" ", Ok(("Acme Co", "by \"org\""))),
            ("naïve.x$1", Ok(("naïve", "x$1"))),
            ("totals", Err("it names no schema")),
            ("a.b.c", Err("something follows the name")),
            ("a.b; DROP TABLE x", Err("something follows the name")),
            ("a.\"b", Err("a quoted name does not end")),
            ("a.\"\"", Err("a name is missing")),
            ("a.1b", Err("a name is missing")),
            ("", Err("a name is missing")),
        ] {
            let names = names.map(|(a, b): (&str, &str)| (a.to_string(), b.to_string()));
            assert_eq!(qualified(text), names, "{text}");
        }
        assert!(qualified(&format!("a.{}", "x".repeat(64))).is_err());
    }

    #[test]
    fn a_word_ends_where_a_name_would() {
        let mut scanner = Scanner::new("a DESC nullsfirst");
        assert_eq!(scanner.name().as_deref(), Ok("a"));
        assert!(!scanner.word("asc") && scanner.word("desc") && !scanner.word("nulls"));
        assert_eq!(scanner.rest(), "nullsfirst");
    }
}
