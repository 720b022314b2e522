//! The text of a function as PostgreSQL's scanner reads it, so that names of the template in it become names
//! of the new schema and nothing else changes. Pure.

use crate::pg::ident::quote;
use std::collections::HashSet;

/// What the template is called, and what is in it.
pub struct Names<'a> {
    pub schema: &'a str,
    pub known: HashSet<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// With the name that it means.
    Identifier(String),
    Literal,
    Operator,
    Other(char),
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

impl Names<'_> {
    /// The body with `template.name` become `slug.name` wherever the template has such a name.
    #[must_use]
    pub fn rewrite(&self, body: &str, slug: &str) -> String {
        if !body.contains(self.schema)
            && !body.to_ascii_lowercase().contains(self.schema)
            && !body.contains('\\')
        {
            return body.to_string();
        }
        let tokens = scan(body);
        let mut out = String::with_capacity(body.len());
        let mut copied = 0;
        for (i, token) in tokens.iter().enumerate() {
            if self.names_an_object(&tokens, i) {
                out += &body[copied..token.start];
                // Quoted where it was, so that nothing but the name changes.
                match body[token.start..].starts_with('"') {
                    true => out += &format!("\"{}\"", slug.replace('"', "\"\"")),
                    false => out += &quote(slug),
                }
                copied = token.end;
            }
        }
        out += &body[copied..];
        out
    }

    /// Deparsed text with the same done. There the schema's own names come out bare, but for a table whose
    /// name a WITH query of the same statement has taken.
    #[must_use]
    pub fn rewrite_deparsed(&self, text: &str, slug: &str) -> String {
        match text.contains("WITH ") {
            true => self.rewrite(text, slug),
            false => text.to_string(),
        }
    }

    /// What in the body names the template and is not rewritten: text of its own, which may be SQL that is
    /// yet to be run, and names of things that the template has not.
    #[must_use]
    pub fn left(&self, body: &str) -> Vec<String> {
        let tokens = scan(body);
        let mut found = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            let text = &body[token.start..token.end];
            match &token.kind {
                Kind::Literal if self.is_word_in(text) => found.push(shortened(text)),
                Kind::Identifier(name)
                    if name == self.schema && !self.names_an_object(&tokens, i) =>
                {
                    let end = tokens.get(i + 2).map_or(token.end, |t| t.end);
                    found.push(shortened(&body[token.start..end]));
                }
                _ => {}
            }
        }
        found.dedup();
        found
    }

    /// Whether text names the template: as a word, or in any letters before a dot.
    #[must_use]
    pub fn is_word_in(&self, text: &str) -> bool {
        self.found_in(text, self.schema, |_| true) || self.qualifies_in(text)
    }

    /// Whether text names something as the template's.
    #[must_use]
    pub fn qualifies_in(&self, text: &str) -> bool {
        let dot = |after: &str| after.trim_start_matches('"').trim_start().starts_with('.');
        self.found_in(text, self.schema, dot)
            || self.found_in(&text.to_lowercase(), self.schema, dot)
    }

    fn found_in(&self, text: &str, name: &str, then: fn(&str) -> bool) -> bool {
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        text.match_indices(name).any(|(at, _)| {
            let after = &text[at + name.len()..];
            !text[..at].chars().next_back().is_some_and(part)
                && !after.chars().next().is_some_and(part)
                && then(after)
        })
    }

    fn names_an_object(&self, tokens: &[Token], i: usize) -> bool {
        let kind = |i: usize| tokens.get(i).map(|t| &t.kind);
        if !matches!(kind(i), Some(Kind::Identifier(name)) if name == self.schema)
            || kind(i + 1) != Some(&Kind::Other('.'))
            || (i > 0 && kind(i - 1) == Some(&Kind::Other('.')) && !is_range(tokens, i))
        {
            return false;
        }
        match kind(i + 2) {
            Some(Kind::Identifier(name)) => self.known.contains(name.as_str()),
            Some(Kind::Operator) => {
                i > 1
                    && kind(i - 1) == Some(&Kind::Other('('))
                    && matches!(kind(i - 2), Some(Kind::Identifier(word)) if word == "operator")
            }
            _ => false,
        }
    }
}

/// Whether the name is the end of `1..name`.
fn is_range(tokens: &[Token], i: usize) -> bool {
    i > 1 && tokens[i - 2].kind == Kind::Other('.') && tokens[i - 2].end == tokens[i - 1].start
}

fn shortened(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The elements of a search_path, without their quotes.
#[must_use]
pub fn path_elements(path: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut rest = path.trim_start();
    while !rest.is_empty() {
        let (name, length) = if rest.starts_with('"') {
            quoted(rest, '"')
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest[..end].trim_end().to_ascii_lowercase(), end)
        };
        elements.push(name);
        rest = rest[length..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    elements
}

/// The text between a quote at the start and its end, doubled ones as one; and how long all of it is.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            name.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            name.push(c);
            chars.next();
        } else {
            return (name, at + 1);
        }
    }
    (name, text.len())
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_part(c: char) -> bool {
    is_start(c) || c.is_ascii_digit() || c == '$'
}

fn scan(body: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = body[at..].chars().next() {
        let rest = &body[at..];
        let (kind, length) = next(rest, c);
        if let Some(kind) = kind {
            tokens.push(Token { kind, start: at, end: at + length });
        }
        at += length.max(c.len_utf8());
    }
    tokens
}

/// What begins here and how long it is; None for a comment or a blank.
fn next(rest: &str, c: char) -> (Option<Kind>, usize) {
    if c.is_whitespace() {
        return (None, c.len_utf8());
    }
    if rest.starts_with("--") {
        return (None, rest.find(['\n', '\r']).unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, comment(rest));
    }
    match c {
        '\'' => return (Some(Kind::Literal), quoted(rest, '\'').1),
        '"' => {
            let (name, length) = quoted(rest, '"');
            return (Some(Kind::Identifier(name)), length);
        }
        '$' => {
            if let Some(length) = dollars(rest) {
                return (Some(Kind::Literal), length);
            }
            return (Some(Kind::Other('$')), 1);
        }
        _ => {}
    }
    let prefix = |p: &str| rest.get(..p.len()).is_some_and(|r| r.eq_ignore_ascii_case(p));
    if prefix("e'") {
        return (Some(Kind::Literal), escaped(rest));
    }
    if prefix("b'") || prefix("x'") || prefix("n'") {
        return (Some(Kind::Literal), 1 + quoted(&rest[1..], '\'').1);
    }
    if prefix("u&'") {
        return (Some(Kind::Literal), 2 + quoted(&rest[2..], '\'').1);
    }
    if prefix("u&\"") {
        let (name, length) = quoted(&rest[2..], '"');
        return (Some(Kind::Identifier(unescaped(&name))), 2 + length);
    }
    if is_start(c) {
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        return (Some(Kind::Identifier(rest[..length].to_ascii_lowercase())), length);
    }
    if c.is_ascii_digit() {
        // With its fraction: the dot is no dot between names. Two of them are a range's.
        let whole = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let after = &rest[whole..];
        let fraction = after.starts_with('.') && !after.starts_with("..");
        let length = match fraction {
            true => 1 + whole + after[1..].find(|c: char| !is_part(c)).unwrap_or(after.len() - 1),
            false => whole,
        };
        return (Some(Kind::Other('0')), length);
    }
    if "+-*/<>=~!@#%^&|`?".contains(c) {
        return (Some(Kind::Operator), 1);
    }
    (Some(Kind::Other(c)), c.len_utf8())
}

fn comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at < bytes.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The length of a string between dollar signs, if one begins here.
fn dollars(rest: &str) -> Option<usize> {
    let end = 1 + rest[1..].find('$')?;
    let tag = &rest[1..end];
    let is_tag =
        tag.is_empty() || tag.starts_with(is_start) && tag.chars().all(|c| is_part(c) && c != '$');
    if !is_tag {
        return None;
    }
    let quote = &rest[..=end];
    let body = &rest[quote.len()..];
    Some(body.find(quote).map_or(rest.len(), |at| quote.len() + at + quote.len()))
}

/// The length of an E'' string.
fn escaped(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 2;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// U&"" with the escapes that it has unless UESCAPE says otherwise.
fn unescaped(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some(at) = rest.find('\\') {
        out += &rest[..at];
        rest = &rest[at + 1..];
        let (skip, digits) = match rest.starts_with('+') {
            true => (1, 6),
            false => (0, 4),
        };
        let code = rest.get(skip..skip + digits).and_then(|d| u32::from_str_radix(d, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &rest[skip + digits..];
            }
            None => {
                out.push('\\');
                rest = rest.strip_prefix('\\').unwrap_or(rest);
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(schema: &str) -> Names<'_> {
        Names { schema, known: HashSet::from(["t", "T x", "f", "ß"]) }
    }

    #[test]
    fn names_of_the_template_become_the_new_schemas_and_nothing_else_changes() {
        for (body, expected) in [
            ("SELECT * FROM tpl.t", "SELECT * FROM acme.t"),
            ("SELECT TPL.F(Tpl . \"T x\")", "SELECT acme.F(acme . \"T x\")"),
            ("SELECT \"tpl\".t.id, \"TPL\".t", "SELECT \"acme\".t.id, \"TPL\".t"),
            ("SELECT U&\"t\\0070l\".t, U&\"t\\+000070l\".f()", "SELECT acme.t, acme.f()"),
            ("-- tpl.t\nSELECT tpl.t -- tpl.t", "-- tpl.t\nSELECT acme.t -- tpl.t"),
            ("/* tpl.t /* tpl.t */ tpl.t */ tpl.t", "/* tpl.t /* tpl.t */ tpl.t */ acme.t"),
            ("tpl /* x */ . /* y */ t", "acme /* x */ . /* y */ t"),
            ("SELECT 'tpl.t', E'\\'tpl.t', tpl.t", "SELECT 'tpl.t', E'\\'tpl.t', acme.t"),
            ("SELECT 'it''s tpl.t' || tpl.f()", "SELECT 'it''s tpl.t' || acme.f()"),
            (
                "EXECUTE $q$SELECT tpl.t$q$; PERFORM tpl.t",
                "EXECUTE $q$SELECT tpl.t$q$; PERFORM acme.t",
            ),
            ("SELECT $1.tpl.t, x.tpl.t", "SELECT $1.tpl.t, x.tpl.t"),
            (
                "SELECT tpl.unknown, tpl.t%ROWTYPE, mytpl.t, tpl_.t",
                "SELECT tpl.unknown, acme.t%ROWTYPE, mytpl.t, tpl_.t",
            ),
            ("SELECT 1 OPERATOR(tpl.+) 2, tpl.ß", "SELECT 1 OPERATOR(acme.+) 2, acme.ß"),
            ("FOR i IN 1..tpl.f() LOOP", "FOR i IN 1..acme.f() LOOP"),
            ("SELECT 'unfinished tpl.t", "SELECT 'unfinished tpl.t"),
        ] {
            assert_eq!(names("tpl").rewrite(body, "acme"), expected, "{body}");
        }
        assert_eq!(names("Té mp").rewrite("\"Té mp\".t + té mp.t", "a"), "\"a\".t + té mp.t");
    }

    #[test]
    fn what_is_left_is_told() {
        for (body, left) in [
            ("SELECT tpl.t", vec![]),
            ("SELECT 'tpl.t'::regclass", vec!["'tpl.t'"]),
            ("EXECUTE format('SELECT * FROM tpl.%I', x)", vec!["'SELECT * FROM tpl.%I'"]),
            ("EXECUTE $q$ TPL.t $q$", vec!["$q$ TPL.t $q$"]),
            ("SELECT 'Tpl', 'tpl'", vec!["'tpl'"]),
            ("SELECT 'template tpl_x atpl'", vec![]),
            ("SET search_path = tpl; SELECT 1", vec!["tpl; SELECT"]),
            ("SELECT tpl.gone", vec!["tpl.gone"]),
            ("-- tpl", vec![]),
        ] {
            assert_eq!(names("tpl").left(body), left, "{body}");
        }
    }

    #[test]
    fn a_path_is_read_with_its_quotes() {
        assert_eq!(path_elements("tpl, \"A \"\"b\" , pg_temp"), ["tpl", "A \"b", "pg_temp"]);
        assert_eq!(path_elements("\"\""), [""]);
        assert_eq!(path_elements(""), [""; 0]);
    }
}
